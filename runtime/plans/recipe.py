"""What made a picture, written into the picture: enough to make it again."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated

import msgspec

from stylize.installation import release
from stylize.models.errors import ImageError, OptionError
from stylize.models.layers import PoolingKind
from stylize.models.manifest import Sha256
from stylize.runtime.files.icc import ProfileError
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import MAX_WEIGHT, STARTS, Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Mask, Region
from stylize.runtime.method.start import start_file
from stylize.runtime.pictures.file_options import USUAL_FILES, FileOptions
from stylize.runtime.pictures.profiles import embedded_profile
from stylize.runtime.pictures.reading import picture_file, read_chunk
from stylize.runtime.pictures.spaces import SRGB, Space, space_of
from stylize.runtime.providers.table import Precision

KEYWORD = "stylize"
"""The keyword of the PNG text chunk that holds a recipe as JSON."""

BEFORE = {"scales": 1, "margin": 0, "pixels": "free", "colors": "painting"}
FILES_BEFORE = {"keep_metadata": "none"}
"""The settings of pictures by releases that did not tell them."""

PLACE = ("provider", "precision", "provider options")
"""What tells where a picture was computed: it is nearly the same elsewhere."""

LONGEST_PATH = 4096
"""Characters of a path in a recipe, which a stranger may have written."""
Word = Annotated[str, msgspec.Meta(max_length=64)]


@dataclass(frozen=True)
class Source:
    """A picture that was read.

    Attributes
    ----------
    path : str
        The path as it was given; it may be relative to where the program ran.
    sha256 : str
        The checksum of the file.
    """

    path: Annotated[str, msgspec.Meta(max_length=LONGEST_PATH)]
    sha256: Sha256


@dataclass(frozen=True)
class PaintingSource(Source):
    """A painting that was read.

    Attributes
    ----------
    weight : float
        Its share of the style, in proportion to the others'.
    layers : tuple of str
        The style layers that see it; those that see no other, if there are none.
    """

    weight: Annotated[float, msgspec.Meta(ge=0, le=MAX_WEIGHT)] = 1.0
    layers: tuple[Word, ...] = ()


@dataclass(frozen=True)
class MaskSource(Source):
    """A mask that was read.

    Attributes
    ----------
    colour : str or None
        The colour of the part that is meant; None if that is white.
    """

    colour: Word | None = None


@dataclass(frozen=True)
class RegionSource:
    """A part of the photo, and the paintings whose style it took.

    Attributes
    ----------
    photo_mask : MaskSource
        Which part of the photo.
    paintings : tuple of PaintingSource
        Whose style.
    painting_mask : MaskSource or None
        Which part of these; None if all of them was taken.
    """

    photo_mask: MaskSource
    paintings: tuple[PaintingSource, ...]
    painting_mask: MaskSource | None = None

    @property
    def masks(self) -> tuple[MaskSource, ...]:
        """Its one or two masks."""
        return (self.photo_mask, *([self.painting_mask] if self.painting_mask else ()))

    @property
    def essence(self) -> object:
        """What it is, wherever its files lie."""
        masks = [(each.sha256, each.colour) for each in self.masks]
        return masks, _essence_of(self.paintings)


@dataclass(frozen=True)
class UsedModel:
    """The model that was used.

    Attributes
    ----------
    name : str
        Its folder's name. Older recipes may have a path.
    weights_sha256 : str
        The checksum of its weights file.
    pooling : str
        ``average`` or ``max``.
    """

    name: Annotated[str, msgspec.Meta(max_length=LONGEST_PATH)]
    weights_sha256: Sha256
    pooling: PoolingKind


@dataclass(frozen=True)
class Recipe:
    """What a picture depends on, except for the machine and ONNX Runtime's release.

    Attributes
    ----------
    photo, start : Source or None
        The pictures that were read; `start` only if the iteration began from a file.
    paintings : tuple of PaintingSource
        The paintings that were read. Older recipes have one at most, and call it ``painting``.
    model : UsedModel
        The model that saw them.
    provider : str
        The provider that computed.
    options : Options
        All settings.
    version : str
        The release of stylize.
    evaluations : int
        The evaluations that were made. They are fewer than ``options.iterations`` if the run was
        interrupted, or its loss diverged or settled.
    precision : str
        The precision of the convolutions. Older recipes do not tell it; it was float32.
    provider_options : mapping of str to str
        The provider's options that the user gave.
    spared : int
        The iterations that were not needed, since the loss had settled.
    regions : tuple of RegionSource
        The parts of the photo that took the style of other paintings.
    files : FileOptions
        How pictures were read, and this one written.
    profile : str or None
        The checksum of the picture's ICC profile if it is painted in another space than sRGB.
    """

    photo: Source | None
    paintings: tuple[PaintingSource, ...]
    start: Source | None
    model: UsedModel
    provider: Word
    options: Options
    version: Word
    evaluations: Annotated[int, msgspec.Meta(ge=0)] = 0
    precision: Precision = "float32"
    provider_options: Mapping[str, str] = field(default_factory=dict)
    spared: Annotated[int, msgspec.Meta(ge=0)] = 0
    regions: tuple[RegionSource, ...] = ()
    files: FileOptions = USUAL_FILES
    profile: Sha256 | None = None

    @property
    def progress(self) -> int:
        """How many iterations were made, or not needed."""
        return self.evaluations + self.spared

    @property
    def finished(self) -> bool:
        """Whether all iterations were made, or not needed."""
        return self.progress == self.options.iterations

    @property
    def identity(self) -> str:
        """A text that is the same for recipes without differences, wherever they are computed."""
        return repr([(k, v) for k, v in self._essence().items() if k not in PLACE])

    def differences(self, other: "Recipe") -> list[str]:
        """Return in what `other` differs: files' contents, model, provider, and every setting.

        The files' paths and names do not matter.
        """
        mine, others = self._essence(), other._essence()
        return [name for name, value in mine.items() if others[name] != value]

    def _essence(self) -> dict[str, object]:
        sources = {"photo": self.photo, "start": self.start}
        options = replace(self.options, init="file") if self.start else self.options
        return {
            **{name: source and source.sha256 for name, source in sources.items()},
            "paintings": _essence_of(self.paintings),
            "regions": [each.essence for each in self.regions],
            "model": (self.model.weights_sha256, self.model.pooling),
            "provider": self.provider,
            "precision": self.precision,
            "provider options": self.provider_options,
            **asdict(options),
            "bits": self.files.bits,
            "float range": self.files.float_range,
            "profile": self.profile,
        }


def _essence_of(paintings: Iterable[PaintingSource]) -> list[object]:
    return [(each.sha256, each.weight, each.layers) for each in paintings]


def recipe_of(
    model: Model,
    photo: Path | None,
    paintings: Sequence[Painting[Path]],
    options: Options,
    regions: Sequence[Region[Path]] = (),
    files: FileOptions = USUAL_FILES,
    space: Space = SRGB,
) -> Recipe:
    """Return the recipe of a picture that is about to be made.

    Parameters
    ----------
    model : Model
        The opened model.
    photo : Path or None
        The file of the photo.
    paintings : sequence of Painting
        The files of the paintings, and their shares.
    options : Options
        All settings.
    regions : sequence of Region
        The files of parts of the photo that have other paintings.
    files : FileOptions
        How pictures are read and written.
    space : Space
        The colour space in which it is painted.

    Raises
    ------
    ImageError
        There is no such photo, painting or mask.
    OptionError
        There is no such picture to start from.
    """
    manifest = model.folder.manifest
    init = options.init
    return Recipe(
        photo=_source(photo),
        paintings=_sources(paintings),
        start=None if init in STARTS else _source(start_file(init)),
        model=UsedModel(
            name=printable(os.path.basename(os.path.abspath(model.folder.path))),
            weights_sha256=manifest.weights.sha256,
            pooling=manifest.pooling,
        ),
        provider=model.provider.name,
        options=replace(options, init=printable(init)),
        version=release(),
        precision=model.provider.precision,
        provider_options=model.provider.given,
        regions=tuple(
            RegionSource(
                _mask(each.photo_mask),
                _sources(each.paintings),
                _mask(each.painting_mask) if each.painting_mask else None,
            )
            for each in regions
        ),
        files=replace(files, profile=printable(files.profile)),
        profile=None if space is SRGB else sha256(space.profile).hexdigest(),
    )


def recipe_chunks(recipe: Recipe) -> dict[str, str]:
    """Return the text chunks of a PNG that hold the recipe."""
    return {
        "Software": f"stylize {recipe.version}",
        KEYWORD: msgspec.json.encode(recipe).decode(),
    }


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a picture that stylize wrote.

    Raises
    ------
    ImageError
        The file is no picture, has no recipe, or one that this release cannot read.
    """
    text = read_chunk(path, KEYWORD)
    if text is None:
        raise ImageError(
            f"'{path}' does not tell how it was made. Pictures that stylize writes as .png do "
            "(not sheets), unless another program has saved them since."
        )
    try:
        told = msgspec.json.decode(text.encode("utf-8", "replace"))
        told["options"] = {**BEFORE, **told["options"]}
        told["files"] = {**FILES_BEFORE, **told.get("files", {})}
        if "paintings" not in told:
            told["paintings"] = [told["painting"]] if told.get("painting") else []
        recipe = msgspec.convert(told, Recipe)
        check_start(recipe)
        return recipe
    except MemoryError:
        raise
    except Exception as error:  # the text may be a stranger's: deeper than any stack, and so on
        raise ImageError(
            f"What '{path}' tells of how it was made cannot be read: {str(error).rstrip('.')}. "
            "Another release of stylize may have written it."
        ) from error


