"""One process that makes a batch: each pair, unless its picture is there or another makes it."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.edge import message_of
from stylize.cli.making.opening import check_memory
from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import follow
from stylize.cli.making.saving import Results
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
    """

    pairs: Sequence[Pair]
    folder: Path
    options: Options
    machine: Machine
    files: FileOptions = USUAL_FILES

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
    """A picture that may be made."""

    scene: "Scene"
    options: Options
    recipe: "Recipe"
    output: Path

    @property
    def key(self) -> str:
        """What is claimed: two photos of one name have two pictures."""
        return f"{self.output.name} {self.recipe.identity}"


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
        options = scene.counted(self._batch.options)
        if not self._studio:  # a worker plans by its own memory
            options = planned(options, scene.plan(options))
        recipe = recipe_of(self._model, pair.photo, paintings, options, (), files, space)
        name = named_after(pair.photo.stem, pair.painting.stem)
        return _Prepared(scene, options, recipe, self._batch.folder / name)

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
        from stylize.runtime.pictures.metadata import metadata_of
        from stylize.runtime.pictures.saving import check_output

        finished, done = _found(prepared, self._batch.anywhere)
        if finished:
            self._settle(number, "there", finished)
            return
        check_output(
            prepared.output, bits=self._batch.files.bits
        )  # if not, no other could be written, either
        results = Results(
            prepared.recipe,
            prepared.output,
            named=False,
            size=prepared.scene.size(prepared.options),
            kept=metadata_of(self._batch.pairs[number].photo, self._batch.files.keep_metadata),
            enough=done,
        )
        made = _Made(number, prepared.options.iterations, self._tell)
        try:
            if not self._studio:
                for warning in check_memory(self._model, prepared.scene, prepared.options):
                    self._tell(News(number, warning=warning))
            follow(prepared.scene.render(prepared.options), [], results, made)
        except Exception as error:
            if self._studio and self._studio.is_closed(error):
                raise  # others make this picture
            self._settle(number, "failed", results.place, made, message_of(error))
        except BaseException:
            self._settle(number, "interrupted", results.place, made)
            raise
        else:
            self._settle(number, "made", results.place, made)

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

    def __init__(self, number: int, whole: int, tell: Tell) -> None:
        self.iterations = 0
        self._number = number
        self._whole = whole
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
            share = (iterate.iteration + iterate.spared) / self._whole
            self._tell(News(self._number, share=min(share, 1.0)))
            self._next = time.monotonic() + BETWEEN

    def say(self, text: str) -> None:
        """Print nothing: of many pictures, nobody reads a line each."""


def _told(pair: Pair) -> tuple[str, str]:
    """Return the files of a pair as the record tells of them."""
    from stylize.runtime.plans.recipe import printable

    return printable(str(pair.photo)), printable(str(pair.painting))


def _found(prepared: _Prepared, anywhere: bool) -> tuple[Path | None, int]:
    """Return the finished picture of a recipe, or else the iterations of an unfinished one."""
    from stylize.runtime.pictures.replacing import numbered
    from stylize.runtime.plans.recipe import PLACE, read_recipe

    done = 0
    for place in numbered(prepared.output):
        if not os.path.lexists(place):
            return None, done
        try:
            recipe = read_recipe(place)
        except ImageError:
            continue
        different = set(recipe.differences(prepared.recipe)) - set(PLACE if anywhere else ())
        if not different and recipe.finished:
            return place, 0
        if not different:
            done = recipe.evaluations
    raise AssertionError("there is always another number")
