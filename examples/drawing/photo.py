"""The photo: an old town on a river, late in the afternoon, composed here and ray-traced."""

import numpy as np
from PIL import Image, ImageFilter

from drawing.canvas import Array, Grain, Random, reduce_to_image, smoothstep
from drawing.materials import paint_points
from drawing.scenery import boat, church, grassy_hill, house_row, quay_frame, reeds, tree
from drawing.tracer import Group, Hits, Rays, camera_rays, dot, enclose, trace, unit

_SIZE, _SEED = (640, 480), 11
_EYE, _TARGET = np.array((4, 5.2, -4), np.float32), np.array((-3, 7.2, 60), np.float32)
_FOCAL = 1.72
_TO_SUN = np.array((0.854, 0.515, 0.066), np.float32)
_SUNLIGHT, _SKYLIGHT = np.array((2.9, 2.0, 1.05)), np.array((0.30, 0.42, 0.66))
_HAZE, _WATER = np.array((0.86, 0.74, 0.62)), np.array((0.03, 0.055, 0.055))
_HORIZON, _ZENITH = np.array((1.15, 0.93, 0.66)), np.array((0.06, 0.24, 0.58))
_CLOUD, _CLOUD_SHADE = np.array((1.20, 1.00, 0.82)), np.array((0.30, 0.28, 0.20))
_RANGES = (
    (0.085, 0.020, (0.52, 0.57, 0.66)),
    (0.050, 0.013, (0.38, 0.43, 0.46)),
    (0.030, 0.008, (0.25, 0.29, 0.24)),
)
"""Distant hills, farthest first: height and roughness as slopes seen from the eye, colour."""

_HILLS = (
    (95, -57, 110, 75), (130, -40, 210, 72), (70, -58, 250, 70), (60, -38, 60, 41),
    (75, -60, 160, 65), (15, -28.6, 9, 30),
)  # fmt: skip
"""Hills among the houses: x, y and z of the centre, radius. The last is the near bank."""


def draw_photo(scale: int = 2) -> Image.Image:
    """Draw the photo ``scale`` times larger and reduce it, which smooths every edge."""
    rng = np.random.default_rng(_SEED)
    scene, grain = _compose_town(rng), Grain(rng)
    rays = camera_rays(_EYE, _TARGET, _FOCAL, _SIZE[0] * scale, _SIZE[1] * scale)
    hits = trace(scene, rays)
    depth = hits.distance.copy()
    wet, shine = _mirror_in_water(scene, rays, hits, grain)
    light = _backdrop(rays.heading, grain)
    solid = np.flatnonzero(hits.part >= 0)
    light[solid] = _light_of_parts(scene, rays, hits, solid, grain, rng)
    light[wet] = light[wet] * shine + _WATER * (1 - shine)
    depth[wet] = 0
    return _develop(light, depth, scale, rng)


def _compose_town(rng: Random) -> Group:
    """Put up two rows of houses, a church, trees, hills, a boat and reeds."""
    rows = [house_row(4.5, 0, 16, rng), house_row(19, 3.5, 20, rng)]
    quay = [tree(quay_frame(z, 1.4).origin, 6.5, rng) for z in (34, 58, 84)]
    spots = ((rng.uniform(29, 40) + 0.16 * z, 1.5, z) for z in rng.uniform(48, 210, 20))
    grove = [tree(np.array(spot), rng.uniform(7, 13), rng) for spot in spots]
    plants = enclose(quay), enclose(grove), reeds(rng)
    hills = [grassy_hill(*hill) for hill in _HILLS]
    town = Group(np.zeros(3), 9e3, [*rows, church(), boat(), *plants, *hills])
    town.number_parts()
    return town


def _mirror_in_water(scene: Group, rays: Rays, hits: Hits, grain: Grain) -> tuple[Array, Array]:
    """Redirect, in place, the rays that meet the river; tell which, and how well it mirrors."""
    fall = -rays.origin[:, 1] / np.minimum(rays.heading[:, 1], -1e-6)
    wet = np.flatnonzero((rays.heading[:, 1] < 0) & (fall < hits.distance))
    heading, distance = rays.heading[wet], fall[wet, None]
    spot = rays.origin[wet] + heading * distance
    normal = _wave_normals(spot, distance, grain)
    cosine = -dot(heading, normal)[:, None]
    bounced = heading + 2 * cosine * normal
    bounced[:, 1] = np.abs(bounced[:, 1]) + 1e-3
    rays.origin[wet], rays.heading[wet] = spot, unit(bounced)
    seen = trace(scene, Rays(rays.origin[wet], rays.heading[wet]))
    hits.distance[wet], hits.part[wet], hits.normal[wet] = seen
    return wet, 0.22 + 0.70 * (1 - np.abs(cosine)) ** 4


