"""What ``stylize judge`` found as a table."""

from collections.abc import Mapping
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
