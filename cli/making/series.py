"""A series of pictures in rows and columns, and a sheet of them; what is there already is kept."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.opening import announce, check_memory, greediest, open_model
from stylize.cli.making.paths import check_outputs, files_read, make_folder
from stylize.cli.making.picture import follow
from stylize.cli.making.remarks import of_files, of_pictures, of_plan, of_sizes
from stylize.cli.making.saving import Results
from stylize.cli.showing.progress import Progress, Stint, showing_progress, stints_of
from stylize.cli.showing.telling import State, telling
from stylize.cli.terminal import note
from stylize.models.errors import ImageError
from stylize.models.settings import check, setting
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import PICTURES
from stylize.runtime.method.paintings import Painting
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.plans.figures import Cell, Figure

if TYPE_CHECKING:
    from stylize.runtime import Model, Scene
    from stylize.runtime.pictures.contact_sheet import Shown
    from stylize.runtime.plans.recipe import Recipe

PLAIN = FileOptions(keep_metadata="none")
"""How the pictures are written."""

Pictures = tuple[Path | None, tuple[Painting[Path], ...]]
"""The photo and the paintings."""


@dataclass(frozen=True)
class Destination:
    """Where a figure goes.

    Attributes
    ----------
    folder : Path
        The folder for the pictures.
    sheet : Path or None
        The sheet of them; by default in the folder.
    cell : int or None
        Long side of a picture on the sheet, in pixels.
    """

    folder: Path = setting(
        Path(),
        "Where to write the pictures; those that are there already are kept.",
        panel=PICTURES,
        flags=("--output", "-o"),
        metavar="FOLDER",
    )
    sheet: Path | None = setting(
        None,
        "The labelled sheet of all pictures.",
        panel=PICTURES,
        metavar="FILE",
        shown="sheet.png among them",
    )
    cell: int | None = setting(
        None,
        "Long side of the pictures on the sheet, 16 or more.",
        panel=PICTURES,
        metavar="PIXELS",
        shown="as they are",
        called="--cell",
        least=16,
        unit=" pixels",
    )

    def __post_init__(self) -> None:
        check(self)


def make_figure(
    figure: Figure,
    destination: Destination,
    machine: Machine,
    quiet: bool,
    json: bool,
    remarks: Iterable[str] = (),
) -> None:
    """Make the pictures that are not there yet, one after the other, and then the sheet.

    Parameters
    ----------
    figure : Figure
        The pictures.
    destination : Destination
        Where they go.
    machine : Machine
        What makes them.
    quiet : bool
        Whether to say nothing.
    json : bool
        Whether to print what was made, for programs.
    remarks : iterable of str
        What else is to be said before.
    """
    cells = list(figure.cells)
    sheet = destination.sheet or destination.folder / "sheet.png"
    files = _files(cells, destination.folder, sheet)
    model = open_model(machine)
    check_outputs([*files.values(), sheet], model.folder.files)
    scenes = _checked_scenes(model, cells)
    missing = _missing(model, cells, files, scenes)
    warnings = _check_memory(model, scenes, missing)
    for each in missing:
        scenes[each.pictures].read(each.cell.options)
    _prepare(destination, sheet, [each.file for each in missing])
    if not quiet:
        announce(model, machine)
        for remark in (*remarks, *_remarks(scenes, missing, machine.scratch), *warnings):
            note(remark)
    stints = [stint for each in missing for stint in each.stints(scenes[each.pictures])]
    size: tuple[int, int] | None = None

    def tell(state: State) -> None:
        if json:
            from stylize.cli.showing.reporting import report_sheet

            report_sheet(state, sheet, size, filter(Path.exists, files.values()))

    with telling(tell), showing_progress(stints, quiet) as progress:
        progress.say(
            f"{len(cells) - len(missing)} of {len(cells)} pictures are in {destination.folder}."
        )
        for each in missing:
            each.make(scenes[each.pictures], progress)
        size = _draw(figure, files, sheet, destination.cell)
        progress.say(f"{sheet}: the sheet of all {len(cells)}.")


@dataclass(frozen=True)
class _Missing:
    """A picture that is to be made.

    Attributes
    ----------
    cell : Cell
        What it is made of.
    recipe : Recipe
        The same, as it is written into the picture.
    file : Path
        Where it goes.
    done : int
        The iterations that the picture which is there already was made of; 0 if there is none.
    """

    cell: Cell
    recipe: "Recipe"
    file: Path
    done: int

    @property
    def pictures(self) -> Pictures:
        return self.cell.photo, self.cell.paintings

    def stints(self, scene: "Scene") -> Iterator[Stint]:
        return stints_of(scene, self.cell.options)

    def make(self, scene: "Scene", progress: Progress) -> None:
        options = self.cell.options
        results = Results(self.recipe, self.file, size=scene.size(options), enough=self.done)
        follow(scene.render(options), [], results, progress)


def _files(cells: Sequence[Cell], folder: Path, sheet: Path) -> dict[str, Path]:
    """Return the file of each cell by its name; none of them destroys what is read."""
    files = {cell.name: folder / f"{cell.name}.png" for cell in cells}
    reads = (files_read(cell.photo, cell.paintings, cell.options) for cell in cells)
    check_outputs([*files.values(), sheet], list(chain.from_iterable(reads)))
    return files


def _missing(
    model: "Model",
    cells: Iterable[Cell],
    files: Mapping[str, Path],
    scenes: "Mapping[Pictures, Scene]",
) -> list[_Missing]:
    """Return the pictures that are not there yet, or not to the end."""
    from stylize.runtime.method.scene import planned
    from stylize.runtime.plans.recipe import recipe_of

    missing = []
    for cell in cells:
        scene = scenes[cell.photo, cell.paintings]
        options = scene.counted(planned(cell.options, scene.plan(cell.options)))
        cell = replace(cell, options=options)
        recipe = recipe_of(model, cell.photo, cell.paintings, options, files=PLAIN)
        there = _earlier(files[cell.name], recipe)
        if not (there and there.finished):
            done = there.evaluations if there else 0
            missing.append(_Missing(cell, recipe, files[cell.name], done))
    return missing


def _prepare(destination: Destination, sheet: Path, pictures: Sequence[Path]) -> None:
    """Make the folder, and find out whether everything can be written."""
    from stylize.runtime.pictures.contact_sheet import check_sheet_replaceable
    from stylize.runtime.pictures.saving import check_ending, check_output

    check_ending(sheet)
    if os.path.realpath(sheet.parent) != os.path.realpath(destination.folder):
        check_output(sheet)  # before a folder is made that would stay empty
    if not destination.sheet:
        check_sheet_replaceable(sheet, "--sheet")
    make_folder(destination.folder)
    for path in (sheet, *pictures):
        check_output(path)


def _check_memory(
    model: "Model", scenes: "dict[Pictures, Scene]", missing: Sequence[_Missing]
) -> list[str]:
    """Return a warning if the picture that needs most memory will not fit."""

    def need(each: _Missing) -> int:
        _, _, bytes_needed = greediest(scenes[each.pictures], each.cell.options)
        return bytes_needed

    if not missing:
        return []
    worst = max(missing, key=need)
    return check_memory(model, scenes[worst.pictures], worst.cell.options)


def _remarks(
    scenes: "dict[Pictures, Scene]", missing: Sequence[_Missing], scratch: Path | None
) -> dict[str, None]:
    """Return what is to be said of the pictures, each once."""
    said: list[str] = []
    looked_at = {each.pictures: each.cell.options for each in missing}
    for pictures, options in looked_at.items():
        said += of_pictures(*pictures, options)
    for each in missing:
        scene, options = scenes[each.pictures], each.cell.options
        said += of_files(*each.pictures)
        said += of_sizes(*scene.sources, options, scene.size(options))
        said += of_plan(scene.plan(options), options, scratch)
    return dict.fromkeys(said)


def _earlier(path: Path, recipe: "Recipe") -> "Recipe | None":
    """Return the recipe of a picture that is there already.

    Raises
    ------
    ImageError
        Another picture is there, which is not to be lost.
    """
    from stylize.runtime.plans.recipe import read_recipe

    if not os.path.exists(path):
        return None
    try:
        found = read_recipe(path)
    except ImageError as error:
        raise ImageError(
            f"{error} It is in the way of a picture of this figure: name another folder with -o, "
            "or move it away."
        ) from error
    if differences := found.differences(recipe):
        raise ImageError(
            f"'{path}' is another picture (different: {', '.join(differences)}). "
            "Name another folder with -o, or move it away."
        )
    return found


def _checked_scenes(model: "Model", cells: Iterable[Cell]) -> "dict[Pictures, Scene]":
    """Return a scene for each pair of pictures, after finding out whether they can be made."""
    from stylize.runtime.method.scene import Scene

    scenes: dict[Pictures, Scene] = {}
    for cell in cells:
        pictures = cell.photo, cell.paintings
        if pictures not in scenes:
            scenes[pictures] = Scene(model, *pictures)
        scenes[pictures].check(cell.options)
    return scenes


def _draw(figure: Figure, files: dict[str, Path], sheet: Path, cell: int | None) -> tuple[int, int]:
    """Draw the sheet; return its width and height."""
    from stylize.runtime.pictures.contact_sheet import Sheet, draw_sheet, fitted, save_sheet
    from stylize.runtime.pictures.reading import open_picture

    made = {name: open_picture(path) for name, path in files.items()}
    largest = max(max(picture.size) for picture in made.values())

    def shown(place: Cell | Path | None) -> "Shown":
        if place is None:
            return None
        if isinstance(place, Cell):
            return made[place.name]
        picture = open_picture(place)
        return picture.scaled(fitted(picture.size, largest))

    rows = [[shown(place) for place in row] for row in figure.rows]
    drawn = draw_sheet(Sheet(rows, figure.columns, figure.sides), cell)
    save_sheet(drawn, sheet)
    return drawn.size
