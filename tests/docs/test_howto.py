"""The commands of the page of tasks work as they are written, but with small pictures."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image
from typer.testing import CliRunner

from stylize.cli.app import app

PAGE = (REPOSITORY / "docs" / "howto.md").read_text("utf-8")
SMALL = "--size 32 --iterations 2"
SMALLER = {
    **dict.fromkeys(("run", "batch", "rerun", "texture", "grid"), SMALL),
    "plan": f"{SMALL} --provider cpu",
    "judge": "--size 32",
    "doctor": "--provider cpu",
}
"""What is added to each command; of an option that is given twice, the second counts."""
ELSEWHERE = ("export", "resume", "figure", "compare")
"""Commands with tests of their own, which would take long here."""


def commands() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        yield from block.splitlines()


@pytest.fixture
def pictures(picture: Callable[..., Path]) -> None:
    for folder in ("photos", "paintings"):
        Path(folder).mkdir()
    names = ("photo.jpg", "painting.jpg", "starry.jpg", "scream.jpg")
    for seed, name in enumerate((*names, "photos/a.jpg", "photos/b.jpg", "paintings/c.jpg")):
        picture(name, seed=seed)
    mask = np.zeros((32, 48), np.uint8)
    mask[:16] = 255
    Image.fromarray(mask).save("sky.png")


@pytest.mark.usefixtures("pictures")
def test_commands_run_from_the_top_to_the_bottom() -> None:
    for line in commands():
        piped = re.fullmatch(r"cat (?P<read>\S+) \| (?P<command>.+) > (?P<written>\S+)", line)
        _, name, *words = shlex.split(piped["command"] if piped else line)
        if name in ELSEWHERE:
            continue
        more = [] if "--show" in words else SMALLER.get(name, "").split()
        given = Path(piped["read"]).read_bytes() if piped else None
        result = CliRunner().invoke(app, [name, *words, *more], input=given)
        assert result.exit_code == 0, f"{line}: {result.output}"
        if piped:
            Path(piped["written"]).write_bytes(result.stdout_bytes)
        for made in re.findall(r"-o (\S+\.\w+)", line):
            with Image.open(made) as image:
                assert max(image.size) >= 32, line
    with Image.open("piped.png") as image:
        assert image.size == (32, 21)
    assert {path.name for path in Path("results").glob("*.png")} == {"a-c.png", "b-c.png"}
    assert Path("losses.jsonl").read_text().count("\n") == 2
