"""The paper's equations 1 to 7, each written as it stands there, in float64."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator
from small import small_network, small_weights

from stylize.export.calculus.autodiff import differentiate
from stylize.export.calculus.graph import Graph
from stylize.export.method.assemble import gradient_model, targets_model
from stylize.export.method.losses import add_content_loss, add_style_loss
from stylize.export.method.moments import add_moments
from stylize.export.network.architecture import Convolution
from stylize.export.network.stored import stored_tensors
from stylize.export.network.weights import store_weights
from stylize.models.layers import LayerSet, paper_layer_sets

Array = npt.NDArray[np.float64]
Loss = Callable[[Graph, str], str]

N, HEIGHT, WIDTH = 4, 3, 5
M = HEIGHT * WIDTH
RANDOM = np.random.default_rng(0)
BEFORE_RELU = RANDOM.standard_normal((1, N, HEIGHT, WIDTH))
F = np.maximum(BEFORE_RELU, 0).reshape(N, M)
P = np.maximum(RANDOM.standard_normal((N, M)), 0)
PAINTED = np.maximum(RANDOM.standard_normal((N, M)), 0)


def naive_gram(response: Array) -> Array:
    """G_ij = Σ_k F_ik F_jk (eq. 3)."""
    n, m = response.shape
    gram = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for k in range(m):
                gram[i, j] += response[i, k] * response[j, k]
    return gram


G, A = naive_gram(F), naive_gram(PAINTED)


def content(graph: Graph, response: str) -> str:
    target = graph.constant(P.reshape(1, N, HEIGHT, WIDTH))
    return add_content_loss(graph, response, target, scale=1)


def style(graph: Graph, response: str) -> str:
    gram = add_moments(graph, response, N).gram.name
    return add_style_loss(graph, gram, graph.constant(A / M), N, scale=1)


def evaluate(loss: Loss) -> tuple[float, Array]:
    """A loss of the responses after the ReLU, and its gradient by those before it."""
    graph = Graph(np.float64)
    before = graph.input("before", BEFORE_RELU.shape)
    value = loss(graph, graph.add("Relu", before))
    graph.output("loss", value, ())
    graph.output("gradient", differentiate(graph, value, before), BEFORE_RELU.shape)
    found = ReferenceEvaluator(graph.model("loss")).run(None, {"before": BEFORE_RELU})
    return float(found[0]), found[1].reshape(N, M)


def test_equation_1_the_content_loss() -> None:
    expected = 0.0
    for i in range(N):
        for j in range(M):
            expected += 0.5 * (F[i, j] - P[i, j]) ** 2
    assert evaluate(content)[0] == pytest.approx(expected, rel=1e-12)


def test_equation_2_its_derivative() -> None:
    expected = np.zeros((N, M))
    for i in range(N):
        for j in range(M):
            expected[i, j] = F[i, j] - P[i, j] if F[i, j] > 0 else 0
    assert not expected.all()
    np.testing.assert_allclose(evaluate(content)[1], expected, rtol=1e-12)


def test_equation_3_the_gram_matrix() -> None:
    graph = Graph(np.float64)
    response = graph.input("response", (1, N, HEIGHT, WIDTH))
    graph.output("gram", add_moments(graph, response, N).gram.name, (N, N))
    feeds = {"response": F.reshape(1, N, HEIGHT, WIDTH)}
    (found,) = ReferenceEvaluator(graph.model("gram")).run(None, feeds)
    np.testing.assert_allclose(M * found, G, rtol=1e-12)


def test_equation_4_the_style_loss_of_a_layer() -> None:
    expected = 0.0
    for i in range(N):
        for j in range(N):
            expected += (G[i, j] - A[i, j]) ** 2
    expected /= 4 * N**2 * M**2
    assert evaluate(style)[0] == pytest.approx(expected, rel=1e-12)


def test_equation_6_its_derivative() -> None:
    difference = F.T @ (G - A)
    expected = np.zeros((N, M))
    for i in range(N):
        for j in range(M):
            expected[i, j] = difference[j, i] / (N**2 * M**2) if F[i, j] > 0 else 0
    assert not expected.all()
    np.testing.assert_allclose(evaluate(style)[1], expected, rtol=1e-12)


SETS = {str(layers): layers for layers in paper_layer_sets()}


@pytest.mark.parametrize("layers", SETS.values(), ids=SETS)
def test_equations_5_and_7_the_style_loss_and_the_total(tmp_path: Path, layers: LayerSet) -> None:
    network = small_network()
    arrays = small_weights(network).arrays
    store_weights(tmp_path / "weights.safetensors", arrays)
    stored = stored_tensors(tmp_path / "weights.safetensors")

    def run(model: onnx.ModelProto, **feeds: Array) -> dict[str, Array]:
        onnx.save(model, tmp_path / "graph.onnx")
        evaluator = ReferenceEvaluator(onnx.load(tmp_path / "graph.onnx"))
        return dict(zip(evaluator.output_names, evaluator.run(None, feeds), strict=True))

    def responses(image: Array) -> dict[str, Array]:
        value = 255 * image[0, ::-1] - np.array([103.939, 116.779, 123.68]).reshape(3, 1, 1)
        found = {}
        for layer in network.layers:
            if isinstance(layer, Convolution):
                kernel, bias = arrays[f"{layer.name}.weight"], arrays[f"{layer.name}.bias"]
                value = np.maximum(naive_convolution(value, kernel, bias), 0)
            else:
                value = naive_average_pooling(value)
            found[layer.name] = value.reshape(layer.channels, -1)
        return found

    photo, painting, image = np.random.default_rng(0).random((3, 1, 3, 16, 18))
    alpha, beta = 0.7, 30.0
    photographed, painted, found = responses(photo), responses(painting), responses(image)
    content_loss = sum(
        ((found[layer] - photographed[layer]) ** 2).sum() / 2 for layer in layers.content
    )
    style_loss = 0.0
    for layer in layers.style:
        n, m = found[layer].shape
        gram, target = naive_gram(found[layer]), naive_gram(painted[layer])
        w = 1 / len(layers.style)
        style_loss += w * ((gram - target) ** 2).sum() / (4 * n**2 * m**2)

    feeds = {"image": image}
    if layers.content:
        feeds["content_weights"] = np.array([alpha])
        model = targets_model(network, stored, LayerSet(content=layers.content), np.float64)
        feeds |= run(model, image=photo)
    if layers.style:
        feeds["style_weights"] = np.full(len(layers.style), beta / len(layers.style))
        model = targets_model(network, stored, LayerSet(style=layers.style), np.float64)
        feeds |= run(model, image=painting)
    outputs = run(gradient_model(network, stored, layers, np.float64), **feeds)
    if layers.style:
        assert outputs["style_losses"].mean() == pytest.approx(style_loss, rel=1e-9)
    assert outputs["total"] == pytest.approx(alpha * content_loss + beta * style_loss, rel=1e-9)


def naive_convolution(value: Array, kernel: Array, bias: Array) -> Array:
    _, height, width = value.shape
    padded = np.pad(value, ((0, 0), (1, 1), (1, 1)))
    result = np.zeros((len(bias), height, width)) + bias.reshape(-1, 1, 1)
    for y in range(3):
        for x in range(3):
            patch = padded[:, y : y + height, x : x + width]
            result += np.einsum("oi,ihw->ohw", kernel[:, :, y, x].astype(np.float64), patch)
    return result


def naive_average_pooling(value: Array) -> Array:
    channels, height, width = value.shape
    result = np.zeros((channels, height // 2, width // 2))
    for y in range(height // 2):
        for x in range(width // 2):
            result[:, y, x] = value[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean((1, 2))
    return result
