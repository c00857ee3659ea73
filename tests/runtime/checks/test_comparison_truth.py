"""Every provider that works here, in float32, against the truth: torch in float64."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("torch", reason="the truth is torch's autograd")

from every_provider import MODES, provider_or_skip, skip_if_slow
from small import small_network, small_weights

from stylize.export.network.architecture import vgg19
from stylize.export.network.torch_peer import Evaluation, TorchNetwork
from stylize.export.sources.loading import load_weights
from stylize.models.errors import ProviderError
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.runtime.checks.comparison import (
    TOLERANCES,
    gradients_apart,
    losses_apart,
    tolerance_of,
)
from stylize.runtime.method.model import Model
from stylize.runtime.pictures.arrays import to_array
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.providers.table import Provider

Array = npt.NDArray[np.float32]

FIGURE_2 = paper_layer_sets()[0]
ALPHA, BETA = 1.0, 1000.0
FLOAT32_TESTED = [mode for mode in TOLERANCES if mode[1] == "float32"]


@pytest.fixture(params=[mode for mode in MODES if mode.values[0] in FLOAT32_TESTED])
def provider(request: pytest.FixtureRequest) -> Provider:
    return provider_or_skip(*request.param)


@dataclass(frozen=True)
class Subject:
    """A model folder and the same network in torch."""

    folder: Path
    torch: TorchNetwork
    known: dict[str, Evaluation] = field(default_factory=dict)

    def truth(self, image: Array, targets: dict[str, Array], layers: LayerSet) -> Evaluation:
        """What torch computes, once for all providers."""
        key = sha256(repr(layers).encode())
        for array in (image, *targets.values()):
            key.update(repr(array.shape).encode() + array.tobytes())
        if key.hexdigest() not in self.known:
            weights = np.full(len(layers.content), ALPHA), np.full(len(layers.style), BETA / 5)
            found = self.torch.evaluate(image, layers, targets, *weights)
            self.known[key.hexdigest()] = found
        return self.known[key.hexdigest()]


@pytest.fixture(scope="module", params=["average", "max"])
def small(request: pytest.FixtureRequest, small_model: Callable[..., Path]) -> Subject:
    network = small_network(request.param)
    return Subject(small_model(network), TorchNetwork(network, small_weights(network).arrays))


@pytest.fixture(scope="module")
def real(real_model: Callable[..., Path], real_weights: Path) -> Subject:
    network = vgg19()
    weights = load_weights(str(real_weights), network, "caffe")
    return Subject(real_model(), TorchNetwork(network, weights.arrays))


def targets_of(
    torch: TorchNetwork, photo: Array, painting: Array, layers: LayerSet = FIGURE_2
) -> dict[str, Array]:
    last = torch.network.deepest(layers.content + layers.style)
    content, style = (torch.features(picture, last) for picture in (photo, painting))
    targets = {f"content_target.{layer}": content[layer] for layer in layers.content}
    targets |= {f"style_target.{layer}": torch.style_target(style, layer) for layer in layers.style}
    return {name: target.astype(np.float32) for name, target in targets.items()}


def assert_equals_torch(
    subject: Subject,
    provider: Provider,
    image: Array,
    targets: dict[str, Array],
    layers: LayerSet = FIGURE_2,
) -> None:
    found = Model.open(subject.folder, provider).objective(
        image.shape[2:],
        targets,
        dict.fromkeys(layers.content, ALPHA),
        dict.fromkeys(layers.style, BETA / 5),
    )(image)
    truth = subject.truth(image, targets, layers)
    losses = {**found.content_losses, **found.style_losses, "total": found.total}
    expected = {**named(truth, layers), "total": truth.total}
    worst = losses_apart(losses, expected)
    gradient = gradients_apart(found.gradient, truth.gradient)
    print(f"{image.shape[3]}x{image.shape[2]}: losses {worst:.1e}, gradient {gradient:.1e}")
    assert worst <= tolerance_of(provider).losses
    assert gradient <= tolerance_of(provider).gradient


def named(truth: Evaluation, layers: LayerSet) -> dict[str, float]:
    content = dict(zip(layers.content, truth.content_losses, strict=True))
    return content | dict(zip(layers.style, truth.style_losses, strict=True))


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (48, 64), (91, 75)], ids=str)
def test_small_network_equals_torch(
    small: Subject, provider: Provider, size: tuple[int, int]
) -> None:
    skip_if_slow(provider, size)
    photo, painting, image = np.random.default_rng(0).random((3, 1, 3, *size), np.float32)
    targets = targets_of(small.torch, photo, painting)
    # With layers this narrow, one flipped ReLU may weigh more than the tolerance in the
    # gradient; this seed has none.
    assert_equals_torch(small, provider, image, targets)


# Of (127, 95) every pooling drops a row and a column. The sums of a large picture are longest in
# its first layer, which takes little time alone.
@pytest.mark.real_weights
@pytest.mark.parametrize(
    ("size", "layers"),
    [((64, 48), FIGURE_2), ((127, 95), FIGURE_2), ((800, 600), LayerSet(style=("conv1_1",)))],
    ids=str,
)
def test_vgg19_equals_torch(
    real: Subject, real_pictures: Path, provider: Provider, size: tuple[int, int], layers: LayerSet
) -> None:
    skip_if_slow(provider, size, deep=True)
    photo, painting = (
        to_array(load_image(real_pictures / name).resize(size))
        for name in ("tuebingen_neckarfront.jpg", "starry_night.jpg")
    )
    image = np.random.default_rng(0).random(photo.shape, np.float32)
    targets = targets_of(real.torch, photo, painting, layers)
    assert_equals_torch(real, provider, (photo + image) / 2, targets, layers)


def test_targets_and_features_equal_torch(small: Subject, provider: Provider) -> None:
    image = np.random.default_rng(0).random((1, 3, 35, 42), np.float32)
    model = Model.open(small.folder, provider)
    expected = small.torch.features(image)
    features = model.features(image)
    assert features.keys() == expected.keys()
    targets = model.targets(image, LayerSet(("conv4_2",), ())) | model.targets(
        image, LayerSet((), FIGURE_2.style)
    )
    pairs = [(features[name], expected[name]) for name in expected]
    pairs.append((targets["content_target.conv4_2"], expected["conv4_2"]))
    pairs += [
        (targets[f"style_target.{layer}"], small.torch.style_target(expected, layer))
        for layer in FIGURE_2.style
    ]
    for found, truth in pairs:
        assert np.linalg.norm(found - truth) <= 1e-5 * np.linalg.norm(truth)


def test_layers_without_a_response_are_left_out_of_the_features(
    small: Subject, provider: Provider
) -> None:
    model, image = Model.open(small.folder, provider), np.zeros((1, 3, 31, 64), np.float32)
    if provider.name == "openvino":
        with pytest.raises(ProviderError, match="fewer than 32 pixels"):
            model.features(image)
        return
    names = model.features(image).keys()
    expected = {layer.name for layer in model.folder.manifest.layers} - {"pool5"}
    assert names == expected | {f"gram.{name}" for name in expected}


def test_half_weights_compute_what_their_rounded_values_do(
    small_model: Callable[..., Path], provider: Provider
) -> None:
    network = small_network()
    arrays = small_weights(network).arrays
    rounded = {name: array.astype(np.float16) for name, array in arrays.items()}
    subject = Subject(small_model(network, half=True), TorchNetwork(network, rounded))
    photo, painting, image = np.random.default_rng(0).random((3, 1, 3, 40, 33), np.float32)
    assert_equals_torch(subject, provider, image, targets_of(subject.torch, photo, painting))
