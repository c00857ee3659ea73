"""This installation of stylize: its release, and the command that installs one of its extras."""

import json
import shlex
from importlib import metadata
from pathlib import Path
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
    url = _origin()
    if url is None:
        return f"pip install '.[{extra}]'"
    folder = Path(url2pathname(urlparse(url).path))
    if url.startswith("file:") and folder.is_dir():
        return f"pip install {shlex.quote(f'{folder}[{extra}]')}"
    return f"pip install {shlex.quote(f'{DISTRIBUTION}[{extra}] @ {url}')}"


def _origin() -> str | None:
    """Return the address of what stylize was installed from; None if that is unknown or gone."""
    try:
        text = metadata.distribution(DISTRIBUTION).read_text(ORIGIN)
        url = str(json.loads(text or "{}").get("url", ""))
    except (metadata.PackageNotFoundError, OSError, ValueError, AttributeError):
        return None
    if url.startswith("file:") and not Path(url2pathname(urlparse(url).path)).exists():
        return None
    return url or None
