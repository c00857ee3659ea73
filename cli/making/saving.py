"""Where a finished picture goes, so that neither it nor an earlier one is lost."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.pipes import pipe
from stylize.cli.signals import holding_signals
from stylize.models.errors import ImageError, ProviderError, StylizeError
from stylize.runtime.files.standard import STDOUT

if TYPE_CHECKING:
    from stylize.cli.making.keeping import Keeping
    from stylize.runtime import Iterate
    from stylize.runtime.method.iteration import Found
    from stylize.runtime.pictures.metadata import Metadata
    from stylize.runtime.pictures.saving import Manner
    from stylize.runtime.pictures.shown import Shown
    from stylize.runtime.plans.recipe import Recipe

BETWEEN_COPIES = 10.0
"""Seconds after which the best picture is copied from a device, which may fail later."""


class Results:
    """What an iteration has given so far, of which the best is saved.

    It is mostly the last, but a step without a line search may overshoot.

    Parameters
    ----------
    recipe : Recipe
        What is made.
    output : Path
        Where it goes.
    named : bool
        Whether the user named that file. Otherwise what is there stays, unless it is of the same
        recipe and not more iterations, and this picture gets a number.
    size : tuple of int, optional
        Width and height that the picture is to have; coarser scales come before.
    kept : Metadata, optional
        What the picture tells of the photo.
    enough : int
        If an error ends fewer iterations, nothing is saved: what is there already is better.
    keeping : Keeping, optional
        The checkpoint, which is removed when the picture is saved, and written when an interrupt
        ends it before.

    Attributes
    ----------
    place : Path, str or None
        Where the picture was saved; in words, if that is no file.
    saved : tuple of Found and Iterate, or None
        The image that was saved, and the last iterate that saw it.
    """

    def __init__(
        self,
        recipe: "Recipe",
        output: Path,
        named: bool = True,
        size: tuple[int, int] | None = None,
        enough: int = 0,
        keeping: "Keeping | None" = None,
        kept: "Metadata | None" = None,
    ) -> None:
        self._recipe = recipe
        self._output = output
        self._named = named
        self._size = size
        self._enough = enough
        self._keeping = keeping
        self._kept = kept
        self.place: Path | str | None = None
        self.saved: tuple[Found, Iterate] | None = None
        self._last: Iterate | None = None
        self._copy: tuple[Found, Iterate] | None = None
        self._copied = time.monotonic()

    def see(self, iterate: "Iterate") -> None:
        """Take an iterate."""
        self._last = iterate
        if time.monotonic() - self._copied > BETWEEN_COPIES:
            self._copy = iterate.best.kept(), iterate
            self._copied = time.monotonic()

    def save(self) -> str:
        """Save the best picture, and return in words where it is and what it is.

        Raises
        ------
        StylizeError
            It is in another place, which the message tells, or nowhere.
        """
        text = ""
        try:
            with holding_signals():
                text = self._save()
                if self._keeping:
                    self._keeping.remove()
        except KeyboardInterrupt as stop:
            if text:  # it came while the picture was written
                stop.add_note(f"The picture is {text}.")
            raise
        return text

    def save_after(self, error: BaseException) -> None:
        """Save the best picture, if there is one that is not saved yet; note where it is."""
        try:
            with holding_signals(heed=False):
                if self._last and self._last.iteration >= self._enough:
                    self._note_saved(error)
        except KeyboardInterrupt:  # another one came before it was held back
            self.save_after(error)
            return
        if self._keeping and isinstance(error, KeyboardInterrupt):
            self._keeping.interrupted()

    def tell(self, error: BaseException) -> None:
        """Note on an error how to go on, if that is possible."""
        if self._keeping:
            self._keeping.tell(error)

    def _note_saved(self, error: BaseException) -> None:
        try:
            error.add_note(f"The picture so far is {self._save()}.")
        except StylizeError as failure:
            error.add_note(str(failure))
        except Exception as failure:  # the first error tells more
            error.add_note(f"The picture could not be saved: {failure!r}.")

    def _save(self) -> str:
        last, self._last = self._last, None  # it is saved once
        assert last
        best, seen = self._best(last)
        recipe = replace(self._recipe, evaluations=seen.iteration, spared=seen.spared)
        self.place = _write(best.shown, recipe, self._kept, self._output, self._named)
        self.saved = best, seen
        return f"{self.place}: {self._sizes(best.size)}, {_found(best, seen)}"

    def _sizes(self, size: tuple[int, int]) -> str:
        """Return a picture's size in words, and what it was to be if it is coarser."""
        sizes = dict.fromkeys([size, self._size or size])
        return " on the way to ".join(f"{width}x{height}" for width, height in sizes)

    def _best(self, last: "Iterate") -> "tuple[Found, Iterate]":
        """Return the best image that can still be read, and the last iterate that saw it."""
        try:
            return last.best.kept(), last
        except ProviderError:
            if self._copy is None:
                raise
            return self._copy


def _found(best: "Found", last: "Iterate") -> str:
    """Return in words when the best was found, and why no more iterations were made."""
    text = f"iteration {best.iteration} after {last.seconds:.0f} s"
    return f"{text}; {last.spared} more were not needed" if last.spared else text


def _write(
    shown: "Shown", recipe: "Recipe", kept: "Metadata | None", output: Path, named: bool
) -> Path | str:
    """Write a picture, and return where."""
    from stylize.runtime.pictures.metadata import Metadata
    from stylize.runtime.pictures.saving import Manner
    from stylize.runtime.plans.placing import place_image
    from stylize.runtime.plans.recipe import recipe_chunks

    kept = kept or Metadata()
    manner, text = Manner(recipe.files, kept), recipe_chunks(recipe)
    try:
        if output == STDOUT:
            return pipe(shown, text, manner)
        return place_image(shown, recipe, kept, output, named)
    except ImageError as error:
        raise ImageError(f"{error} {_rescued(shown, output, text, manner)}") from error


def _rescued(shown: "Shown", output: Path, text: Mapping[str, str], manner: "Manner") -> str:
    """Write a picture somewhere else, and return in a sentence where."""
    from stylize.runtime.pictures.saving import rescue_image

    path = Path("stdout.png") if output == STDOUT else output
    try:
        place = rescue_image(shown, path, text, manner)
        return f"The picture is in '{place}' instead."
    except ImageError as error:
        return str(error)
