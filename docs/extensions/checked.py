"""The finished site: its links lead somewhere, and nothing of it is fetched from elsewhere."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "srcset"}
"""What a browser fetches by itself, and the attribute that tells from where."""
ELSEWHERE = re.compile(r"""(?:url\(|@import)\s*['"]?((?:https?:)?//[^'")]+)""")
"""An address in a style sheet."""


class Document(HTMLParser):
    """A page: the names of its places, where its links lead, and what a browser fetches for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag tells of these."""
        given = {name: value for name, value in attrs if value}
        if "id" in given:
            self.places.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if FETCHED.get(tag, "") in given:
            self.fetched.add(given[FETCHED[tag]])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file does."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}


def check(app: Sphinx, exception: Exception | None) -> None:
    """Find out whether the site holds together and stands alone."""
    if exception is None and app.builder.format == "html":
        for fault in sorted(set(faults(Path(app.outdir)))):
            logging.getLogger(__name__).warning(fault)


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with a site, in words."""
    pages = {path: Document(path.read_text("utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for link in page.links | page.fetched:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                if link in page.fetched and target.scheme != "data":
                    yield f"{name} fetches {link}"
                continue
            there = (path.parent / unquote(target.path)).resolve() if target.path else path
            if not there.exists():
                yield f"{name} leads to {link}, which is not there"
            elif there in pages and unquote(target.fragment) not in pages[there].places | {""}:
                yield f"{name} leads to {link}, a place that is not there"
    for path in site.rglob("*.css"):
        for address in ELSEWHERE.findall(path.read_text("utf-8")):
            yield f"{path.relative_to(site).as_posix()} fetches {address}"
