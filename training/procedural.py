"""Pictures drawn by the program: strokes, textures and gradients in any colours.

Few folders of pictures hold what a painting asks of a network: bold strokes, strong colours, and
the noise that an optimisation begins with.
"""

import math
import random

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional


def as_tensor(picture: Image.Image) -> Tensor:
    """Return a picture's pixels, RGB, uint8, shape (3, H, W)."""
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)


def draw(side: int, source: random.Random) -> Tensor:
    """Return one picture, RGB in 0...1, shape (3, side, side)."""
    return source.choice((strokes, strokes, cloud, gratings, gradient, noise))(side, source)


def strokes(side: int, source: random.Random) -> Tensor:
    """Curved strokes of one brush and a palette of few colours, each layer over the last."""
    palette = [_colour(source) for _ in range(source.randint(2, 8))]
    brush = source.uniform(0.01, 0.15) * side
    heading, turning = source.uniform(0, math.pi), source.uniform(0, 1.5)
    picture = Image.new("RGB", (side, side), source.choice(palette))
    canvas = ImageDraw.Draw(picture)
    for _ in range(source.randint(20, 300)):
        x, y = source.uniform(0, side), source.uniform(0, side)
        angle = heading + source.gauss(0, turning)
        bend = source.gauss(0, 0.3)
        points = [(x, y)]
        for _ in range(source.randint(2, 8)):
            x, y = x + brush * math.cos(angle), y + brush * math.sin(angle)
            angle += bend
            points.append((x, y))
        width = max(1, round(brush * source.uniform(0.3, 1)))
        canvas.line(points, fill=source.choice(palette), width=width, joint="curve")
    return as_tensor(picture).float() / 255


def cloud(side: int, source: random.Random) -> Tensor:
    """Noise whose amplitudes fall as a power of the frequency, stretched in one direction."""
    down, right = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
    angle, stretch = source.uniform(0, math.pi), 2 ** source.uniform(0, 3)
    along = math.cos(angle) * right + math.sin(angle) * down
    across = math.cos(angle) * down - math.sin(angle) * right
    frequency = torch.hypot(along * stretch, across).clamp_min(1 / side)
    spectrum = torch.fft.rfft2(normal((3, side, side), source)) * frequency ** -source.uniform(0, 2)
    return _coloured(torch.fft.irfft2(spectrum, s=(side, side)), source)


def gratings(side: int, source: random.Random) -> Tensor:
    """Waves of a few directions and lengths, some with hard edges."""
    total = torch.zeros(3, side, side)
    for _ in range(source.randint(1, 4)):
        wave = torch.sin(2 * math.pi * _ramp(side, source) * 2 ** source.uniform(1, 6))
        if source.random() < 0.5:
            wave = wave.sign()
        total += wave * normal((3, 1, 1), source)
    return _coloured(total, source)


def gradient(side: int, source: random.Random) -> Tensor:
    """Smooth changes of colour."""
    knots = torch.tensor([_colour(source) for _ in range(16)]).float().T.reshape(1, 3, 4, 4) / 255
    size = source.randint(2, 4)
    return functional.interpolate(
        knots[..., :size, :size], (side, side), mode="bicubic", align_corners=True
    )[0].clamp(0, 1)


def noise(side: int, source: random.Random) -> Tensor:
    """White noise, uniform as the paper's start or of any colour and strength."""
    if source.random() < 0.5:
        return torch.rand((3, side, side), generator=generator(source))
    return _coloured(normal((3, side, side), source), source)


def _ramp(side: int, source: random.Random) -> Tensor:
    """From 0 to about 1 across the picture, in some direction."""
    angle = source.uniform(0, 2 * math.pi)
    position = torch.linspace(0, 1, side)
    return math.cos(angle) * position + math.sin(angle) * position[:, None]


def _coloured(values: Tensor, source: random.Random) -> Tensor:
    """Three fields of any scale, mixed into colours about a mean colour."""
    values = values / values.std().clamp_min(1e-6)
    mixture = normal((3, 3), source) + 0.5
    mean = torch.tensor(_colour(source)).reshape(3, 1, 1) / 255
    mixed = torch.einsum("ij,jhw->ihw", mixture, values)
    return (mean + source.uniform(0.03, 0.3) * mixed).clamp(0, 1)


def _colour(source: random.Random) -> tuple[int, int, int]:
    return source.randint(0, 255), source.randint(0, 255), source.randint(0, 255)


def normal(shape: tuple[int, ...], source: random.Random) -> Tensor:
    """Return normal deviates."""
    return torch.randn(shape, generator=generator(source))


def generator(source: random.Random) -> torch.Generator:
    """Return torch's generator, seeded by `source`."""
    return torch.Generator().manual_seed(source.getrandbits(62))
