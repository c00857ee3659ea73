"""MP4 with H.264, by PyAV: what every browser and every phone plays."""

from fractions import Fraction
from importlib.util import find_spec
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

from stylize.installation import install_command
from stylize.models.errors import ExtraError

EXTRA = "animate"

ENCODER: Final = "libx264"
SETTINGS = {"crf": "18", "rc-lookahead": "10"}
"""The quality: the lower, the finer; strokes that all move at once need more than a face. And how
many pictures are looked at ahead: the usual 40 of full size take half a gigabyte, to no use here.
"""
FIRST_THINGS_FIRST = {"movflags": "+faststart"}
"""The index lies before the pictures, so that a browser begins to play at once."""

PIXELS = "yuv420p"
"""All that phones decode."""
BT709, SRGB_CURVE, LIMITED = 1, 13, 1
"""Colours as H.264 numbers them: primaries and matrix, curve, range. Untold, players guess them."""


def check_mp4() -> None:
    """Raise ExtraError if PyAV is missing."""
    if find_spec("av") is None:
        raise ExtraError(
            f"A film in an .mp4 needs PyAV: {install_command(EXTRA)}. A .webp or a .gif needs "
            "nothing more."
        )


class Mp4Film:
    """An MP4 of pictures with even sides; parameters and methods are as of `WebpFilm`."""

    def __init__(self, file: BinaryIO, size: tuple[int, int], milliseconds: int) -> None:
        import av

        self._container = av.open(file, "w", format="mp4", options=FIRST_THINGS_FIRST)
        self._stream = self._container.add_stream(
            ENCODER, rate=Fraction(1000, milliseconds), options=SETTINGS
        )
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = PIXELS
        context = self._stream.codec_context
        context.colorspace = context.color_primaries = BT709
        context.color_trc, context.color_range = SRGB_CURVE, LIMITED

    def add(self, picture: Image.Image, times: int = 1) -> None:
        """Append an RGB picture that is shown for so many pictures' time."""
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(np.asarray(picture), "rgb24").reformat(
            format=PIXELS, dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        for _ in range(times):
            frame.pts = None  # the next one
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds, and the index."""
        self._container.mux(self._stream.encode())
        self._container.close()
