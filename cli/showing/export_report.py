"""What ``stylize export`` says: what it replaces, what it wrote, what the checks found."""

from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.terminal import answer
from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError, VerificationError

if TYPE_CHECKING:
    from stylize.export.network.architecture import Network
    from stylize.models.manifest import Manifest


def announce_replacement(folder: Path) -> None:
    """Say which model will be replaced, if one is there."""
    if not (folder / MANIFEST_FILE).exists():
        return
    from stylize.models.manifest import read_manifest

    try:
        old = read_manifest(folder)
    except ModelError:
        answer(f"Replacing an unreadable model in {folder}.")
    else:
        answer(
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


def verify(folder: Path, network: "Network", manifest: "Manifest") -> None:
    """Check a written folder, and say what was found.

    Raises
    ------
    VerificationError
        It does not compute what it should.
    """
    from stylize.export.network.torch_peer import available
    from stylize.export.writing.verify import verify_folder

    answer("Checking the written graphs in float64, on random images (about half a minute):")
    if not available():
        answer("  torch is not installed: compared with finite differences and each other only")
    failed = False
    for check in verify_folder(folder, network, manifest):
        failed |= not check.passed
        verdict = "ok    " if check.passed else "FAILED"
        answer(
            f"  {verdict} {check.subject}: relative difference {check.difference:.1e} "
            f"(at most {check.tolerance:.0e})"
        )
    if failed:
        raise VerificationError(
            "The graphs do not compute what they should, so no model was written; one that was "
            "there is still there. Please report this with the lines above."
        )
