"""``python -m stylize.cli.reference FOLDER``: write what is generated, into a clone of the source.

That is the manual pages, and the schema of what commands print with ``--json``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from stylize.cli.reference.manual import manual_pages


def generated() -> dict[str, str]:
    """Return the text of each file by its path in the source."""
    pages = {f"man/{name}": text for name, text in manual_pages().items()}
    return {**pages, "cli/reports.schema.json": f"{json.dumps(schema(), indent=2)}\n"}


def schema() -> dict[str, Any]:
    """Return the JSON schema of a line that a command prints with ``--json``."""
    import msgspec

    from stylize.cli.showing.reports import Report

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a command of stylize prints with --json: one of these objects a line",
        **_ordered(msgspec.json.schema(Report)),
    }


def _ordered(found: Any) -> Any:
    """Return a schema whose alternatives are in an order that no release of msgspec changes."""
    if isinstance(found, list):
        return [_ordered(each) for each in found]
    if not isinstance(found, dict):
        return found
    inside = {name: _ordered(each) for name, each in found.items()}
    if "anyOf" in inside:
        inside["anyOf"] = sorted(inside["anyOf"], key=json.dumps)
    return inside


def main(folder: Path) -> None:
    """Write all files; remove manual pages that are none any more."""
    found = generated()
    for old in (folder / "man").glob("*.1"):
        if f"man/{old.name}" not in found:
            old.unlink()
    for name, text in found.items():
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
