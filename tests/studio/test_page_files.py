"""The page's files: checked by TypeScript and ESLint, and nothing in them leads elsewhere."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image, ImageOps

PAGE = REPOSITORY / "studio" / "page"
CHECKS = REPOSITORY / ".ci" / "page"
FILES = [path for path in sorted(PAGE.rglob("*")) if path.is_file()]
TEXTS = [path for path in FILES if path.suffix in (".html", ".css", ".js", ".svg")]


@pytest.mark.tools
@pytest.mark.parametrize("script", ["types", "lint"])
def test_code_is_checked(script: str) -> None:
    npm = shutil.which("npm")
    if not npm or not (CHECKS / "node_modules").exists():
        pytest.skip("needs npm, and what .ci/browser installs with it")
    checked = subprocess.run(
        [npm, "run", "--silent", script], cwd=CHECKS, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", TEXTS, ids=[path.relative_to(PAGE).as_posix() for path in TEXTS])
def test_no_address_leads_elsewhere_or_to_the_root(path: Path) -> None:
    """So the page works below any path, and offline."""
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"""https?:|["'`]/(?!>)|url\(/""", text)


def test_the_html_has_no_script_and_no_style_in_it() -> None:
    text = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert re.findall(r"<script(.*?)>(.*?)</script>", text, re.DOTALL) == [
        (' type="module" src="main.js"', "")
    ]


@pytest.mark.parametrize("name", ["photo", "painting"])
def test_examples_are_those_of_the_repository(name: str) -> None:
    with (
        Image.open(PAGE / "examples" / f"{name}.webp") as ours,
        Image.open(REPOSITORY / "examples" / f"{name}.jpg") as original,
    ):
        shrunk = ImageOps.contain(original.convert("RGB"), ours.size)
        assert shrunk.size == ours.size
        assert np.abs(np.asarray(ours, float) - np.asarray(shrunk, float)).mean() < 6
