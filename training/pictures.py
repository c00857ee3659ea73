"""What the student looks at: random details of the pictures of folders, and drawn ones."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import procedural
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from stylize.models.errors import ImageError
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.sizes import scale_to

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LARGEST = 512
"""Pixels of the long side to which larger pictures are made smaller: all are kept in memory."""
DRAWN = 0.2
"""Share of pictures that the program draws itself."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of one folder, decoded: uint8, shape (3, H, W) each."""

    images: Sequence[Tensor]

    @classmethod
    def of_folder(cls, folder: Path) -> "Pictures":
        """Read all pictures below `folder`, in the order of their names."""
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not paths:
            endings = ", ".join(sorted(SUFFIXES))
            raise ImageError(f"'{folder}' holds no pictures ({endings}). Name another --pictures.")
        return cls([procedural.as_tensor(_small(load_image(path))) for path in paths])

    def split(self, held_out: int) -> tuple["Pictures", "Pictures"]:
        """Return those to learn from and others, spread evenly: `held_out`, or a fifth of few."""
        count = max(1, min(held_out, len(self.images) // 5))
        chosen = {index * len(self.images) // count for index in range(count)}
        learnt = [image for index, image in enumerate(self.images) if index not in chosen]
        kept = [image for index, image in enumerate(self.images) if index in chosen]
        return Pictures(learnt or kept), Pictures(kept)


def _small(image: Image.Image) -> Image.Image:
    return scale_to(image, LARGEST) if max(image.size) > LARGEST else image


class Details:
    """An endless source of square details, RGB in 0...1.

    Parameters
    ----------
    collections : sequence of Pictures
        A detail is taken from one of these with a probability that grows as the root of its size,
        so that a small collection is not drowned.
    side : int
        Side of the squares, in pixels.
    seed : int
        Seed of all that is random.
    """

    def __init__(self, collections: Sequence[Pictures], side: int, seed: int) -> None:
        self.collections = collections
        self.side = side
        self.source = random.Random(seed)

    def batch(self, count: int) -> Tensor:
        """Return `count` details, shape (count, 3, side, side)."""
        return torch.stack([self._one() for _ in range(count)])

    def plain(self, count: int) -> Tensor:
        """Return `count` details as they are: of pictures only, without changes of colour."""
        return torch.stack([self._detail() for _ in range(count)])

    def state(self) -> Any:
        """Return what `restore` needs."""
        version, numbers, next_gauss = self.source.getstate()
        return version, list(numbers), next_gauss

    def restore(self, state: Any) -> None:
        """Go back to where `state` was taken."""
        version, numbers, next_gauss = state
        self.source.setstate((version, tuple(numbers), next_gauss))

    def generator(self) -> torch.Generator:
        """Return a generator seeded by this source."""
        return procedural.generator(self.source)

    def _one(self) -> Tensor:
        if self.source.random() < DRAWN:
            detail = procedural.draw(self.side, self.source)
        else:
            detail = self._detail()
        if self.source.random() < 0.1:
            share = self.source.uniform(0.2, 0.8)
            detail = share * detail + (1 - share) * self._detail()
        if self.source.random() < 0.5:
            detail = self._recoloured(detail)
        if self.source.random() < 0.2:
            strength = self.source.uniform(0.01, 0.2)
            detail = detail + strength * procedural.normal(tuple(detail.shape), self.source)
        return detail.clamp(0, 1)

    def _detail(self) -> Tensor:
        weights = [len(collection.images) ** 0.5 for collection in self.collections]
        (collection,) = self.source.choices(self.collections, weights)
        image = self.source.choice(collection.images)
        height, width = image.shape[1:]
        extent = min(height, width, round(self.side * 2 ** self.source.uniform(-1.3, 1.3)))
        top, left = self.source.randint(0, height - extent), self.source.randint(0, width - extent)
        detail = image[None, :, top : top + extent, left : left + extent].float() / 255
        detail = functional.interpolate(
            detail, (self.side, self.side), mode="bilinear", antialias=True
        )[0]
        if self.source.random() < 0.5:
            detail = detail.flip(2)
        if self.source.random() < 0.2:
            detail = detail.transpose(1, 2)
        return detail

    def _recoloured(self, detail: Tensor) -> Tensor:
        """Another saturation, hue, contrast and brightness."""
        grey = detail.mean(0, keepdim=True)
        detail = grey + self.source.uniform(0, 2) * (detail - grey)
        if self.source.random() < 0.3:
            detail = detail[self.source.sample(range(3), 3)]
        middle = detail.mean()
        contrast, brightness = 2 ** self.source.uniform(-1, 1), self.source.gauss(0, 0.15)
        return middle + contrast * (detail - middle) + brightness
