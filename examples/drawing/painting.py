"""The painting: a low sun over hills and a lake, in thousands of strokes along their contours."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from drawing.canvas import (
    Array,
    Colour,
    Random,
    fractal_noise,
    frequencies,
    reduce_to_image,
    smoothstep,
)

_Palette = Sequence[Colour]

_SIZE, _SEED = (640, 512), 7
_STEP = 0.7
"""Pixels between the samples of a stroke: below 1, so that none is left bare."""

_SUN = (0.86, 0.27)
_SWIRLS = (
    (0.24, 0.24, 0.17, 0.17), (0.50, 0.43, 0.10, -0.09), (0.06, 0.50, 0.09, -0.06),
    (1.18, 0.46, 0.10, 0.07), (0.55, 0.08, 0.09, -0.06),
)  # fmt: skip
"""x, y, radius and strength, in heights of the picture; the sign is the sense of the turn."""

_NIGHT = ((8, 14, 56), (18, 38, 122), (24, 78, 158), (28, 132, 156), (130, 200, 186))
_EMBER = ((150, 40, 40), (214, 84, 28), (240, 144, 36), (248, 196, 84), (255, 236, 180))
_HILL = ((10, 14, 40), (22, 30, 78), (26, 62, 88), (80, 66, 104), (226, 110, 60))
_LAKE = ((10, 22, 70), (18, 60, 120), (30, 120, 150), (240, 150, 56), (255, 226, 150))
_FIELD = ((16, 18, 40), (92, 44, 30), (170, 84, 26), (222, 150, 48), (250, 212, 120))


class _Brush(NamedTuple):
    """How wide and long (in pixels), how many and how varied in colour strokes are."""

    width: float
    length: int
    strokes: int
    variety: float


_BRUSHES = (
    _Brush(44, 260, 1400, 0.10),
    _Brush(26, 220, 3000, 0.11),
    _Brush(16, 150, 4200, 0.10),
    _Brush(9, 100, 4200, 0.10),
)


def draw_painting(scale: int = 2) -> Image.Image:
    """Paint ``scale`` times larger, coarse strokes first, and reduce it, which smooths edges.

    Strokes are measured in pixels of the larger picture, so a smaller scale makes them coarser.
    """
    rng = np.random.default_rng(_SEED)
    contours, colours = _plan_picture(scale, rng)
    flow = _directions_along(contours)
    canvas, relief = colours * 0.6, np.zeros(contours.shape)
    for brush in _BRUSHES:
        for path in _trace_strokes(flow, brush, rng):
            _lay_stroke(path, brush, colours, canvas, relief, rng)
    return reduce_to_image(_varnish(canvas, relief), _SIZE)


def _plan_picture(scale: int, rng: Random) -> tuple[Array, Array]:
    """Plan the picture: a field whose contours the strokes follow, and the colours to take."""
    width, height = (scale * side for side in _SIZE)
    y, x = np.mgrid[0:height, 0:width] / height
    cloud = fractal_noise((height, width), 1.8, rng)
    contours, colours = _plan_sky(x, y, cloud)
    for depth, ground, tone, palette in _plan_lands(x, y, cloud):
        inside = depth > 0
        contours[inside], colours[inside] = ground[inside], _blend_palette(tone[inside], palette)
    return contours, colours


def _plan_sky(x: Array, y: Array, cloud: Array) -> tuple[Array, Array]:
    """Swirl cool bands around vortices, and rings of ember around the sun."""
    contours = 0.35 * y + 0.03 * np.sin(4 * x + 5 * y) + 0.014 * cloud
    for at_x, at_y, radius, strength in _SWIRLS:
        contours += strength * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / radius**2)
    away = np.hypot(x - _SUN[0], y - _SUN[1])
    near = np.exp(-((away / 0.26) ** 4))
    contours = contours * (1 - near) + 0.7 * away * near
    bands = np.sin(75 * contours)
    cool = _blend_palette(0.42 + 0.3 * bands + 0.12 * cloud + 0.25 * (y - 0.3), _NIGHT)
    warm = _blend_palette(1.02 - 1.9 * away + 0.16 * np.cos(115 * away), _EMBER)
    dusk = 0.75 * np.exp(-(((y - 0.56) / 0.10) ** 2)) * smoothstep(0.1, 0.8, x)
    glow = np.exp(-((away / 0.30) ** 2.5)) + dusk + 0.22 * np.sin(75 * contours + 2)
    blend = smoothstep(0.38, 0.52, glow)[..., None]
    return contours, cool * (1 - blend) + warm * blend


def _plan_lands(x: Array, y: Array, cloud: Array) -> Iterator[tuple[Array, Array, Array, _Palette]]:
    """Describe hills, lake and near field: depth below the edge, contours, tone and palette."""
    lit = 0.6 * np.exp(-(((x - _SUN[0]) / 0.3) ** 2))
    far = y - 0.57 - 0.05 * np.sin(5 * x + 1) - 0.02 * np.sin(13 * x)
    near = y - 0.64 - 0.05 * np.sin(3.1 * x + 3.6) - 0.015 * np.sin(11 * x + 1)
    for depth, base in ((far, 0.34), (near, 0)):
        folds = 0.25 * np.sin(90 * depth + 3 * cloud) ** 2 + lit * np.exp(-30 * depth)
        yield depth, depth + 0.012 * cloud, base + folds + 0.08 * cloud, _HILL
    depth = y - 0.70
    glitter = np.exp(-(((x - _SUN[0]) / (0.05 + 0.35 * np.maximum(depth, 0))) ** 2))
    tone = 0.22 + 0.18 * np.sin(150 * y + 3 * cloud) + 0.06 * cloud + 0.75 * glitter
    yield depth, y + 0.006 * np.sin(14 * x + 30 * y), tone, _LAKE
    depth = y - 0.86 + 0.10 * np.cos(3 * x + 0.3) - 0.012 * np.sin(17 * x)
    tone = 0.2 + 1.5 * depth + 0.28 * np.sin(60 * depth + 5 * x + 2 * cloud) + 0.1 * cloud
    yield depth, depth - 0.10 * np.sin(5 * x) + 0.02 * cloud, tone, _FIELD


def _blend_palette(tone: Array, palette: _Palette) -> Array:
    """Run through a palette (of 0 to 255) as the tone goes from 0 to 1."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(tone, stops, c) for c in np.array(palette).T / 255], axis=-1)


