"""Every mode with every profile and transparency, against colours computed by their definitions."""

import colorsys
import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from colours import SRGB
from crafted import black_ink_profile, linear_grey_profile, with_red_and_green_swapped
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.reading import load_image, open_picture

Values = npt.NDArray[Any]

SIZE = WIDTH, HEIGHT = 32, 24
LEVELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
PALETTE = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
ALPHA = np.full((HEIGHT, WIDTH), 255, np.uint8)
ALPHA[3:9, 5:20], ALPHA[12:20, 5:20] = 0, 128
CLEAR = 7
"""A level, an index or a colour that stands for transparent."""
LEVELS[3:9, 5:20] = CLEAR

PROFILES = {
    "none": None,
    "sRGB": SRGB,
    "RGB": with_red_and_green_swapped(SRGB),
    "grey": linear_grey_profile(),
    "CMYK": black_ink_profile(),
    "broken": SRGB[:200],
}
GREY = ("1", "L", "LA", "La", "I;16", "I")
INDEXED = ("P", "PA")
OF_RGB = (*INDEXED, "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV")
TRANSPARENCIES = {
    "none": (*GREY, *OF_RGB, "CMYK", "LAB"),
    "alpha": ("LA", "La", "PA", "RGBA", "RGBa"),
    "a colour": ("1", "L", "RGB", "I;16", "P"),
    "by index": ("P",),
}
ROUNDING: dict[str | tuple[str, str], int] = {
    "La": 2,
    ("La", "grey"): 13,  # the slope of sRGB's curve at black
    "RGBa": 2,
    "YCbCr": 2,
    "HSV": 2,
    "LAB": 3,
    ("CMYK", "CMYK"): 2,
}
"""Grey levels that a mode may be off by, whose own levels are not those of RGB."""


