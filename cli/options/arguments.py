"""Arguments and options that several commands have and that are no settings of the library."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stylize.cli.options.grouping import offering, with_default
from stylize.runtime.files.standard import STDIN, STDOUT
from stylize.runtime.method.options import ITERATION, PICTURES
from stylize.runtime.plans.preset import PRESETS

HYPHEN = Path("-")


def piped(paths: Any) -> Any:
    """Return paths, or the standard input where they are a hyphen."""
    if isinstance(paths, list):
        return [piped(path) for path in paths]
    return STDIN if paths == HYPHEN else paths


def to_stdout(path: Path | None) -> Path | None:
    """Return a path, or the standard output where it is a hyphen."""
    return STDOUT if path == HYPHEN else path


Photo = Annotated[
    Path,
    typer.Argument(
        metavar="PHOTO",
        help="The picture to render; - for one that is piped.",
        show_default=False,
        callback=piped,
    ),
]

Paintings = Annotated[
    list[Path],
    typer.Argument(
        metavar="PAINTING",
        help="The picture whose style is taken; several are blended. A folder is one style: the "
        "mean of all pictures in it.",
        show_default=False,
        callback=piped,
    ),
]

AnyPaintings = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PAINTING",
        help="The picture whose style is taken; several are blended. A folder is one style: the "
        "mean of all pictures in it. With --region, none is needed.",
        show_default=False,
        callback=piped,
    ),
]

Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="MASK=FILE[:MASK]",
        help="A part of the photo, white in a mask, takes the style of another painting, or of "
        "the part of it that is white in a second mask: sky.png=starry.jpg:top.png. MASK#red is "
        "the red part of a coloured file. Repeat for more parts. The rest takes the style of "
        "PAINTING, or follows the photo.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]

Blend = Annotated[
    str | None,
    typer.Option(
        metavar="3,1,1",
        help="How much each painting counts, in their order. Default: all alike.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]

PaintingFor = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYERS=FILE",
        help="Another painting for some style layers, as conv1_1,conv2_1=A.jpg: low layers see its "
        "colours and grain, high ones its forms. Repeat for more.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.png",
        help="The picture to write: .png, .jpg, .webp or .tiff; - for a PNG to a pipe. A PNG "
        "tells how it was made, see 'stylize rerun'. Default: a PNG here, named after what it is "
        "made of.",
        callback=to_stdout,
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

Json = Annotated[
    bool,
    typer.Option("--json", help="Print what was made or found as a line of JSON, for programs."),
]

PresetName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=with_default(
            f"Settings by the name of their source: {', '.join(PRESETS)}. Options given beside it "
            "win; 'stylize presets' prints each.",
            "stylize",
            "STYLIZE_PRESET",
        ),
        envvar="STYLIZE_PRESET",
        show_envvar=False,
        autocompletion=offering(lambda: PRESETS),
        show_default=False,
    ),
]

Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="N|10m|off",
        help="Write how far the picture is into a file beside it, every N iterations, or as often "
        "as a time says: 90s, 10m, 2h; also when a signal ends the run. 'stylize resume' goes on "
        "from it. Default: every 10 minutes.",
        show_default=False,
        rich_help_panel=ITERATION,
    ),
]


def _moved(what: str, more: str = "") -> Any:
    return typer.Option(
        metavar="FILE", help=f"Where {what} lies now, if it was moved{more}.", show_default=False
    )


MovedPhoto = Annotated[Path | None, _moved("the photo")]
MovedPaintings = Annotated[list[Path] | None, _moved("the painting", "; repeat for more")]
MovedMasks = Annotated[list[Path] | None, _moved("a mask", "; repeat for more")]
MovedStart = Annotated[Path | None, _moved("the picture that was started from")]