def _directions_along(contours: Array) -> Array:
    """Return the unit vector along the contour at every pixel."""
    slope_y, slope_x = np.gradient(contours)
    flow = np.stack([slope_y, -slope_x], -1)
    return np.asarray(flow / (np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9))


def _trace_strokes(flow: Array, brush: _Brush, rng: Random) -> Array:
    """Trace all of a brush's strokes through the flow, with some inertia in the turns."""
    limit = np.array(flow.shape[1::-1]) - 1
    spots = rng.uniform(-0.05 * limit, 1.05 * limit, (brush.strokes, 2))
    heading, path = np.zeros_like(spots), []
    for _ in range(int(brush.length / _STEP)):
        column, line = np.clip(spots, 0, limit).astype(int).T
        heading = 0.85 * heading + 0.15 * flow[line, column]
        spots = spots + _STEP * heading / (np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9)
        path.append(spots)
    return np.stack(path, axis=1)


def _lay_stroke(
    path: Array, brush: _Brush, colours: Array, canvas: Array, relief: Array, rng: Random
) -> None:
    """Drag a brush along a path: every bristle leaves its own streak of colour and height."""
    path = path[: int(len(path) * rng.uniform(0.5, 1))]
    width = brush.width * rng.uniform(0.6, 1.1)
    across, along = np.linspace(-1, 1, int(width / _STEP)), np.linspace(0, 1, len(path))[:, None]
    bristle = rng.uniform(-1, 1, len(across))
    taper = np.sqrt(np.minimum(1, along / 0.12) * np.minimum(1, (1 - along) / 0.35))
    sideways = np.gradient(path, axis=0)[:, ::-1] * (-1, 1) / _STEP
    spots = path[:, None] + sideways[:, None] * (taper * across * width / 2)[..., None]
    limit = np.array(relief.shape[::-1])
    ragged = (along > 0.06 * rng.random(len(across))) & (along < 1 - 0.35 * bristle**2)
    wet = ragged & ((spots >= 0) & (spots < limit)).all(-1)
    column, line = spots[wet].astype(int).T
    x, y = np.clip(path[len(path) // 3], 0, limit - 1).astype(int)
    colour = colours[y, x] * rng.normal(1, brush.variety) + rng.normal(0, 0.3 * brush.variety, 3)
    streaks = colour + 0.09 * bristle[:, None] * (0.4 + colour)
    canvas[line, column] = np.broadcast_to(streaks, (*wet.shape, 3))[wet]
    ridges = (0.5 + 0.35 * bristle + 0.5 * across**4) * (1 - 0.6 * along)
    relief[line, column] = ridges[wet] * np.sqrt(brush.width / 20)


def _varnish(canvas: Array, relief: Array) -> Array:
    """Light the ridges of paint from the top left."""
    softened = np.fft.rfft2(relief) * np.exp(-((7.5 * frequencies(relief.shape)) ** 2))
    smooth = np.fft.irfft2(softened, relief.shape)
    facing = sum(np.gradient(smooth))
    gloss = 0.5 * np.clip(facing - 0.12, 0, 1)
    return np.asarray(canvas * np.clip(1 + 0.6 * facing, 0.6, 1.5)[..., None] + gloss[..., None])
