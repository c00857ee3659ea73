"""One process that makes a batch: each pair, unless its picture is there or another makes it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.edge import message_of
from stylize.cli.making.begun import Begun
from stylize.cli.making.keeping import USUAL, Interval, Keeping, beside, describing
from stylize.cli.making.opening import check_memory
from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import follow
from stylize.cli.making.saving import Results
from stylize.cli.making.unfinished import Unfinished
from stylize.cli.showing.progress import Pace, stints_of
from stylize.models.errors import ImageError
from stylize.runtime.batches.claims import Claims
from stylize.runtime.batches.pairs import Pair
from stylize.runtime.batches.record import Entry, News, Outcome, Record
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.pictures.file_options import USUAL_FILES, FileOptions
from stylize.runtime.providers.table import AUTO

if TYPE_CHECKING:
    from stylize.runtime import Iterate, Model, Scene
    from stylize.runtime.batches.distant import Studio
    from stylize.runtime.pictures.spaces import Space
    from stylize.runtime.plans.recipe import Recipe

BETWEEN = 0.2
"""Seconds between two tellings of how far a picture is."""


@dataclass(frozen=True)
class Batch:
    """What is to be made.

    Attributes
    ----------
    pairs : sequence of Pair
        The pictures, in this order.
    folder : Path
        Where they go.
    options : Options
        The settings of them all.
    machine : Machine
        What computes them.
    files : FileOptions
        How they are read, and written.
    interval : Interval
        How often the checkpoint of each is written.
    spare : int or None
        Bytes that each process can spare; None for all that is free.
    """

    pairs: Sequence[Pair]
    folder: Path
    options: Options
    machine: Machine
    files: FileOptions = USUAL_FILES
    interval: Interval = USUAL
    spare: int | None = None

    @property
    def anywhere(self) -> bool:
        """Whether a picture is as good that another provider has made."""
        machine = self.machine
        named = machine.provider != AUTO or machine.precision or machine.provider_options
        return not named


Tell = Callable[[News], None]


def work(batch: Batch, model: "Model", tell: Tell, studio: "Studio | None" = None) -> None:
    """Make what is not there and nobody else makes; tell of each pair.

    What another process had claimed is tried again at the end, since that may have died.

    Parameters
    ----------
    batch : Batch
        What is to be made.
    model : Model
        The model.
    tell : function
        Is told of each pair.
    studio : Studio, optional
        What computes, if that is not this process.

    Raises
    ------
    StylizeError
        Nothing can be written any more.
    """
    worker = _Worker(batch, model, tell, studio)
    left, before = list(range(len(batch.pairs))), -1
    try:
        while left and len(left) != before:
            before = len(left)
            left = [number for number in left if not worker.attends_to(number)]
    finally:
        worker.close()


@dataclass(frozen=True)
class _Prepared:
    """A picture that may be made.

    Attributes
    ----------
    scene : Scene
        What it is made of.
    options : Options
        All settings, as the plan has them.
    asked : Options
        The same as they were asked for.
    recipe : Recipe
        What the picture will tell of itself.
    output : Path
        Where it goes.
    space : Space
        The colour space in which it is painted.
    begun : Unfinished or None
        Where it goes on.
    """

    scene: "Scene"
    options: Options
    asked: Options
    recipe: "Recipe"
    output: Path
    space: "Space"
    begun: Unfinished | None = None

    @property
    def key(self) -> str:
        """What is claimed: two photos of one name have two pictures.

        What a plan makes of options depends on the memory that is free, and does not count.
        """
        counted = self._with(self.scene.counted(self.asked))
        return f"{self.output.name} {counted.identity}"

    @property
    def as_asked(self) -> "Recipe":
        """The recipe with the options as they were asked for."""
        return self._with(self.asked)

    def _with(self, options: Options) -> "Recipe":
        told = self.recipe
        return replace(told, options=replace(options, init=told.options.init))

    def going_on(self, begun: Unfinished | None) -> "_Prepared":
        """Return the same from where it was left, as the plan was in the memory of then."""
        if begun is None:
            return self
        self.scene.spare = begun.standing.spare
        options = replace(begun.checkpoint.recipe.options, init=self.asked.init)
        return replace(self, options=options, recipe=self._with(options), begun=begun)


class _Worker:
    """One process that makes pictures of a batch."""

    def __init__(self, batch: Batch, model: "Model", tell: Tell, studio: "Studio | None") -> None:
        from stylize.runtime.batches.keeping import KeptPictures

        self._batch = batch
        self._model = model
        self._tell = tell
        self._studio = studio
        self._claims = Claims(batch.folder)
        self._record = Record(batch.folder, self._claims)
        self._recorded = {entry.output for entry in self._record.news()}
        self._failed: dict[tuple[str, str], Entry] = {}
        self._pictures = KeptPictures()
        self._begun = Begun(batch.folder, model, batch.machine)

    def close(self) -> None:
        self._claims.close()

    def attends_to(self, number: int) -> bool:
        """Make a picture or find it; return whether that is settled, or else another makes it."""
        if failure := self._failed_elsewhere(self._batch.pairs[number]):
            self._tell(News(number, failure))
            return True
        try:
            prepared = self._prepared(number)
        except Exception as error:  # files of strangers may find any bug: the others go on
            self._settle(number, "failed", error=message_of(error))
            return True
        with self._claims.claimed(prepared.key) as claimed:
            if claimed:
                self._make_or_find(number, prepared)
        return claimed

    def _failed_elsewhere(self, pair: Pair) -> Entry | None:
        """Return how another process has failed with a pair since this one began."""
        self._look_at_record()
        return self._failed.get(_told(pair))

    def _look_at_record(self) -> None:
        """Take in what others have recorded since the last look."""
        for entry in self._record.news():
            self._recorded.add(entry.output)
            if entry.outcome == "failed" and entry.process != os.getpid():
                self._failed[entry.photo, entry.painting] = entry

    def _prepared(self, number: int) -> _Prepared:
        from stylize.runtime.method.scene import planned
        from stylize.runtime.pictures.profiles import choose_space
        from stylize.runtime.plans.recipe import recipe_of

        pair, files = self._batch.pairs[number], self._batch.files
        paintings = (Painting(pair.painting),)
        space, remark = choose_space(files, pair.photo)
        if remark:
            self._tell(News(number, warning=remark))
        scene = self._scene(pair, space)
        scene.check(self._batch.options)
        asked = self._batch.options
        options = scene.counted(asked)
        if not self._studio:  # a worker plans by its own memory
            options = planned(options, scene.plan(options))
        recipe = recipe_of(self._model, pair.photo, paintings, options, (), files, space)
        name = named_after(pair.photo.stem, pair.painting.stem)
        return _Prepared(scene, options, asked, recipe, self._batch.folder / name, space)

    def _scene(self, pair: Pair, space: "Space") -> "Scene":
        from stylize.runtime.method.scene import Scene
        from stylize.runtime.pictures.colour import Conversion

        conversion = Conversion(space, self._batch.files.float_range)
        model, pictures = self._model, self._pictures
        if self._studio:
            from stylize.runtime.batches.distant import DistantScene

            files = pair.photo, pair.painting
            return DistantScene(self._studio, model, *files, pictures, conversion)
        shown = Painting(pictures.open(pair.painting, False, conversion))
        photo = pictures.open(pair.photo, True, conversion)
        return Scene(model, photo, shown, conversion=conversion)

    def _make_or_find(self, number: int, prepared: _Prepared) -> None:
        from stylize.runtime.plans.recipe import PLACE

        apart = PLACE if self._batch.anywhere else ()
        finished, done = _found(prepared, apart)
        if finished:
            self._begun.forget(prepared.as_asked, prepared.output, apart)
            self._settle(number, "there", finished)
            return
        made = _Made(number, self._tell)
        try:
            prepared = self._gone_on_with(prepared, made)
        except Exception as error:  # it is a file, too
            self._settle(number, "failed", made=made, error=message_of(error))
        else:
            self._make(number, prepared, made, done)

    def _gone_on_with(self, prepared: _Prepared, made: "_Made") -> _Prepared:
        """Return a picture from where it was left, if it was."""
        if self._studio:
            return prepared
        return prepared.going_on(self._begun.find(prepared.as_asked, prepared.output, made.remark))

    def _make(self, number: int, prepared: _Prepared, made: "_Made", done: int) -> None:
        """Make a picture; where an error ends it before so many iterations, nothing is saved."""
        from stylize.runtime.pictures.metadata import metadata_of
        from stylize.runtime.pictures.replacing import numbered
        from stylize.runtime.pictures.saving import check_output

        # If no file can be written, no other could be, either. Of what lies there, a number is put
        # behind this one's name.
        free = next(each for each in numbered(prepared.output) if not os.path.lexists(each))
        check_output(free, bits=self._batch.files.bits)
        made.whole = prepared.options.iterations
        keeping = None if self._studio else self._keeping(prepared, made)
        results = Results(
            prepared.recipe,
            prepared.output,
            named=False,
            size=prepared.scene.size(prepared.options),
            kept=metadata_of(self._batch.pairs[number].photo, self._batch.files.keep_metadata),
            enough=done,
            keeping=keeping,
        )
        try:
            follow(self._rendered(prepared, keeping, made), [], results, made)
        except Exception as error:
            if self._studio and self._studio.is_closed(error):
                raise  # others make this picture
            self._settle(number, "failed", results.place, made, message_of(error))
        except BaseException:
            self._settle(number, "interrupted", results.place, made)
            raise
        else:
            self._settle(number, "made", results.place, made)

    def _keeping(self, prepared: _Prepared, made: "_Made") -> Keeping:
        """Return what keeps checkpoints of a picture."""
        batch, begun = self._batch, prepared.begun
        place = prepared.recipe, prepared.asked, prepared.output
        describe = describing(*place, False, self._model, batch.machine, prepared.space)
        path = begun.path if begun else beside(prepared.output)
        pace = Pace(stints_of(prepared.scene, prepared.options))
        return Keeping(
            path, batch.interval, describe, pace, bool(begun), _the_same_again, made.remark
        )

    def _rendered(
        self, prepared: _Prepared, keeping: Keeping | None, made: "_Made"
    ) -> "Iterator[Iterate]":
        """Return the iterates of a picture, from where it was left if it was."""
        scene, options = prepared.scene, prepared.options
        if keeping is None:
            return scene.render(options)
        for warning in check_memory(self._model, scene, options):
            made.remark(warning)
        snapshot = prepared.begun.snapshot if prepared.begun else None
        return scene.render(options, keeper=keeping, resumed=snapshot)

    def _settle(
        self,
        number: int,
        outcome: Outcome,
        output: Path | str | None = None,
        made: "_Made | None" = None,
        error: str | None = None,
    ) -> None:
        """Record what came of a pair, and tell of it."""
        from stylize.runtime.plans.recipe import printable

        photo, painting = _told(self._batch.pairs[number])
        place = printable(str(output)) if output else None
        iterations, seconds = (made.iterations, made.seconds) if made else (0, 0.0)
        entry = Entry(outcome, photo, painting, place, iterations, seconds, error)
        self._look_at_record()
        if outcome != "there" or place not in self._recorded:
            with suppress(OSError):  # a disk that is full: the next picture finds that out
                self._record.write(entry)
        self._tell(News(number, entry))


class _Made:
    """How far a picture is."""

    def __init__(self, number: int, tell: Tell) -> None:
        self.iterations = 0
        self.whole = 1
        self._number = number
        self._tell = tell
        self._begun = time.monotonic()
        self._next = 0.0

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._begun, 3)

    def show(self, iterate: "Iterate") -> None:
        """Count the iterations up to one."""
        self.iterations = iterate.iteration
        if time.monotonic() >= self._next:
            share = (iterate.iteration + iterate.spared) / self.whole
            self._tell(News(self._number, share=min(share, 1.0)))
            self._next = time.monotonic() + BETWEEN

    def say(self, text: str) -> None:
        """Print nothing: of many pictures, nobody reads a line each."""

    def remark(self, text: str) -> None:
        """Tell what the user is to know, whatever is printed of the rest."""
        self._tell(News(self._number, warning=text))


def _the_same_again(path: Path) -> str:
    return f"The same command goes on from '{path}'."


def _told(pair: Pair) -> tuple[str, str]:
    """Return the files of a pair as the record tells of them."""
    from stylize.runtime.plans.recipe import printable

    return printable(str(pair.photo)), printable(str(pair.painting))


def _found(prepared: _Prepared, apart: tuple[str, ...]) -> tuple[Path | None, int]:
    """Return the finished picture of a recipe, or else the iterations of an unfinished one.

    Recipes may differ in what stands in `apart`.
    """
    from stylize.runtime.pictures.replacing import numbered
    from stylize.runtime.plans.recipe import read_recipe

    done = 0
    for place in numbered(prepared.output):
        if not os.path.lexists(place):
            return None, done
        try:
            recipe = read_recipe(place)
        except ImageError:
            continue
        different = set(recipe.differences(prepared.recipe)) - set(apart)
        if not different and recipe.finished:
            return place, 0
        if not different:
            done = recipe.evaluations
    raise AssertionError("there is always another number")