def _wave_normals(spot: Array, distance: Array, grain: Grain) -> Array:
    """Tilt the surface of the river by swell and ripples, which flatten with distance."""
    x, z = spot[:, 0], spot[:, 2]
    swell = np.stack([grain.soft(x * 18 + k, z * 22) for k in (0, 400)], 1)
    ripple = np.stack([grain.rough(x * 25, z * 40 + k) for k in (0, 400)], 1)
    tilt = (0.035 * swell + 0.010 * ripple) / (1 + distance / 50)
    return unit(np.insert(tilt, 1, 1, axis=1))


def _backdrop(heading: Array, grain: Grain) -> Array:
    """Show the sky, its clouds and the distant hills in each direction."""
    light = _cloudy_sky(heading, grain)
    angle = np.arctan2(heading[:, 0], heading[:, 2])
    for lift, rough, colour in _RANGES:
        skyline = lift + rough * grain.soft(angle * 170, np.full_like(angle, 9e3 * lift))
        woods = 1 + 0.10 * grain.rough(angle * 1500, heading[:, 1] * 3000)[:, None]
        mist = 0.5 * np.clip(1 - heading[:, 1:2] / lift, 0, 1)
        inside = smoothstep(0, 0.0015, skyline - heading[:, 1])[:, None]
        light += inside * (np.array(colour) * woods * (1 - mist) + _HAZE * mist - light)
    return light


def _cloudy_sky(heading: Array, grain: Grain) -> Array:
    """Show a flat layer of clouds, sunlit from one side, before the blue."""
    rise = np.maximum(heading[:, 1], 0)
    height = np.minimum(1.15 * rise[:, None] ** 0.5, 1)
    sky = _HORIZON * (1 - height) + _ZENITH * height
    u, v = (heading[:, (0, 2)] * (150, 190) / (rise[:, None] + 0.09)).T
    cover = grain.soft(u, v)
    bright = np.clip(cover - grain.soft(u + 14, v - 4), -1.2, 1.2)[:, None]
    density = smoothstep(-0.9, 1.4, cover)[:, None] * 0.9
    sky += density * (_CLOUD * (1 + 0.3 * bright) - _CLOUD_SHADE * density - sky)
    return np.asarray(sky)


def _light_of_parts(
    scene: Group, rays: Rays, hits: Hits, solid: Array, grain: Grain, rng: Random
) -> Array:
    """Light what was hit: sun with soft shadows, sky where it is open, and haze with distance."""
    normal, distance, part = hits.normal[solid], hits.distance[solid, None], hits.part[solid]
    spot = rays.origin[solid] + rays.heading[solid] * distance
    skins = [p.skin for p in scene.parts()]
    glow = np.array([skin.glow for skin in skins])[part]
    albedo = paint_points(skins, part, spot, normal, grain)
    start, scatter = spot + 0.03 * normal, unit(rng.standard_normal(spot.shape))
    shadow = trace(scene, Rays(start, unit(_TO_SUN + 0.025 * scatter))).part >= 0
    # One random ray per point tells how open it is: four to a pixel average out, as film grain.
    enclosed = np.exp(-trace(scene, Rays(start, unit(normal + scatter)), reach=15).distance / 5)
    direct = np.clip(glow + (1 - glow) * (normal @ _TO_SUN), 0, 1) * np.where(shadow, glow / 2, 1)
    ambient = (1 - enclosed) * (0.65 + 0.35 * normal[:, 1])
    sunny = (direct + 0.16 * enclosed)[:, None] * _SUNLIGHT
    clear = np.exp(-distance / 520)
    lit = albedo * (sunny + ambient[:, None] * _SKYLIGHT)
    return np.asarray(lit * clear + _HAZE * (1 - clear))


def _develop(light: Array, depth: Array, scale: int, rng: Random) -> Image.Image:
    """Expose film to light: soft highlights, some contrast, a soft distance and fine grain."""
    shape = _SIZE[1] * scale, _SIZE[0] * scale
    film = (1 - np.exp(-0.95 * light)) ** (1 / 2.2)
    film += 0.06 * np.sin(2 * np.pi * (film - 0.5))
    sharp = reduce_to_image(film.reshape(*shape, 3), _SIZE)
    far = reduce_to_image(np.minimum(depth / 400, 1).reshape(shape), _SIZE)
    image = Image.composite(sharp.filter(ImageFilter.GaussianBlur(0.8)), sharp, far)
    grain = rng.normal(0, 2, (_SIZE[1], _SIZE[0], 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
