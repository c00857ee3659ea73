"""The embedded model as an earlier release wrote it."""

import json
import shutil
from pathlib import Path

from stylize.models.catalog import embedded_folder
from stylize.models.manifest import read_manifest


def of_format_2(folder: Path) -> Path:
    """Write the embedded model without graphs for strips and pieces to a new folder."""
    manifest = json.loads((embedded_folder() / "model.json").read_bytes()) | {"format": 2}
    for name in ("blocks", "sums", "pieces"):
        del manifest[name]
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(manifest))
    for file in read_manifest(folder).files:
        shutil.copy(embedded_folder() / file.file, folder)
    return folder
