"""Damaged files of every format that Pillow writes: read, or refused by an ImageError.

`pytest --mutations 2000 tests/runtime/pictures/test_damaged.py` tries more of them.
"""

import io
import logging
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colours import SRGB
from mutations import mutants
from PIL import Image, PngImagePlugin

from stylize.models.errors import ImageError
from stylize.runtime.files import png
from stylize.runtime.pictures import reading
from stylize.runtime.pictures.reading import open_picture, read_chunk

FEW = 20
PIXELS = 2**20
"""The limit to what is read here, so that a damaged size costs little."""
MEGABYTES = 80
"""What damaged files and bombs may take. Some decoders hold a few times what they give."""
BOMB = 5000, 5000
"""A size whose pixels would take 100 megabytes."""
BOMBS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True, "method": 0, "quality": 0},
    "JPEG": {"progressive": True},
}

NOISE = np.random.default_rng(0).integers(0, 256, (20, 24, 4), np.uint8)
EXIF = Image.Exif()
EXIF[0x0112], EXIF[0x010E] = 6, "a description"
TEXT = PngImagePlugin.PngInfo()
TEXT.add_itxt("stylize", '{"version": "0.1", "evaluations": 12}', zip=True)
TEXT.add_text("Software", "stylize 0.1")
AGAIN = {"save_all": True, "append_images": [Image.fromarray(NOISE[::-1])]}

SPECIMENS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "AVIF": ("AVIF", "RGBA", {"exif": EXIF}),
    "BLP": ("BLP", "P", {}),
    "BMP": ("BMP", "RGB", {}),
    "BMP of indices": ("BMP", "P", {}),
    "DDS": ("DDS", "RGBA", {}),
    "DIB": ("DIB", "RGB", {}),
    "EPS": ("EPS", "RGB", {}),
    "GIF": ("GIF", "P", {"transparency": 3}),
    "GIF that moves": ("GIF", "P", AGAIN),
    "ICNS": ("ICNS", "RGBA", {}),
    "ICO": ("ICO", "RGBA", {}),
    "JPEG": ("JPEG", "RGB", {"exif": EXIF, "icc_profile": SRGB}),
    "JPEG of ink": ("JPEG", "CMYK", {}),
    "JPEG, progressive": ("JPEG", "RGB", {"progressive": True}),
    "JPEG 2000": ("JPEG2000", "RGBA", {}),
    "JPEG 2000, bare": ("JPEG2000", "L", {"no_jp2": True}),
    "MPO": ("MPO", "RGB", {**AGAIN, "append_images": [Image.new("RGB", (24, 20))]}),
    "MSP": ("MSP", "1", {}),
    "PCX": ("PCX", "RGB", {}),
    "PDF": ("PDF", "RGB", {}),
    "PGM": ("PPM", "I", {}),
    "PNG": ("PNG", "RGBA", {"exif": EXIF, "icc_profile": SRGB, "pnginfo": TEXT}),
    "PNG of indices": ("PNG", "P", {"transparency": bytes(range(100))}),
    "PNG of grey": ("PNG", "I;16", {"transparency": 1000}),
    "PNG that moves": ("PNG", "RGBA", AGAIN),
    "PPM": ("PPM", "RGB", {}),
    "QOI": ("QOI", "RGBA", {}),
    "SGI": ("SGI", "RGB", {}),
    "SPIDER": ("SPIDER", "F", {}),
    "TGA": ("TGA", "RGBA", {"compression": "tga_rle"}),
    "TIFF": ("TIFF", "RGBA", {"exif": EXIF, "icc_profile": SRGB}),
    "TIFF, LZW": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "TIFF, deflated": ("TIFF", "I;16", {"compression": "tiff_adobe_deflate"}),
    "TIFF, JPEG": ("TIFF", "YCbCr", {"compression": "jpeg"}),
    "TIFF, fax": ("TIFF", "1", {"compression": "group4"}),
    "TIFF, big": ("TIFF", "CMYK", {"compression": "packbits", "big_tiff": True}),
    "WebP": ("WEBP", "RGBA", {"exif": EXIF, "icc_profile": SRGB}),
    "WebP, lossless": ("WEBP", "RGB", {"lossless": True}),
    "WebP that moves": ("WEBP", "RGBA", AGAIN),
    "XBM": ("XBM", "1", {}),
    "HEIC": ("HEIF", "RGB", {}),
}


def specimen(name: str) -> bytes:
    kind, mode, options = SPECIMENS[name]
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    Image.init()
    if kind not in (*Image.SAVE, *Image.SAVE_ALL):
        pytest.skip(f"this Pillow does not write {kind}")
    image, buffer = Image.fromarray(NOISE), io.BytesIO()
    if mode in ("I", "I;16"):
        image = Image.fromarray(NOISE[..., 0].astype("<u2" if mode == "I;16" else "<i4") * 257)
    elif mode != "RGBA":
        image = image.convert("RGB").convert(mode)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_right_checksums(data: bytes) -> bytes:
    """A damaged PNG whose chunks say that they are not, so that decoders read on."""
    parts, file = [data[:8]], io.BytesIO(data)
    for chunk in png.chunks(file):
        body = chunk.body(file)
        parts.append(struct.pack(">I4s", len(body), chunk.name) + body)
        parts.append(struct.pack(">I", zlib.crc32(chunk.name + body)))
    return b"".join(parts)


def damaged(name: str, count: int) -> Iterator[bytes]:
    seed = sorted(SPECIMENS).index(name)
    for index, data in enumerate(mutants(specimen(name), count, seed)):
        sound = SPECIMENS[name][0] == "PNG" and index % 2
        yield with_right_checksums(data) if sound else data


def read_damaged(name: str, count: int) -> None:
    for data in damaged(name, count):
        with suppress(ImageError):
            open_picture(data, alpha=True).seen((16, 16))


READING = """
import sys
from contextlib import suppress
from pathlib import Path
import pytest
import test_damaged as test
from stylize.runtime.pictures import reading

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    (kibibytes,) = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(kibibytes) / 1e3

reading.MAX_PIXELS, before = test.PIXELS, peak()
for name in test.SPECIMENS:
    with suppress(pytest.skip.Exception):
        test.read_damaged(name, int(sys.argv[1]))
bombs = list(Path(sys.argv[2]).glob("*.bomb"))
for bomb in bombs:
    with pytest.raises(test.ImageError, match="at most 1 million"):
        reading.load_image(bomb)
assert len(bombs) == len(test.BOMBS)
print(peak() - before)
"""


@pytest.mark.parametrize("name", SPECIMENS)
def test_only_our_own_error_comes_out(
    name: str,
    mutations: Callable[[int], int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reading, "MAX_PIXELS", PIXELS)
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's, which hide what goes to stderr
    read_damaged(name, mutations(FEW))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in /proc")
def test_damaged_files_and_bombs_take_little_memory(
    tmp_path: Path, mutations: Callable[[int], int]
) -> None:
    """In a process of its own, for the peak of this one is that of larger pictures."""
    for kind, options in BOMBS.items():
        Image.new("RGB", BOMB).save(tmp_path / f"{kind}.bomb", kind, **options)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    result = subprocess.run(
        [sys.executable, "-c", READING, str(mutations(FEW)), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < MEGABYTES


def test_texts_of_damaged_files(tmp_path: Path, mutations: Callable[[int], int]) -> None:
    path = tmp_path / "a.png"
    for data in damaged("PNG", mutations(5 * FEW)):
        path.write_bytes(data)
        with suppress(ImageError):
            found = read_chunk(path, "stylize")
            assert found is None or isinstance(found, str)
