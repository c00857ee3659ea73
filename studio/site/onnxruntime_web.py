"""ONNX Runtime's build for browsers: npm gets it once, and it stays in the user's cache."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path

from stylize.models.errors import ExtraError, StylizeError
from stylize.models.files import sha256

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"

OLDEST_NPM = 7
"""Those before do not read such lock files."""

WASM = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
WEBGPU = ("ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm")
"""The module of each provider, and what it loads. The page asks for those of one of them."""

CHECKSUMS = {
    WASM[0]: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM[1]: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    WEBGPU[0]: "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2",
    WEBGPU[1]: "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""The sha256 of each file, whoever npm got the package from."""


def cached_runtime() -> Path:
    """Return the folder in which the files are kept."""
    import platformdirs  # late: the command line starts faster without it

    return platformdirs.user_cache_path("stylize", appauthor=False) / f"{PACKAGE}-{VERSION}"


def is_whole(folder: Path) -> bool:
    """Tell whether a folder has all files, as they were published."""
    with suppress(OSError):
        return all(sha256(folder / name) == known for name, known in CHECKSUMS.items())
    return False


def gather_runtime() -> Path:
    """Return a folder with the files of ONNX Runtime; npm gets them if they are not there yet.

    Raises
    ------
    ExtraError
        npm is missing or too old.
    StylizeError
        npm cannot get the package, what it got is not what was published, or the user's cache
        cannot be written.
    """
    folder = cached_runtime()
    if is_whole(folder):
        return folder
    npm = _npm()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".stylize-", dir=folder.parent) as place:
            _put(_installed(npm, Path(place)), folder)
    except OSError as error:
        raise StylizeError(
            f"'{folder}' cannot be written: {error.strerror or error}. Free the disk, or let "
            "$XDG_CACHE_HOME name another folder."
        ) from error
    return folder


def _npm() -> str:
    """Return the program npm."""
    found = shutil.which("npm")
    if not found:
        raise ExtraError(
            f"A site needs {PACKAGE} {VERSION}, which npm gets, and npm is not here. Install "
            "Node.js, which brings it."
        )
    with _asking(found):
        version = _run([found, "--version"]).stdout.strip()
    number = re.match(r"\d+", version)
    if not number or int(number[0]) < OLDEST_NPM:
        raise ExtraError(
            f"npm is of version {version or 'unknown'}; {OLDEST_NPM} or newer is needed to get "
            f"{PACKAGE}. Install a newer Node.js."
        )
    return found


def _installed(npm: str, place: Path) -> Path:
    """Let npm install the package below a folder, and return where its files lie."""
    with as_file(files("stylize.studio.site") / "npm") as told:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(told / name, place / name)
    with _asking(npm):
        finished = _run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], place
        )
    if finished.returncode:
        raise StylizeError(
            f"npm cannot get {PACKAGE} {VERSION}: {_fault(finished.stderr)}. It is needed once; "
            "see whether this machine reaches npm's registry, and try again."
        )
    return place / "node_modules" / PACKAGE / "dist"


@contextmanager
def _asking(npm: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExtraError(f"'{npm}' cannot be run: {error.strerror or error}.") from error


def _run(command: list[str], place: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, encoding="utf-8", errors="replace"
    )


def _fault(printed: str) -> str:
    """Return what npm says of its fault, in a line: that is behind the code."""
    lines = [re.sub(r"^npm (error|ERR!)\s*", "", line).strip() for line in printed.splitlines()]
    told = [line for line in lines if line and not line.startswith(("code ", "A complete log"))]
    return told[0].rstrip(".") if told else "it does not say why"


def _put(source: Path, folder: Path) -> None:
    """Keep the files that are used, if they are those that were published."""
    new = source.parent / folder.name
    new.mkdir()
    for name in CHECKSUMS:
        with suppress(FileNotFoundError):
            (source / name).rename(new / name)
    if not is_whole(new):
        raise StylizeError(
            f"What npm got as {PACKAGE} {VERSION} is not what was published: a checksum differs. "
            "Nothing of it was kept. See which registry npm asks."
        )
    if folder.exists():
        shutil.rmtree(folder)
    new.rename(folder)
