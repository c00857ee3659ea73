"""What is to be matched: a photo, a painting, or both, as a model sees them."""

import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stylize.models.errors import ImageError, StylizeError
from stylize.runtime.engine.memory import PROCESS
from stylize.runtime.method.averaging import Averaged, AveragedByTiles
from stylize.runtime.method.coefficients import Coefficients, by_regions, coefficients
from stylize.runtime.method.descent import Descent
from stylize.runtime.method.iteration import Found, Iterate, Search, minimise
from stylize.runtime.method.model import Model
from stylize.runtime.method.moments import Moments
from stylize.runtime.method.objective import Factor, Objective
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import as_paintings
from stylize.runtime.method.parts import Part
from stylize.runtime.method.regions import Region
from stylize.runtime.method.scales import stages
from stylize.runtime.method.standing import NOBODY, Entry, Keeper, Snapshot, Standing, State
from stylize.runtime.method.streamed import StreamedObjective, StreamedSearch
from stylize.runtime.method.targets import Targets
from stylize.runtime.method.views import Size, Views
from stylize.runtime.pictures.colour import TO_SRGB, Conversion
from stylize.runtime.pictures.limits import MAX_SIDE, MIN_SIDE
from stylize.runtime.pictures.reading import PictureLike
from stylize.runtime.streaming.plan import Plan
from stylize.runtime.streaming.storage import sum_of_squares

if TYPE_CHECKING:
    from stylize.runtime.method.paintings import PaintingsLike

Array = npt.NDArray[np.float32]

EVERY_ON_DEVICE = 10
"""One in so many iterates is read from a device."""


