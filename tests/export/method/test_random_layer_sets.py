"""Any layer set, in every form of the graphs, against torch autograd in float64."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("torch", reason="the truth is torch's autograd")
hypothesis = pytest.importorskip("hypothesis", reason="draws the layer sets")

from hypothesis import given, settings
from hypothesis import strategies as st
from peer import EXACT, Bench, assert_equals_torch
from small import distilled_network, small_network

from stylize.export.lowering.blocked import lower
from stylize.export.method.assemble import gradient_model
from stylize.export.network.architecture import Network
from stylize.export.writing.convolution import Conv
from stylize.export.writing.write import in_order
from stylize.models.layers import LayerSet

NETWORKS: dict[str, Callable[[], Network]] = {
    "average": lambda: small_network("average"),
    "max": lambda: small_network("max"),
    "distilled": distilled_network,
}
NAMES = [layer.name for layer in small_network().layers]
SETS = st.builds(
    LayerSet,
    st.lists(st.sampled_from(NAMES), max_size=4).map(tuple),
    st.lists(st.sampled_from(NAMES), max_size=6).map(tuple),
).filter(bool)
UNWEIGHTED = st.sets(st.integers(0, 9), max_size=3)
"""Which of the losses have no weight."""
SIDES = st.integers(32, 37)  # pool5 has a response from 32 pixels on


class Halved(Bench):
    """A bench whose gradient graphs are of the float16 form, with wider types in its places."""

    def gradient(self, layers: LayerSet) -> onnx.ModelProto:
        return gradient_model(self.network, self.stored, layers, np.float64, np.float32)


class Lowered(Bench):
    """A bench whose gradient graphs are of the blocked form."""

    def gradient(self, layers: LayerSet) -> onnx.ModelProto:
        return lower(super().gradient(layers), fewest_channels=16)


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Network:
    return NETWORKS[request.param]()


FORMS = pytest.mark.parametrize(
    ("form", "within"),
    [(Bench, EXACT), (Halved, 1e-1), (Lowered, EXACT)],
    ids=["plain", "float16", "blocked"],
)
"""The float16 form casts by a scale between two types, which must differ here, too.

With float32, a maximum or a ReLU now and then falls on the other side; a wrong scale
is off by far more.
"""


@FORMS
def test_losses_and_gradient_equal_autograd(
    form: type[Bench], within: float, network: Network, tmp_path: Path
) -> None:
    bench = form(tmp_path, network, Conv)

    @settings(max_examples=3, deadline=None, derandomize=True, database=None)
    @given(SETS, SIDES, SIDES, UNWEIGHTED)
    def check(layers: LayerSet, height: int, width: int, unweighted: set[int]) -> None:
        size = height, width
        assert_equals_torch(bench, in_order(network, layers), size, within, unweighted)

    check()


@FORMS
def test_a_layer_may_be_both_content_and_style(
    form: type[Bench], within: float, tmp_path: Path
) -> None:
    layers = LayerSet(("conv2_1", "conv4_1"), ("conv1_1", "conv2_1", "conv4_1"))
    assert_equals_torch(form(tmp_path, small_network(), Conv), layers, (19, 22), within)
