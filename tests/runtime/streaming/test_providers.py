"""By tiles, each provider finds losses, gradient and targets as the CPU finds them of the whole."""

import numpy as np
import pytest
from every_provider import MODES, provider_or_skip

pytest.importorskip("onnxruntime", reason="loads graphs")

from by_tiles import away, compact, pictures, streamed, whole

from stylize.models.layers import LayerSet, guided_layer_sets, paper_layer_sets
from stylize.runtime.checks.comparison import tolerance_of
from stylize.runtime.providers.table import Precision

FIGURE_2 = paper_layer_sets()[0]
GUIDED = guided_layer_sets()[0]
SIZE, TILE = (75, 58), (32, 24)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layers", [FIGURE_2, GUIDED], ids=["whole", "regions"])
def test_tiles_equal_the_whole(mode: tuple[str, Precision], layers: LayerSet) -> None:
    provider = provider_or_skip(*mode)
    given, expected = whole(layers, SIZE)
    tolerance = tolerance_of(provider, compact().manifest.pooling)
    photo, painting, image = pictures(SIZE)

    losses = streamed(layers, SIZE, provider, tile=TILE)
    losses.put(given)
    gradient = np.zeros_like(image)
    losses.evaluate(image, gradient)
    for name, value in losses.numbers.items():
        np.testing.assert_allclose(value, expected[name], rtol=tolerance.losses)
    assert away(gradient, expected["gradient"]) <= tolerance.gradient

    if layers.guided:
        return
    found = losses.content_targets(photo) | losses.style_targets(painting)
    for name, target in found.items():
        assert away(target, given[name]) <= tolerance.losses, name
