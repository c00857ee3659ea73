"""The wheel and the source distribution hold what the tree does."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import REPOSITORY

PACKAGES = ("models", "export", "runtime", "cli", "studio")
TOP = "package"
"""The folder of the package that the others lie in."""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, the wheel built from the source distribution."""
    pytest.importorskip("build", reason="building needs the test extra")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(REPOSITORY)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder


def tree(folder: str) -> set[str]:
    return {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "node_modules"}.intersection(path.parts)
    }


@pytest.mark.network
def test_wheel_holds_every_file_of_the_packages_and_nothing_else(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {
            re.sub(r"^stylize_onnx-[^/]*\.data/data/", "", name)
            for name in archive.namelist()
            if ".dist-info/" not in name
        }
    expected = {f"stylize/{name}" for folder in PACKAGES for name in tree(folder)}
    expected |= {name.replace(TOP, "stylize", 1) for name in tree(TOP)}
    expected |= {f"share/man/man1/{Path(name).name}" for name in tree("man")}
    assert held == expected


@pytest.mark.network
def test_source_distribution_holds_tests_examples_and_documents(distributions: Path) -> None:
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    folders = (*PACKAGES, TOP, "man", "tests", "examples", "docs", "benchmarks", "training")
    expected = {name for folder in folders for name in tree(folder)}
    expected |= {"pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
    expected |= {"SECURITY.md"}
    assert expected - held == set()


@pytest.mark.network
def test_distributions_stay_small(distributions: Path) -> None:
    sizes = {path.suffix: path.stat().st_size for path in distributions.iterdir()}
    assert sizes[".whl"] < 2.95e6
