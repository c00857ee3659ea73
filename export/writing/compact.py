"""The network embedded in the package: a narrow VGG-19, distilled from the wide one.

``training/`` makes its weights from the file of VGG-19's that is named here.
``python -m stylize.export.writing.compact WEIGHTS FOLDER`` makes the model folder of them.
"""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from stylize.export.network.architecture import Convolution, Network, vgg19
from stylize.export.sources.loading import load_weights
from stylize.export.writing.write import write_folder

NAME = "compact vgg19"
WIDTH = Fraction(1, 4)
LAST_LAYER = "conv5_1"
SOURCE = "distilled from VGG-19 by stylize's training/"
TEACHER_SHA256 = "88e2e612e3a6124d5bd1a3551f72fe284666c19a47811bfd42c353ba4f2b9ed5"
"""The checksum of VGG-19's weights that the embedded model was distilled from."""
LICENCE = "CC BY 4.0, derived from VGG-19's weights by Karen Simonyan and Andrew Zisserman"


def compact_network() -> Network:
    """Return VGG-19's layers up to conv5_1, a quarter as wide, each with a read-out."""
    narrow = vgg19(width=WIDTH, name=NAME).up_to(LAST_LAYER)
    wide = vgg19()
    layers = (
        replace(layer, represents=wide.layer(layer.name).channels)
        if isinstance(layer, Convolution)
        else layer
        for layer in narrow.layers
    )
    return replace(narrow, layers=tuple(layers))


def write_compact(weights_file: str, folder: Path) -> None:
    """Write the model folder; the weights file may be that of an earlier one."""
    network = compact_network()
    found = load_weights(weights_file, network, network.preprocessing.name)
    weights = replace(found, source=SOURCE, source_sha256=TEACHER_SHA256, licence=LICENCE)
    write_folder(folder, network, weights, half=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python -m stylize.export.writing.compact WEIGHTS FOLDER")
    write_compact(sys.argv[1], Path(sys.argv[2]))
