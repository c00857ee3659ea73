"""``stylize sheet``: a labelled contact sheet of any pictures."""

import math
from pathlib import Path
from typing import Annotated

import typer

from stylize.cli.making.paths import check_outputs
from stylize.cli.making.series import Destination
from stylize.cli.options.arguments import Quiet
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.terminal import note
from stylize.models.errors import OptionError

Pictures = Annotated[
    list[Path],
    typer.Argument(metavar="PICTURE", help="In the order of reading.", show_default=False),
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
    quiet: Quiet = False,
) -> None:
    """Put pictures side by side on one labelled sheet."""
    from stylize.runtime.pictures.contact_sheet import (
        Sheet,
        check_sheet_replaceable,
        draw_sheet,
        save_sheet,
    )
    from stylize.runtime.pictures.reading import open_picture
    from stylize.runtime.pictures.saving import check_output

    cell = Destination(**place).cell
    labels = label or [picture.stem for picture in pictures]
    if len(labels) != len(pictures):
        raise OptionError(
            f"There are {len(pictures)} pictures but {len(labels)} labels. Give one for each."
        )
    target = output or Path("sheet.png")
    check_outputs([target], pictures)
    check_output(target)
    if not output:
        check_sheet_replaceable(target, "-o")
    count = columns or math.ceil(math.sqrt(len(pictures)))
    starts = range(0, len(pictures), count)
    drawn = draw_sheet(
        Sheet(
            rows=[[open_picture(path) for path in pictures[i : i + count]] for i in starts],
            captions=[labels[i : i + count] for i in starts],
        ),
        cell,
    )
    save_sheet(drawn, target)
    if not quiet:
        note(f"{target}: {drawn.width}x{drawn.height}, {len(pictures)} pictures")
