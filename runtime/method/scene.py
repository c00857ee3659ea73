"""What is to be matched: a photo, a painting, or both, as a model sees them."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import ImageError, OptionError
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.engine.memory import Demand, memory_need, targets_need
from stylize.runtime.method.coefficients import Coefficients, coefficients
from stylize.runtime.method.iteration import Iterate, Past, minimise
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import Options
from stylize.runtime.method.scales import stages
from stylize.runtime.method.start import faint_noise, start_file, white_noise
from stylize.runtime.pictures.arrays import enlarged, framed, to_array
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.matching import with_colours_of
from stylize.runtime.pictures.reading import Picture, PictureLike, open_picture
from stylize.runtime.pictures.sizes import check_sides, scaled_size
from stylize.runtime.pictures.transparency import Seen

Array = npt.NDArray[np.float32]
Size = tuple[int, int]
"""Width and height."""
Look = tuple[object, ...]
"""What decides on the pixels of a picture that are looked at: its size, side, margin and so on."""

USE_LARGER = "Use a larger --size."

EVERY_ON_DEVICE = 10
"""One in so many iterates is read from a device."""

RECENT = 12
"""So many scaled pictures a scene remembers: two for each scale of a picture of 4096 pixels."""


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
        self._targets: dict[tuple[str, Look], Array] = {}

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
        coarsest, *finer = self.stages(options)
        start = self.start(coarsest)  # before a graph is loaded, since a file may be missing
        on_device = self._model.provider.memory != "cpu"
        every = every or (EVERY_ON_DEVICE if on_device else 1)
        return self._refined(self._minimised(coarsest, start, every), [coarsest, *finer], every)

    def stages(self, options: Options) -> list[Options]:
        """Return the settings of each scale in which `render` paints, from coarse to fine.

        Raises
        ------
        ImageError
            A scale is too small for the photo, the painting or the layers.
        OptionError
            A scale is larger than the picture, or there are fewer iterations than scales.
        """
        found = stages(options, self.size(options), self._fits)
        if len(found) > 1:
            try:
                self._check_losses(found[0])
            except ImageError as error:
                raise ImageError(f"The coarsest scale is too small. {error}") from error
        return found

    def _fits(self, options: Options) -> bool:
        """Tell whether the pictures have enough pixels for the layers."""
        try:
            self._check_losses(options)
        except ImageError:
            return False
        return True

    def _minimised(
        self, options: Options, start: Array, every: int, past: Past | None = None
    ) -> Iterator[Iterate]:
        """Walk downhill at one scale."""
        history = min(options.history, options.iterations)
        optimizer = self._model.optimizer(start.shape[2:], options.optimizer, history)
        alpha = self._canvas_at(options).alpha
        return minimise(self.objective(options), optimizer, start, options, every, alpha, past)

    def _refined(
        self, iterates: Iterator[Iterate], scales: list[Options], every: int
    ) -> Iterator[Iterate]:
        """Go through the scales; each begins with the best image of the one before."""
        begun = time.perf_counter()
        last = yield from _passed_on(iterates)
        for coarse, options in pairwise(scales):
            start = framed(self._enlarged(last.best.pixels, coarse, options), options.margin)
            past = Past(last.iteration, last.spared, begun)
            last = yield from _passed_on(self._minimised(options, start, every, past))

    def _enlarged(self, pixels: Array, coarse: Options, fine: Options) -> Array:
        """Return the image to begin a finer scale with.

        If it all began with the photo, what the coarser scale could not show of it comes along.
        Otherwise the losses would have to bring that back from a blur.
        """
        image = enlarged(pixels, self.size(fine))
        if fine.init != "photo":
            return image
        photo, seen = (self._canvas_array(replace(each, margin=0)) for each in (fine, coarse))
        return image + photo - enlarged(seen, self.size(fine))

    def check(self, options: Options) -> None:
        """Find out whether `render` can start, but for damaged files; raise what that would raise.

        That costs next to nothing, whatever the size: no pixel is read.
        """
        self._check_losses(options)
        self.stages(options)
        self._start_picture(options.init)

    def read(self, options: Options) -> None:
        """Read the pictures in the sizes that `render` needs.

        Raises
        ------
        ImageError
            One of them is damaged, or has too many pixels to be read.
        """
        for stage in self.stages(options):
            self._canvas_at(stage)
            if stage.layers.style:
                self._painting_at(stage)

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
        """Return the factors of each layer's loss in what `render` minimises at the last scale.

        Raises
        ------
        ImageError
            The photo is too small for ``options.size``.
        OptionError
            The model has no such layer.
        """
        return coefficients(options, self._model.folder.manifest.layer, self._field(options))

    def demands(self, options: Options) -> dict[str, Demand]:
        """Return the CPU memory that `render` needs, by the option that changes it.

        ``--size`` is that of the iteration, and ``--painting-size`` that of looking at the
        painting before it. It raises what `size` does.
        """
        folder, layers = self._model.folder, options.layers
        graph = folder.gradient_graph(layers)
        history = options.history if options.optimizer == "lbfgs" else 1
        steps = min(history, options.iterations)
        need = memory_need(folder, graph.layers, steps, options.margin)
        demands = {"--size": Demand(self.size(options), need)}
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
            matched = self._painting_size(options) if self._matches(options) else None
            targets |= self._targets_of(
                "content",
                layers.content,
                (options.size, options.side, options.margin, matched),
                lambda: self._canvas_array(options),
            )
        if layers.style:
            targets |= self._targets_of(
                "style",
                layers.style,
                (self._style_size(options), options.side),
                lambda: to_array(self._painting_at(options)),
            )
        weights = self.coefficients(options).absolute(self._model.folder.manifest, targets)
        return self._model.objective(
            self._field(options), targets, weights.content, weights.style, weights.variation
        )

    def start(self, options: Options) -> Array:
        """Return the image that a scale starts from, shape (1, 3, height, width), in 0...1.

        A picture of other proportions is cut, not distorted. The margin is part of the image.

        Raises
        ------
        ImageError
            It is too small, or a file cannot be read.
        OptionError
            There is no such picture here.
        """
        height, width = self._field(options)
        if options.init == "noise":
            return white_noise((width, height), options.seed)
        if options.init == "grey":
            preprocessing = self._model.folder.manifest.preprocessing
            return faint_noise((width, height), options.seed, preprocessing)
        picture = self._start_picture(options.init)
        assert picture
        if picture is self._canvas:
            return self._canvas_array(options)
        seen = self._seen(picture, self.size(options), cut=True)
        return framed(to_array(seen.colours), options.margin)

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

    def _canvas_array(self, options: Options) -> Array:
        """Return the canvas as an array, in the colours that are wanted, with its margin."""
        pixels = to_array(self._canvas_at(options).colours)
        if self._matches(options):
            alpha = self._canvas_at(options).alpha
            pixels = with_colours_of(pixels, to_array(self._painting_at(options)), alpha)
        return framed(pixels, options.margin)

    def _matches(self, options: Options) -> bool:
        """Tell whether the photo takes on the painting's colours before anything else."""
        wanted = options.colors == "painting-matched" and bool(options.layers.style)
        return wanted and self._photo is not None and self._painting is not None

    def _field(self, options: Options) -> Size:
        """Return height and width of what is computed: the result with its margin."""
        width, height = self.size(options)
        return height + 2 * options.margin, width + 2 * options.margin

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
        look: Look,
        picture: Callable[[], Array],
    ) -> dict[str, Array]:
        """Return the targets of a picture in one look, computing those that are not known yet."""
        names = {layer: f"{kind}_target.{layer}" for layer in layers}
        unknown = [layer for layer, name in names.items() if (name, look) not in self._targets]
        if unknown:
            found = self._model.targets(picture(), LayerSet(**{kind: tuple(unknown)}))
            self._targets |= {(name, look): target for name, target in found.items()}
        return {name: self._targets[name, look] for name in names.values()}

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


def _passed_on(iterates: Iterator[Iterate]) -> Generator[Iterate, None, Iterate]:
    """Yield all iterates, and return the last."""
    iterate: Iterate | None = None
    for iterate in iterates:
        yield iterate
    assert iterate
    return iterate


def _size(picture: Picture) -> str:
    width, height = picture.size
    return f"{width}x{height}"
