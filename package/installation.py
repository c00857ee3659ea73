"""What is installed: stylize's release, what it came from, and the distributions beside it."""

import csv
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylize.shell import in_turn, quoted

if TYPE_CHECKING:
    from importlib import metadata

# What takes its time to import is imported where it is needed: the command line starts faster.

DISTRIBUTION = "stylize-onnx"
"""The name under which installers know stylize."""
COMMAND = "stylize"

NEEDED_TO_EXPORT = ("onnx", "safetensors")
"""Packages of the extra ``export`` without which nothing can be exported."""

ORIGIN = "direct_url.json"
"""Where installers note what they installed from, if that was no registry."""


@dataclass(frozen=True)
class Distribution:
    """Something that an installer has installed.

    Attributes
    ----------
    name, version : str
        What it tells of itself. One that is half removed does not: then its folder does.
    folders : frozenset of str
        The packages that it wrote.
    commands : frozenset of str
        The commands that it brings.
    """

    name: str
    version: str
    folders: frozenset[str]
    commands: frozenset[str]


def release() -> str:
    """Return stylize's release; ``unknown`` where the installation is damaged."""
    from importlib import metadata

    with suppress(Exception):  # each release of Python has its own ways to say so
        return metadata.version(DISTRIBUTION) or "unknown"
    return "unknown"


def major_and_minor(version: str) -> tuple[int, ...]:
    """Return (1, 24) of ``1.24.4`` or ``1.24.0.dev20260101``."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version)[:2])


def installed() -> tuple[Distribution, ...]:
    """Return the distributions of this environment, which is read once for each ``sys.path``."""
    return _installed(tuple(sys.path))


@cache
def _installed(places: tuple[str, ...]) -> tuple[Distribution, ...]:
    from importlib import metadata

    return tuple(_described(metadata.distributions(path=list(places))))


def _described(distributions: "Iterable[metadata.Distribution]") -> Iterator[Distribution]:
    for found in distributions:
        folder = Path(str(getattr(found, "_path", ""))).name.removesuffix(".dist-info")
        called, _, version = folder.rpartition("-")
        name = _told(found, "Name") or called
        if name:
            yield Distribution(
                re.sub(r"[-_.]+", "-", name).lower(),
                _told(found, "Version") or version,
                _folders(found),
                frozenset(
                    point.name for point in found.entry_points if point.group == "console_scripts"
                ),
            )


def rivals() -> Iterator[Distribution]:
    """Yield distributions of other programs that have a command of stylize's name."""
    for found in installed():
        if found.name != DISTRIBUTION and COMMAND in (found.name, *found.commands):
            yield found


def _told(found: "metadata.Distribution", what: str) -> str | None:
    with suppress(Exception):  # as above
        return found.metadata[what]
    return None


def _folders(found: "metadata.Distribution") -> frozenset[str]:
    if declared := (found.read_text("top_level.txt") or "").split():
        return frozenset(declared)
    # Not by `files`, which makes a path of each: an environment with torch has twenty thousand.
    paths = csv.reader((found.read_text("RECORD") or "").splitlines())
    return frozenset(path[0].partition("/")[0] for path in paths if path)


def install_command(extra: str) -> str:
    """Return the command that installs an extra of stylize, from where stylize itself came.

    Without a trace of that, it is to be run in the folder of stylize's source.
    """
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    origin = _origin()
    url = str(origin.get("url", ""))
    file = Path(url2pathname(urlparse(url).path)) if url.startswith("file:") else None
    if not url or (file and not os.path.exists(file)):
        return quoted("pip", "install", f".[{extra}]")
    if not file or not os.path.isdir(file):
        return quoted("pip", "install", f"{DISTRIBUTION}[{extra}] @ {url}")
    editable = ("-e",) if (origin.get("dir_info") or {}).get("editable") else ()
    return quoted("pip", "install", *editable, f"{file}[{extra}]")


def missing_to_export() -> list[str]:
    """Return what an export needs and is not installed."""
    return [name for name in NEEDED_TO_EXPORT if find_spec(name) is None]


def export_command() -> str:
    """Return the command that makes a model of VGG-19; before it, what installs its extra."""
    export = quoted(COMMAND, "export", "vgg19")
    return in_turn(install_command("export"), export) if missing_to_export() else export


def _origin() -> dict[str, Any]:
    """Return what an installer noted of what it installed stylize from."""
    import json
    from importlib import metadata

    try:
        found = json.loads(metadata.distribution(DISTRIBUTION).read_text(ORIGIN) or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
