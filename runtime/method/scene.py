"""What is to be matched: a photo, a painting, or both, as a model sees them."""

import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from stylize.models.errors import ImageError
from stylize.models.layers import LayerSet
from stylize.runtime.engine.memory import Demand, memory_need, targets_need
from stylize.runtime.method.coefficients import Coefficients, coefficients
from stylize.runtime.method.iteration import Iterate, Past, minimise
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import Options
from stylize.runtime.method.scales import stages
from stylize.runtime.method.views import Look, Size, Views
from stylize.runtime.pictures.reading import PictureLike

Array = npt.NDArray[np.float32]

EVERY_ON_DEVICE = 10
"""One in so many iterates is read from a device."""


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
        self._model = model
        self._views = Views(model.folder, photo, painting)
        self._targets: dict[tuple[str, Look], Array] = {}

    def __repr__(self) -> str:
        sources = zip(("photo", "painting"), self.sources, strict=True)
        given = ", ".join(f"{name} {size[0]}x{size[1]}" for name, size in sources if size)
        return f"<Scene: {given}, seen by {self._model}>"

    @property
    def sources(self) -> tuple[Size | None, Size | None]:
        """Width and height of the photo and of the painting, upright."""
        return self._views.sources

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
        self._views.check(options)
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
                self._views.check(found[0])
            except ImageError as error:
                raise ImageError(f"The coarsest scale is too small. {error}") from error
        return found

    def _fits(self, options: Options) -> bool:
        """Tell whether the pictures have enough pixels for the layers."""
        try:
            self._views.check(options)
        except ImageError:
            return False
        return True

    def _minimised(
        self, options: Options, start: Array, every: int, past: Past | None = None
    ) -> Iterator[Iterate]:
        """Walk downhill at one scale."""
        history = min(options.history, options.iterations)
        optimizer = self._model.optimizer(start.shape[2:], options.optimizer, history)
        alpha = self._views.alpha(options)
        return minimise(self.objective(options), optimizer, start, options, every, alpha, past)

    def _refined(
        self, iterates: Iterator[Iterate], scales: list[Options], every: int
    ) -> Iterator[Iterate]:
        """Go through the scales; each begins with the best image of the one before."""
        begun = time.perf_counter()
        last = yield from _passed_on(iterates)
        for coarse, options in pairwise(scales):
            start = self._views.refined(last.best.pixels, coarse, options)
            past = Past(last.iteration, last.spared, begun)
            last = yield from _passed_on(self._minimised(options, start, every, past))

    def check(self, options: Options) -> None:
        """Find out whether `render` can start, but for damaged files; raise what that would raise.

        That costs next to nothing, whatever the size: no pixel is read.
        """
        self._views.check(options)
        self.stages(options)
        self._views.start_picture(options.init)

    def read(self, options: Options) -> None:
        """Read the pictures in the sizes that `render` needs.

        Raises
        ------
        ImageError
            One of them is damaged, or has too many pixels to be read.
        """
        for stage in self.stages(options):
            self._views.read(stage)

    def size(self, options: Options) -> Size:
        """Return the width and height of the picture that `render` makes.

        Raises
        ------
        ImageError
            A side would be too short for a layer to respond.
        ModelError, OptionError
            The model has no graph for the layers, or no such layer.
        """
        return self._views.size(options)

    def coefficients(self, options: Options) -> Coefficients:
        """Return the factors of each layer's loss in what `render` minimises at the last scale.

        Raises
        ------
        ImageError
            The photo is too small for ``options.size``.
        OptionError
            The model has no such layer.
        """
        return coefficients(options, self._model.folder.manifest.layer, self._views.field(options))

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
            size = self._views.painting_size(options)
            demands["--painting-size"] = Demand(size, targets_need(folder, seen))
        return demands

    def objective(self, options: Options) -> Objective:
        """Return what `render` minimises: the total loss (eq. 7) and its gradient by the image.

        It raises what `render` does, except for the picture to start from.
        """
        views, layers = self._views, options.layers
        views.check(options)
        targets: dict[str, Array] = {}
        if layers.content:
            look, canvas = views.content_look(options), partial(views.canvas, options)
            targets |= self._targets_of("content", layers.content, look, canvas)
        if layers.style:
            look, painting = views.style_look(options), partial(views.painting, options)
            targets |= self._targets_of("style", layers.style, look, painting)
        weights = self.coefficients(options).absolute(self._model.folder.manifest, targets)
        return self._model.objective(
            self._views.field(options), targets, weights.content, weights.style, weights.variation
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
        return self._views.start(options)

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


def _passed_on(iterates: Iterator[Iterate]) -> Generator[Iterate, None, Iterate]:
    """Yield all iterates, and return the last."""
    iterate: Iterate | None = None
    for iterate in iterates:
        yield iterate
    assert iterate
    return iterate