def image_of(mode: str, transparency: str) -> Image.Image:
    """An image of a mode that shows LEVELS."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    levels = LEVELS[..., :bands].copy() if bands > 1 else LEVELS[..., 0]
    if mode == "LAB":
        levels = lab_levels() ^ np.array([0, 128, 128], np.uint8)  # as in files: a* and b* signed
    if mode in ("I;16", "I"):
        wide = levels.astype("<u2" if mode == "I;16" else "<i4") * 257
        image = Image.frombytes(mode, SIZE, wide.tobytes())
    elif mode == "1":
        image = Image.fromarray(levels).point(lambda level: 255 * (level > 127), "1")
    else:
        if transparency == "alpha":
            levels[..., -1] = ALPHA
        elif mode in TRANSPARENCIES["alpha"]:
            levels[..., -1] = 255
        if mode in ("La", "RGBa"):
            levels[..., :-1] = np.rint(levels[..., :-1] * (levels[..., -1:] / 255))
        image = Image.frombytes(mode, SIZE, levels.tobytes())
    if mode in INDEXED:
        image.putpalette(PALETTE.tobytes())
    if transparency == "a colour":
        clear = {"RGB": (CLEAR,) * 3, "I;16": CLEAR * 257, "1": 0}
        image.info["transparency"] = clear.get(mode, CLEAR)
    if transparency == "by index":
        image.info["transparency"] = bytes(range(256))
    return image


def lab_levels() -> Values:
    """L*, a* and b* of colours that sRGB has, as 8-bit levels."""
    light = np.linspace(100, 200, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    near_grey = LEVELS[..., 1:3].astype(int) // 13 - 10
    return np.stack([light, *(128 + near_grey).transpose(2, 0, 1)], -1).astype(np.uint8)


def colours_of(mode: str) -> Values:
    """What a mode means by its levels, in 0...255, shape (height, width, 3)."""
    levels = LEVELS.astype(float)
    if mode in GREY:
        grey = np.where(levels[..., 0] > 127, 255, 0) if mode == "1" else levels[..., 0]
        return np.stack([grey] * 3, -1)
    if mode in INDEXED:
        return PALETTE[LEVELS[..., 0]].astype(float)
    if mode == "CMYK":
        return (255 - levels[..., :3]) * (255 - levels[..., 3:]) / 255
    if mode == "YCbCr":
        y, cb, cr = levels[..., 0], levels[..., 1] - 128, levels[..., 2] - 128
        green = y - 0.344136 * cb - 0.714136 * cr
        return np.clip(np.stack([y + 1.402 * cr, green, y + 1.772 * cb], -1), 0, 255)
    if mode == "HSV":
        flat = levels[..., :3].reshape(-1, 3) / 255
        return 255 * np.array([colorsys.hsv_to_rgb(*each) for each in flat]).reshape(
            HEIGHT, WIDTH, 3
        )
    return of_lab(lab_levels()) if mode == "LAB" else levels[..., :3]


def of_lab(levels: Values) -> Values:
    """sRGB of CIE L*a*b* under D50, by CIE 15 and IEC 61966-2-1."""
    light, a, b = (levels[..., each].astype(float) for each in range(3))
    y = (light / 255 * 100 + 16) / 116
    roots = np.stack([y + (a - 128) / 500, y, y - (b - 128) / 200], -1)
    steps = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29))
    to_linear = np.array(  # from XYZ under D50, by Bradford's adaptation to D65
        [
            [3.1338561, -1.6168667, -0.4906146],
            [-0.9787684, 1.9161415, 0.0334540],
            [0.0719453, -0.2289914, 1.4052427],
        ]
    )
    return gamma(steps * (0.9642, 1.0, 0.8249) @ to_linear.T)


def gamma(linear: Values) -> Values:
    """The level in sRGB, 0...255, of light in 0...1."""
    light = np.clip(linear, 0, 1)
    low = light <= 0.0031308
    return 255 * np.where(low, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def by_profile(colours: Values, mode: str, profile: str) -> Values:
    """Colours as a profile means them, if it is one for the mode."""
    if profile == "grey" and mode in GREY:
        return gamma(colours / 255)
    if profile == "RGB" and mode in OF_RGB:
        return colours[..., [1, 0, 2]]
    if profile == "CMYK" and mode == "CMYK":
        level = np.rint(255 * (1 - LEVELS[..., 3] / 255))
        neutral = np.full_like(level, 128)
        return of_lab(np.stack([level, neutral, neutral], -1))
    return colours


def alpha_of(mode: str, transparency: str) -> Values:
    if transparency == "none":
        return np.full_like(ALPHA, 255)
    if transparency == "by index":
        return LEVELS[..., 0]
    if transparency == "alpha":
        return ALPHA
    if mode == "1":
        return np.where(LEVELS[..., 0] > 127, 255, 0)
    clear = LEVELS[..., :3] == CLEAR if mode == "RGB" else LEVELS[..., :1] == CLEAR
    return np.where(clear.all(-1), 0, 255)


CASES = [
    (mode, profile, transparency)
    for transparency, modes in TRANSPARENCIES.items()
    for mode in modes
    for profile in PROFILES
]


@pytest.mark.parametrize(("mode", "profile", "transparency"), CASES)
def test_an_image_is_read_as_it_is_meant(mode: str, profile: str, transparency: str) -> None:
    image = image_of(mode, transparency)
    image.info["icc_profile"] = PROFILES[profile]
    before = image.copy()
    assert_meant(image, mode, profile, transparency)
    assert image.tobytes() == before.tobytes()


PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
TIFF_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "LAB", "I;16", "I")


@pytest.mark.parametrize(
    ("mode", "profile", "transparency"), [case for case in CASES if case[0] in PNG_MODES]
)
def test_a_png_is_read_as_it_is_meant(mode: str, profile: str, transparency: str) -> None:
    assert_meant(written("PNG", mode, profile, transparency), mode, profile, transparency)


@pytest.mark.parametrize(
    ("mode", "profile", "transparency"),
    [case for case in CASES if case[0] in TIFF_MODES and case[2] in ("none", "alpha")],
)
def test_a_tiff_is_read_as_it_is_meant(mode: str, profile: str, transparency: str) -> None:
    assert_meant(written("TIFF", mode, profile, transparency), mode, profile, transparency)


def written(kind: str, mode: str, profile: str, transparency: str) -> bytes:
    buffer = io.BytesIO()
    image = image_of(mode, transparency)
    image.save(buffer, kind, icc_profile=PROFILES[profile])
    return buffer.getvalue()


def assert_meant(picture: Any, mode: str, profile: str, transparency: str) -> None:
    """Compare what is read with transparency and on white."""
    colours = by_profile(colours_of(mode), mode, profile)
    alpha = alpha_of(mode, transparency)
    allowed = ROUNDING.get((mode, profile), ROUNDING.get(mode, 1))
    found = open_picture(picture, alpha=True).seen(SIZE)
    assert (found.colours.mode, found.colours.info) == ("RGB", {})
    assert (found.alpha is None) == (alpha == 255).all()
    assert found.alpha is None or np.array_equal(np.asarray(found.alpha), alpha)
    assert np.abs(np.asarray(found.colours) - colours)[alpha >= 16].max() <= allowed
    on_white = 255 + (colours - 255) * (alpha / 255)[..., None]
    assert np.abs(np.asarray(load_image(picture), int) - on_white).max() <= allowed + 1


@pytest.mark.parametrize("mode", ["F"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ImageError, match="floating-point pixels"):
        load_image(Image.new(mode, SIZE))
