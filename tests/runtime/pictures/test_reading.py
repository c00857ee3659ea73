"""Pictures are read from files of any common kind."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, EXACT, ROUNDING, colour_of, pixels, saved
from PIL import EpsImagePlugin, Image, PngImagePlugin

from stylize.models.errors import ImageError
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.reading import load_image


@pytest.mark.parametrize("name", EXACT)
def test_lossless_kinds_are_read_exactly(tmp_path: Path, name: str) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / name, **EXACT[name])
    assert np.array_equal(pixels(load_image(path)), COLOURS)


def test_jpeg_is_read(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (32, 24), (200, 100, 50)), tmp_path / "a.jpg", quality=100)
    assert np.abs(np.subtract(colour_of(path), (200, 100, 50))).max() <= ROUNDING


def test_the_ending_does_not_matter(tmp_path: Path) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(pixels(load_image(str(path))), COLOURS)


def test_a_program_that_is_called_a_photo_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow would hand an EPS file to Ghostscript."""
    started: list[object] = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **more: started.append(given))
    path = saved(Image.fromarray(COLOURS), tmp_path / "photo.jpg", format="EPS")
    with pytest.raises(ImageError, match="is PostScript"):
        load_image(path)
    assert started == []


@pytest.mark.parametrize("error", [NotImplementedError, RuntimeError, KeyError, TypeError])
def test_whatever_a_decoder_raises_is_our_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")

    def fail(*_: object) -> None:
        raise error("odd")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    with pytest.raises(ImageError, match=r"a\.png' cannot be read: .*odd"):
        load_image(path)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning])
def test_warnings_of_pillow_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, category: type[Warning]
) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
    load = PngImagePlugin.PngImageFile.load

    def warn(self: PngImagePlugin.PngImageFile) -> object:
        warnings.warn("odd metadata", category, stacklevel=1)
        return load(self)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", warn)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        load_image(path)
    assert shown == []


def test_a_large_photo_is_read_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32 * 24 - 1)
    assert load_image(path).size == (32, 24)


def test_the_smallest_picture(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (MIN_SIDE, MIN_SIDE)), tmp_path / "a.png")
    assert load_image(path).size == (16, 16)


@pytest.mark.parametrize("size", [(15, 16), (16, 15)])
def test_a_picture_that_is_too_small(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(Image.new("RGB", size), tmp_path / "a.png")
    with pytest.raises(ImageError, match=f"{size[0]}x{size[1]} pixels"):
        load_image(path)
