"""A terminal that shows pictures, as far as stylize speaks to one: what is where in the end."""

import re
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

TOKEN = re.compile(
    rb"\x1b_G(?P<controls>[^;]*);(?P<part>[^\x1b]*)\x1b\\"
    rb"|\x1b\]1337;File=(?P<told>[^:]*):(?P<file>[^\x07]*)\x07"
    rb"|\x1bP0;1q(?P<sixels>[^\x1b]*)\x1b\\"
    rb"|\x1b\[(?P<up>[0-9]+)A"
    rb"|(?P<other>\x1b[78]|\x1b\[K|\x1b\[[>0-9]*[qtc]|\r|\n)"
    rb"|(?P<text>[^\x1b\r\n]+)"
)
SIXEL = re.compile(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([$-])|(.)", re.DOTALL)


@dataclass
class Drawn:
    """A picture, the line on which it begins, columns and rows, and kitty's number."""

    image: Image.Image
    line: int
    cells: tuple[int, int] = (0, 0)
    number: str = ""


class Screen:
    """Reads what is written to a terminal; anything that it does not know is an error."""

    def __init__(self, written: bytes) -> None:
        self.lines: dict[int, str] = {}
        self.drawn: list[Drawn] = []
        self.line = self._column = 0
        self._saved = (0, 0)
        self._parts = b""
        at = 0
        while at < len(written):
            token = TOKEN.match(written, at)
            assert token, written[at : at + 40]
            self._take({k: v for k, v in token.groupdict().items() if v is not None})
            at = token.end()

    def _take(self, token: dict[str, bytes]) -> None:
        if "controls" in token:
            self._kitty(token["controls"].decode(), token["part"])
        elif "file" in token:
            told = dict(each.split("=") for each in token["told"].decode().split(";"))
            assert told["inline"] == "1"
            self._draw(b64decode(token["file"]), (0, int(told["height"])))
        elif "sixels" in token:
            self.drawn.append(Drawn(sixels_drawn(token["sixels"].decode()), self.line))
        elif "up" in token:
            self.line -= int(token["up"])
        elif "text" in token:
            self._write(token["text"].decode())
        else:
            self._move(token["other"])

    def _kitty(self, controls: str, part: bytes) -> None:
        told = dict(each.split("=") for each in controls.split(","))
        assert len(part) <= 4096
        if "a" in told:
            assert not self._parts
            assert {**told, "a": "T", "f": "100", "C": "1", "q": "2"} == told
            self._told = told
        self._parts += part
        if told["m"] == "0":
            cells = int(self._told["c"]), int(self._told["r"])
            self._draw(b64decode(self._parts), cells, self._told["i"])
            self._parts = b""

    def _draw(self, data: bytes, cells: tuple[int, int], number: str = "") -> None:
        self.drawn.append(Drawn(Image.open(BytesIO(data)), self.line, cells, number))

    def _move(self, other: bytes) -> None:
        if other == b"\r":
            self._column = 0
        elif other == b"\n":
            self.line += 1
        elif other == b"\x1b[K":
            self.lines[self.line] = self.lines.get(self.line, "")[: self._column]
        elif other == b"\x1b7":
            self._saved = self.line, self._column
        elif other == b"\x1b8":
            self.line, self._column = self._saved

    def _write(self, text: str) -> None:
        line = self.lines.get(self.line, "").ljust(self._column)
        end = self._column + len(text)
        self.lines[self.line] = line[: self._column] + text + line[end:]
        self._column = end


def sixels_drawn(sixels: str) -> Image.Image:
    """Return what a terminal draws of sixels: each pixel of one colour, and all of them drawn."""
    size, _, rest = sixels.removeprefix('"1;1;').partition("#")
    width, height = map(int, size.split(";"))
    pixels = np.full((height, width, 3), -1)
    colours: dict[str, list[int]] = {}
    top, column, colour = 0, 0, "none"
    for new, red, green, blue, old, times, repeated, move, once in SIXEL.findall("#" + rest):
        if new:
            colours[new] = [round(int(part) * 2.55) for part in (red, green, blue)]
        elif old:
            colour = old
        elif move:
            top, column = (top + 6 if move == "-" else top), 0
        else:
            bits, count = ord(repeated or once) - ord("?"), int(times or 1)
            for line in range(6):
                if bits >> line & 1:
                    assert (pixels[top + line, column : column + count] == -1).all()
                    pixels[top + line, column : column + count] = colours[colour]
            column += count
    assert (pixels >= 0).all()
    return Image.fromarray(pixels.astype(np.uint8))
