"""No module of benchmarks/ or training/ imports another that needs it; these lie in no package.

import-linter holds the packages; it does not see folders of scripts that import each other flat.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import REPOSITORY

FOLDERS = ("benchmarks", "training")


def imported(path: Path) -> Iterator[str]:
    """Yield all that a file imports: late, or for its types alone, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def imports_within(folder: Path) -> dict[str, set[str]]:
    """Return what each module of a folder imports from the same folder."""
    files = {path.stem: path for path in folder.glob("*.py")}
    return {name: files.keys() & set(imported(path)) for name, path in files.items()}


def circle_in(folder: Path) -> list[str]:
    """Return modules of which each is imported by the next, the last by the first; or none."""
    try:
        TopologicalSorter(imports_within(folder)).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize("name", FOLDERS)
def test_no_module_imports_one_that_needs_it(name: str) -> None:
    folder = REPOSITORY / name
    assert not circle_in(folder)
    assert any(imports_within(folder).values()), "they do import each other"


IMPORTS = {
    "plain": "import {}\n",
    "of a name": "from {} import name\n",
    "late": "def function():\n    from {} import name\n",
    "for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {}\n",
}


@pytest.mark.parametrize("closing", IMPORTS.values(), ids=IMPORTS.keys())
def test_a_circle_is_found(tmp_path: Path, closing: str) -> None:
    (tmp_path / "one.py").write_text("import json\nfrom two import name\n")
    (tmp_path / "two.py").write_text("import three\n")
    (tmp_path / "three.py").write_text("import pathlib\n")
    assert circle_in(tmp_path) == []
    (tmp_path / "three.py").write_text(closing.format("one"))
    assert set(circle_in(tmp_path)) == {"one", "two", "three"}


def test_a_module_that_imports_itself_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import one\n")
    assert circle_in(tmp_path) == ["one", "one"]
