"""Who takes part: each contestant, once loaded, is a function that performs one step.

Each runs in a process of its own, so torch is imported only by those that are torch's.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Array, Case

from stylize.runtime import Model
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.providers.session import open_session
from stylize.runtime.providers.table import Precision

Result = tuple[float, Array]
"""The total loss and its gradient by the image."""
Step = Callable[[], Result | None]
Layout = Literal["contiguous", "channels_last"]


def ours(case: Case, provider: str = "cpu", precision: Precision = "float32") -> Step:
    """Load the model's gradient graph, as ``stylize run`` does."""
    image, targets = case.load()
    _, _, height, width = image.shape
    objective = Model.open(case.model, find_provider(provider, precision)).objective(
        (height, width), targets, CONTENT_WEIGHTS, STYLE_WEIGHTS
    )

    def step() -> Result:
        evaluation = objective(image)
        return evaluation.total, evaluation.gradient

    return step


def torch_step(case: Case, layout: Layout, precision: Precision = "float32") -> Step:
    """Load PyTorch's step in a layout, ``contiguous`` (NCHW) or ``channels_last`` (NHWC)."""
    from torch_step import TorchStep

    return TorchStep(case, layout, precision=precision)


def floor(case: Case) -> Step:
    """Load the convolutions alone; they have no result that means anything."""
    session = open_session(case.floor, {}, find_provider("cpu"))
    random = np.random.default_rng(0)
    feeds = {
        value.name: random.standard_normal(value.shape, np.float32)
        for value in session.get_inputs()
    }

    def step() -> None:
        session.run(None, feeds)

    return step


CONTESTANTS: dict[str, Callable[[Case], Step]] = {
    "ours": ours,
    "torch_contiguous": partial(torch_step, layout="contiguous"),
    "torch_channels_last": partial(torch_step, layout="channels_last"),
    "floor": floor,
    "openvino_bfloat16": partial(ours, provider="openvino", precision="bfloat16"),
    "torch_bfloat16_contiguous": partial(torch_step, layout="contiguous", precision="bfloat16"),
    "torch_bfloat16_channels_last": partial(
        torch_step, layout="channels_last", precision="bfloat16"
    ),
}

TORCH = ("torch_contiguous", "torch_channels_last")
"""Those that are PyTorch's in float32, in its two layouts."""
TORCH_BFLOAT16 = ("torch_bfloat16_contiguous", "torch_bfloat16_channels_last")
"""Likewise in bfloat16."""
