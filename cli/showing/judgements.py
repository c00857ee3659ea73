"""What ``stylize judge`` found, as a table and as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.terminal import escaped

if TYPE_CHECKING:
    from rich.table import Table

    from stylize.runtime import Judgement

MEANING = (
    "Lower is nearer. style, colours: 0 as the painting, 1 as the photo. "
    "structure: 0 as the photo, 1 as the photo shuffled."
)


def judgements_table(found: "Mapping[Path, Judgement]") -> "Table":
    """Return what was found of each result as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("result", overflow="fold")
    for column in ("seen in", "style", "colours", "structure"):
        table.add_column(column, justify="right", no_wrap=True)
    for path, judgement in found.items():
        width, height = judgement.size
        shares = judgement.style, judgement.colours, judgement.structure
        numbers = (f"{share:.3f}" for share in shares)
        table.add_row(Text(escaped(str(path))), f"{width}x{height}", *numbers)
    return table


def judgement_line(path: Path, judgement: "Judgement") -> str:
    """Return all that was found of a result, as a JSON object."""
    distances = {
        name: {**asdict(distance), "share": distance.share}
        for name, distance in judgement.distances.items()
    }
    return json.dumps(
        {
            "result": str(path),
            "width": judgement.size[0],
            "height": judgement.size[1],
            "enlarged": judgement.enlarged,
            "style": judgement.style,
            "colours": judgement.colours,
            "structure": judgement.structure,
            "distances": distances,
        }
    )
