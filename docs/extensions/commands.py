"""The reference of the command line, written from the app itself."""

import re
from collections.abc import Iterator
from itertools import groupby

from sphinx.application import Sphinx

from stylize.cli.reference.pages import Page, Parameter, program

PAGE = "docs/commands"
CODE = re.compile(r"(?<![\w-])--[a-z][\w-]*|\$STYLIZE_[A-Z_]+|(?<!\w)'stylize [a-z ]+'")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file does."""
    app.connect("source-read", add_commands)
    return {"parallel_read_safe": True}


def add_commands(app: Sphinx, name: str, source: list[str]) -> None:
    """Add all commands to the page that is theirs."""
    if name == PAGE:
        source[0] += "\n\n".join(("", *(line for page in program().walk() for line in lines(page))))


def lines(page: Page) -> Iterator[str]:
    """Yield the paragraphs of a command."""
    yield f"## {page.name}"
    yield from map(prose, page.paragraphs)
    yield f"```text\n{page.usage}\n```"
    yield from map(entry, page.arguments)
    for panel, options in groupby(page.options, lambda option: option.panel):
        if panel:
            yield f"**{panel}**"
        yield from map(entry, options)


def entry(parameter: Parameter) -> str:
    """Return an argument or an option with its help, as an entry of a list of definitions."""
    names = ", ".join(f"`{name}`" for name in parameter.names)
    value = f" `{parameter.metavar}`" if parameter.metavar else ""
    return f"{names}{value}\n: {prose(parameter.help)}"


def prose(text: str) -> str:
    """Return a text as Markdown, in which options, variables and commands are code."""
    pieces, codes = CODE.split(text), [f"`{code.strip(chr(39))}`" for code in CODE.findall(text)]
    plain = [re.sub(r"([\\`*_\[\]<>|$#])", r"\\\1", piece) for piece in pieces]
    return "".join(one for pair in zip(plain, [*codes, ""], strict=True) for one in pair)
