"""Losses over time as an SVG: a panel for each picture, the loss on a logarithmic scale."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from math import ceil, floor, inf, log10

from curves import Curve

WIDTH, HEIGHT = 420, 280
LEFT, TOP, RIGHT, BOTTOM = 64, 44, 16, 44
"""Pixels around the curves of a panel, for its title and its axes."""
COLUMNS = 3
COLOURS = ("#c0392b", "#1f5fa8", "#2e8b57", "#7d5ba6")
HIGHEST = 30
"""Times the level up to which losses are shown: what is higher is passed within moments."""
STYLE = "font-family='sans-serif' font-size='11' fill='#222'"


@dataclass(frozen=True)
class Panel:
    """Curves of one picture.

    Attributes
    ----------
    title : str
        Whose.
    curves : mapping of str to Curve
        By the name of who made it. Of each, the lowest loss so far is drawn.
    level : float
        A loss to be reached, drawn as a dashed line.
    """

    title: str
    curves: Mapping[str, Curve]
    level: float


def draw(panels: Sequence[Panel]) -> str:
    """Return the panels side by side."""
    columns, rows = min(COLUMNS, len(panels)), ceil(len(panels) / COLUMNS)
    width, height = columns * WIDTH, rows * HEIGHT
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {STYLE}>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
    ]
    for index, panel in enumerate(panels):
        row, column = divmod(index, COLUMNS)
        lines.append(f"<g transform='translate({column * WIDTH} {row * HEIGHT})'>")
        lines += [*_panel(panel), "</g>"]
    return "\n".join([*lines, "</svg>", ""])


@dataclass(frozen=True)
class _Axes:
    """Where seconds and losses are in a panel."""

    last: float
    lowest: float
    highest: float

    def x(self, seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.last

    def y(self, loss: float) -> float:
        part = log10(self.highest / loss) / log10(self.highest / self.lowest)
        return TOP + (HEIGHT - TOP - BOTTOM) * part


def _panel(panel: Panel) -> Iterator[str]:
    drawn = {name: _points(curve, HIGHEST * panel.level) for name, curve in panel.curves.items()}
    points = [point for curve in drawn.values() for point in curve]
    losses = [panel.level, *(loss for _, loss in points)]
    last = max((seconds for seconds, _ in points), default=1.0)
    axes = _Axes(last, min(losses) / 1.1, max(losses) * 1.1)
    yield f"<text x='{LEFT}' y='16' font-weight='bold'>{escape(panel.title)}</text>"
    yield from _grid(axes)
    yield _line(axes.x(0), axes.y(panel.level), axes.x(last), axes.y(panel.level), "#222", "5 4")
    for index, (name, curve) in enumerate(drawn.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{axes.x(seconds):.1f},{axes.y(loss):.1f}" for seconds, loss in curve)
        yield f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.8'/>"
        yield f"<text x='{LEFT + 110 * index}' y='34' fill='{colour}'>{escape(name)}</text>"


def _points(curve: Curve, highest: float) -> list[tuple[float, float]]:
    """Return seconds and the lowest loss until then, where it is not too high to be shown."""
    lowest = accumulate((loss if loss < inf else inf for loss in curve.losses), min)
    pairs = zip(curve.seconds, lowest, strict=True)
    return [(seconds, loss) for seconds, loss in pairs if loss <= highest]


def _grid(axes: _Axes) -> Iterator[str]:
    left, right = axes.x(0), axes.x(axes.last)
    for loss in _round_losses(axes.lowest, axes.highest):
        yield _line(left, axes.y(loss), right, axes.y(loss), "#ddd")
        yield _label(left - 6, axes.y(loss) + 4, f"{loss:.3g}", "end")
    step = _round_step(axes.last)
    for number in range(floor(axes.last / step) + 1):
        x = axes.x(number * step)
        yield _line(x, TOP, x, HEIGHT - BOTTOM, "#ddd")
        yield _label(x, HEIGHT - BOTTOM + 16, f"{number * step:g}", "middle")
    yield _label((left + right) / 2, HEIGHT - 10, "seconds", "middle")


def _round_losses(lowest: float, highest: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten in a range."""
    powers = range(floor(log10(lowest)), ceil(log10(highest)) + 1)
    losses = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [loss for loss in losses if lowest <= loss <= highest]


def _round_step(last: float) -> float:
    """Return seconds between two lines, so that there are 3 to 8 or so."""
    power = 10.0 ** floor(log10(last))
    return power * (0.2 if last < 2 * power else 0.5 if last < 5 * power else 1)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "none") -> str:
    ends = f"x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}'"
    return f"<line {ends} stroke='{colour}' stroke-dasharray='{dashes}'/>"


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{text}</text>"
