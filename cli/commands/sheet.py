"""``stylize sheet``: a labelled contact sheet of any pictures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylize.cli.making.paths import check_outputs, matching
from stylize.cli.making.series import Destination
from stylize.cli.options.arguments import Json, Quiet, piped
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.terminal import note
from stylize.models.errors import OptionError

if TYPE_CHECKING:
    from stylize.runtime.pictures.contact_sheet import Sheet

Pictures = Annotated[
    list[Path],
    typer.Argument(
        metavar="PICTURE",
        help="In the order of reading; - for one that is piped.",
        show_default=False,
        callback=piped,
    ),
]
SheetFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="SHEET.png",
        help="The sheet to write. Default: sheet.png here.",
        show_default=False,
    ),
]
Columns = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Pictures in a row. Default: about as many as rows."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT",
        help="Text below a picture; repeat for each. Default: the files' names.",
        show_default=False,
    ),
]


def sheet(
    pictures: Pictures,
    *,
    output: SheetFile = None,
    columns: Columns = None,
    label: Labels = None,
    place: Annotated[Given, Choose(Destination, "cell", cell={"panel": None})],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put pictures side by side on one labelled sheet."""
    from stylize.runtime.pictures.contact_sheet import draw_sheet, save_sheet

    shown = matching(pictures)
    cell = Destination(**place).cell
    labels = _labels(label, shown)
    target = _target(output, shown)
    drawn = draw_sheet(_in_rows(shown, labels, columns), cell)
    save_sheet(drawn, target)
    if json:
        from stylize.cli.showing.reporting import report_sheet

        report_sheet("done", target, drawn.size, shown)
    if not quiet:
        note(f"{target}: {drawn.width}x{drawn.height}, {_counted(len(shown), 'picture')}")


def _labels(given: Sequence[str] | None, pictures: Sequence[Path]) -> Sequence[str]:
    """Return the text below each picture."""
    if not given:
        return [picture.stem for picture in pictures]
    if len(given) != len(pictures):
        raise OptionError(
            f"{_counted(len(pictures), 'picture')} cannot have {_counted(len(given), 'label')}. "
            "Give one for each."
        )
    return given


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _target(output: Path | None, pictures: Sequence[Path]) -> Path:
    """Return the file to write, after finding out whether it can be."""
    from stylize.runtime.pictures.contact_sheet import check_sheet_replaceable
    from stylize.runtime.pictures.saving import check_output

    target = output or Path("sheet.png")
    check_outputs([target], pictures)
    check_output(target)
    if not output:
        check_sheet_replaceable(target, "-o")
    return target


def _in_rows(pictures: Sequence[Path], labels: Sequence[str], columns: int | None) -> "Sheet":
    """Return the sheet, with about as many rows as columns unless told otherwise."""
    from stylize.runtime.pictures.contact_sheet import Sheet
    from stylize.runtime.pictures.reading import open_picture

    count = columns or math.ceil(math.sqrt(len(pictures)))
    starts = range(0, len(pictures), count)
    return Sheet(
        rows=[[open_picture(path) for path in pictures[i : i + count]] for i in starts],
        captions=[labels[i : i + count] for i in starts],
    )
