"""A finished picture with 8 or 16 bits, in the curve of its profile, whole whatever is large."""

import errno
import os
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from deep import read_deep
from PIL import Image, ImageCms
from spaces import ADOBE, P3

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.pictures import shown as module
from stylize.runtime.pictures.arrays import to_image
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.pictures.metadata import Metadata
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.saving import Manner, save_image
from stylize.runtime.pictures.shown import Shown
from stylize.runtime.pictures.spaces import SRGB, space_of

PIXELS = np.random.default_rng(0).uniform(-0.2, 1.2, (1, 3, 20, 31)).astype(np.float32)
ALPHA = Image.fromarray(np.arange(20 * 31, dtype=np.uint8).reshape(20, 31))
DEEP = Manner(FileOptions(bits=16))


@pytest.fixture(autouse=True)
def bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows at a time."""
    monkeypatch.setattr(module, "BAND", 7 * 31)


def test_a_space_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(SRGB)) is SRGB
    space = space_of(ADOBE)
    found = pickle.loads(pickle.dumps(space))
    assert (found.profile, found.curves) == (space.profile, space.curves)


def test_with_8_bits_it_is_the_clipped_array() -> None:
    assert np.array_equal(np.asarray(Shown(PIXELS).image()), np.asarray(to_image(PIXELS)))
    with_alpha = Shown(PIXELS, ALPHA).image()
    assert with_alpha.mode == "RGBA"
    assert np.array_equal(np.asarray(with_alpha)[..., 3], np.asarray(ALPHA))


@pytest.mark.parametrize("ending", ["png", "tif", "tiff"])
@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "alpha"])
def test_with_16_bits_it_has_the_depth_of_the_floats(
    tmp_path: Path, alpha: Image.Image | None, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    save_image(Shown(PIXELS, alpha), path, None, DEEP)
    levels = read_deep(path)
    wanted = PIXELS[0].transpose(1, 2, 0).clip(0, 1).astype(np.float64) * 65535
    assert np.abs(levels[..., :3] - wanted).max() <= 0.51
    if alpha:
        assert np.array_equal(levels[..., 3], np.asarray(alpha, np.uint16) * 257)


def test_with_16_bits_the_photos_colours_keep_their_depth(tmp_path: Path) -> None:
    grey = np.repeat(np.linspace(0.3, 0.31, 620, dtype=np.float32).reshape(1, 1, 20, 31), 3, 1)
    photo = Image.new("RGB", (31, 20), (200, 100, 50))
    save_image(Shown(grey, colours=photo), tmp_path / "a.png", None, DEEP)
    levels = read_deep(tmp_path / "a.png")
    assert len(np.unique(levels[..., 0])) > 500
    assert (levels[..., 0] > levels[..., 2]).all()


@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_formats_of_8_bits_are_refused(tmp_path: Path, ending: str) -> None:
    with pytest.raises(OptionError, match=r"has 8 bits a channel, not 16\. Write a \.png"):
        save_image(Shown(PIXELS), tmp_path / f"a.{ending}", None, DEEP)


@pytest.mark.parametrize("profile", [P3, ADOBE], ids=["P3", "Adobe"])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp"])
def test_it_looks_the_same_in_every_space(tmp_path: Path, name: str, profile: bytes) -> None:
    """A colour that sRGB has, painted in another space."""
    colour = Image.new("RGB", (32, 24), (180, 120, 60))
    space = space_of(profile)
    painted = ImageCms.profileToProfile(colour, SRGB.painted, space.painted)
    pixels = np.asarray(painted, np.float32).transpose(2, 0, 1)[None] / 255
    save_image(Shown(pixels, space=space), tmp_path / name)
    with Image.open(tmp_path / name) as file:
        assert file.info["icc_profile"] == profile
    found = np.asarray(load_image(tmp_path / name), int)
    assert np.abs(found - np.asarray(colour, int)).max() <= 3


def test_curves_are_applied_before_depth_is_lost(tmp_path: Path) -> None:
    space = space_of(ADOBE)
    save_image(Shown(PIXELS, space=space), tmp_path / "a.png", None, DEEP)
    wanted = space.encoded(PIXELS[0].transpose(1, 2, 0).clip(0, 1)).astype(np.float64) * 65535
    assert np.abs(read_deep(tmp_path / "a.png") - wanted).max() <= 0.51


def test_an_image_for_python_tells_its_space() -> None:
    space = space_of(P3)
    assert Shown(PIXELS, space=space).image().info == {"icc_profile": P3}
    assert Shown(PIXELS).image().info == {}


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_less_quality_makes_smaller_files(tmp_path: Path, ending: str) -> None:
    sizes = []
    for quality in (10, 95, 100):
        path = tmp_path / f"{quality}{ending}"
        save_image(Shown(PIXELS), path, None, Manner(FileOptions(quality=quality)))
        sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_resolution(tmp_path: Path, name: str, bits: int) -> None:
    if bits == 16 and name == "a.jpg":
        return
    manner = Manner(FileOptions(bits=bits), Metadata(resolution=(300.0, 240.0)))
    save_image(Shown(PIXELS), tmp_path / name, None, manner)
    with Image.open(tmp_path / name) as file:
        assert file.info["dpi"] == pytest.approx((300, 240), abs=0.01)


def test_the_profile_of_srgb_has_no_date() -> None:
    core = ImageCms.ImageCmsProfile(BytesIO(SRGB.profile)).profile
    assert core.profile_description.startswith("sRGB")
    assert SRGB.profile[24:36] == bytes(12)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_disk_that_fills_in_the_middle_leaves_things_as_they_were(
    tmp_path: Path, name: str
) -> None:
    import resource

    path = tmp_path / name
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(ImageError, match=f"cannot be written: {os.strerror(errno.EFBIG)}"):
            save_image(Shown(PIXELS), path, None, DEEP)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {name: b"old"}


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_of_two_runs_that_write_the_same_file_one_is_there_whole(tmp_path: Path, name: str) -> None:
    def write(value: float) -> None:
        for _ in range(5):
            save_image(Shown(np.full_like(PIXELS, value)), tmp_path / name, None, DEEP)

    with ThreadPoolExecutor() as runs:
        list(runs.map(write, (0.25, 0.75)))
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert set(np.unique(read_deep(tmp_path / name))) < {16384, 49151}
