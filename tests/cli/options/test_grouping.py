"""Dataclasses of settings become Typer's parameters, and what is given comes back."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from stylize.cli.options.grouping import Choose, Given, grouped
from stylize.cli.parsing import Command
from stylize.models.errors import OptionError
from stylize.models.settings import check, setting


def parse_pairs(texts: list[str]) -> dict[str, str]:
    if not all("=" in text for text in texts):
        raise OptionError("Write KEY=VALUE.")
    return dict(text.split("=", 1) for text in texts)


@dataclass(frozen=True)
class Cake:
    layers: int = setting(2, "How high it is.", metavar="N", least=0)
    weight: float = setting(0.5, "How much it is.", panel="Losses")
    kind: Literal["plain", "marble"] = setting("plain", "What it is made of.", panel="Pictures")
    name: str | None = setting(None, "What it is called.", shown="no name")
    words: tuple[str, ...] = setting(("a", "b"), "What is on it.", flags=("--word", "-w"))
    numbers: tuple[float, ...] = setting((), "Its numbers.", flags=("--number",))
    warm: bool = setting(False, "Whether it is warm.")
    extras: dict[str, str] = setting(
        dict, "What else.", flags=("--extra",), parse=parse_pairs, repeated=True
    )
    secret: int = setting(3, "Not for the command line.", offered=False)

    def __post_init__(self) -> None:
        check(self)


EVERY: dict[str, tuple[list[str], Any]] = {
    "layers": (["--layers", "3"], 3),
    "weight": (["--weight", "1.5"], 1.5),
    "kind": (["--kind", "marble"], "marble"),
    "name": (["--name", "Bob"], "Bob"),
    "words": (["-w", "x", "--word", "y", "-w", "x"], ("x", "y", "x")),
    "numbers": (["--number", "1", "--number", "2.5"], (1.0, 2.5)),
    "warm": (["--warm"], True),
    "extras": (["--extra", "a=1", "--extra", "b=c=d"], {"a": "1", "b": "c=d"}),
}


def app_of(command: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command(cls=Command)(grouped(command))
    return app


def run(command: Callable[..., None], *arguments: str) -> Any:
    return CliRunner().invoke(app_of(command), arguments, env={"COLUMNS": "120"})


def whole(*arguments: str) -> Cake:
    found: list[Cake] = []

    def bake(cake: Cake) -> None:
        found.append(cake)

    assert run(bake, *arguments).exit_code == 0
    return found[0]


def given(choose: Choose, *arguments: str) -> Given:
    found: list[Given] = []

    def bake(given: Annotated[Given, choose]) -> None:
        found.append(given)

    result = run(bake, *arguments)
    assert result.exit_code == 0, result.output
    return found[0]


def help_of(annotation: Any) -> str:
    def bake(cake: annotation) -> None:
        """Bake."""

    return re.sub(r"[\s│╭╮╰╯─]+", " ", run(bake, "--help").output)


class TestWhole:
    def test_nothing_given_is_the_default(self) -> None:
        assert whole() == Cake()

    @pytest.mark.parametrize("name", EVERY)
    def test_each_kind_of_setting(self, name: str) -> None:
        arguments, value = EVERY[name]
        assert whole(*arguments) == replace(Cake(), **{name: value})

    def test_a_value_that_is_refused_is_an_error_of_usage(self) -> None:
        def bake(cake: Cake) -> None: ...

        result = run(bake, "--layers", "-1")
        assert result.exit_code == 2
        assert "The layers is -1; it must be 0 or more." in result.stderr

    def test_a_text_that_cannot_be_parsed(self) -> None:
        def bake(cake: Cake) -> None: ...

        result = run(bake, "--extra", "a")
        assert (result.exit_code, "Write KEY=VALUE." in result.stderr) == (2, True)

    def test_help_tells_everything(self) -> None:
        found = help_of(Cake)
        assert "--layers N How high it is. Default: 2." in found
        kind = r"(<float>|FLOAT)"  # as the release of typer has it
        assert re.search(rf"--weight {kind} How much it is\. Default: 0\.5\.", found)
        assert "--kind plain|marble What it is made of. Default: plain." in found
        assert "Default: no name." in found
        assert "--word -w" in found
        assert "Default: a b." in found
        assert "--secret" not in found
        assert "--no-warm" not in found


class TestGiven:
    def test_nothing(self) -> None:
        assert given(Choose(Cake)) == {}

    @pytest.mark.parametrize("name", EVERY)
    def test_each_kind_of_setting(self, name: str) -> None:
        arguments, value = EVERY[name]
        assert given(Choose(Cake), *arguments) == {name: value}

    def test_zero_is_given(self) -> None:
        arguments = ("--layers", "0", "--weight", "0", "--name", "")
        assert given(Choose(Cake), *arguments) == {"layers": 0, "weight": 0.0, "name": ""}

    def test_only_some(self) -> None:
        found = help_of(Annotated[Given, Choose(Cake, "layers", "kind")])
        assert set(re.findall(r"--[a-z]+", found)) == {"--layers", "--kind", "--help"}

    def test_without_some(self) -> None:
        found = help_of(Annotated[Given, Choose(Cake, without=("layers", "kind"))])
        assert not {"--layers", "--kind"} & set(re.findall(r"--[a-z]+", found))
        assert "--weight" in found

    def test_defaults_are_those_of_the_base(self) -> None:
        found = help_of(Annotated[Given, Choose(Cake, base=Cake(layers=4, words=("z",)))])
        assert "Default: 4." in found
        assert "Default: z." in found

    def test_what_is_other_in_a_command(self) -> None:
        choose = Choose(Cake, "words", words={"flags": ("--text",), "help": "Text on it."})
        assert "--text" in help_of(Annotated[Given, choose])
        assert given(choose, "--text", "hello") == {"words": ("hello",)}

    @pytest.mark.parametrize("given", [{"without": ("height",)}, {"height": {"help": "No."}}])
    def test_a_setting_that_is_none_of_its_own(self, given: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="Cake has no settings"):
            Choose(Cake, **given)

    def test_panels_are_in_the_same_order_everywhere(self) -> None:
        found = help_of(Annotated[Given, Choose(Cake)])
        places = [found.index(name) for name in ("--layers", "--kind", "--weight")]
        assert places == sorted(places)


def test_other_parameters_stay_and_two_groups_go_together() -> None:
    found: list[object] = []

    def bake(
        where: Annotated[str, typer.Argument()],
        *,
        cake: Annotated[Given, Choose(Cake, "layers")],
        other: Annotated[Given, Choose(Cake, "kind")],
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        found.extend((where, cake, other, loud))

    assert run(bake, "here", "--loud", "--kind", "marble", "--layers", "7").exit_code == 0
    assert found == ["here", {"layers": 7}, {"kind": "marble"}, True]
