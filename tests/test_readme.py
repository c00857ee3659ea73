"""What README and docs tell their readers to do works as it is written."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import REPOSITORY
from PIL import Image
from typer.testing import CliRunner

from stylize import runtime
from stylize.cli.app import app

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PAGES = [
    *(
        REPOSITORY / name
        for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md")
    ),
    *sorted((REPOSITORY / "docs").glob("*.md")),
    *sorted((REPOSITORY / "models").glob("*.md")),
    *(REPOSITORY / folder / "README.md" for folder in ("benchmarks", "studio/page", "training")),
]
TEXTS = {page.relative_to(REPOSITORY).as_posix(): page.read_text("utf-8") for page in PAGES}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
OTHER_PROGRAMS = {
    *("--check", "--config-settings", "--mutations", "--no-deps", "--upgrade-deps"),
    *("--memory-limit", "--nthreads", "--ignore-scripts", "--directory"),
}
"""Options of pip, venv, ruff and our tests; of Dask's workers; of npm; of Python's server."""
LONGEST_LINE = 100

every_page = pytest.mark.parametrize("name", TEXTS)


def shell_commands(beginning: str) -> list[str]:
    return [line for line in README.splitlines() if line.startswith(beginning)]


def code_blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def code(text: str) -> Iterator[str]:
    """Yield each command line of the code blocks, without its comment, and each piece of code."""
    blocks = code_blocks("sh", text) + code_blocks("console", text)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        yield line.removeprefix("$ ").partition(" #")[0].strip()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@cache
def help_of(command: str) -> str:
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, f"stylize {command}: {result.output}"
    return result.output


@cache
def commands() -> list[str]:
    listed = re.findall(r"^│ ([a-z]+) ", help_of(""), re.MULTILINE)
    return ["export vgg19", *(name for name in listed if name != "export")]


@cache
def options_of_scripts() -> set[str]:
    """Return the options of the benchmarks and of the training, whose imports need extras."""
    found = set()
    for folder in ("benchmarks", "training"):
        for script in (REPOSITORY / folder).glob("*.py"):
            for node in ast.walk(ast.parse(script.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name == "main":
                    found |= {f"--{each.arg.replace('_', '-')}" for each in node.args.args}
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= {node.value} if OPTION.fullmatch(node.value) else set()
    return found


def anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.network
@pytest.mark.skipif(sys.platform == "win32", reason="the command is written for a POSIX shell")
def test_first_command_turns_the_examples_into_a_picture(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    unwanted = shutil.ignore_patterns(
        *(".git", ".venv*", "build", "dist", "*.egg-info", ".*_cache", "node_modules")
    )
    shutil.copytree(REPOSITORY, clone, ignore=unwanted)
    first, _ = shell_commands("python3 -m venv")
    short = first.replace("--iterations 200", "--iterations 3")
    assert short != first
    finished = subprocess.run(short, shell=True, cwd=clone, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    with (
        Image.open(clone / "stylised.png") as picture,
        Image.open(REPOSITORY / "examples" / "photo.jpg") as photo,
    ):
        assert picture.size == (512, round(512 * photo.height / photo.width))
        assert len(picture.getcolors(maxcolors=512 * 512) or []) > 10_000
    installed = {path.name for path in clone.glob(".venv/lib/*/site-packages/*")}
    assert "onnxruntime" in installed
    assert not installed & {"torch", "torchvision", "onnx", "safetensors"}


@every_page
def test_options_named_on_a_page_exist(name: str) -> None:
    named = {option for piece in code(TEXTS[name]) for option in OPTION.findall(piece)}
    helps = map(help_of, ["", *commands()])
    offered = {option for text in helps for option in OPTION.findall(text)}
    assert named - OTHER_PROGRAMS - options_of_scripts() - offered == set()


def test_options_are_looked_for_where_they_are_named() -> None:
    named = {name: " ".join(code(text)) for name, text in TEXTS.items()}
    assert "--preset" in named["README.md"]
    for option in ("--style-weight", "--half", "--model", "--trace", "--up-to", "--show"):
        assert option in named["docs/using.md"]


@every_page
def test_a_command_has_the_options_that_a_page_gives_it(name: str) -> None:
    for piece in code(TEXTS[name]):
        words = piece.split()
        if words[:1] != ["stylize"] or len(words) == 1 or words[1].startswith("-"):
            continue
        command = " ".join(words[1:3]) if words[1] == "export" else words[1]
        assert command in commands(), piece
        assert set(OPTION.findall(piece)) <= set(OPTION.findall(help_of(command))), piece


def test_the_readme_shows_every_command() -> None:
    shown = [piece for piece in code(README) if piece.startswith("stylize ")]
    for command in commands():
        assert any(piece.startswith(f"stylize {command}") for piece in shown), command


@every_page
def test_links_lead_somewhere(name: str) -> None:
    page = REPOSITORY / name
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        if target.startswith("https://"):
            continue
        path, _, section = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if section:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            assert section in map(anchor, headings), target


@every_page
def test_files_named_on_a_page_exist(name: str) -> None:
    folders = "models|export|runtime|cli|tests|benchmarks|training|examples|docs"
    for path in re.findall(rf"`((?:{folders})/[\w/]+\.(?:py|md|jpg))`", TEXTS[name]):
        assert (REPOSITORY / path).is_file() or "NAME" in path, path


@every_page
def test_lines_are_short(name: str) -> None:
    """But for the two commands that install and run in one line."""
    lines = TEXTS[name].splitlines()
    assert [
        line
        for line in lines
        if len(line) > LONGEST_LINE and not line.startswith("python3 -m venv .venv &&")
    ] == []


def test_the_reference_of_python_has_every_public_name() -> None:
    page = TEXTS["docs/python.md"]
    for name in runtime.__all__:
        assert re.search(rf"stylize\.runtime\.{name}\b|`{name}`", page), name


def test_every_page_is_in_the_contents() -> None:
    listed = re.findall(r"^\| \[[^]]+\]\(([^)]+)\)", TEXTS["docs/README.md"], re.MULTILINE)
    found = {(REPOSITORY / "docs" / page).resolve() for page in listed}
    assert found == {*PAGES} - {REPOSITORY / "README.md", REPOSITORY / "docs" / "README.md"}
