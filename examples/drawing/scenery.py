"""What stands in the photo: houses, a church, trees, hills, a boat and reeds, in metres."""

import numpy as np

from drawing.canvas import Array, Colour, Random
from drawing.materials import (
    CELL,
    STOREY,
    TIMBER,
    paint_house_wall,
    paint_masonry,
    paint_mottled,
    paint_tiles,
)
from drawing.tracer import (
    UP,
    Ball,
    Frame,
    Group,
    Plane,
    Skin,
    box_planes,
    enclose,
    gable_planes,
    solid_from,
    unit,
)

_PLASTER: tuple[Colour, ...] = (
    (0.80, 0.66, 0.44), (0.82, 0.74, 0.60), (0.72, 0.46, 0.30), (0.78, 0.72, 0.66),
    (0.66, 0.62, 0.46), (0.80, 0.56, 0.40), (0.60, 0.64, 0.66),
)  # fmt: skip
_TILES: tuple[Colour, ...] = ((0.46, 0.19, 0.11), (0.52, 0.25, 0.14), (0.38, 0.17, 0.12))
_FOLIAGE: tuple[Colour, ...] = ((0.15, 0.19, 0.05), (0.26, 0.20, 0.05), (0.11, 0.17, 0.06))
_STONE, _BRICK, _SLATE = (0.50, 0.44, 0.37), (0.46, 0.27, 0.20), (0.24, 0.28, 0.31)
_MEADOW, _REED = (0.22, 0.24, 0.09), (0.34, 0.32, 0.12)
_PLANKS, _DARK = (0.30, 0.12, 0.07), (0.05, 0.05, 0.06)


def quay_frame(z: float, inland: float = 0, rise: float = 0) -> Frame:
    """Stand on the quay at depth z: the axes go along it, up and inland."""
    bend = max(z - 20, 0) / 130
    slope = 2 * 34 * bend / 130
    axes = unit(np.array(((slope, 0, 1), UP, (-1, 0, slope))))
    return Frame(np.array((34 * bend**2 - 11, 1.7, z), np.float32), axes).moved(0, rise, inland)


def house_row(inland: float, rise: float, z: float, rng: Random) -> Group:
    """Line up houses along the river from depth z on, on terraces of stone."""
    members = []
    while z < 150:
        plot = quay_frame(z, inland, rise)
        front = CELL * int(rng.integers(2, 5))
        block = box_planes((-3, front + 3), (-9, -0.05), (-3 if rise else -inland, 16))
        terrace = solid_from(block, Skin(paint_masonry, _STONE, plot))
        middle = plot.moved(front / 2, 1, 6).origin
        members.append(Group(middle, 19, [_house(plot, front, rng), terrace]))
        z += (front + rng.choice((0, 0, 2))) * plot.axes[0, 2]
    return enclose([enclose(members[k : k + 4]) for k in range(0, len(members), 4)])


def church() -> Group:
    """Build a tower with louvres and a pointed spire behind the houses."""
    frame = quay_frame(92, 34, 4)
    stone, louvre = Skin(paint_masonry, _STONE, frame), Skin(paint_mottled, _DARK, frame)
    tower = box_planes((-3.6, 3.6), (-6, 29), (-3.6, 3.6))
    bands = [box_planes((-3.9, 3.9), (y, y + 0.5), (-3.9, 3.9)) for y in (12, 20, 28.6)]
    slits = [box_planes((x, x + 1.3), (22, 27), (-3.7, 3.7)) for x in (-2, 0.7)]
    slits += [box_planes((-3.7, 3.7), (22, 27), (z, z + 1.3)) for z in (-2, 0.7)]
    spire = [*gable_planes(4.6, 47), *((0, 1, s * 4.6, 47) for s in (-1, 1)), (0, -1, 0, -29)]
    parts = [solid_from(planes, stone) for planes in (*bands, tower)]
    parts += [solid_from(planes, louvre) for planes in slits]
    parts.append(solid_from(spire, Skin(paint_tiles, _SLATE, frame)))
    return Group(frame.moved(0, 20).origin, 32, parts)


def tree(foot: Array, height: float, rng: Random) -> Group:
    """Grow a trunk with clumps of leaves around its top."""
    ground, tint = Frame(foot.astype(np.float32), np.eye(3)), rng.choice(_FOLIAGE)
    crown, spread = foot + UP * height * 0.58, height * 0.38
    stem = box_planes((-0.2, 0.2), (-1, height * 0.6), (-0.2, 0.2))
    trunk = solid_from(stem, Skin(paint_mottled, TIMBER, ground))
    around = unit(rng.standard_normal((22, 3))) * rng.uniform(0.35, 0.85, (22, 1)) * spread
    clumps = [_leaf_clump(crown + shift, spread * 0.38, tint, rng) for shift in around]
    return Group(crown, height * 0.75, [trunk, *clumps])


def grassy_hill(x: float, y: float, z: float, radius: float) -> Ball:
    """Raise a hill: the top of a large sphere."""
    centre = np.array((x, y, z), np.float32)
    skin = Skin(paint_mottled, _MEADOW, Frame(centre, np.eye(3)))
    return Ball(centre, radius, skin, ragged=False)


