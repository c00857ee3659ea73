"""``stylize judge``: how near results are to their painting and to their photo."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylize.cli.making.opening import announce, open_model
from stylize.cli.making.paths import matching
from stylize.cli.options.arguments import Json, Quiet, piped
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.showing.judgements import MEANING, judgements_table
from stylize.cli.showing.tables import print_table, print_whole
from stylize.cli.terminal import note
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options

if TYPE_CHECKING:
    from stylize.runtime import Judgement, Model

Photo = Annotated[
    Path,
    typer.Argument(
        metavar="PHOTO", help="The picture that was rendered.", show_default=False, callback=piped
    ),
]
Painting = Annotated[
    Path,
    typer.Argument(
        metavar="PAINTING",
        help="The picture whose style was taken.",
        show_default=False,
        callback=piped,
    ),
]
Results = Annotated[
    list[Path],
    typer.Argument(
        metavar="RESULT",
        help="What was made of the two; - for one that is piped.",
        show_default=False,
        callback=piped,
    ),
]
Settings = Choose(
    Options,
    *("size", "painting_size"),
    size={
        "help": "Long side in which all pictures are seen; or width and height, to which they are "
        "cut.",
        "panel": None,
        "variable": None,
    },
    painting_size={"help": "Long side of the painting, if other.", "panel": None},
)
Seeing = Choose(Machine, without=("cluster",), precision={"shown": "float32", "variable": None})


def judge(
    photo: Photo,
    painting: Painting,
    results: Results,
    *,
    given: Annotated[Given, Settings],
    json: Json = False,
    machine: Annotated[Given, Seeing],
    quiet: Quiet = False,
) -> None:
    """Judge how near results are to their painting and to their photo.

    style: responses of VGG at layers that no preset minimises. colours: how far
    they are apart to the eye. In both, 0 is as the painting, and 1 as the photo.

    structure: which parts of the picture resemble each other. 0 is as the photo,
    and 1 as the photo in pieces and shuffled (docs/judging.md).
    """
    from stylize.runtime import Judge

    def say(text: str) -> None:
        if not quiet:
            note(text)

    judge = Judge(_open(machine, quiet), photo, painting, **given)
    shown = dict.fromkeys(matching(results))
    for path in shown:
        judge.size(path)  # finds out what is missing before the first is judged
    found: dict[Path, Judgement] = {}
    try:
        for path in shown:
            say(f"Judging {path} ...")
            found[path] = judge.judge(path)
            if found[path].enlarged:
                say(f"{path} is smaller than what is judged, and was enlarged; see --size.")
            if json:
                _report(path, found[path])
    finally:  # what is judged is not lost, whatever ends the rest
        if found and not json:
            print_table(judgements_table(found))
            print_whole(MEANING)


def _report(path: Path, found: "Judgement") -> None:
    from stylize.cli.showing.reporting import report_judgement

    report_judgement(path, found)


def _open(given: Given, quiet: bool) -> "Model":
    """Open the model, in float32 unless told otherwise: rounding would count as a difference."""
    machine = Machine(**{"precision": "float32", **given})
    model = open_model(machine)
    if not quiet:
        announce(model, machine)
    return model
