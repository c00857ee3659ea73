"""Stylize as it is installed: its release, and the command that installs one of its extras."""

import json
import os
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

DISTRIBUTION = "stylize-onnx"
"""The name under which installers know stylize."""

ORIGIN = "direct_url.json"
"""Where installers note what they installed from, if that was no registry."""


def release() -> str:
    """Return stylize's release; ``unknown`` where the installation is damaged."""
    try:
        found: str | None = metadata.version(DISTRIBUTION)
    except (metadata.PackageNotFoundError, KeyError, TypeError):
        return "unknown"
    return found or "unknown"


def install_command(extra: str) -> str:
    """Return the command that installs an extra of stylize, from where stylize itself came.

    Without a trace of that, it is to be run in the folder of stylize's source.
    """
    origin = _origin()
    url = str(origin.get("url", ""))
    file = Path(url2pathname(urlparse(url).path)) if url.startswith("file:") else None
    if not url or (file and not os.path.exists(file)):
        return f"pip install '.[{extra}]'"
    if not file or not os.path.isdir(file):
        return f"pip install {shlex.quote(f'{DISTRIBUTION}[{extra}] @ {url}')}"
    editable = (origin.get("dir_info") or {}).get("editable")
    return f"pip install {'-e ' if editable else ''}{shlex.quote(f'{file}[{extra}]')}"


def _origin() -> dict[str, Any]:
    """Return what an installer noted of what it installed stylize from."""
    try:
        found = json.loads(metadata.distribution(DISTRIBUTION).read_text(ORIGIN) or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