class Scene:
    """A photo and paintings, or either, for any number of pictures made of them.

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
    painting : PIL image, path, bytes, binary file, array or Painting, or a list of these, optional
        The picture whose style is matched (eq. 4 and 5), on white where it is transparent. Of
        several, each `Painting` tells its share, or the layers that see it. Without any, the result
        is a reconstruction of the photo's content.
    regions : sequence of Region
        Parts of the photo with paintings of their own. The rest takes the style of `painting`, or
        follows the photo.
    conversion : Conversion
        The colour space in which the pictures are read and painted, if other than sRGB, and which
        values are black and white in files of floats.

    Raises
    ------
    ImageError
        A picture cannot be read or used, or a mask has other proportions than what it lies over.
    OptionError
        There is neither a photo nor a painting, or there are regions of no photo.
    """

    def __init__(
        self,
        model: Model,
        photo: PictureLike | None = None,
        painting: "PaintingsLike | None" = None,
        regions: Sequence[Region[PictureLike]] = (),
        conversion: Conversion = TO_SRGB,
    ) -> None:
        self._model = model
        self._views = Views(model.folder, photo, as_paintings(painting), regions, conversion)
        self._targets = Targets(model, self._views)
        self._plans: dict[object, Plan] = {}

    def __repr__(self) -> str:
        photo, paintings = self.sources
        sizes = [("photo", photo), *(("painting", size) for size in paintings)]
        given = ", ".join(f"{name} {size[0]}x{size[1]}" for name, size in sizes if size)
        return f"<Scene: {given}, seen by {self._model}>"

    @property
    def sources(self) -> tuple[Size | None, tuple[Size, ...]]:
        """Width and height of the photo and of the paintings, upright."""
        return self._views.sources

    @property
    def on_device(self) -> bool:
        """Whether it is computed in another memory than the CPU's."""
        return self._model.provider.memory != "cpu"

    def render(
        self,
        options: Options,
        every: int | None = None,
        keeper: Keeper = NOBODY,
        resumed: Snapshot | None = None,
    ) -> Iterator[Iterate]:
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
        keeper : Keeper
            Is offered snapshots, from which another process can go on.
        resumed : Snapshot, optional
            Where to go on, of a picture of the same options, the same model and the same pictures.
            What comes is the same as if there had been no end; `every` is then as it was.

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
        scales = self.stages(options)
        self._views.start_picture(options)  # before a graph is loaded: a file may be missing
        if resumed:
            self.spare = resumed.standing.spare
        every = every or (EVERY_ON_DEVICE if self.on_device else 1)
        here = resumed or Snapshot(Standing(every, self.spare), {})
        scale = here.standing.scale
        iterates = self._minimised(scales[scale], self._begin(here, scales), here, keeper)
        return self._refined(iterates, scales[scale:], here.standing, keeper)

    def _begin(self, here: Snapshot, scales: list[Options]) -> Callable[[], Array]:
        """Return what gives the image that the search of a scale begins with."""
        scale, state = here.standing.scale, here.state
        if not state:
            return partial(self.start, scales[scale])
        if not here.standing.step:
            return lambda: self._views.refined(state["best"].read(), *scales[scale - 1 : scale + 1])
        return state["image"].read

    def counted(self, options: Options) -> Options:
        """Return the same options, whose iterations are those of all scales together."""
        if options.iterations_of == "all":
            return options
        iterations = sum(stage.iterations for stage in self.stages(options))
        return replace(options, iterations=iterations, iterations_of="all")

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
        self, options: Options, start: Callable[[], Array], here: Snapshot, keeper: Keeper
    ) -> "Walk":
        """Walk downhill at one scale."""
        search = self._search(options, self.plan(options), start)
        standing, preserved = here.standing, self._views.preserved(options)
        if standing.step:
            search.resume(here.state)
        elif moments := Moments.of(here.state):
            search.carry(moments.enlarged(self._views.field(options), options.margin))
        return minimise(search, options, standing.every, preserved, standing, keeper)

    def search(self, options: Options, plan: Plan) -> Search:
        """Return the optimiser of one scale at the image to begin with, working as a plan says."""
        return self._search(options, plan, partial(self.start, options))

    def _search(self, options: Options, plan: Plan, start: Callable[[], Array]) -> Search:
        """Return the optimiser at the image to begin with."""
        options = planned(options, plan)
        objective = self._objective(options, plan)
        if isinstance(objective, StreamedObjective):
            search = StreamedSearch(objective, start(), options)
            return AveragedByTiles(search, options.average) if options.average else search
        optimizer = self._model.optimizer(
            self._views.field(options), options.optimizer, plan.history
        )
        descent = Descent(optimizer, objective, start(), options)
        return Averaged(descent, options.average) if options.average else descent

    def _refined(
        self,
        iterates: "Walk",
        scales: list[Options],
        standing: Standing,
        keeper: Keeper,
    ) -> Iterator[Iterate]:
        """Go through the scales; each begins with the best image of the one before."""
        begun = time.perf_counter() - standing.seconds
        last, moments = yield from _passed_on(iterates)
        for coarse, options in pairwise(scales):
            standing = _next_scale(standing, last, time.perf_counter() - begun)
            state = moments.state if moments else {}
            keeper.watch(partial(_between, standing, last.best, state))
            # A function, so that nobody but the search holds on to the image.
            start = partial(self._views.refined, last.best.pixels, coarse, options)
            iterates = self._minimised(options, start, Snapshot(standing, state), keeper)
            last, moments = yield from _passed_on(iterates)

    def check(self, options: Options) -> None:
        """Find out whether `render` can start, but for damaged files; raise what that would raise.

        That costs next to nothing, whatever the size: no pixel is read.
        """
        self._views.check(options)
        self.stages(options)
        self._views.start_picture(options)

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

    def plan(self, options: Options) -> Plan:
        """Return how `render` computes the last scale: whole or by tiles, and what lies where.

        It raises what `size` does.

        Raises
        ------
        OptionError
            The picture does not fit into the memory that was given.
        """
        return self._plan(options, self.spare)

    def _plan(self, options: Options, spare: int | None) -> Plan:
        """Return the same, given the bytes of memory that are free."""
        history = min(options.history, options.iterations)
        wanted = options.optimizer, history, spare, self._views.regions(options)
        asked = self._views.field(options), options.layers, *wanted, bool(options.average)
        key = self._model.budget, *asked
        if key not in self._plans:  # once, since what this process takes of a disk would count
            self._plans[key] = self._model.plan(*asked)
        return self._plans[key]

    def painting_plan(self, options: Options) -> Plan:
        """Return how that painting is looked at which takes most memory; see `plan`."""
        return self._painting_plan(options, self.plan(options), self.spare)

    def _painting_plan(self, options: Options, plan: Plan, spare: int | None) -> Plan:
        self._views.check(options)
        looks = {
            (size, part.painting_stencil is not None)
            for part, size in self._views.painting_sizes_by_part(options)
        }
        plans = (
            self._plan_targets(options, size[::-1], plan, spare, masked) for size, masked in looks
        )
        return max(plans, key=lambda each: each.memory)

    def _plan_targets(
        self,
        options: Options,
        size: tuple[int, int],
        plan: Plan,
        spare: int | None,
        masked: bool,
    ) -> Plan:
        return self._model.plan_targets(size, options.layers, spare, plan.tile, masked)

    def memory_of_reading(self, options: Options) -> int:
        """Return how many bytes this process takes while the larger of the pictures is read."""
        return PROCESS + self._views.bytes_read(options)

    def painting_size(self, options: Options) -> Size:
        """Return the width and height in which a painting's style is matched; the largest one's."""
        return max(self._views.painting_sizes(options), key=prod)

    def largest(self, options: Options, of_painting: bool, memory: int) -> Size | None:
        """Return the width and height of the largest picture that fits into so many bytes.

        Parameters
        ----------
        options : Options
            The settings of a picture; only its size is changed.
        of_painting : bool
            Whether the painting's size is asked for, of which the other settings are kept.
        memory : int
            The bytes, all of which are taken to be free.

        Returns
        -------
        tuple of int, or None
            Whatever size the options have; None if no size would fit.
        """

        def too_large(side: int) -> bool:
            changed = _resized(options, of_painting, side)
            try:
                return self._most(changed, of_painting, memory) > memory
            except ImageError:  # too small for the layers
                return False
            except StylizeError:  # it does not fit into the memory that was given, or on the disk
                return True

        least = most = _least_side(options)
        while most < MAX_SIDE and not too_large(most):
            most = min(2 * most, MAX_SIDE)
        sides = range(least, most + 1)
        fitting = bisect_left(sides, True, key=too_large)
        if not fitting:
            return None
        found = _resized(options, of_painting, sides[fitting - 1])
        try:
            return self.painting_size(found) if of_painting else self.size(found)
        except ImageError:
            return None

    def _most(self, options: Options, of_painting: bool, spare: int) -> int:
        """Return the bytes that a size of the painting or of the picture takes.

        A painting without a size of its own grows with the picture.
        """
        plan = self._plan(options, spare)
        found = [] if of_painting else [plan.memory]
        if not of_painting and not self.on_device:
            found.append(self.memory_of_reading(options))
        if of_painting or (options.layers.style and options.painting_size is None):
            found.append(self._painting_plan(options, plan, spare).memory)
        return max(found)

    @cached_property
    def spare(self) -> int | None:
        """Bytes that a picture may take where it is computed; None if nobody knows.

        They are found out once, since what this process takes would count otherwise.
        """
        return self._model.memory_to_spare()

    def objective(self, options: Options) -> Objective | StreamedObjective:
        """Return what `render` minimises: the total loss (eq. 7) and its gradient by the image.

        It raises what `render` does, except for the picture to start from.
        """
        return self._objective(options, self.plan(options))

    def _objective(self, options: Options, plan: Plan) -> Objective | StreamedObjective:
        views, model = self._views, self._model
        views.check(options)
        field = views.field(options)
        # First: a large painting needs its own tiles.
        of_parts = [self._style_targets(part, options) for part in views.parts] or [{}]
        streamed = model.streamed(field, options.layers, plan) if plan.tile else None
        targets, squares = dict[str, Array](), dict[str, float]()
        if streamed and options.layers.content:
            squares = streamed.look_at(views.canvas(options))
        elif options.layers.content:
            targets = self._targets.content(options)
            squares = {name: sum_of_squares(target) for name, target in targets.items()}
        factors = self.coefficients(options)
        each = [factors.absolute(model.folder.manifest, found, squares) for found in of_parts]
        style: Mapping[str, Factor] = each[0].style
        shares: tuple[float, ...] = ()
        if plan.regions:
            shares = views.shares(options)
            style = by_regions([one.style for one in each], shares)
            targets |= self._targets.guided(of_parts, options)
        else:
            targets |= of_parts[0]
        weights = each[0].content, style, each[0].variation, each[0].statistics, shares
        if streamed:
            return model.streamed_objective(streamed, targets, *weights)
        return model.objective(field, targets, *weights)

    def _style_targets(self, part: Part, options: Options) -> dict[str, Array]:
        def plan(size: tuple[int, int], masked: bool) -> Plan:
            return self._plan_targets(options, size, self.plan(options), self.spare, masked)

        return self._targets.style(part, options, plan)

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


