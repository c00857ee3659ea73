"""A site as a folder of files, which appears whole or not at all."""

import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylize.models.errors import OptionError, StylizeError
from stylize.models.exchanging import exchange
from stylize.models.folder import ModelFolder
from stylize.studio.site.onnxruntime_web import CHECKSUMS, WASM, WEBGPU
from stylize.studio.site.telling import (
    ENGINE,
    RUNTIME,
    as_json,
    config_of,
    files_of,
    folder_of,
    name_of,
)

PAGE = Path(__file__).resolve().parents[1] / "page"  # a strict editable install is of links

CONFIG, WORKER, LICENCES = "config.json", "service-worker.js", "licences.txt"
SOURCE_OF_WORKER = f"engines/browser/{WORKER}"

NOT_PUBLISHED = ("engines/server.js", SOURCE_OF_WORKER)
"""What of the page a site has no use for: it talks to a server, or lies elsewhere here."""


@dataclass(frozen=True)
class Site:
    """A site that was made.

    Attributes
    ----------
    path : Path
        Its folder.
    files : tuple of str
        The paths of its files, from there.
    bytes : int
        The size of all of them.
    first_load : int
        Bytes that a first visit takes if the server compresses: without WebGPU, and one model.
    first_load_webgpu : int
        The same where the visitor's browser has WebGPU.
    """

    path: Path
    files: tuple[str, ...]
    bytes: int
    first_load: int
    first_load_webgpu: int


def build_site(path: Path, models: Sequence[ModelFolder], runtime: Path) -> Site:
    """Write a site, in the place of an earlier one.

    Parameters
    ----------
    path : Path
        The folder.
    models : sequence of ModelFolder
        The models, the usual one first. Each has a name of its own.
    runtime : Path
        A folder with the files of ONNX Runtime.

    Raises
    ------
    OptionError
        Two models have one name, or the folder holds something else than a site.
    ModelError
        A model is of an earlier release.
    StylizeError
        A file cannot be written.
    """
    check_site(path, models)
    with _replacing(path) as new:
        _copy_page(new)
        _copy(runtime, new / RUNTIME, CHECKSUMS)
        for model in models:
            _copy(model.path, new / folder_of(model), files_of(model))
        (new / LICENCES).write_text(_licences(models), "utf-8")
        (new / CONFIG).write_bytes(as_json(config_of(models, _files(new))))
        _write_worker(new, models)
        found = _measured(new, models)
    return Site(path, *found)


def check_site(path: Path, models: Sequence[ModelFolder]) -> None:
    """Find out before the work whether a site can be made there; see `build_site`."""
    names = [name_of(each) for each in models]
    if len(set(names)) < len(names):
        raise OptionError(f"Two of the models have one name: {', '.join(names)}. Rename one.")
    if not path.exists():
        return
    if not path.is_dir():
        raise OptionError(f"'{path}' is a file. Name a folder for the site.")
    known = _known_files(path)
    for file in _files(path):
        if file not in known:
            raise OptionError(
                f"'{path}' holds '{file}', which is no file of a site that stylize made. It would "
                "be lost; name another folder, or move it."
            )


def _known_files(path: Path) -> set[str]:
    """Return the files of the site in a folder; none if there is no site."""
    try:
        config = json.loads((path / CONFIG).read_bytes())
        if config["engine"] == ENGINE:
            return {CONFIG, WORKER, *map(str, config["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return set()


def _files(folder: Path) -> list[str]:
    """Return the paths of all files in a folder, from there."""
    paths = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _copy_page(new: Path) -> None:
    names = [name for name in _files(PAGE) if name not in NOT_PUBLISHED]
    _copy(PAGE, new, [name for name in names if not name.endswith(".md")])


def _copy(source: Path, target: Path, names: Sequence[str] | dict[str, str]) -> None:
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def _licences(models: Sequence[ModelFolder]) -> str:
    of_models = "".join(
        f"\n{name_of(each)}: weights {each.manifest.weights.source}. "
        f"Licence: {each.manifest.weights.licence.rstrip('.')}.\n"
        for each in models
    )
    return (
        "This site was made by stylize. Its page is under the MIT licence.\n\n"
        f"{RUNTIME}: ONNX Runtime Web, copyright Microsoft Corporation, under the MIT licence.\n"
        f"{of_models}"
    )


def _write_worker(new: Path, models: Sequence[ModelFolder]) -> None:
    """Write the service worker: what it keeps, and then its source as it is."""
    files, later = _files(new), _later(models)
    told = {
        "version": _digest(new, files),
        "page": [name for name in files if name not in later],
        "later": sorted(later),
    }
    first = f"globalThis.PRECACHE = {json.dumps(told)};\n"
    source = (PAGE / SOURCE_OF_WORKER).read_text("utf-8")
    (new / WORKER).write_text(first + source, "utf-8")


def _later(models: Sequence[ModelFolder]) -> set[str]:
    """Return what a visitor's browser keeps when it first asks for it."""
    runtime = {f"{RUNTIME}/{name}" for name in CHECKSUMS}
    return runtime.union(*map(_paths, models))


def _paths(model: ModelFolder) -> set[str]:
    return {f"{folder_of(model)}/{name}" for name in files_of(model)}


def _digest(new: Path, files: Sequence[str]) -> str:
    """Return a text that is another one if any of the files is."""
    whole = hashlib.sha256()
    for name in files:
        whole.update(name.encode() + b"\0")
        whole.update(hashlib.sha256((new / name).read_bytes()).digest())
    return whole.hexdigest()[:16]


def _measured(new: Path, models: Sequence[ModelFolder]) -> tuple[Any, ...]:
    """Return the files, the size of all, and of first visits without and with WebGPU."""
    files = _files(new)
    usual, later = _paths(models[0]), _later(models)
    page = [name for name in files if name in usual or name not in later]

    def compressed(names: Sequence[str]) -> int:
        return sum(len(gzip.compress((new / name).read_bytes(), 6)) for name in names)

    common = compressed(page)
    of_runtimes = (compressed([f"{RUNTIME}/{name}" for name in each]) for each in (WASM, WEBGPU))
    size = sum((new / name).stat().st_size for name in files)
    return (tuple(files), size, *(common + each for each in of_runtimes))


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`, and move it there once it is complete."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".stylize-", dir=path.parent) as place:
            new = Path(place, "new")
            new.mkdir()
            yield new
            exchange(path, new, Path(place, "old"))
    except OSError as error:
        raise StylizeError(
            f"The site cannot be written to '{path}': {error.strerror or error}. Free the disk, or "
            "name another folder."
        ) from error
