"""A convolution for onnx's reference evaluator, whose own takes minutes if groups are many."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from onnx.reference.op_run import OpRun

from stylize.models.errors import UnsupportedOperatorError

Array = npt.NDArray[np.floating]


class Conv(OpRun):
    """ONNX's Conv of one image, with as many groups as channels or one, without dilation.

    The evaluator is told of it by ``new_ops=[Conv]`` and finds it by the class's name.
    """

    op_domain = ""

    def _run(
        self,
        image: Array,
        kernel: Array,
        bias: Array | None = None,
        *,
        group: int = 1,
        pads: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        auto_pad: str = "NOTSET",
        **_: object,
    ) -> tuple[Array]:
        plain = group in (1, len(image[0])) and set(dilations or (1,)) == {1}
        if not plain or auto_pad not in ("", "NOTSET") or len(image) != 1:
            raise UnsupportedOperatorError(
                f"This Conv knows one image, a group or as many as channels, no dilation and "
                f"explicit pads, which is all that stylize's graphs use; here it has {len(image)} "
                f"images, group = {group}, dilations = {dilations}, auto_pad = {auto_pad}."
            )
        top, left, bottom, right = pads or (0, 0, 0, 0)
        padded = np.pad(image[0], ((0, 0), (top, bottom), (left, right)))
        down, across = strides or (1, 1)
        _, _, tall, wide = kernel.shape
        height = (padded.shape[1] - tall) // down + 1
        width = (padded.shape[2] - wide) // across + 1
        result = np.zeros((len(kernel), height, width), image.dtype)
        for row in range(tall):
            for column in range(wide):
                seen = padded[:, row:, column:][:, ::down, ::across][:, :height, :width]
                taps = kernel[:, :, row, column]
                result += np.tensordot(taps, seen, 1) if group == 1 else taps[:, :, None] * seen
        if bias is not None:
            result += bias[:, None, None]
        return (result[None],)
