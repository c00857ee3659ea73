"""What the parts of the photo are made of: functions that colour the points of a surface."""

import numpy as np

from drawing.canvas import Array, Colour, Grain
from drawing.tracer import Skin, Surface

CELL, STOREY = 2.4, 2.9
"""Width and height of one window with its share of wall, in metres."""

TIMBER: Colour = (0.16, 0.10, 0.07)

_FRAME, _GLASS = (0.74, 0.70, 0.62), np.array((0.10, 0.13, 0.16))
_SHUTTERS = np.array(((0.16, 0.26, 0.22), (0.30, 0.12, 0.09), (0.20, 0.24, 0.32)))


def paint_points(skins: list[Skin], part: Array, spot: Array, normal: Array, grain: Grain) -> Array:
    """Colour points on parts by the materials of their skins."""
    axes = np.array([skin.frame.axes for skin in skins], np.float32)[part]
    local = spot - np.array([skin.frame.origin for skin in skins], np.float32)[part]
    local, normal = (np.einsum("nij,nj->ni", axes, v) for v in (local, normal))
    colour = np.array([skin.colour for skin in skins])[part]
    traits = np.array([skin.traits for skin in skins])[part]
    materials = list(dict.fromkeys(skin.paint for skin in skins))
    kind = np.array([materials.index(skin.paint) for skin in skins])[part]
    for k, paint in enumerate(materials):
        of = np.flatnonzero(kind == k)
        surface = Surface(colour[of], local[of], normal[of], part[of], traits[of], grain)
        colour[of] = np.maximum(paint(surface), 0.02)
    return colour


def paint_mottled(at: Surface) -> Array:
    """Vary a colour as grass, bark and leaves do."""
    x, y, z = at.local.T
    blades, patches = at.grain.rough(x * 60, (y + z) * 25), at.grain.soft(x * 9, z * 7)
    return at.colour * (1 + 0.22 * blades + 0.15 * patches)[:, None]


def paint_tiles(at: Surface) -> Array:
    """Cover a roof with tiles."""
    return _paint_courses(at, rise=0.30, run=0.34)


def paint_masonry(at: Surface) -> Array:
    """Build with blocks of stone or with bricks."""
    return _paint_courses(at, rise=0.42, run=0.80)


def paint_house_wall(at: Surface) -> Array:
    """Plaster a wall, then set windows, shutters and, in some houses, timber into it.

    The traits are the height of the eaves, the number of window columns and, from 0 to 1, the
    style: timber below 0.3, shutters above 0.6.
    """
    eaves, cells, style = at.traits.T
    x, y, z = at.local.T
    u = np.where(np.abs(at.normal[:, 0]) > 0.5, z / CELL, x / CELL + cells / 2)
    v = (y - 0.2) / STOREY
    dice = at.grain.rough(np.floor(u) * 37 + at.part * 91, np.floor(v) * 53 + at.part * 17)
    timbered = style < 0.3
    colour = _paint_plaster(at, u, v)
    colour[timbered & (v > 1) & _on_timber(u % 1, v % 1, dice)] = TIMBER
    # Above the eaves a gable narrows, and only its middle has room for a window.
    gable_room = eaves + (cells / 2 - np.abs(np.floor(u) + 0.5 - cells / 2) - 0.35) * CELL
    top = (np.floor(v) + 1) * STOREY
    window = ((y < eaves) | (top < gable_room)) & ~(timbered & (dice > 0.7)) & (dice > -1.5)
    return _set_windows(colour, at.part, style, u % 1, v % 1, dice, window)


def _paint_courses(at: Surface, rise: float, run: float) -> Array:
    """Lay tiles or blocks in staggered rows, each of its own tone."""
    side, top = np.abs(at.normal[:, 0]) > 0.5, np.abs(at.normal[:, 1]) > 0.95
    x, y, z = at.local.T
    u, v = np.where(side, z, x), np.where(top, z, y)
    rows = v / rise
    columns = u / run + 0.5 * (np.floor(rows) % 2)
    tone = at.grain.rough(np.floor(columns) * 29 + at.part * 7, np.floor(rows) * 41)
    stain = at.grain.rough(u * 25 + at.part * 99, v * 25)
    joint = (np.minimum(rows % 1, 1 - rows % 1) < 0.09) | (columns % 1 < 0.08)
    return at.colour * ((1 + 0.13 * tone + 0.12 * stain) * np.where(joint, 0.68, 1))[:, None]


def _paint_plaster(at: Surface, u: Array, v: Array) -> Array:
    """Spread plaster that is grimy all over and damp near the ground."""
    grime = at.grain.rough(u * 70 + at.part * 131, v * 50)
    damp = 1 - 0.35 * np.exp(-np.maximum(at.local[:, 1], 0))
    return np.asarray(at.colour * ((1 + 0.07 * grime) * damp)[:, None])


def _on_timber(u: Array, v: Array, dice: Array) -> Array:
    """Tell which points of the cells lie on a post, a beam or, in some cells, a brace."""
    post, beam = np.minimum(u, 1 - u), np.minimum(v, 1 - v)
    return np.asarray((post < 0.045) | (beam < 0.035) | ((np.abs(u - v) < 0.05) & (dice > 0.7)))


def _set_windows(
    colour: Array, part: Array, style: Array, u: Array, v: Array, dice: Array, window: Array
) -> Array:
    """Set a window into the cells of a wall that have one."""
    a, b = np.abs(u - 0.5) * CELL, np.abs(v - 0.55) * STOREY
    shutter = window & (style > 0.6) & (a < 0.98) & (b < 0.8)
    slats = 0.8 + 0.25 * np.sin(v * 90)
    colour[shutter] = (_SHUTTERS[part % 3] * slats[:, None])[shutter]
    colour[window & (a < 0.52) & (b < 0.8)] = _FRAME
    pane = window & (a > 0.035) & (a < 0.43) & (b < 0.71) & (np.abs(b - 0.2) > 0.03)
    gleam = np.clip(0.1 + dice + 1.2 * v, 0.4, 2)[:, None]
    colour[pane] = (_GLASS * gleam)[pane]
    return colour
