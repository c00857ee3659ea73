"""``--save-every``: the picture every so many iterations, each in a file of its own."""

import re
from dataclasses import replace
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.watching.watchers import Glimpse, MissedError
from stylize.models.errors import OptionError, StylizeError
from stylize.runtime.files.standard import STDOUT
from stylize.runtime.pictures.replacing import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stylize.runtime.pictures.metadata import Metadata
    from stylize.runtime.plans.recipe import Recipe


class Places:
    """The names of pictures on the way to another one.

    Parameters
    ----------
    output : Path
        The picture.
    folder : Path or None
        Where they go, if not beside it.
    iterations : int
        How many there will be: all numbers have as many digits, so that they can be sorted.

    Raises
    ------
    OptionError
        There is no place beside a picture that goes to a pipe.
    """

    def __init__(self, output: Path, folder: Path | None, iterations: int) -> None:
        if output == STDOUT and folder is None:
            raise OptionError(
                "A picture to a pipe has no place beside it for those of --save-every. Name a "
                "folder for them with --save-to."
            )
        self._folder = output.parent if folder is None else folder
        self._stem = "stdout" if output == STDOUT else shortened(output.stem)
        self._ending = output.suffix
        self._digits = len(str(iterations))

    def at(self, iteration: int) -> Path:
        """Return the file of an iteration."""
        return self._folder / f"{self._stem}-{iteration:0{self._digits}}{self._ending}"

    def _there(self) -> list[Path]:
        """Return what is in the folder already."""
        return list(self._folder.iterdir()) if self._folder.is_dir() else []

    def check(self, others: "Iterable[Path]") -> None:
        """Raise OptionError if one of them might take the place of another file."""
        stem, ending = re.escape(self._stem), re.escape(self._ending)
        mine = re.compile(rf"{stem}-\d{{{self._digits},}}{ending}")
        linked = {realpath(each) for each in self._there() if mine.fullmatch(each.name)}
        for path in others:
            real = Path(realpath(path))
            beside = mine.fullmatch(real.name) and real.parent == Path(realpath(self._folder))
            if beside or str(real) in linked:
                raise OptionError(
                    f"--save-every may overwrite '{path}'. Give its pictures another folder with "
                    "--save-to."
                )


class OnTheWay:
    """Saves the picture so far every so many iterations, with what it is made of.

    Parameters
    ----------
    every : int
        How many iterations lie between two.
    places : Places
        Where they go.
    named : bool
        Whether the user named the picture. Otherwise a file that is there stays, unless it is of
        the same recipe, and the new one gets a further number.
    recipe : Recipe
        What is made.
    kept : Metadata
        What pictures tell of the photo.
    say : function
        Prints a line.
    made : int
        Iterations that were made in an earlier process.
    """

    def __init__(
        self,
        every: int,
        places: Places,
        named: bool,
        recipe: "Recipe",
        kept: "Metadata",
        say: "Callable[[str], None]",
        made: int = 0,
    ) -> None:
        self._every, self._places, self._named = every, places, named
        self._recipe, self._kept = recipe, kept
        self._say, self._seen = say, made
        self._saved: list[Path] = []
        self._is_told = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"Saving every {self._every} iterations"

    def see(self, glimpse: Glimpse) -> None:
        """Save the picture if so many iterations were made; a device may not give just that one."""
        last, self._seen = self._seen, glimpse.iterate.iteration
        if last // self._every < self._seen // self._every:
            try:
                self._save(glimpse)
            except (OSError, StylizeError) as error:  # a disk may be full for a while
                raise MissedError from error

    def _save(self, glimpse: Glimpse) -> None:
        from stylize.runtime.plans.placing import place_image

        recipe = replace(self._recipe, evaluations=self._seen, spared=glimpse.iterate.spared)
        wanted = self._places.at(self._seen)
        place = place_image(glimpse.shown, recipe, self._kept, wanted, self._named)
        self._saved.append(place)
        if place != wanted and not self._is_told:
            self._is_told = True
            self._say(
                f"'{wanted}' is of another picture and stays: this one is '{place}', and so on."
            )

    def finish(self, glimpse: Glimpse) -> str:
        """Tell what was saved; the last picture has its own name."""
        if len(self._saved) > 1:
            return f"The pictures on the way are {self._saved[0]} to {self._saved[-1]}"
        return f"The picture on the way is {self._saved[0]}" if self._saved else ""

    def give_up(self) -> None:
        """Leave what could be saved."""
