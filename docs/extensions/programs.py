"""Programs in full below the links to them."""

import re
from pathlib import Path

from sphinx.application import Sphinx

ALONE = re.compile(r"^\[`[^]]+`\]\((examples/[^)]+)\)$", re.MULTILINE)
LANGUAGES = {".js": "javascript", ".cpp": "cpp", ".json": "json"}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file does."""
    app.connect("source-read", show_programs)
    return {"parallel_read_safe": True}


def show_programs(app: Sphinx, name: str, source: list[str]) -> None:
    """Show a program where a link to it is a paragraph of its own. On a forge it is one click."""
    source[0] = ALONE.sub(shown, source[0])


def shown(link: re.Match[str]) -> str:
    """Return the link, and the program below it."""
    language = LANGUAGES[Path(link[1]).suffix]
    return f"{link[0]}\n\n```{{literalinclude}} {link[1]}\n:language: {language}\n```"
