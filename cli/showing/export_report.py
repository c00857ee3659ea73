"""What ``stylize export`` says: what it replaces, what it wrote, what the checks found."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError, VerificationError

if TYPE_CHECKING:
    from stylize.export.network.architecture import Network
    from stylize.export.writing.verify import Check
    from stylize.models.manifest import Manifest

Say = Callable[[str], None]
"""Prints a line."""


def announce_replacement(folder: Path, say: Say) -> None:
    """Say which model will be replaced, if one is there."""
    if not (folder / MANIFEST_FILE).exists():
        return
    from stylize.models.manifest import read_manifest

    try:
        old = read_manifest(folder)
    except ModelError:
        say(f"Replacing an unreadable model in {folder}.")
    else:
        say(
            f"Replacing the model in {folder}: {old.network}, {old.pooling} pooling, "
            f"{old.weights.dtype}, weights: {old.weights.source}."
        )


def contents(folder: Path, manifest: "Manifest") -> str:
    """Return what was written, in words."""

    def megabytes(*names: str) -> str:
        return f"{sum((folder / name).stat().st_size for name in names) / 1e6:.1f} MB"

    graphs = [file.file for file in manifest.files if file is not manifest.weights]
    return (
        f"weights ({manifest.weights.dtype}, {megabytes(manifest.weights.file)}) "
        f"and {len(graphs)} graphs ({megabytes(*graphs)})"
    )


def verify(folder: Path, network: "Network", manifest: "Manifest", say: Say) -> "list[Check]":
    """Check a written folder; say and return what was found.

    Raises
    ------
    VerificationError
        It does not compute what it should.
    """
    from stylize.export.network.torch_peer import available
    from stylize.export.writing.verify import verify_folder

    say("Checking the written graphs in float64, on random images (about half a minute):")
    if not available():
        say("  torch is not installed: compared with finite differences and each other only")
    checks = []
    for check in verify_folder(folder, network, manifest):
        checks.append(check)
        verdict = "ok    " if check.passed else "FAILED"
        say(
            f"  {verdict} {check.subject}: relative difference {check.difference:.1e} "
            f"(at most {check.tolerance:.0e})"
        )
    if not all(check.passed for check in checks):
        raise VerificationError(
            "The graphs do not compute what they should, so no model was written; one that was "
            "there is still there. Please report this with the lines above."
        )
    return checks
