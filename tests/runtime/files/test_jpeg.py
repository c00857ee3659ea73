"""Only a JPEG that is decoded row by row takes little memory."""

from io import BufferedReader, BytesIO

import pytest
from PIL import Image

from stylize.runtime.files.jpeg import in_one_pass


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_by_how_it_is_coded(mode: str, progressive: bool) -> None:
    buffer = BytesIO()
    Image.new(mode, (64, 48)).save(buffer, "JPEG", progressive=progressive)
    assert in_one_pass(buffer) is not progressive


def test_by_how_many_colours_come_at_once() -> None:
    buffer = BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "JPEG")
    data = buffer.getvalue()
    scan = data.index(b"\xff\xda")
    one_colour = data[:scan] + bytes.fromhex("ffda 0008 01 0100 003f00")
    assert in_one_pass(BytesIO(data))
    assert not in_one_pass(BytesIO(one_colour))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8garbage",
        b"\xff\xd8\xff\xfe\0\0",  # as long as its length, or less
        b"\xff\xd8\xff\xfe\0\1",
    ],
)
def test_odd_files_count_as_many(data: bytes) -> None:
    assert not in_one_pass(BufferedReader(BytesIO(data)))