def boat() -> Group:
    """Moor a rowing boat, a hull that tapers to its bow."""
    turn = unit(np.array(((1, 0, -0.55), UP, (0.55, 0, 1))))
    frame = Frame(np.array((1.5, 0, 23), np.float32), turn)
    sides = [(s, -0.35, taper, 0.65) for s in (-1, 1) for taper in (0, 0.3)]
    inner_sides = [(*plane[:3], 0.55) for plane in sides]
    hull = [*sides, *box_planes((-9, 9), (-1, 0.5), (-2, 9))]
    inside = [*inner_sides, *box_planes((-9, 9), (0, 0.51), (-1.9, 9))]
    planks, shade = Skin(paint_mottled, _PLANKS, frame), Skin(paint_mottled, _DARK, frame)
    return Group(frame.origin, 4, [solid_from(hull, planks), solid_from(inside, shade)])


def reeds(rng: Random) -> Group:
    """Plant blades on the near bank."""
    spots = sorted(rng.uniform((4, 8, 0.6), (16, 15, 1.9), (260, 3)).tolist())
    blades = [_reed(x, z, height, rng) for x, z, height in spots]
    return enclose([enclose(blades[k : k + 20]) for k in range(0, 260, 20)])


def _house(plot: Frame, front: float, rng: Random) -> Group:
    """Build a house whose gable or whose eaves, by chance, face the river."""
    if rng.random() < 0.55:
        frame, width, length = plot.moved(front / 2), front, 4 * CELL
    else:
        middle = plot.moved(0, 0, 2 * CELL)
        frame, width, length = Frame(middle.origin, middle.axes[::-1]), 4 * CELL, front
    eaves, pitch = STOREY * rng.integers(2, 4) + 0.4, rng.uniform(0.85, 1.25)
    ridge = eaves + pitch * width / 2
    traits = (eaves, round(width / CELL), rng.random())
    block = box_planes((-width / 2, width / 2), (-0.1, 99), (0, length))
    x, z = width * rng.uniform(0.1, 0.3), length * rng.uniform(0.15, 0.8)
    chimney = box_planes((x, x + 0.8), (eaves, ridge + 0.9), (z, z + 0.9))
    tiles = Skin(paint_tiles, _TILES[rng.integers(len(_TILES))], frame)
    plaster = Skin(paint_house_wall, _PLASTER[rng.integers(len(_PLASTER))], frame, traits)
    halves = [_roof_half(side, width, length, pitch, ridge) for side in (-1, 1)]
    members = [
        solid_from([*block, *gable_planes(pitch, ridge)], plaster),
        *(solid_from(half, tiles) for half in halves),
        solid_from(chimney, Skin(paint_masonry, _BRICK, frame)),
    ]
    return Group(frame.moved(0, ridge / 2, length / 2).origin, 1 + ridge, members)


def _roof_half(side: int, width: float, length: float, pitch: float, ridge: float) -> list[Plane]:
    """Bound one side of a roof, a slab that overhangs the walls."""
    slab = [(side * pitch, 1, 0, ridge + 0.3), (-side * pitch, -1, 0, -ridge)]
    across = [(-side, 0, 0, 0), (side, 0, 0, width / 2 + 0.45)]
    return [*slab, *across, (0, 0, 1, length + 0.35), (0, 0, -1, 0.35)]


def _leaf_clump(centre: Array, radius: float, tint: Array, rng: Random) -> Group:
    """Scatter handfuls of leaves over a sphere."""
    spots = centre + unit(rng.standard_normal((16, 3))) * rng.uniform(0.4, 1, (16, 1)) * radius
    shades = tint * rng.uniform(0.7, 1.3, (16, 1)) * rng.uniform(0.9, 1.1, (16, 3))
    leaves = [
        Ball(spot, size, Skin(paint_mottled, tuple(shade), Frame(spot, np.eye(3)), glow=0.35))
        for spot, shade, size in zip(spots, shades, radius * rng.uniform(0.2, 0.4, 16), strict=True)
    ]
    return Group(centre, radius * 1.4, leaves)


def _reed(x: float, z: float, height: float, rng: Random) -> Group:
    """Plant one blade, a flat leaning wedge."""
    foot = np.array((x, np.sqrt(30**2 - (x - 15) ** 2 - (z - 9) ** 2) - 28.7, z), np.float32)
    lean = unit(UP + rng.normal(0, 0.22, 3))
    across = unit(np.cross(lean, rng.standard_normal(3)))
    frame = Frame(foot, np.stack([across, lean, np.cross(across, lean)]))
    wedge = [*gable_planes(25, height), (0, -1, 0, 0.4), (0, 0, 1, 0.02), (0, 0, -1, 0.02)]
    colour = tuple(np.array(_REED) * rng.uniform(0.5, 1.2))
    blade = solid_from(wedge, Skin(paint_mottled, colour, frame, glow=0.3))
    return Group(frame.moved(0, height / 2).origin, height / 2 + 0.4, [blade])
