"""Primaries and curves of ICC profiles; LittleCMS is the judge."""

from io import BytesIO

import numpy as np
import pytest
from colours import SRGB
from mutations import mutants
from PIL import Image, ImageCms
from spaces import ADOBE, LINEAR, P3, formula, gamma, table, with_curve

from stylize.runtime.files import icc
from stylize.runtime.files.icc import ProfileError, profile_of, shaper
from stylize.runtime.pictures.spaces import space_of

LEVELS = np.arange(256, dtype=np.uint8)
CURVES = {
    "a power": gamma(1.8),
    "no power": b"curv" + bytes(8),
    "a table": table(0, 1000, 9000, 30000, 65535),
    "formula 0": formula(0, 2.2),
    "formula 1": formula(1, 2.2, 1.1, -0.1),
    "formula 3": formula(3, 2.4, 0.9479, 0.0521, 0.0774, 0.0405),
}


def by_littlecms(image: Image.Image, one: bytes, other: bytes) -> np.ndarray:
    source, target = (ImageCms.ImageCmsProfile(BytesIO(each)) for each in (one, other))
    flags = ImageCms.Flags.NOOPTIMIZE
    return np.asarray(ImageCms.profileToProfile(image, source, target, flags=flags), int)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_each_curve_is_littlecms_one(curve: bytes) -> None:
    profile = with_curve(P3, curve)
    space = space_of(profile)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    light = by_littlecms(image, space.painted.tobytes(), profile)
    ours = space.encoded(np.asarray(image, np.float32) / 255) * 255
    assert np.abs(ours - light).max() <= 1.02  # it rounds to 16 bits, and then to 8
    assert np.abs(ours - light).mean() < 0.3


@pytest.mark.parametrize(
    ("curve", "dark", "bright"),
    [
        (formula(2, 2.0, 1.0, -0.25, 0.25), 0.25, 0.5**2 + 0.25),
        (
            formula(4, 2.0, 0.5, 0.25, 0.5, 0.25, 0.125, 0.0625),
            0.5 * 0.125 + 0.0625,
            0.625**2 + 0.125,
        ),
    ],
    ids=["formula 2", "formula 4"],
)
def test_formulas_are_those_of_the_standard(curve: bytes, dark: float, bright: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(icc, "_rises", lambda _: True)
        found = shaper(with_curve(P3, curve)).curves[0]
    assert found.linear(np.array([0.125, 0.75])) == pytest.approx([dark, bright], abs=1e-4)
    assert found.encoded(np.array([bright])) == pytest.approx(0.75, abs=1e-4)


@pytest.mark.parametrize("profile", [P3, ADOBE, LINEAR, SRGB], ids=["P3", "Adobe", "2020", "sRGB"])
def test_primaries_are_littlecms_ones(profile: bytes) -> None:
    found = shaper(profile)
    core = ImageCms.ImageCmsProfile(BytesIO(profile)).profile
    named = (core.red_colorant, core.green_colorant, core.blue_colorant)
    assert np.allclose(found.primaries.T, [xyz for xyz, _ in named], atol=1e-4)


def test_a_written_profile_is_read_again() -> None:
    found = shaper(P3)
    assert np.allclose(shaper(profile_of(found.primaries)).primaries, found.primaries, atol=1e-9)


@pytest.mark.parametrize(
    ("profile", "what"),
    [
        (b"", "no ICC profile"),
        (bytes(1000), "no ICC profile"),
        (P3.replace(b"RGB ", b"CMYK", 1), "of CMYK, not of RGB"),
        (P3.replace(b"RGB ", b"GRAY", 1), "of grey, not of RGB"),
        (P3.replace(b"wtpt", b"A2B0", 1), "made of tables"),
        (P3.replace(b"XYZ ", b"Lab ", 1), "made of tables"),
        (P3[:300], "damaged"),
        (with_curve(P3, formula(0, 0)), "damaged|cannot be turned back"),
        (with_curve(P3, formula(1, 2.2, 0, 0.1)), "damaged"),
        (with_curve(P3, formula(7, 2.2)), "damaged"),
        (with_curve(P3, table(65535, 30000, 0)), "cannot be turned back"),
        (profile_of(np.zeros((3, 3))), "cannot be turned back"),
    ],
)
def test_others_are_told_apart(profile: bytes, what: str) -> None:
    with pytest.raises(ProfileError, match=what):
        shaper(profile)


def test_damaged_ones_are_read_or_refused() -> None:
    refused = 0
    for damaged in mutants(P3, 300, seed=0):
        try:
            light = shaper(damaged).curves[0].encoded(np.linspace(0, 1, 9))
            assert np.isfinite(light).all()
        except ProfileError:
            refused += 1
    assert 0 < refused < 300
