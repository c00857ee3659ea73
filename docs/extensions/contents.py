"""The way through the site: its contents are those that ``docs/README.md`` lists."""

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

LISTED_IN = "docs/README"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file does."""
    app.connect("source-read", add_contents)
    app.connect("build-finished", make_index)
    return {"parallel_read_safe": True}


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Add what the sidebar shows to the root, in the groups of the list of pages."""
    if name == app.config.root_doc:
        page = Path(app.srcdir, f"{LISTED_IN}.md")
        app.env.note_dependency(page)
        listed = page.read_text("utf-8")
        parts = [("Contents", [f"What lies where <{LISTED_IN}>"]), *groups(listed)]
        source[0] += "".join(toctree(caption, entries) for caption, entries in parts)


def groups(listed: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each heading with the entries below it, ``Title <docs/page>``."""
    for section in listed.split("\n## ")[1:]:
        links = re.findall(r"^\| \[([^]]+)\]\(([^)]+)\.md\)", section, re.MULTILINE)
        folder = posixpath.dirname(LISTED_IN)
        yield (
            section.partition("\n")[0],
            [
                f"{title} <{posixpath.normpath(posixpath.join(folder, page))}>"
                for title, page in links
            ],
        )


def toctree(caption: str, entries: list[str]) -> str:
    """Return a hidden table of contents."""
    lines = ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```", ""]
    return "\n".join(lines)


def make_index(app: Sphinx, exception: Exception | None) -> None:
    """Let the root be what a web server shows first."""
    if exception is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir, f"{app.config.root_doc}.html"), Path(app.outdir, "index.html"))
