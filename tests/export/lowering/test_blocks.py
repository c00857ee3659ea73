"""The rewritten graphs of blocks compute what the plain graph of the whole does, in float64."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from by_tiles_in_float64 import ByTiles, assert_equal, whole
from small import distilled_network, small_network

from stylize.export.lowering.blocked import lower
from stylize.export.network.architecture import Network
from stylize.models.layers import LayerSet, paper_layer_sets

FIGURE_2 = paper_layer_sets()[0]
MIXED = LayerSet(("conv2_2", "pool3"), ("pool1", "conv4_4"))
GUIDED = replace(MIXED, guided=True)

DEEP, NONE = 8, 10**9
"""Fewest channels of a convolution on phases, where layers have 4, 8, 16, 32 and 32."""


@pytest.mark.parametrize("fewest_channels", [DEEP, NONE], ids=["phases", "whole"])
@pytest.mark.parametrize("layers", [FIGURE_2, MIXED, GUIDED], ids=["figure 2", "mixed", "guided"])
@pytest.mark.parametrize(
    ("network", "size"),
    [
        (small_network("average"), (64, 18)),
        (small_network("average"), (67, 21)),
        (small_network("max"), (67, 18)),
        (distilled_network(), (67, 18)),
    ],
    ids=["even", "odd", "max", "distilled"],
)
def test_strips_equal_the_whole(
    small_model: Callable[..., Path],
    network: Network,
    layers: LayerSet,
    size: tuple[int, int],
    fewest_channels: int,
) -> None:
    folder = small_model(network)
    given, expected = whole(folder, network, layers, size)
    streamed = ByTiles(folder, network, layers, form=lambda model: lower(model, fewest_channels))
    assert_equal(streamed.evaluate(given["image"], given, 0.7), expected)
