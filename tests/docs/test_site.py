"""What makes a site of the pages: its contents, its references, and the check of what came out."""

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY

pytest.importorskip("sphinx", reason="the site needs the extra 'docs'")

DOCS = REPOSITORY / "docs"


@pytest.fixture(autouse=True)
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)


def test_the_sidebar_follows_the_list_of_pages() -> None:
    from extensions.contents import groups, toctree

    listed = "# Pages\n\n## Begin\n\n| page | answers |\n|---|---|\n| [One](one.md) | What? |\n"
    found = list(groups(f"{listed}\n## Look up\n\n| [Two](../models/TWO.md) | [no](three.md) |\n"))
    assert found == [("Begin", ["One <docs/one>"]), ("Look up", ["Two <models/TWO>"])]
    assert ":caption: Begin\n\nOne <docs/one>\n```" in toctree(*found[0])


def test_every_command_and_option_is_in_the_reference() -> None:
    from extensions.commands import lines

    from stylize.cli.reference.pages import program

    for page in program().walk():
        written = "\n".join(lines(page))
        assert written.startswith(f"## {page.name}\n")
        for option in page.options:
            assert re.search(rf"^`{option.names[0]}`.*\n: \S", written, re.MULTILINE), option


def test_help_becomes_markdown() -> None:
    from extensions.commands import prose

    help_text = (
        "What --size is, as A_B[:MASK] or *; see 'stylize rerun'. Don't. Default: $STYLIZE_SIZE."
    )
    assert prose(help_text) == (
        r"What `--size` is, as A\_B\[:MASK\] or \*; see `stylize rerun`. Don't. "
        "Default: `$STYLIZE_SIZE`."
    )


def test_a_program_follows_the_link_to_it() -> None:
    from extensions.programs import ALONE, shown

    page = "Text with [`a.js`](examples/a.js).\n\n[`a.js`](examples/a.js)\n"
    assert ALONE.sub(shown, page).count("```{literalinclude} examples/a.js\n") == 1


GOOD = '<p id="here"><a href="#here">1</a><a href="b.html?x#there">2</a><a href="https://a.b">3</a>'
BAD = {
    '<a href="c.html">': "a.html leads to c.html, which is not there",
    '<a href="#nowhere">': "a.html leads to #nowhere, a place that is not there",
    '<a href="b.html#nowhere">': "a.html leads to b.html#nowhere, a place that is not there",
    '<script src="https://a.b/c.js">': "a.html fetches https://a.b/c.js",
    '<link href="//a.b/c.css">': "a.html fetches //a.b/c.css",
    '<img src="c.png">': "a.html leads to c.png, which is not there",
}


@pytest.mark.parametrize("bad", ["", *BAD])
def test_what_is_wrong_with_a_site_is_found(bad: str, tmp_path: Path) -> None:
    from extensions.checked import faults

    (tmp_path / "a.html").write_text(GOOD + bad)
    (tmp_path / "b.html").write_text('<p id="there">')
    assert list(faults(tmp_path)) == ([BAD[bad]] if bad else [])


def test_a_font_from_elsewhere_is_found(tmp_path: Path) -> None:
    from extensions.checked import faults

    (tmp_path / "a.css").write_text("@font-face { src: url(a.woff) url('https://a.b/c.woff') }")
    assert list(faults(tmp_path)) == ["a.css fetches https://a.b/c.woff"]
