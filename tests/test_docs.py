"""What docs tell their readers to type is understood, and what they tell them to run runs."""

import doctest
import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
from conftest import REPOSITORY
from deep import read_deep
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

import stylize.runtime
from stylize.cli.app import app
from stylize.cli.making.series import Destination
from stylize.cli.reference.pages import program
from stylize.cli.showing import reports
from stylize.export.options import ExportOptions
from stylize.models.settings import settings_of
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.file_options import FileOptions

PAGES = {
    path.relative_to(REPOSITORY).as_posix(): path.read_text("utf-8")
    for folder in ("", "docs", "models", "benchmarks", "training")
    for path in sorted((REPOSITORY / folder).glob("*.md"))
}
SETTINGS = (Options, Machine, FileOptions, ExportOptions, Destination)
ENDS = re.compile("[|&;<>()]+")
"""What ends a command for a shell."""
BEFORE = re.compile(rf"{ENDS.pattern}|then|else|do|\w+=.*")
"""After what another one begins."""
PLACEHOLDERS = {"...", "…the", "[OPTIONS]"}
SMALL = ("--size", "32", "--iterations", "2", "--provider", "cpu")


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)```", text, re.DOTALL | re.MULTILINE)


def typed(text: str) -> Iterator[str]:
    """Yield each line that a reader types into a shell, without its comment."""
    for language, prompt in (("sh", ""), ("console", "$ ")):
        for line in "\n".join(blocks(language, text)).replace("\\\n", " ").splitlines():
            if line.strip().startswith(prompt):
                yield line.strip().removeprefix(prompt).partition(" #")[0]


def commands(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each ``stylize`` in a line for a shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    found: list[str] | None = None
    first = True
    for word in [*words, ";"]:
        if ENDS.fullmatch(word):
            if found is not None:
                yield found
            found = None
        elif found is not None:
            found.append(word)
        elif first and re.fullmatch(r"(.*/)?stylize", word):
            found = []
        first = bool(BEFORE.fullmatch(word))


EXAMPLES = [
    pytest.param(arguments, id=f"{name}: {' '.join(arguments)}")
    for name, text in PAGES.items()
    for line in typed(text)
    for arguments in commands(line)
    if not PLACEHOLDERS & set(arguments)
]


@cache
def application() -> Any:
    return get_command(app)


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Return what the application makes of a command line, without running it."""
    command = application()
    words = list(arguments)
    while hasattr(command, "commands") and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    of_all = hasattr(command, "commands")  # as --version, which would print and end
    with command.make_context("stylize", words, resilient_parsing=of_all) as context:
        values: dict[str, Any] = context.params
        return values


def check_values(values: dict[str, Any]) -> None:
    """Let the library check each value by itself, as it does when the command runs."""
    for name, text in values.items():
        kinds = [kind for kind in SETTINGS if name in settings_of(kind)]
        if kinds and text not in (None, False, []) and text != Path():
            setting, _ = settings_of(kinds[0])[name]
            value = setting.parse(text) if setting.parse else text
            kinds[0](**{name: tuple(value) if isinstance(value, list) else value})


class TestShell:
    @pytest.mark.parametrize("arguments", EXAMPLES)
    def test_every_command_line_is_understood(self, arguments: list[str]) -> None:
        check_values(parsed(arguments))

    def test_examples_are_found(self) -> None:
        found = [" ".join(example.values[0]) for example in EXAMPLES]
        assert len(found) > 60
        assert (
            "run examples/photo.jpg examples/painting.jpg --iterations 200 -o stylised.png" in found
        )
        assert "judge photo.jpg painting.jpg -" in found  # after a pipe
        assert "resume out.png.checkpoint" in found  # after 'then'
        assert any(each.startswith("batch trips/**/*.jpg ") for each in found)  # in quotes

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("stylize run photo.jpg painting.jpg --sise 4", "--sise"),
            ("STYLIZE_SIZE=64 stylize run", "MissingParameter"),
            ("stylize run a.jpg b.jpg --size 5O0", "5O0"),
            ("stylize run a.jpg b.jpg --losses papers", "papers"),
            ("cat a.jpg | stylize run - b.jpg --strength 101 > out.png", "101"),
        ],
    )
    def test_what_is_wrong_would_be_seen(self, line: str, told: str) -> None:
        (arguments,) = commands(line)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            check_values(parsed(arguments))
        assert told in f"{caught.value!r} {vars(caught.value)}"

    @pytest.mark.parametrize(
        ("page", "line", "made"),
        [
            ("README.md", "stylize run photo.jpg painting.jpg", "photo-painting.png"),
            ("docs/control.md", "stylize run cat.jpg starry.jpg --colors photo", "cat-starry.png"),
            (
                "docs/control.md",
                "stylize run photo.jpg --region sky.png=starry.jpg --region houses.png=scream.jpg",
                "photo-starry-scream.png",
            ),
            (
                "docs/pictures.md",
                "stylize run photo.jpg painting.jpg -o out.tiff --bits 16 --profile keep",
                "out.tiff",
            ),
            (
                "docs/using.md",
                "stylize texture painting.jpg --size 1024x256",
                "painting-texture.png",
            ),
            ("docs/batch.md", "stylize batch --pairs list.csv -o results", "results/batch.jsonl"),
        ],
    )
    def test_some_are_run_at_a_tiny_size(
        self, page: str, line: str, made: str, picture: Callable[..., Path]
    ) -> None:
        assert line in (each.strip() for each in typed(PAGES[page]))
        for number, name in enumerate(("photo", "painting", "cat", "starry", "scream")):
            picture(f"{name}.jpg", seed=number)
        for name in ("sky.png", "houses.png"):
            Image.new("L", (48, 32), 255).save(name)
        Path("list.csv").write_text("photo.jpg,painting.jpg\n")
        (arguments,) = commands(line)
        result = CliRunner().invoke(app, [*arguments, *SMALL])
        assert result.exit_code == 0, result.output
        assert Path(made).is_file(), result.output


def in_python(page: str, *changes: tuple[str, str]) -> dict[str, Any]:
    """Run the example of a page with small settings; return its names."""
    (example,) = blocks("python", PAGES[page])
    for old, new in changes:
        assert example.count(old) == 1, old
        example = example.replace(old, new)
    names: dict[str, Any] = {}
    exec(compile(example, page, "exec"), names)
    return names


class TestPython:
    """Small settings stand for those of the examples, and ``compact`` for VGG-19."""

    @pytest.fixture(autouse=True)
    def pictures(self, picture: Callable[..., Path]) -> None:
        names = ("photo", "painting", "starry", "scream", "kandinsky")
        for seed, name in enumerate(names):
            picture(f"{name}.jpg", seed=seed)

    def test_examples_are_those_that_are_run(self) -> None:
        pages = {name for name, text in PAGES.items() if blocks("python", text)}
        assert pages == {
            *("README.md", "docs/using.md", "docs/judging.md", "docs/pictures.md"),
            *("docs/control.md", "docs/architecture.md", "docs/programs.md"),
        }

    @pytest.mark.parametrize("page", ["README.md", "docs/using.md"])
    def test_of_a_transfer(self, page: str) -> None:
        in_python(page, ("size=384", "size=32, iterations=3"))
        with Image.open("stylised.png") as stylised:
            assert max(stylised.size) == 32

    def test_of_judging(
        self, capsys: pytest.CaptureFixture[str], picture: Callable[..., Path]
    ) -> None:
        picture("out.png", seed=9)
        in_python("docs/judging.md", ('"vgg19"', '"compact"'), ("size=512", "size=32"))
        assert all(float(figure) >= 0 for figure in capsys.readouterr().out.split())

    def test_of_16_bits(self) -> None:
        names = in_python("docs/pictures.md", ("size=384", "size=32, iterations=2"))
        levels = names["last"].best.pixels[0].transpose(1, 2, 0).clip(0, 1) * 65535
        assert np.abs(read_deep(Path("out.tiff")) - levels).max() < 0.51

    def test_of_regions(self, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("sky.png", "starry-sky.png"):
            Image.new("L", (48, 32), 255).save(name)
        Image.new("RGB", (48, 32), "red").save("map.png")
        small = "options=Options(size=32, iterations=2)"
        in_python(
            "docs/control.md",
            ("import Mask, Model, Region", "import Mask, Model, Options, Region"),
            ("regions=[sky, houses])", f"regions=[sky, houses], {small})"),
        )
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["1", "2"]

    def test_of_the_schema(self) -> None:
        names = in_python("docs/programs.md")
        assert json.loads(names["schema"])["$defs"].keys() > {"Picture", "Plan"}

    def test_of_a_rule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The gradient of Σ y² by x is 2 y (1 - y²)."""
        pytest.importorskip("onnx", reason="exporting needs onnx")
        from onnx.reference import ReferenceEvaluator

        from stylize.export.calculus import rules
        from stylize.export.calculus.autodiff import differentiate
        from stylize.export.calculus.graph import Graph

        (example,) = blocks("python", PAGES["docs/architecture.md"])
        names = dict(vars(rules))
        exec(example, names)
        monkeypatch.setitem(rules.RULES, "Tanh", names["tanh"])
        graph = Graph()
        x = graph.input("x", (2, 3))
        y = graph.add("Tanh", x)
        loss = graph.add("ReduceSum", graph.add("Mul", y, y), keepdims=0)
        graph.output("by_x", differentiate(graph, loss, x), (2, 3))
        at = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
        (found,) = ReferenceEvaluator(graph.model("test")).run(None, {"x": at})
        expected = np.tanh(at)
        np.testing.assert_allclose(found, 2 * expected * (1 - expected**2), rtol=1e-5)

    def test_of_the_package_itself(self) -> None:
        (example,) = doctest.DocTestFinder(recurse=False).find(stylize.runtime)
        code = "".join(each.source for each in example.examples)
        assert "size=384" in code
        exec(code.replace("size=384", "size=32, iterations=3"), {})
        with Image.open("stylised.png") as stylised:
            assert max(stylised.size) == 32


class TestReports:
    """``docs/programs.md`` tells what commands print with ``--json``."""

    PAGE = PAGES["docs/programs.md"]

    def test_every_kind_and_field_is_named(self) -> None:
        table = self.PAGE.partition("| `report` |")[2].partition("\n\n")[0]
        for kind in msgspec.json.schema(reports.Report)["discriminator"]["mapping"]:
            assert f"| `{kind}` |" in table
        for report in get_args(reports.Report):
            for field in report.__struct_fields__:
                assert f"`{field}`" in table, report

    def test_examples_are_reports(self) -> None:
        found = re.findall(r"^\{.*?\}$", self.PAGE, re.DOTALL | re.MULTILINE)
        kinds = [
            type(msgspec.json.decode(" ".join(each.split()), type=reports.Report)).__name__
            for each in found
        ]
        assert kinds == ["Picture", "Batch"]

    def test_every_variable_is_in_the_table(self) -> None:
        table = self.PAGE.partition("| variable |")[2].partition("\n\n")[0]
        pairs = {
            (option.variable, option.names[0])
            for page in program().walk()
            for option in page.options
            if option.variable
        }
        assert set(re.findall(r"^\| `(\w+)` \| `(--\w+)`", table, re.MULTILINE)) == pairs
