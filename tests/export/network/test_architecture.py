"""The table of VGG-19's layers."""

import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")

from stylize.export.network.architecture import Convolution, vgg19
from stylize.models.layers import VGG19_LAYERS


def test_shells_offer_every_convolution_by_its_name() -> None:
    """The names are said once more where no exporter is installed."""
    convolutions = [each.name for each in vgg19().layers if isinstance(each, Convolution)]
    assert list(VGG19_LAYERS) == convolutions
