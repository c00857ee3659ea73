"""VGG-19's weights: read from a file once they are known to fit, and stored under our names."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from stylize.export.network import torch_peer
from stylize.export.network.architecture import Network
from stylize.export.network.names import our_name, without_classifier
from stylize.export.network.tensors import Array, FileTensor, FileTensors
from stylize.models.errors import WeightsError
from stylize.models.files import sha256
from stylize.models.manifest import LINE
from stylize.models.preprocessing import CAFFE, PREPROCESSINGS, TORCHVISION, Preprocessing

FLOATING = ("F64", "F32", "F16", "BF16")
"""Types of .safetensors that are read."""

TORCHVISION_SOURCE = "torchvision"
"""What to pass instead of a file for torchvision's own download."""


@dataclass(frozen=True)
class Publication:
    """A weights file as somebody published it."""

    source: str
    licence: str
    preprocessing: Preprocessing


_CAFFE_VGG = "VGG-19 of Simonyan and Zisserman"
_TORCHVISION_VGG = "torchvision VGG19_Weights.IMAGENET1K_V1"

PUBLISHED = {
    "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44": Publication(
        _TORCHVISION_VGG, "BSD-3-Clause", TORCHVISION
    ),
    "11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669": Publication(
        f"{_TORCHVISION_VGG} (timm/vgg19.tv_in1k)", "BSD-3-Clause", TORCHVISION
    ),
    "88e2e612e3a6124d5bd1a3551f72fe284666c19a47811bfd42c353ba4f2b9ed5": Publication(
        f"{_CAFFE_VGG}, convolutions", "CC BY 4.0", CAFFE
    ),
}
"""Known files by their sha256."""


@dataclass(frozen=True)
class Weights:
    """Kernels (OIHW) and biases, float32, under our names, and where they come from."""

    arrays: dict[str, Array]
    source: str
    source_sha256: str
    licence: str
    preprocessing: Preprocessing


def load_weights(source: str, network: Network, preprocessing: str | None = None) -> Weights:
    """Read and check the weights of a network.

    Parameters
    ----------
    source : str
        A .safetensors or .pth file, with tensors named as ours (``conv1_1.weight``) or as
        torchvision's and timm's (``features.0.weight``, alone or in a full classifier), or
        ``torchvision`` for torchvision's ImageNet weights, which are downloaded if they are not in
        its cache.
    network : Network
        The layers to find weights for.
    preprocessing : {"caffe", "torchvision"}, optional
        What the weights were trained on. It may be left out for published files, which are
        recognised by their sha256.

    Raises
    ------
    WeightsError
        The file cannot be read, or its tensors are not finite numbers in the network's shapes.
    """
    path = torch_peer.download_vgg19() if source == TORCHVISION_SOURCE else Path(source)
    with _reading(path):
        tensors = _under_our_names(_tensors_of(path), network, path)
        _check(tensors, network, path)
        arrays = {name: _numbers(tensors[name], name, path) for name in network.parameters}
    digest = sha256(path)
    known = PUBLISHED.get(digest)
    if source == TORCHVISION_SOURCE and known is None:
        raise WeightsError(
            f"'{path}', in torch's cache, is not the file that torchvision publishes (its sha256 "
            f"is {digest}). Delete it and run again; torchvision will download it anew."
        )
    return Weights(
        arrays,
        known.source if known else "".join(LINE.findall(path.name)),
        digest,
        known.licence if known else "unknown: as given by the source of the file",
        _preprocessing(preprocessing, known, path),
    )


def store_weights(path: Path, arrays: Mapping[str, Array], *, half: bool = False) -> None:
    """Write the weights as .safetensors, as float16 if `half`, else as float32.

    Raises
    ------
    WeightsError
        A weight is too large for float16.
    """
    dtype = np.float16 if half else np.float32
    with np.errstate(over="ignore"):
        stored = {name: np.ascontiguousarray(array, dtype) for name, array in arrays.items()}
    for name, array in stored.items():
        if not np.isfinite(array).all():
            raise WeightsError(
                f"'{name}' has values beyond float16's 65504. Export without --half."
            )
    path.write_bytes(save(stored))


def _tensors_of(path: Path) -> FileTensors:
    readers: dict[str, Callable[[Path], FileTensors]] = {
        ".safetensors": _safetensors,
        ".pth": torch_peer.read_state,
        ".pt": torch_peer.read_state,
    }
    ending = path.suffix.lower()
    if ending not in readers:
        raise WeightsError(
            f"'{path}' is no weights file that stylize reads: it must end in .safetensors, .pth "
            "or .pt. Or say 'torchvision' to use torchvision's weights."
        )
    if not path.is_file():
        raise WeightsError(f"There is no weights file '{path}'. Check the path.")
    return readers[ending](path)


def _safetensors(path: Path) -> FileTensors:
    file: Any = safe_open(path, framework="numpy")

    def tensor(name: str) -> FileTensor:
        found = file.get_slice(name)
        kind = found.get_dtype()

        def read() -> Array:
            return np.asarray(file.get_tensor(name), np.float32)

        return FileTensor(tuple(found.get_shape()), kind, kind in FLOATING, read)

    return {name: tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping


def _under_our_names(tensors: FileTensors, network: Network, path: Path) -> dict[str, FileTensor]:
    found: dict[str, FileTensor] = {}
    for name in without_classifier(tensors):
        ours = our_name(name, network)
        if ours is None:
            raise WeightsError(
                f"'{path}' has an unknown tensor '{name}'. Expected are VGG-19's, named like "
                "'conv1_1.weight' or 'features.0.weight'."
            )
        if ours in found:
            raise WeightsError(
                f"'{path}' has two tensors for '{ours}', one of them '{name}'. Leave one out."
            )
        found[ours] = tensors[name]
    return found


def _check(tensors: FileTensors, network: Network, path: Path) -> None:
    """Raise WeightsError unless each parameter is there in its shape."""
    for name, shape in network.parameters.items():
        if name not in tensors:
            raise WeightsError(f"'{path}' has no tensor for '{name}', of shape {shape}.")
        tensor = tensors[name]
        if tensor.shape != shape:
            raise WeightsError(f"'{path}': '{name}' has shape {tensor.shape}; VGG-19's is {shape}.")
        if not tensor.floating:
            raise WeightsError(
                f"'{path}': '{name}' is {tensor.kind}, not plain floating-point numbers. Convert "
                "it to float32, or get another file."
            )


def _numbers(tensor: FileTensor, name: str, path: Path) -> Array:
    with np.errstate(over="ignore"):
        array = tensor.read()
    if not np.isfinite(array).all():
        raise WeightsError(
            f"'{path}': '{name}' has values that are NaN or infinite. The file is damaged, or its "
            "training diverged: get it again from its source."
        )
    return array


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise WeightsError(
            f"'{path}' cannot be read: {error}. It may be truncated: compare its size with the "
            "source's, and download it again."
        ) from error


def _preprocessing(name: str | None, known: Publication | None, path: Path) -> Preprocessing:
    if name is None and known:
        return known.preprocessing
    if name is None:
        raise WeightsError(
            f"'{path}' is no published file that stylize knows, so it cannot tell what the "
            "weights were trained on. Say --preprocessing caffe (BGR in 0...255 minus the mean) "
            "or --preprocessing torchvision (RGB in 0...1, normalised)."
        )
    if known and known.preprocessing.name != name:
        raise WeightsError(
            f"'{path}' is {known.source}, which needs --preprocessing {known.preprocessing.name}, "
            f"not {name}. Leave the option out."
        )
    return PREPROCESSINGS[name]
