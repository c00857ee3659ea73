"""A small ray tracer: convex solids and balls, in groups, and what rays meet of them.

Many rays are followed at once: points, directions and results are arrays with a row per ray.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from drawing.canvas import Array, Colour, Grain

UP = np.array((0, 1, 0), np.float32)

Plane = tuple[float, ...]
"""Three numbers of a normal that points outward, then how far along it the plane lies."""


class Rays(NamedTuple):
    """Where rays start and the unit vectors along which they go."""

    origin: Array
    heading: Array


class Hits(NamedTuple):
    """The nearest thing that each ray meets: how far, which part (-1: none), facing where."""

    distance: Array
    part: Array
    normal: Array


class Frame(NamedTuple):
    """A place to build: its origin, and its axes as the rows of a matrix."""

    origin: Array
    axes: Array

    def moved(self, along: float, up: float = 0, inward: float = 0) -> "Frame":
        """Shift the origin along the axes."""
        return Frame((self.origin + (along, up, inward) @ self.axes).astype(np.float32), self.axes)


class Surface(NamedTuple):
    """Points of one material, in the frame of the part that each lies on."""

    colour: Array
    local: Array
    normal: Array
    part: Array
    traits: Array
    grain: Grain


class Skin(NamedTuple):
    """What a part looks like; what the traits say is up to the function that paints it."""

    paint: Callable[[Surface], Array]
    colour: Colour
    frame: Frame
    traits: tuple[float, float, float] = (0, 0, 0)
    glow: float = 0  # The share of the light that comes through from behind, as in leaves.


@dataclass
class Solid:
    """A convex body: all points that lie behind each of its planes."""

    planes: Array
    skin: Skin
    index: int = -1

    def strike(self, rays: Rays, which: Array, hits: Hits) -> None:
        """Record those of the rays that meet the body nearer than anything before."""
        normals, offsets = self.planes[:, :3], self.planes[:, 3]
        facing = normals @ rays.heading[which].T
        facing[facing == 0] = 1e-9
        crossing = (offsets[:, None] - normals @ rays.origin[which].T) / facing
        entry = np.where(facing < 0, crossing, -np.inf)
        near, far = entry.max(0), np.where(facing > 0, crossing, np.inf).min(0)
        met = (near > 0) & (near < far) & (near < hits.distance[which])
        struck = which[met]
        hits.distance[struck], hits.part[struck] = near[met], self.index
        hits.normal[struck] = normals[entry[:, met].argmax(0)]


@dataclass
class Ball:
    """A sphere; a ragged one has gaps, like a handful of leaves."""

    centre: Array
    radius: float
    skin: Skin
    ragged: bool = True
    index: int = -1

    def strike(self, rays: Rays, which: Array, hits: Hits) -> None:
        """Record those of the rays that meet the sphere nearer than anything before."""
        along, inside = _approach(self, rays, which)
        near = along - np.sqrt(np.maximum(inside, 0))
        met = (inside > 0) & (near > 0) & (near < hits.distance[which])
        struck, near = which[met], near[met, None]
        spot = rays.origin[struck] + near * rays.heading[struck]
        kept = (not self.ragged) | (np.sin(spot * (17, 13, 19)).prod(1) > -0.05)
        struck, spot = struck[kept], spot[kept]
        hits.distance[struck], hits.part[struck] = near[kept, 0], self.index
        hits.normal[struck] = (spot - self.centre) / self.radius


@dataclass
class Group:
    """Things inside a sphere: rays that pass it by are spared the tests with each."""

    centre: Array
    radius: float
    members: Sequence["Group | Solid | Ball"]

    def strike(self, rays: Rays, which: Array, hits: Hits) -> None:
        """Try the members on the rays that enter the sphere before they end."""
        along, inside = _approach(self, rays, which)
        reach = hits.distance[which] + self.radius
        which = which[(inside > 0) & (along > -self.radius) & (along < reach)]
        for member in self.members if which.size else ():
            member.strike(rays, which, hits)

    def parts(self) -> Iterator[Solid | Ball]:
        """List all bodies, however deep they are nested."""
        for member in self.members:
            yield from member.parts() if isinstance(member, Group) else (member,)

    def number_parts(self) -> None:
        """Give each body the index by which hits refer to it: its place in ``parts()``."""
        for index, part in enumerate(self.parts()):
            part.index = index


def camera_rays(eye: Array, target: Array, focal: float, width: int, height: int) -> Rays:
    """Send one ray from the eye through every pixel of a picture with the target in its middle."""
    ahead = unit(target - eye)
    right = unit(np.cross(UP, ahead))
    y, x = np.mgrid[0:height, 0:width].reshape(2, -1, 1) + 0.5
    across, upward = (2 * x - width) / width, (height - 2 * y) / width
    heading = unit(focal * ahead + across * right + upward * np.cross(ahead, right))
    return Rays(np.tile(eye, (len(heading), 1)), heading)


def trace(scene: Group, rays: Rays, reach: float = np.inf) -> Hits:
    """Find what each ray meets within reach."""
    count = len(rays.heading)
    nothing = np.full(count, reach, np.float32), np.full(count, -1), np.zeros((count, 3), "f4")
    hits = Hits(*nothing)
    scene.strike(rays, np.arange(count), hits)
    return hits


def box_planes(*spans: tuple[float, float]) -> list[Plane]:
    """Bound a block that spans so much of each axis."""
    outward = [(*row, high) for row, (_, high) in zip(np.eye(3), spans, strict=True)]
    return outward + [(*-row, -low) for row, (low, _) in zip(np.eye(3), spans, strict=True)]


def gable_planes(pitch: float, ridge: float) -> list[Plane]:
    """Slope two planes down from a ridge at that height."""
    return [(side * pitch, 1, 0, ridge) for side in (-1, 1)]


def solid_from(planes: Sequence[Plane], skin: Skin) -> Solid:
    """Build a body from planes that are given in the frame of its skin."""
    local = np.array(planes) / np.linalg.norm(np.array(planes)[:, :3], axis=1, keepdims=True)
    normals = local[:, :3] @ skin.frame.axes
    offsets = local[:, 3] + normals @ skin.frame.origin
    return Solid(np.column_stack([normals, offsets]).astype(np.float32), skin)


def enclose(groups: Sequence[Group]) -> Group:
    """Put groups into the sphere around them."""
    centre = np.mean([group.centre for group in groups], axis=0)
    reach = [float(np.linalg.norm(group.centre - centre)) + group.radius for group in groups]
    return Group(centre, max(reach), groups)


def unit(vectors: Array) -> Array:
    """Scale vectors, along the last axis, to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def dot(a: Array, b: Array) -> Array:
    """Multiply two lists of vectors row by row."""
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _approach(sphere: Ball | Group, rays: Rays, which: Array) -> tuple[Array, Array]:
    """Tell how far along each ray a sphere's centre is, and half the chord inside, squared."""
    # This is where the time goes: ``take`` picks rows far faster than an index does.
    towards = np.asarray(sphere.centre, np.float32) - rays.origin.take(which, axis=0)
    along = dot(towards, rays.heading.take(which, axis=0))
    return along, sphere.radius**2 - dot(towards, towards) + along**2
