"""The names that VGG-19's weights have in files, and ours for them: ``conv1_1.weight``."""

import re
from collections.abc import Iterable

from stylize.export.network.architecture import Convolution, Network

CLASSIFIERS = ("classifier", "pre_logits", "head")
"""What torchvision and timm call the fully connected layers, which pictures do not need."""

WRAPPERS = ("module", "model")
"""What PyTorch's DataParallel, and modules that hold a network, put into the names."""


def without_classifier(names: Iterable[str]) -> list[str]:
    """Return the names of what is not part of a classifier."""
    return [name for name in names if _unwrapped(name).partition(".")[0] not in CLASSIFIERS]


def our_name(name: str, network: Network) -> str | None:
    """Return our name for a parameter of a network; None if it has none.

    It may be named as ours, as Keras' (``block1_conv1.weight``), or as torchvision's and timm's
    (``features.0.weight``), which number the ReLUs and poolings, too. The state of torchvision's
    ``features`` alone begins with the number.
    """
    plain = re.sub(r"^block(\d)_conv(\d)\.", r"conv\1_\2.", _unwrapped(name))
    if plain in network.parameters:
        return plain
    return _by_number(network).get(plain.removeprefix("features."))


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def _by_number(network: Network) -> dict[str, str]:
    """Return our names by ``0.weight`` and so on."""
    names = {}
    index = 0
    for layer in network.layers:
        if isinstance(layer, Convolution):
            for kind in ("weight", "bias"):
                names[f"{index}.{kind}"] = f"{layer.name}.{kind}"
            index += 1
        index += 1
    return names
