"""Pictures in terminals: the three ways in which they take one.

Each takes a picture of so many columns and rows of characters, and leaves the cursor anywhere.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from stylize.cli.watching.asking import Terminal

    Cells = tuple[int, int]
    Draw = Callable[[Image, Cells, int], str]
    """Takes the picture, its columns and rows, and a number that is its own at its place."""

CHUNK = 4096
"""Characters that kitty takes at a time."""

SIXEL = "4"
"""The number by which a terminal tells that it knows sixel."""
LINES = 6
"""Lines of pixels in a row of sixels, from the lowest bit to the highest."""
COLOURS, FAST = 256, 2
"""How many a picture has, and Pillow's number of the fastest way to choose them."""
NOTHING = ord("?")
"""The sixel without a pixel; others follow."""


def way_of(terminal: "Terminal") -> "Draw | None":
    """Return the best way in which a terminal takes pictures; None if it takes none."""
    for name, way in BY_NAME.items():
        if terminal.name.startswith(name):
            return way
    return sixel if SIXEL in terminal.abilities else None


def kitty(picture: "Image", cells: "Cells", number: int) -> str:
    """Return what shows a picture by kitty's graphics protocol; it replaces one of that number.

    https://sw.kovidgoyal.net/kitty/graphics-protocol/
    """
    data = _encoded(picture, "PNG", compress_level=1)
    parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    # Shown at once (T), a PNG (100), the cursor stays (C), and nothing is answered (q).
    # Both columns (c) and rows (r), since older releases stretch a picture that has one of them.
    size = "c={},r={}".format(*cells)
    controls = [f"a=T,f=100,i={number},p=1,{size},C=1,q=2,"] + [""] * (len(parts) - 1)
    more = [1] * (len(parts) - 1) + [0]
    told = zip(controls, more, parts, strict=True)
    return "".join(f"\x1b_G{control}m={last};{part}\x1b\\" for control, last, part in told)


def iterm2(picture: "Image", cells: "Cells", number: int) -> str:
    """Return what shows a picture as iTerm2 does: https://iterm2.com/documentation-images.html."""
    data = _encoded(picture, "JPEG", quality=90)
    return f"\x1b]1337;File=inline=1;height={cells[1]};preserveAspectRatio=1:{data}\x07"


def sixel(picture: "Image", cells: "Cells", number: int) -> str:
    """Return a picture in sixels, of as many pixels as it has.

    https://vt100.net/docs/vt3xx-gp/chapter14.html
    """
    few = picture.quantize(COLOURS, FAST)
    width, height = few.size
    return "".join(
        ['\x1bP0;1q"1;1;', f"{width};{height}", *_registers(few), *_sixel_rows(few), "\x1b\\"]
    )


BY_NAME: "dict[str, Draw]" = {
    "kitty": kitty,
    "ghostty": kitty,
    "iTerm2": iterm2,
    "WezTerm": iterm2,
}
"""How terminals take pictures that know more than sixel, by what they call themselves."""


def _encoded(picture: "Image", kind: str, **settings: int) -> str:
    file = BytesIO()
    picture.save(file, kind, **settings)
    return b64encode(file.getvalue()).decode()


def _registers(few: "Image") -> Iterator[str]:
    """Yield each colour of a picture with few; its parts are in percent."""
    parts = few.getpalette("RGB") or []
    for register in range(len(parts) // 3):
        red, green, blue = (round(part / 2.55) for part in parts[3 * register : 3 * register + 3])
        yield f"#{register};2;{red};{green};{blue}"


def _sixel_rows(few: "Image") -> Iterator[str]:
    """Yield rows of sixels: in each, one colour after the other over the whole width."""
    import numpy as np

    pixels = np.asarray(few)
    for top in range(0, len(pixels), LINES):
        lines = pixels[top : top + LINES]
        bits = 1 << np.arange(len(lines), dtype=np.uint8)
        for register in np.unique(lines):
            sixels = (lines == register).T @ bits + NOTHING
            yield f"#{register}{_run_lengths(sixels.astype(np.uint8).tobytes().decode())}$"
        yield "-"


def _run_lengths(sixels: str) -> str:
    """Write characters that repeat as their number; those at the end that show nothing, not."""
    shown = sixels.rstrip(chr(NOTHING))
    return re.sub(r"(.)\1{3,}", lambda run: f"!{len(run[0])}{run[1]}", shown)
