"""The watchers that a user asked for: checked before the work, and gathered."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.terminal import is_terminal
from stylize.cli.watching.asking import ask_terminal
from stylize.cli.watching.film import Filming
from stylize.cli.watching.graphics import way_of
from stylize.cli.watching.live import Live
from stylize.cli.watching.on_the_way import OnTheWay, Places
from stylize.cli.watching.preview import Preview
from stylize.cli.watching.settings import Watching
from stylize.cli.watching.watchers import Watcher, Watchers

if TYPE_CHECKING:
    from stylize.runtime.pictures.metadata import Metadata
    from stylize.runtime.plans.recipe import Recipe


@dataclass(frozen=True)
class Growing:
    """The picture that is watched.

    Attributes
    ----------
    output : Path
        Where it goes in the end.
    named : bool
        Whether the user named that file.
    iterations : int
        How many there will be.
    size : tuple of int
        Width and height that it will have.
    recipe : Recipe
        What it is made of.
    kept : Metadata
        What it tells of the photo.
    made : int
        Iterations that were made in an earlier process.
    """

    output: Path
    named: bool
    iterations: int
    size: tuple[int, int]
    recipe: "Recipe"
    kept: "Metadata"
    made: int = 0


def check_watching(
    watching: Watching, output: Path, iterations: int, others: Sequence[Path]
) -> None:
    """Find out before the work whether all that is asked for can be written.

    Parameters
    ----------
    watching : Watching
        What is asked for.
    output : Path
        Where the picture goes in the end.
    iterations : int
        How many there will be.
    others : sequence of Path
        Files that must stay as they are.

    Raises
    ------
    OptionError
        A file would take the place of another, or its ending tells no format.
    ImageError
        A place cannot be written to.
    ExtraError
        A film needs a package that is not installed.
    """
    from stylize.runtime.films.filming import check_film
    from stylize.runtime.pictures.saving import check_output

    if watching.animate:
        check_film(watching.animate)
    if watching.preview:
        check_output(watching.preview)
    if watching.save_every:
        places = Places(output, watching.save_to, iterations)
        places.check([*others, *watching.files])


def gather(
    watching: Watching, growing: Growing, quiet: bool, say: Callable[[str], None]
) -> Watchers:
    """Return the watchers of a picture.

    Parameters
    ----------
    watching : Watching
        Who is asked for.
    growing : Growing
        What they watch.
    quiet : bool
        Whether the terminal is to show nothing.
    say : function
        Prints a line.
    """
    return Watchers(_gathered(watching, growing, quiet, say), say)


def _gathered(
    watching: Watching, growing: Growing, quiet: bool, say: Callable[[str], None]
) -> Iterator[Watcher]:
    if watching.save_every:
        places = Places(growing.output, watching.save_to, growing.iterations)
        recipe, kept = growing.recipe, growing.kept
        step = watching.save_every, places, growing.named, recipe, kept
        yield OnTheWay(*step, say, growing.made)
        if growing.made // watching.save_every == growing.iterations // watching.save_every:
            say(
                f"--save-every {watching.save_every} saves no picture: there are "
                f"{growing.iterations} iterations in all."
            )
    if watching.animate:
        yield Filming(watching.animate, growing.size, growing.iterations)
    if watching.preview:
        yield Preview(watching.preview)
    if watching.live and is_terminal() and not quiet:
        yield from _live(say)


def _live(say: Callable[[str], None]) -> Iterator[Live]:
    terminal = ask_terminal()
    way = way_of(terminal) if terminal else None
    if terminal and way:
        yield Live(terminal, way)
    else:
        say(
            "This terminal shows no pictures, or cannot be asked. With --preview FILE, any viewer "
            "shows the picture while it grows."
        )


def with_another_film(watching: Watching) -> Watching:
    """Return the same with a film where nothing is: that of earlier iterations must stay."""
    from stylize.runtime.pictures.replacing import numbered

    if watching.animate is None:
        return watching
    free = (each for each in numbered(watching.animate) if not os.path.lexists(each))
    return replace(watching, animate=next(free))
