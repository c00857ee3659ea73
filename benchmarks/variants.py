"""What is measured on a device: each variant is a process that times one way to compute."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from contestants import Layout

from stylize.runtime.providers.table import PROVIDERS, Place, Precision

MATRIX_SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the matrices whose product measures a device: large enough to keep all of it busy."""

Kind = Literal["ours", "torch", "convolutions", "matrix"]


@dataclass(frozen=True)
class Variant:
    """One way to compute, in one precision.

    Attributes
    ----------
    kind : {"ours", "torch", "convolutions", "matrix"}
        Who: stylize, PyTorch, the step's convolutions alone, or one large matrix product; the last
        two by ONNX Runtime.
    provider : str
        Of `PROVIDERS`; PyTorch computes in the memory that it does.
    precision : {"float32", "tf32", "float16", "bfloat16"}
        In which.
    cuda_graph : bool
        Whether ours records its launches once and replays them.
    layout : {"contiguous", "channels_last"}
        PyTorch's.
    compile_mode : str or None
        Of ``torch.compile``.
    """

    kind: Kind
    provider: str
    precision: Precision
    cuda_graph: bool = False
    layout: Layout = "contiguous"
    compile_mode: str | None = None

    def __str__(self) -> str:
        if self.kind != "torch":
            return f"{self.kind}, CUDA graph" if self.cuda_graph else self.kind
        return f"torch {'compiled' if self.compile_mode else 'eager'} {self.layout}"

    @property
    def memory(self) -> Place:
        """Where it computes; also PyTorch's name of that device."""
        return PROVIDERS[self.provider].memory

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
    def decode(cls, text: str) -> "Variant":
        """Return what `encode` was given."""
        return cls(**json.loads(text))


def plan(provider: str, compile_mode: str | None) -> list[Variant]:
    """Return all variants of a provider, in the order of the table.

    Parameters
    ----------
    provider : str
        A key of `PROVIDERS`.
    compile_mode : str or None
        Of ``torch.compile``; None leaves that out.
    """
    variants = []
    for precision in PROVIDERS[provider].modes:
        variants += [
            Variant("matrix", provider, precision),
            Variant("convolutions", provider, precision),
            Variant("ours", provider, precision),
        ]
        if PROVIDERS[provider].memory == "cuda":
            variants.append(Variant("ours", provider, precision, cuda_graph=True))
        variants += [
            Variant("torch", provider, precision, layout=layout)
            for layout in ("contiguous", "channels_last")
        ]
        if compile_mode:
            variants.append(
                Variant(
                    "torch",
                    provider,
                    precision,
                    layout="channels_last",
                    compile_mode=compile_mode,
                )
            )
    return variants
