"""Who takes part: ours, PyTorch, the convolutions alone, a matrix product; each in a precision."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from stylize.runtime.providers.table import PROVIDERS, RECORDING, Place, Precision

Kind = Literal["ours", "torch", "convolutions", "matrix"]
Layout = Literal["contiguous", "channels_last"]

TRIED = ("prefer_nhwc", "fuse_conv_bias")
"""Options of CUDA that are off by default, and may pay."""

MATRIX_SIDE = {"cpu": 1024, "cuda": 8192, "webgpu": 4096}
"""Side of the matrices whose product measures a device: large enough to keep all of it busy."""


@dataclass(frozen=True)
class Contestant:
    """One way to compute, in one precision.

    Attributes
    ----------
    kind : {"ours", "torch", "convolutions", "matrix"}
        Who: stylize, PyTorch, the step's convolutions alone, or one large matrix product; the last
        two by ONNX Runtime.
    provider : str
        A key of `PROVIDERS`. PyTorch computes in the memory of that provider.
    precision : {"float32", "tf32", "float16", "bfloat16"}
        What its products are computed in.
    cuda_graph : bool
        Whether ours records its launches once and replays them.
    tried : str or None
        An option of CUDA that is on for ours.
    layout : {"contiguous", "channels_last"}
        PyTorch's: NCHW or NHWC.
    compile_mode : str or None
        A mode of ``torch.compile``; without one PyTorch is eager.
    """

    kind: Kind
    provider: str = "cpu"
    precision: Precision = "float32"
    cuda_graph: bool = False
    tried: str | None = None
    layout: Layout = "contiguous"
    compile_mode: str | None = None

    def __str__(self) -> str:
        if self.kind != "torch":
            recorded = ("CUDA graph",) if self.cuda_graph else ()
            return ", ".join((self.kind, *recorded, *((self.tried,) if self.tried else ())))
        return f"torch {'compiled' if self.compile_mode else 'eager'} {self.layout}"

    @property
    def memory(self) -> Place:
        """Where it computes; also PyTorch's name of that device."""
        return PROVIDERS[self.provider].memory

    @property
    def options(self) -> dict[str, str]:
        """The provider's options. Recording is said either way: CUDA has it on by default."""
        if self.memory != "cuda":
            return {}
        tried = {self.tried: "1"} if self.tried else {}
        return {RECORDING: str(int(self.cuda_graph)), **tried}

    @property
    def compared(self) -> bool:
        """Whether it has a loss and a gradient."""
        return self.kind in ("ours", "torch")

    @property
    def matrix_side(self) -> int:
        """The rows and columns of the matrices that are multiplied."""
        return MATRIX_SIDE[self.memory]

    @property
    def essential(self) -> bool:
        """Whether it is measured at large sizes, too.

        There launches take no time that counts, and compiling and PyTorch's slower layout too much.
        """
        if self.kind == "torch":
            return self.layout == "channels_last" and not self.compile_mode
        return not self.cuda_graph

    def encode(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Contestant":
        """Return what `encode` was given."""
        return cls(**json.loads(text))


CONTESTANTS = {
    "ours": Contestant("ours"),
    "torch_contiguous": Contestant("torch"),
    "torch_channels_last": Contestant("torch", layout="channels_last"),
    "floor": Contestant("convolutions"),
    "openvino_bfloat16": Contestant("ours", "openvino", "bfloat16"),
    "torch_bfloat16_contiguous": Contestant("torch", precision="bfloat16"),
    "torch_bfloat16_channels_last": Contestant(
        "torch", precision="bfloat16", layout="channels_last"
    ),
}
"""Those on a CPU, by their names in the JSON files."""

TORCH = ("torch_contiguous", "torch_channels_last")
"""Those that are PyTorch's in float32, in its two layouts."""
TORCH_BFLOAT16 = ("torch_bfloat16_contiguous", "torch_bfloat16_channels_last")
"""Those that are PyTorch's in bfloat16."""


def plan(provider: str, compile_mode: str | None) -> list[Contestant]:
    """Return all contestants of a provider in each of its precisions, in the order of the table.

    Parameters
    ----------
    provider : str
        A key of `PROVIDERS`.
    compile_mode : str or None
        A mode of ``torch.compile``; None leaves that out.
    """
    known = PROVIDERS[provider]
    ways = [Contestant("matrix"), Contestant("convolutions"), Contestant("ours")]
    if known.memory == "cuda":
        ways.append(Contestant("ours", cuda_graph=True))
        ways += [Contestant("ours", tried=option) for option in TRIED]
    ways += [Contestant("torch", layout=layout) for layout in get_args(Layout)]
    if compile_mode:
        ways.append(Contestant("torch", layout="channels_last", compile_mode=compile_mode))
    precisions = [precision for precision in get_args(Precision) if precision in known.modes]
    return [
        replace(way, provider=provider, precision=precision)
        for precision in precisions
        for way in ways
    ]
