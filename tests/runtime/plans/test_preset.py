"""Each preset against its source's published formulas, transcribed to torch as they stand there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
torch = pytest.importorskip("torch", reason="the truth is torch's autograd")

from small import small_network, small_weights
from torch import Tensor, nn
from torch_vgg import TorchVgg, bgr

from stylize.export.network.architecture import Network, vgg19
from stylize.export.network.weights import Weights
from stylize.export.sources.loading import load_weights
from stylize.runtime import PRESETS, Model, Scene, to_array
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.sizes import scale_to

Array = npt.NDArray[np.float32]
Features = dict[str, Tensor]
Loss = Callable[[Tensor, Features, Features, Features], Tensor]

CLOSE = 1e-4
STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def paper(alpha: float, beta: float) -> Loss:
    """Equations 1, 3, 4, 5 and 7."""

    def loss(image: Tensor, found: Features, photo: Features, painting: Features) -> Tensor:
        def rows(response: Tensor) -> Tensor:
            return response.flatten(2)[0]

        content = ((found["conv4_2"] - photo["conv4_2"]) ** 2).sum() / 2
        style = torch.zeros(())
        for layer in STYLE:
            f, p = rows(found[layer]), rows(painting[layer])
            n, m = f.shape
            # The painting's Gram matrix is brought to as many positions as the image's.
            gram, target = f @ f.T, p @ p.T * (m / p.shape[1])
            style = style + 1 / 5 * ((gram - target) ** 2).sum() / (4 * n**2 * m**2)
        return alpha * content + beta * style

    return loss


def stylize(image: Tensor, found: Features, photo: Features, painting: Features) -> Tensor:
    """Each loss over what it is where nothing responds; style layers by their channels."""

    def gram(response: Tensor) -> Tensor:
        rows = response.flatten(2)[0]
        return rows @ rows.T / rows.shape[1]

    layers = STYLE[:4]
    channels = sum(found[layer].shape[1] for layer in layers)
    there = photo["conv4_2"]
    total = ((found["conv4_2"] - there) ** 2).sum() / (there**2).sum()
    for layer in layers:
        target = gram(painting[layer])
        part = ((gram(found[layer]) - target) ** 2).sum() / (target**2).sum()
        total = total + 100 * found[layer].shape[1] / channels * part
    return total


def gatys_code(image: Tensor, found: Features, photo: Features, painting: Features) -> Tensor:
    """PytorchNeuralStyleTransfer: GramMatrix, GramMSELoss, and its weights."""

    def gram_matrix(response: Tensor) -> Tensor:
        b, c, h, w = response.size()
        flat = response.view(b, c, h * w)
        return torch.bmm(flat, flat.transpose(1, 2)).div(h * w)

    channels = [found[layer].shape[1] for layer in STYLE]
    style_weights = [1e3 / n**2 for n in channels]
    content_weights = [1e0]
    total = content_weights[0] * nn.MSELoss()(found["conv4_2"], photo["conv4_2"])
    for weight, layer in zip(style_weights, STYLE, strict=True):
        target = gram_matrix(painting[layer])
        total = total + weight * nn.MSELoss()(gram_matrix(found[layer]), target)
    return total


def johnson(image: Tensor, found: Features, photo: Features, painting: Features) -> Tensor:
    """neural-style: ContentLoss, StyleLoss, and the function whose gradient its TVLoss gives."""

    def gram(response: Tensor) -> Tensor:
        flat = response.view(response.shape[1], -1)
        return (flat @ flat.T) / response.nelement()

    total = 5e0 * nn.MSELoss()(found["conv4_2"], photo["conv4_2"])
    for layer in STYLE:
        total = total + 1e2 * nn.MSELoss()(gram(found[layer]), gram(painting[layer]))
    x_diff = image[:, :, :-1, :-1] - image[:, :, :-1, 1:]
    y_diff = image[:, :, :-1, :-1] - image[:, :, 1:, :-1]
    return total + 1e-3 * (x_diff**2 + y_diff**2).sum() / 2


def spst(image: Tensor, found: Features, photo: Features, painting: Features) -> Tensor:
    """scaling_painting_style_transfer: the three style losses of spst.py, and their weights."""

    def statistics(response: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, c, h, w = response.shape
        f = response.reshape(b, c, -1)
        gram = torch.bmm(f, f.transpose(1, 2)).div(h * w)
        mu = torch.sum(response, (2, 3), keepdim=True).div(h * w)
        return gram, mu, torch.sqrt(torch.diag(gram.squeeze()).view(1, -1, 1, 1) - mu**2)

    total = 1e0 * nn.MSELoss()(found["conv4_2"], photo["conv4_2"])
    for layer in STYLE:
        n = found[layer].shape[1]
        gram_weight = 1e3 / n**2
        moments_weight = gram_weight * n**2 * 1000 / 100
        weights = (gram_weight, moments_weight, moments_weight)
        pairs = zip(statistics(found[layer]), statistics(painting[layer]), strict=True)
        for weight, (s, target) in zip(weights, pairs, strict=True):
            total = total + torch.sum((s - target) ** 2) * weight / s.numel()
    return total


class RootByLyapunov(torch.autograd.Function):
    """style-transfer-pytorch: sqrtm_ns_lyap, with 12 iterations both ways."""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        norm_a = a.pow(2).sum().sqrt()
        y, eye = a / norm_a, torch.eye(len(a), dtype=a.dtype)
        z = eye
        for _ in range(12):
            t = (eye * 3 - z @ y) / 2
            y, z = y @ t, t @ z
        root = y * norm_a.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        norm_z = z.pow(2).sum().sqrt()
        a, q = z / norm_z, gradients[0] / norm_z
        for _ in range(12):
            eye_a_a = torch.eye(len(a), dtype=a.dtype) * 3 - a @ a
            q = (q @ eye_a_a - a.T @ (a.T @ q - q @ a)) / 2
            a = a @ eye_a_a / 2
        return q / 2


def crowsonkb(image: Tensor, found: Features, photo: Features, painting: Features) -> Tensor:
    """style-transfer-pytorch: ContentLossMSE, StyleLossW2, and TVLoss of two neighbours.

    It sees torchvision's features, of which one is as much as 58 of ours.
    """
    unit = 255 * (0.229 + 0.224 + 0.225) / 3

    def moments(response: Tensor) -> tuple[Tensor, Tensor]:
        target = response[0] / unit
        mean = target.mean([-2, -1])
        srm = torch.einsum("chw,dhw->cd", target, target) / (target.shape[-2] * target.shape[-1])
        return mean, srm - torch.outer(mean, mean) + torch.eye(len(mean), dtype=mean.dtype) * 1e-4

    content = nn.MSELoss()(found["conv4_2"] / unit, photo["conv4_2"] / unit)
    total = 0.015 * content
    for share, layer in zip((256, 64, 16, 4, 1), STYLE, strict=True):
        (mean, cov), (other, target) = moments(found[layer]), moments(painting[layer])
        root = RootByLyapunov.apply(target)
        overlap = RootByLyapunov.apply(root @ cov @ root)
        apart = torch.mean((mean - other) ** 2)
        total = total + share / 341 * (apart + torch.diagonal(target + cov - 2 * overlap).mean())
    colours = image / 255
    x_diff = colours[:, :, :-1, 1:] - colours[:, :, :-1, :-1]
    y_diff = colours[:, :, 1:, :-1] - colours[:, :, :-1, :-1]
    return total + 2.0 * ((x_diff**2 + y_diff**2).sum() / colours.numel())


SOURCES: dict[str, Loss] = {
    "stylize": stylize,
    "paper": paper(1, 1e3),
    "gatys-code": gatys_code,
    "johnson": johnson,
    "spst": spst,
    "crowsonkb": crowsonkb,
}


def assert_equals_source(
    name: str, network: Network, weights: Weights, folder: Path, photo: Path, painting: Path
) -> None:
    preset = PRESETS[name]
    assert preset.pooling in (network.pooling, None)
    options = replace(preset.options, size=64)
    scene = Scene(Model.open(folder), photo, painting)
    image = np.random.default_rng(3).random(scene.start(options).shape, np.float32)
    found = scene.objective(options)(image)

    vgg = TorchVgg(network, weights.arrays, torch.float64)

    def given_to_it(image: Array) -> Tensor:
        return bgr(torch.from_numpy(image).double())

    given = given_to_it(image).requires_grad_()
    pictures = (
        scene.start(replace(options, init="photo")),
        to_array(scale_to(load_image(painting), 64, options.side)),
    )
    seen = [vgg(given_to_it(picture), STYLE[-1]) for picture in pictures]
    total = SOURCES[name](given, vgg(given, STYLE[-1]), *seen)
    total.backward()
    assert given.grad is not None
    expected = 255 * given.grad.flip(1).numpy()
    loss = abs(found.total / float(total.detach()) - 1)
    gradient = np.linalg.norm(found.gradient - expected) / np.linalg.norm(expected)
    print(f"{name}: loss {loss:.1e}, gradient {gradient:.1e}")
    assert loss <= CLOSE
    assert gradient <= CLOSE


def test_every_preset_is_here() -> None:
    assert SOURCES.keys() == PRESETS.keys()


@pytest.mark.parametrize("name", SOURCES)
def test_a_preset_is_what_its_source_computes(
    name: str, small_model: Callable[..., Path], picture: Callable[..., Path]
) -> None:
    network = small_network(PRESETS[name].pooling or "average")
    photo, painting = picture("photo.png", (96, 72)), picture("painting.png", (80, 90), seed=1)
    weights = small_weights(network)
    assert_equals_source(name, network, weights, small_model(network), photo, painting)


@pytest.mark.real_weights
@pytest.mark.parametrize("name", SOURCES)
def test_a_preset_is_what_its_source_computes_with_the_real_weights(
    name: str, real_model: Callable[..., Path], real_weights: Path, real_pictures: Path
) -> None:
    network = vgg19(PRESETS[name].pooling or "average")
    weights = load_weights(str(real_weights), network, "caffe")
    photo = real_pictures / "tuebingen_neckarfront.jpg"
    painting = real_pictures / "starry_night.jpg"
    assert_equals_source(name, network, weights, real_model(network.pooling), photo, painting)
