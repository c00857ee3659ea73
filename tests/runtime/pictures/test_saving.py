"""Pictures are written whole or not at all."""

import errno
import os
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from colours import COLOURS, pixels
from PIL import Image, ImageCms

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.saving import FORMATS, check_output, save_image

LOSSY_STEP = 4
"""Grey levels that JPEG and WebP at quality 95 may be off by, in a smooth picture."""


class TestSaving:
    @pytest.mark.parametrize("ending", [*FORMATS, ".PNG", ".Jpg"])
    def test_every_format_can_be_read_again(self, tmp_path: Path, ending: str) -> None:
        ramp = np.linspace(40, 200, 32 * 24).reshape(24, 32).astype(np.uint8)
        image = Image.fromarray(np.stack([ramp, ramp // 2, ramp // 4], -1))
        path = tmp_path / f"out{ending}"
        save_image(image, path)
        assert list(tmp_path.iterdir()) == [path]
        with Image.open(path) as file:
            assert file.format == FORMATS[ending.lower()]["format"]
            profile = ImageCms.ImageCmsProfile(BytesIO(file.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).startswith("sRGB")
        assert np.abs(pixels(load_image(path)) - pixels(image)).max() <= LOSSY_STEP

    @pytest.mark.parametrize("ending", FORMATS)
    def test_alpha_is_kept_where_the_format_has_it(self, tmp_path: Path, ending: str) -> None:
        image = Image.new("RGBA", (32, 24), (200, 100, 50, 100))
        image.paste((0, 0, 0, 0), (0, 0, 16, 24))
        path = tmp_path / f"out{ending}"
        save_image(image, path)
        on_white = image.convert("RGBA")
        on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), on_white)
        assert np.abs(pixels(load_image(path)) - pixels(on_white.convert("RGB"))).max() <= 12
        with Image.open(path) as file:
            if ending in (".jpg", ".jpeg"):
                assert file.mode == "RGB"
            else:
                assert file.getchannel("A").tobytes() == image.getchannel("A").tobytes()

    @pytest.mark.parametrize("ending", [".png", ".tif", ".tiff"])
    def test_png_and_tiff_are_lossless(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        save_image(Image.fromarray(COLOURS), path)
        with Image.open(path) as file:
            assert np.array_equal(pixels(file), COLOURS)

    def test_what_was_there_is_replaced_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "out.png"
        path.write_bytes(b"old")
        os.link(path, tmp_path / "old")
        save_image(Image.fromarray(COLOURS), path)
        assert (tmp_path / "old").read_bytes() == b"old"  # a new file, not the old one rewritten
        assert np.array_equal(pixels(load_image(path)), COLOURS)

    @pytest.mark.parametrize(
        ("failure", "expected"),
        [
            (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), ImageError),
            (ValueError("cannot encode"), ImageError),
            (SystemError("the encoder's own"), ImageError),
            (KeyboardInterrupt(), KeyboardInterrupt),
        ],
        ids=["OSError", "ValueError", "SystemError", "KeyboardInterrupt"],
    )
    @pytest.mark.parametrize("old", [b"old", None], ids=["file there", "no file there"])
    def test_a_failure_half_way_leaves_things_as_they_were(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        old: bytes | None,
        failure: BaseException,
        expected: type[BaseException],
    ) -> None:
        def save_half(image: Image.Image, target: BinaryIO, **options: Any) -> None:
            target.write(b"half")
            raise failure

        path = tmp_path / "out.png"
        if old:
            path.write_bytes(old)
        monkeypatch.setattr(Image.Image, "save", save_half)
        with pytest.raises(expected):
            save_image(Image.fromarray(COLOURS), path)
        left = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert left == ({"out.png": old} if old else {})

    def test_the_message_says_why(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(image: Image.Image, target: BinaryIO, **options: Any) -> None:
            raise OSError(errno.ENOSPC, "There is no space")

        monkeypatch.setattr(Image.Image, "save", fail)
        with pytest.raises(ImageError, match=r"out\.png' cannot be written: There is no space\."):
            save_image(Image.fromarray(COLOURS), tmp_path / "out.png")

    def test_a_picture_that_is_too_large_for_webp(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="16383"):
            save_image(Image.new("RGB", (16384, 16)), tmp_path / "out.webp")
        assert list(tmp_path.iterdir()) == []


class TestCheckingTheOutput:
    def test_nothing_is_left_and_nothing_changed(self, tmp_path: Path) -> None:
        path = tmp_path / "out.png"
        check_output(path)
        assert list(tmp_path.iterdir()) == []
        path.write_bytes(b"old")
        check_output(path)
        assert {file: file.read_bytes() for file in tmp_path.iterdir()} == {path: b"old"}

    @pytest.mark.parametrize(("name", "most"), [("a.webp", 16_383), ("a.jpg", 65_500)])
    def test_more_pixels_than_the_format_can_hold(
        self, tmp_path: Path, name: str, most: int
    ) -> None:
        check_output(tmp_path / name, most)
        check_output(tmp_path / "a.png", most + 1)
        with pytest.raises(ImageError, match=rf"cannot hold .* {most} at most"):
            check_output(tmp_path / name, most + 1)

    @pytest.mark.parametrize("name", ["out", "out.gif", "out.png.txt", ".png"])
    def test_an_ending_that_tells_no_format(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OptionError, match=r"must end in one of \.png, \.jpg"):
            check_output(tmp_path / name)

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "out.png").mkdir()
        with pytest.raises(ImageError, match="is a folder"):
            check_output(tmp_path / "out.png")

    def test_a_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=os.strerror(errno.ENOENT)):
            check_output(tmp_path / "missing" / "out.png")