def space_in(picture: Path, recipe: Recipe) -> Space:
    """Return the colour space in which a picture with a recipe was painted: that of its profile.

    Raises
    ------
    ImageError
        The picture has another profile than its recipe tells.
    """
    if recipe.profile is None:
        return SRGB
    profile = embedded_profile(picture) or b""
    try:
        if sha256(profile).hexdigest() == recipe.profile:
            return space_of(profile)
    except ProfileError:
        pass
    raise ImageError(
        f"'{picture}' has another colour profile than it was made with: another program has saved "
        "it since, or changed it."
    )


def check_start(recipe: Recipe) -> None:
    """Raise OptionError unless a file to start from has its checksum; others are not to be read."""
    init = recipe.options.init
    if (recipe.start is None) is not (init in STARTS):
        raise OptionError(f"it starts from '{init[:LONGEST_PATH]}', but not by its checksum")


def _source(path: Path | None) -> Source | None:
    return Source(*_told(path)) if path else None


def _sources(paintings: Iterable[Painting[Path]]) -> tuple[PaintingSource, ...]:
    return tuple(
        PaintingSource(*_told(each.picture), each.weight, each.layers) for each in paintings
    )


def _mask(mask: Mask[Path]) -> MaskSource:
    return MaskSource(*_told(mask.picture), mask.colour)


def _told(path: Path) -> tuple[str, str]:
    """Return what is told of a file: its path and its checksum."""
    return printable(str(path)), digest(path)


def digest(path: Path) -> str:
    """Return the sha256 of a picture's file.

    Raises
    ------
    ImageError
        It is missing, no file, or cannot be read.
    """
    with picture_file(path) as file:
        try:
            return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        except OSError as error:
            raise ImageError(f"'{path}' cannot be read: {error.strerror}.") from error


def printable(name: str) -> str:
    """Return a file's name as text; bytes that are no text are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def name_of_file(text: str) -> str:
    """Return the name that a recipe tells as `text`, where that escapes bytes that are no text."""
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda byte: chr(0xDC00 + int(byte[1], 16)), text)
