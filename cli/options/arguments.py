"""Arguments and options that several commands have and that are no settings of the library."""

from pathlib import Path
from typing import Annotated

import typer

from stylize.runtime.method.options import ITERATION, PICTURES
from stylize.runtime.plans.preset import PRESETS

Photo = Annotated[
    Path, typer.Argument(metavar="PHOTO", help="The picture to render.", show_default=False)
]

Painting = Annotated[
    Path,
    typer.Argument(
        metavar="PAINTING", help="The picture whose style is taken.", show_default=False
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.png",
        help="The picture to write: .png, .jpg, .webp or .tiff. A PNG tells how it was made, "
        "see 'stylize rerun'. Default: a PNG here, named after what it is made of.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]

Trace = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.jsonl",
        help="Write each iteration's losses, a JSON object a line.",
        show_default=False,
        rich_help_panel=ITERATION,
    ),
]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]

PresetName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Settings by the name of their source: {', '.join(PRESETS)}. Options given beside "
        "it win; 'stylize presets' prints each. Default: stylize.",
        show_default=False,
    ),
]
