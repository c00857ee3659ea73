"""An average pooling for onnx's reference evaluator, whose own looks at every window by itself."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from onnx.reference.op_run import OpRun

from stylize.models.errors import UnsupportedOperatorError

Array = npt.NDArray[np.floating]


class AveragePool(OpRun):
    """ONNX's AveragePool of windows that lie side by side; what is left over counts for nothing.

    The evaluator is told of it by ``new_ops=[AveragePool]`` and finds it by the class's name.
    """

    op_domain = ""

    def _run(
        self,
        image: Array,
        *,
        kernel_shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        ceil_mode: int = 0,
        auto_pad: str = "NOTSET",
        **_: object,
    ) -> tuple[Array]:
        side_by_side = list(strides or (1, 1)) == list(kernel_shape) and len(image.shape) == 4
        if not side_by_side or any(pads or ()) or ceil_mode or auto_pad not in ("", "NOTSET"):
            raise UnsupportedOperatorError(
                "This AveragePool knows windows side by side without padding, which is all that "
                f"stylize's graphs use; here kernel_shape = {kernel_shape}, strides = {strides}, "
                f"pads = {pads}, ceil_mode = {ceil_mode}, auto_pad = {auto_pad}."
            )
        tall, wide = kernel_shape
        images, channels, height, width = image.shape
        rows, columns = height // tall, width // wide
        whole = image[:, :, : rows * tall, : columns * wide]
        windows = whole.reshape(images, channels, rows, tall, columns, wide)
        return (windows.mean((3, 5)),)
