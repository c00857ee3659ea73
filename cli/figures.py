"""``stylize grid`` and ``stylize figure``: many pictures, and a sheet of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stylize.cli.parameters import (
    CellSize,
    Columns,
    FigureFolder,
    FigureStyleWeight,
    GridFolder,
    GridInit,
    History,
    Iterations,
    MeasuredSide,
    ModelName,
    Optimizer,
    Painting,
    Photo,
    PrecisionName,
    ProviderName,
    ProviderOptions,
    Quiet,
    Rows,
    Seed,
    SheetFile,
    Size,
    TvWeight,
    chosen,
    provider_options_of,
    size_of,
)
from stylize.cli.progress import showing_progress
from stylize.cli.rendering import (
    Machine,
    check_outputs,
    files_read,
    follow,
    open_model,
    warn_of_memory,
)
from stylize.models.errors import ImageError, OptionError
from stylize.models.layers import STYLE_LAYERS
from stylize.runtime.plans.figures import RATIOS, Cell, Figure, figure_1, figure_2, figure_3
from stylize.runtime.plans.preset import PRESETS
from stylize.runtime.providers.table import AUTO

if TYPE_CHECKING:
    from PIL import Image

    from stylize.runtime import Model, Scene
    from stylize.runtime.plans.recipe import Recipe

Pictures = tuple[Path | None, Path | None]
"""The photo and the painting."""

PAPER = PRESETS["paper"].options


@dataclass(frozen=True)
class Destination:
    """Where a figure goes.

    Attributes
    ----------
    folder : Path
        For the pictures.
    sheet : Path or None
        The sheet of them; by default in the folder.
    cell : int or None
        Long side of a picture on the sheet, in pixels.
    """

    folder: Path
    sheet: Path | None
    cell: int | None


def grid(
    photo: Photo,
    painting: Painting,
    ratio: Columns = None,
    up_to: Rows = None,
    output: GridFolder = None,
    sheet: SheetFile = None,
    cell: CellSize = None,
    size: Size = None,
    side: MeasuredSide = None,
    init: GridInit = None,
    seed: Seed = None,
    tv_weight: TvWeight = None,
    iterations: Iterations = None,
    optimizer: Optimizer = None,
    history: History = None,
    model: ModelName = None,
    provider: ProviderName = AUTO,
    precision: PrecisionName = None,
    provider_option: ProviderOptions = None,
    quiet: Quiet = False,
) -> None:
    """Compare layers and weights: PHOTO in the manner of PAINTING, as in the paper's Figure 3.

    Rows are growing subsets of the style layers, columns the ratio of content
    to style weight: 20 pictures of 500 iterations, unless told otherwise. If it
    is interrupted, the same command goes on with the picture at which it
    stopped.
    """
    options = chosen(
        PAPER,
        size=size_of(size),
        side=side,
        init=init,
        seed=seed,
        tv_weight=tv_weight,
        iterations=iterations,
        optimizer=optimizer,
        history=history,
    )
    figure = figure_3(photo, painting, options, up_to or STYLE_LAYERS, ratio or RATIOS)
    folder = output or Path(f"{photo.stem}-{painting.stem}")
    machine = Machine(model, provider, precision, provider_options_of(provider_option), quiet)
    make_figure(figure, Destination(folder, sheet, cell), machine)


def figure(
    number: Annotated[
        Literal["1", "2", "3"], typer.Argument(help="Of the paper's figure.", show_default=False)
    ],
    photo: Annotated[Path, typer.Option(help="The picture to render.", show_default=False)],
    painting: Annotated[
        list[Path],
        typer.Option(help="In whose manner; repeat for more in Figure 2.", show_default=False),
    ],
    output: FigureFolder = None,
    sheet: SheetFile = None,
    cell: CellSize = None,
    size: Size = None,
    init: GridInit = None,
    seed: Seed = None,
    style_weight: FigureStyleWeight = None,
    iterations: Iterations = None,
    model: ModelName = None,
    provider: ProviderName = AUTO,
    precision: PrecisionName = None,
    provider_option: ProviderOptions = None,
    quiet: Quiet = False,
) -> None:
    """Make a whole figure of the paper, from white noise, and a labelled sheet of it.

    1: style and content reconstructions from each layer. 2: a photo in the
    manner of several paintings. 3: growing layer subsets against the ratio of
    content to style weight.

    If it is interrupted, the same command goes on with the picture at which it
    stopped.
    """
    options = chosen(PAPER, size=size_of(size), init=init, seed=seed, iterations=iterations)
    if number == "1" and options.init in ("photo", "painting"):
        raise OptionError(
            "Figure 1 has pictures of the photo and of the painting alone: start "
            "from noise, grey, or a file."
        )
    if number != "2" and len(painting) > 1:
        raise OptionError(f"Figure {number} is of one painting. Give --painting once.")
    if number != "2" and style_weight is not None:
        raise OptionError(f"Figure {number} sets the style weight itself.")
    match number:
        case "1":
            made = figure_1(photo, painting[0], options)
        case "2":
            made = figure_2(photo, painting, chosen(options, style_weight=style_weight))
        case "3":
            made = figure_3(photo, painting[0], options)
    folder = output or Path(f"figure{number}")
    machine = Machine(model, provider, precision, provider_options_of(provider_option), quiet)
    make_figure(made, Destination(folder, sheet, cell), machine)


def make_figure(figure: Figure, destination: Destination, machine: Machine) -> None:
    """Make the pictures that are not there yet, one after the other, and then the sheet."""
    from stylize.runtime.pictures.contact_sheet import check_replaceable
    from stylize.runtime.pictures.saving import check_ending, check_output
    from stylize.runtime.plans.recipe import recipe_of

    cells = list(figure.cells)
    folder = destination.folder
    sheet = destination.sheet or folder / "sheet.png"
    files = {cell.name: folder / f"{cell.name}.png" for cell in cells}
    reads = (files_read(cell.photo, cell.painting, cell.options) for cell in cells)
    check_outputs([*files.values(), sheet], list(chain.from_iterable(reads)))
    model = open_model(machine)
    recipes = {
        cell.name: recipe_of(model, machine.model, cell.photo, cell.painting, cell.options)
        for cell in cells
    }
    done = {cell.name: _evaluations(files[cell.name], recipes[cell.name]) for cell in cells}
    missing = [cell for cell in cells if done[cell.name] < cell.options.iterations]
    scenes = _checked_scenes(model, missing)
    check_ending(sheet)
    if sheet.parent.resolve() != folder.resolve():
        check_output(sheet)  # before a folder is made that would stay empty
    if not destination.sheet:
        check_replaceable(sheet, "--sheet")
    _make_folder(folder)
    for path in (sheet, *(files[cell.name] for cell in missing)):
        check_output(path)

    if missing:
        worst = max(missing, key=lambda cell: _need(scenes, cell))
        warn_of_memory(model, scenes[worst.photo, worst.painting], worst.options, machine)
    iterations = sum(cell.options.iterations for cell in missing)
    with showing_progress(iterations, machine.quiet) as progress:
        progress.say(f"{len(cells) - len(missing)} of {len(cells)} pictures are in {folder}.")
        for cell in missing:
            iterates = scenes[cell.photo, cell.painting].render(cell.options)
            recipe, output = recipes[cell.name], files[cell.name]
            follow(iterates, [], recipe, output, progress, enough=done[cell.name])
        _draw(figure, files, sheet, destination.cell)
        progress.say(f"{sheet}: the sheet of all {len(cells)}.")


def _evaluations(path: Path, recipe: "Recipe") -> int:
    """Return how many iterations a picture that is there already has seen; 0 for none.

    Raises
    ------
    ImageError
        Another picture is there, which is not to be lost.
    """
    from stylize.runtime.plans.recipe import read_recipe

    if not path.exists():
        return 0
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
    return found.evaluations


def _checked_scenes(model: "Model", cells: Sequence[Cell]) -> "dict[Pictures, Scene]":
    """Return a scene for each pair of pictures, after finding out whether all cells can be made."""
    from stylize.runtime.method.scene import Scene

    scenes: dict[Pictures, Scene] = {}
    for cell in cells:
        pictures = cell.photo, cell.painting
        if pictures not in scenes:
            scenes[pictures] = Scene(model, *pictures)
        scenes[pictures].check(cell.options)
    return scenes


def _need(scenes: "dict[Pictures, Scene]", cell: Cell) -> int:
    """Return the bytes that a cell needs."""
    scene = scenes[cell.photo, cell.painting]
    return scene.memory(cell.options).bytes(scene.size(cell.options))


def _draw(figure: Figure, files: dict[str, Path], sheet: Path, cell: int | None) -> None:
    from stylize.runtime.pictures.contact_sheet import Sheet, draw_sheet, save_sheet
    from stylize.runtime.pictures.reading import load_image

    made = {name: load_image(path) for name, path in files.items()}
    largest = max(max(picture.size) for picture in made.values())

    def shown(place: Cell | Path | None) -> "Image.Image | None":
        if place is None:
            return None
        if isinstance(place, Cell):
            return made[place.name]
        picture = load_image(place)
        picture.thumbnail((largest, largest))
        return picture

    rows = [[shown(place) for place in row] for row in figure.rows]
    save_sheet(draw_sheet(Sheet(rows, figure.columns, figure.sides), cell), sheet)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(
            f"The folder '{folder}' cannot be made: {error.strerror}. Name another with -o."
        ) from error
