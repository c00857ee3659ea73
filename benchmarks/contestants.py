"""Who takes part: each contestant, once loaded, is a function that performs one step.

Each runs in a process of its own, so torch is imported only by those that are torch's.
"""

from collections.abc import Callable

import numpy as np
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Array, Case

from stylize.runtime import Model
from stylize.runtime.providers import find_provider, open_session

Result = tuple[float, Array]
"""The total loss and its gradient by the image."""
Step = Callable[[], Result | None]


def ours(case: Case) -> Step:
    """Load the model's gradient graph, as ``stylize run`` does."""
    image, targets = case.load()
    _, _, height, width = image.shape
    objective = Model.open(case.model, "cpu").objective(
        (height, width), targets, CONTENT_WEIGHTS, STYLE_WEIGHTS
    )

    def step() -> Result:
        evaluation = objective(image)
        return evaluation.total, evaluation.gradient

    return step


def torch_contiguous(case: Case) -> Step:
    """Load PyTorch's step in its default layout, NCHW."""
    import torch
    from torch_step import TorchStep

    return TorchStep(case, torch.contiguous_format)


def torch_channels_last(case: Case) -> Step:
    """Load PyTorch's step in the layout NHWC."""
    import torch
    from torch_step import TorchStep

    return TorchStep(case, torch.channels_last)


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
    "torch_contiguous": torch_contiguous,
    "torch_channels_last": torch_channels_last,
    "floor": floor,
}

TORCH = ("torch_contiguous", "torch_channels_last")
"""Those that are PyTorch's, in its two layouts."""