def _least_side(options: Options) -> int:
    """Return the least that `_resized` can be given."""
    if isinstance(options.size, int):
        return MIN_SIDE
    return -(-MIN_SIDE * max(options.size) // min(options.size))


def _resized(options: Options, of_painting: bool, side: int) -> Options:
    """Return options with another size of the painting or of the picture, in its proportions."""
    if of_painting:
        return replace(options, painting_size=side)
    if isinstance(options.size, int):
        return replace(options, size=side)
    width, height = (each * side // max(options.size) for each in options.size)
    return replace(options, size=(width, height))


def planned(options: Options, plan: Plan) -> Options:
    """Return options as the plan has them: the optimiser, its history, and no mean by workers."""
    remembered = min(options.history, options.iterations)
    history = options.history if plan.history == remembered else plan.history
    average = 0.0 if plan.workers else options.average
    return replace(options, optimizer=plan.optimizer, history=history, average=average)


def _next_scale(standing: Standing, last: Iterate, seconds: float) -> Standing:
    """Return how far a picture is after the last iterate of a scale."""
    return Standing(
        every=standing.every,
        spare=standing.spare,
        scale=standing.scale + 1,
        iterations=last.iteration,
        spared=last.spared,
        seconds=seconds,
    )


def _between(standing: Standing, best: Found, state: State) -> Snapshot:
    """Return a picture between two scales."""
    return Snapshot(standing, {"best": Entry.of(best.pixels), **state})


Walk = Generator[Iterate, None, Moments | None]
"""The iterates of a scale, and what Adam remembers at its end."""


def _passed_on(iterates: Walk) -> Generator[Iterate, None, tuple[Iterate, Moments | None]]:
    """Yield all iterates; return the last, and what Adam remembers."""
    iterate: Iterate | None = None
    while True:
        try:
            iterate = next(iterates)
        except StopIteration as end:
            assert iterate
            return iterate, end.value
        yield iterate
