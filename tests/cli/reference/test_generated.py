"""What is generated from the app and committed is what the app says now."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY

from stylize.cli import edge
from stylize.cli.reference.__main__ import generated, main
from stylize.cli.reference.manual import manual_pages
from stylize.cli.reference.pages import Page, program
from stylize.cli.signals import Stopped

FOLDER = REPOSITORY / "man"
PAGES = manual_pages()


def section(page: str, title: str) -> str:
    _, _, rest = PAGES[page].partition(f"\n.SH {title}\n")
    assert rest, title
    return rest.partition("\n.SH ")[0].replace("\\-", "-")


def test_committed_files_are_up_to_date() -> None:
    """Otherwise write them: python -m stylize.cli.reference ."""
    expected = generated()
    committed = {f"man/{path.name}" for path in FOLDER.iterdir()} | {"cli/reports.schema.json"}
    assert committed == expected.keys()
    old = {
        name for name, text in expected.items() if (REPOSITORY / name).read_text("utf-8") != text
    }
    assert old == set()


def test_writing_removes_pages_that_are_none_any_more(tmp_path: Path) -> None:
    (tmp_path / "man").mkdir()
    (tmp_path / "man" / "stylize-paint.1").touch()
    (tmp_path / "cli").mkdir()
    main(tmp_path)
    assert {path.name for path in (tmp_path / "man").iterdir()} == PAGES.keys()


@pytest.mark.parametrize("page", [*program().walk()], ids=lambda page: page.name)
def test_a_manual_page_has_all_of_a_command(page: Page) -> None:
    name = f"{page.name.replace(' ', '-')}.1"
    options = section(name, "OPTIONS")
    for option in page.options:
        assert f"\\fB{option.names[0]}\\fR" in options
        if option.variable:
            assert f"\\fB{option.variable}\\fR" in section(name, "ENVIRONMENT")
    for argument in page.arguments:
        assert argument.help in section(name, "ARGUMENTS").replace("\\&", "")


@pytest.mark.parametrize("page", PAGES)
def test_every_manual_page_tells_the_exit_codes(page: str) -> None:
    found = section(page, "EXIT STATUS")
    codes = (edge.SUCCESS, edge.FAILURE, edge.USAGE, edge.INTERRUPTED)
    for code in (*codes, "128 + N"):
        assert f"\\fB{code}\\fR" in found
    assert (edge.BATCH_FAILED in found) is (page == "stylize-batch.1")


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_codes_of_signals_are_as_the_manual_says(name: str, code: int) -> None:
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip(f"there is no {name} here")
    assert Stopped(number).code == code
    assert f"{code} for {name}" in " ".join(section("stylize.1", "EXIT STATUS").split())


@pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")
def test_groff_reads_manual_pages_without_a_warning() -> None:
    files = [str(path) for path in sorted(FOLDER.iterdir())]
    command = ["groff", "-man", "-Tutf8", "-ww", "-z", *files]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
