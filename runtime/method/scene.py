"""What is to be matched: a photo, a painting, or both, as a model sees them."""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import OptionError
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.engine.memory import Demand, memory_need, targets_need
from stylize.runtime.method.coefficients import Coefficients, coefficients
from stylize.runtime.method.iteration import Iterate, minimise
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import Options
from stylize.runtime.method.start import faint_noise, start_file, white_noise
from stylize.runtime.pictures.arrays import to_array
from stylize.runtime.pictures.limits import MIN_SIDE, Side
from stylize.runtime.pictures.reading import Picture, PictureLike, open_picture
from stylize.runtime.pictures.sizes import check_sides, scaled_size
from stylize.runtime.pictures.transparency import Seen

Array = npt.NDArray[np.float32]
Size = tuple[int, int]
"""Width and height."""
Scale = tuple[int | tuple[int, int], Side]
"""``Options.size`` and ``Options.side``, for one picture."""

USE_LARGER = "Use a larger --size."

EVERY_ON_DEVICE = 10
"""One in so many iterates is read from a device."""

RECENT = 4
"""So many scaled pictures a scene remembers."""


class Scene:
    """A photo and a painting, or one of the two, for any number of pictures made of them.

    Each target is computed once, and the graph stays loaded from one picture to the next as long
    as it fits: a grid of many weights costs little more than its iterations. A file is read when a
    size of it is first needed, so it must stay where it is.

    Parameters
    ----------
    model : Model
        The model that extracts the features.
    photo : PIL image, path, bytes, binary file or array, optional
        The picture whose content is matched (eq. 1). Without it, the result is a texture: the
        painting's style alone. If parts of the photo are transparent, they are in the result.
    painting : PIL image, path, bytes, binary file or array, optional
        The picture whose style is matched (eq. 4 and 5), on white where it is transparent. Without
        it, the result is a reconstruction of the photo's content.

    Raises
    ------
    ImageError
        A picture cannot be read or used.
    OptionError
        There is neither a photo nor a painting.
    """

    def __init__(
        self,
        model: Model,
        photo: PictureLike | None = None,
        painting: PictureLike | None = None,
    ) -> None:
        if photo is None and painting is None:
            raise OptionError("There is nothing to match: give a photo, a painting, or both.")
        self._model = model
        self._photo = None if photo is None else open_picture(photo, alpha=True)
        self._painting = None if painting is None else open_picture(painting)
        self._recent: dict[object, Seen] = {}
        self._targets: dict[tuple[str, Scale], Array] = {}

    def __repr__(self) -> str:
        pictures = {"photo": self._photo, "painting": self._painting}
        given = ", ".join(f"{name} {_size(found)}" for name, found in pictures.items() if found)
        return f"<Scene: {given}, seen by {self._model}>"

    @property
    def sources(self) -> tuple[Size | None, Size | None]:
        """Width and height of the photo and of the painting, upright."""
        photo, painting = self._photo, self._painting
        return photo.size if photo else None, painting.size if painting else None

    def render(self, options: Options, every: int | None = None) -> Iterator[Iterate]:
        """Make a picture, and yield an Iterate for each evaluation of the gradient.

        The result is the last iterate's ``best``. Mostly that is the iterate itself, but a step
        without a line search may overshoot. If a loss stays NaN or infinite, DivergenceError is
        raised; the iterates before it are good.

        Parameters
        ----------
        options : Options
            Settings of the picture.
        every : int, optional
            Yield one in so many iterates, and the first and the last. The default is 1 if the
            provider computes in the CPU's memory, and 10 on a device, which would wait for each.

        Raises
        ------
        ImageError
            A picture is too small for ``options.size``, or the one to start from cannot be read.
        ModelError
            The model has no graph for the layers.
        OptionError
            The model has no such layer, there is no such picture to start from, or a loss has a
            weight and no picture to compare with.
        """
        self._check_losses(options)
        start = self.start(options)  # before a graph is loaded, since a file may be missing
        _, _, height, width = start.shape
        history = min(options.history, options.iterations)
        optimizer = self._model.optimizer((height, width), options.optimizer, history)
        on_device = self._model.provider.memory != "cpu"
        every = every or (EVERY_ON_DEVICE if on_device else 1)
        alpha = self._canvas_at(options).alpha
        return minimise(self.objective(options), optimizer, start, options, every, alpha)

    def check(self, options: Options) -> None:
        """Find out whether `render` can start, but for damaged files; raise what that would raise.

        That costs next to nothing, whatever the size: no pixel is read.
        """
        self._check_losses(options)
        self._start_picture(options.init)

    def read(self, options: Options) -> None:
        """Read the pictures in the sizes that `render` needs.

        Raises
        ------
        ImageError
            One of them is damaged, or has too many pixels to be read.
        """
        self._canvas_at(options)
        if options.layers.style:
            self._painting_at(options)

    def size(self, options: Options) -> tuple[int, int]:
        """Return the width and height of the picture that `render` makes.

        Raises
        ------
        ImageError
            A side would be too short for a layer to respond.
        ModelError, OptionError
            The model has no graph for the layers, or no such layer.
        """
        folder, layers = self._model.folder, options.layers
        graphs = [folder.gradient_graph(layers)]
        if layers.content:
            graphs.append(folder.targets_graph(LayerSet(content=layers.content)))
        least = self._least_side(*graphs)
        if isinstance(options.size, tuple):
            check_sides(options.size, "The size is", USE_LARGER, least)
            return options.size
        return scaled_size(self._canvas.size, options.size, options.side, USE_LARGER, least)

    def coefficients(self, options: Options) -> Coefficients:
        """Return the factors of L_c (eq. 1) and E_l (eq. 4) of each layer in what `render` makes.

        Raises
        ------
        ImageError
            The photo is too small for ``options.size``.
        OptionError
            The model has no such layer.
        """
        width, height = self.size(options)
        return coefficients(options, self._model.folder.manifest.layer, (height, width))

    def demands(self, options: Options) -> dict[str, Demand]:
        """Return the CPU memory that `render` needs, by the option that changes it.

        ``--size`` is that of the iteration, and ``--painting-size`` that of looking at the
        painting before it. It raises what `size` does.
        """
        folder, layers = self._model.folder, options.layers
        graph = folder.gradient_graph(layers)
        history = options.history if options.optimizer == "lbfgs" else 1
        steps = min(history, options.iterations)
        demands = {"--size": Demand(self.size(options), memory_need(folder, graph.layers, steps))}
        if layers.style:
            seen = folder.targets_graph(LayerSet(style=layers.style)).layers
            size = self._painting_size(options)
            demands["--painting-size"] = Demand(size, targets_need(folder, seen))
        return demands

    def objective(self, options: Options) -> Objective:
        """Return what `render` minimises: the total loss (eq. 7) and its gradient by the image.

        It raises what `render` does, except for the picture to start from.
        """
        self._check_losses(options)
        layers = options.layers
        targets: dict[str, Array] = {}
        if layers.content:
            scale = (options.size, options.side)
            targets |= self._targets_of(
                "content", layers.content, scale, lambda: self._canvas_at(options).colours
            )
        if layers.style:
            scale = (self._style_size(options), options.side)
            targets |= self._targets_of(
                "style", layers.style, scale, lambda: self._painting_at(options)
            )
        width, height = self.size(options)
        weights = self.coefficients(options)
        return self._model.objective(
            (height, width), targets, weights.content, weights.style, weights.variation
        )

    def start(self, options: Options) -> Array:
        """Return the image that `render` starts from, shape (1, 3, height, width), in 0...1.

        A picture of other proportions is cut, not distorted.

        Raises
        ------
        ImageError
            It is too small, or a file cannot be read.
        OptionError
            There is no such picture here.
        """
        width, height = self.size(options)
        if options.init == "noise":
            return white_noise((width, height), options.seed)
        if options.init == "grey":
            preprocessing = self._model.folder.manifest.preprocessing
            return faint_noise((width, height), options.seed, preprocessing)
        picture = self._start_picture(options.init)
        assert picture
        if picture is self._canvas:
            return to_array(self._canvas_at(options).colours)
        return to_array(self._seen(picture, (width, height), cut=True).colours)

    def _check_losses(self, options: Options) -> None:
        layers = options.layers
        self.size(options)
        if layers.content and self._photo is None:
            raise OptionError(
                "There is no photo here for the content to be compared with. Give one, or set the "
                "content weight to 0."
            )
        if layers.style:
            self._style_size(options)

    @property
    def _canvas(self) -> Picture:
        """The picture whose proportions count: the photo, or for a texture the painting."""
        canvas = self._photo or self._painting
        assert canvas
        return canvas

    def _canvas_at(self, options: Options) -> Seen:
        """Return the canvas in the size of the result."""
        return self._seen(self._canvas, self.size(options), isinstance(options.size, tuple))

    def _painting_at(self, options: Options) -> Image.Image:
        """Return the painting in the size in which its style is matched."""
        assert self._painting
        return self._seen(self._painting, self._painting_size(options)).colours

    def _painting_size(self, options: Options) -> Size:
        """Return the width and height in which the painting's style is matched."""
        pixels = self._style_size(options)
        assert self._painting
        return scaled_size(self._painting.size, pixels, options.side)

    def _seen(self, picture: Picture, size: tuple[int, int], cut: bool = False) -> Seen:
        """Return a picture in a size, remembering the last few; `cut` keeps its proportions."""
        key = picture, size, cut
        if key not in self._recent:
            found = picture.seen(size, cut)
            self._recent = dict([*self._recent.items(), (key, found)][-RECENT:])
        return self._recent[key]

    def _style_size(self, options: Options) -> int:
        """Return the pixels of the painting's side that ``options.side`` names."""
        if self._painting is None:
            raise OptionError(
                "There is no painting here for the style to be compared with. Give one, or set the "
                "style weight to 0."
            )
        sides = options.size if isinstance(options.size, tuple) else (options.size,)
        measured = max(sides) if options.side == "long" else min(sides)
        pixels = options.painting_size or measured
        style = LayerSet(style=options.layers.style)
        least = self._least_side(self._model.folder.targets_graph(style))
        hint = "Use a larger --painting-size (or --size)."
        scaled_size(self._painting.size, pixels, options.side, hint, least)
        return pixels

    def _least_side(self, *graphs: GraphFile) -> int:
        """Return how many pixels a side must have for all layers of the graphs to respond."""
        return max(MIN_SIDE, *(self._model.folder.least_side(graph.layers) for graph in graphs))

    def _targets_of(
        self,
        kind: Literal["content", "style"],
        layers: tuple[str, ...],
        scale: Scale,
        picture: Callable[[], Image.Image],
    ) -> dict[str, Array]:
        """Return the targets of a picture at a scale, computing those that are not known yet."""
        names = {layer: f"{kind}_target.{layer}" for layer in layers}
        unknown = [layer for layer, name in names.items() if (name, scale) not in self._targets]
        if unknown:
            found = self._model.targets(to_array(picture()), LayerSet(**{kind: tuple(unknown)}))
            self._targets |= {(name, scale): target for name, target in found.items()}
        return {name: self._targets[name, scale] for name in names.values()}

    def _start_picture(self, init: str) -> Picture | None:
        """Return the picture to start from; None for noise and grey.

        Raises
        ------
        ImageError
            A file cannot be read.
        OptionError
            There is no such picture here.
        """
        if init in ("noise", "grey"):
            return None
        if init in ("photo", "painting"):
            picture = self._photo if init == "photo" else self._painting
            if picture is None:
                raise OptionError(
                    f"There is no {init} here to start from. Choose noise, grey, or a file."
                )
            return picture
        return open_picture(start_file(init), alpha=True)


def _size(picture: Picture) -> str:
    width, height = picture.size
    return f"{width}x{height}"
