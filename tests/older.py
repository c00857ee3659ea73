"""The embedded model as earlier releases wrote it."""

import json
import shutil
from pathlib import Path

from stylize.models.catalog import embedded_folder
from stylize.models.layers import LayerSet
from stylize.models.manifest import read_manifest

FORMAT_3 = Path(__file__).with_name("format3")
"""Such a folder with graphs of a few layers, but for the weights, which are the same."""

OF_FORMAT_3 = LayerSet(("conv4_2",), ("conv1_1",))
"""The layers of its gradient graph."""


def of_format_3(folder: Path) -> Path:
    """Write the embedded model as of format 3, for a few layers, to a new folder."""
    shutil.copytree(FORMAT_3, folder)
    shutil.copy(embedded_folder() / read_manifest(folder).weights.file, folder)
    return folder


def without_tiles(folder: Path) -> Path:
    """Write the embedded model without graphs for tiles and pieces to a new folder."""
    manifest = json.loads((embedded_folder() / "model.json").read_bytes())
    for name in ("blocks", "sums", "pieces"):
        del manifest[name]
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(manifest))
    for file in read_manifest(folder).files:
        shutil.copy(embedded_folder() / file.file, folder)
    return folder
