"""The commands as data are those of the app."""

import pytest
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.cli.reference.pages import Page, Parameter, program

PROGRAM = program()
PAGES = {page.name: page for page in PROGRAM.walk()}


def words_of(text: str) -> set[str]:
    """Return the words of a text, without what releases of typer put around them."""
    return {word.strip("[].,") for word in text.replace("│", " ").split()}


def test_every_command_has_a_page() -> None:
    assert PAGES.keys() > {"stylize", "stylize run", "stylize doctor", "stylize export vgg19"}


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.name)
def test_a_page_tells_what_the_help_page_does(page: Page) -> None:
    arguments = page.name.split()[1:]
    result = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "1000"})
    assert result.exit_code == 0
    shown = words_of(result.stdout)
    for each in (*page.arguments, *page.options):
        assert words_of(" ".join(each.names)) <= shown
        assert words_of(each.help) <= shown
    for paragraph in page.paragraphs:
        assert words_of(paragraph) <= shown


def test_an_argument_and_an_option() -> None:
    run = PAGES["stylize run"]
    assert run.usage == "stylize run [OPTIONS] PHOTO [PAINTING...]"
    photo, painting = run.arguments
    assert (photo.required, photo.repeated) == (True, False)
    assert (painting.required, painting.repeated) == (False, True)
    found: dict[str, Parameter] = {each.names[0]: each for each in run.options}
    assert found["--output"].names == ("--output", "-o")
    assert found["--output"].metavar == "OUT.png"
    assert found["--quiet"].metavar == ""
    assert found["--help"].names == ("--help", "-h")
    assert found["--style-layer"].repeated
    assert found["--style-layer"].panel == "Losses"
    assert found["--size"].help.endswith("Default: $STYLIZE_SIZE, else 512.")
