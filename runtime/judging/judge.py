"""Who looks at a result beside its photo and its painting, and measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from stylize.models.errors import ImageError, ModelError
from stylize.runtime.judging.bures import bures_distance
from stylize.runtime.judging.colours import palette_distance
from stylize.runtime.judging.impression import (
    STRUCTURE_LAYER,
    STYLE_LAYERS,
    Impression,
    impression_of,
)
from stylize.runtime.judging.structure import cfsd, shuffled
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.reading import Picture, PictureLike, open_picture
from stylize.runtime.pictures.sizes import check_sides, scaled_size

Size = tuple[int, int]
"""Width and height."""

COLOURS, STRUCTURE = "colours", "structure"
"""Names of distances, beside those of the style layers."""


@dataclass(frozen=True)
class Distance:
    """How far a result is from a picture.

    Attributes
    ----------
    value : float
        The distance; 0 if it is equal.
    whole : float
        The distance of what stands for 1, above 0.
    """

    value: float
    whole: float

    @property
    def share(self) -> float:
        """The distance in units of the whole."""
        return self.value / self.whole


@dataclass(frozen=True)
class Judgement:
    """What a judge found of a result; the lower, the nearer.

    Attributes
    ----------
    size : tuple of int
        Width and height in which it was seen.
    enlarged : bool
        Whether the result itself is smaller.
    distances : mapping of str to Distance
        ``conv1_2``, ``conv2_2``, ``conv3_3``, ``conv4_3``: Bures distances from the painting, and
        ``colours``: sliced Wasserstein distance from the painting in Oklab. The photo stands for 1.
        ``structure``: CFSD from the photo. Its own positions in random order stand for 1.
    """

    size: Size
    enlarged: bool
    distances: Mapping[str, Distance]

    @property
    def style(self) -> float:
        """How far the style is from the painting's: the mean of all layers; the photo has 1."""
        return fmean(self.distances[layer].share for layer in STYLE_LAYERS)

    @property
    def colours(self) -> float:
        """How far the colours are from the painting's; the photo has 1."""
        return self.distances[COLOURS].share

    @property
    def structure(self) -> float:
        """How far the structure is from the photo's; its positions in random order have 1."""
        return self.distances[STRUCTURE].share


class Judge:
    """A judge of results, who compares what the optimisation did not.

    Parameters
    ----------
    model : Model
        The model that sees the pictures. Figures of different models cannot be compared.
    photo, painting : PIL image, path, bytes, binary file or array
        The pictures that the results were made of.
    size : int or tuple of int
        Pixels of the long side in which results are seen, or width and height, to which they are
        cut. The photo is cut to the result's proportions.
    painting_size : int, optional
        Pixels of the painting's long side, if other.

    Raises
    ------
    ImageError
        A picture cannot be read, or the painting is too small for the size.
    ModelError
        The model lacks a layer.
    OptionError
        The size is not possible.
    """

    def __init__(
        self,
        model: Model,
        photo: PictureLike,
        painting: PictureLike,
        size: int | Size = Options.size,
        painting_size: int | None = None,
    ) -> None:
        self._model = model
        size = Options(size=size, painting_size=painting_size).size  # checked, and a tuple
        self._size = size
        _check_layers(model)
        self._photo, picture = open_picture(photo), open_picture(painting)
        pixels = painting_size or (max(size) if isinstance(size, tuple) else size)
        hint = "Use a larger --painting-size (or --size)."
        self._painting = self._look(picture, scaled_size(picture.size, pixels, hint=hint))
        self._reference: tuple[Size, Impression, dict[str, float]] | None = None

    def size(self, result: PictureLike) -> Size:
        """Return the width and height in which a result is seen. No pixel is read.

        Raises
        ------
        ImageError
            It cannot be read, or is too small.
        """
        return self._size_of(open_picture(result))

    def judge(self, result: PictureLike) -> Judgement:
        """Measure how far a result is from the painting and from the photo.

        Parameters
        ----------
        result : PIL image, path, bytes, binary file or array
            A picture that was made of the two, or any other.

        Raises
        ------
        ImageError
            It cannot be read, or is too small. Or nothing stands for 1, since photo and painting
            do not differ.
        """
        picture = open_picture(result)
        size = self._size_of(picture)
        photo, wholes = self._reference_in(size)
        seen = self._look(picture, size)
        values = self._from_painting(seen) | {STRUCTURE: cfsd(photo.directions, seen.directions)}
        return Judgement(
            size,
            enlarged=any(has < seen for has, seen in zip(picture.size, size, strict=True)),
            distances={name: Distance(value, wholes[name]) for name, value in values.items()},
        )

    def _size_of(self, picture: Picture) -> Size:
        if isinstance(self._size, int):
            return scaled_size(picture.size, self._size)
        check_sides(self._size, "The size is", "Use a larger --size.")
        return self._size

    def _look(self, picture: Picture, size: Size) -> Impression:
        return impression_of(picture.seen(size, cut=True).colours, self._model)

    def _reference_in(self, size: Size) -> tuple[Impression, dict[str, float]]:
        """Return what the photo is like in a size, and what stands for 1; remember the last."""
        if self._reference is None or self._reference[0] != size:
            photo = self._look(self._photo, size)
            self._reference = size, photo, self._wholes(photo)
        return self._reference[1:]

    def _wholes(self, photo: Impression) -> dict[str, float]:
        wholes = self._from_painting(photo)
        wholes[STRUCTURE] = cfsd(photo.directions, shuffled(photo.directions))
        if without := [name for name, whole in wholes.items() if not whole]:
            raise ImageError(
                f"Nothing stands for 1 in {', '.join(without)}: the photo does not differ from the "
                "painting there, or looks the same everywhere. Give two different pictures."
            )
        return wholes

    def _from_painting(self, seen: Impression) -> dict[str, float]:
        """Return the distances from the painting by name."""
        painting = self._painting
        styles = {
            layer: bures_distance(seen.styles[layer], painting.styles[layer])
            for layer in STYLE_LAYERS
        }
        return styles | {COLOURS: palette_distance(seen.palette, painting.palette)}


def _check_layers(model: Model) -> None:
    manifest = model.folder.manifest
    needed = (*STYLE_LAYERS, STRUCTURE_LAYER)
    if missing := sorted(set(needed) - {layer.name for layer in manifest.layers}):
        raise ModelError(
            f"The model '{manifest.name}' lacks {', '.join(missing)}, and cannot judge. Use "
            "another --model, best vgg19."
        )
