"""What an option does not do, and what a picture will look like: said where nothing else would."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.paths import same_file
from stylize.models.amounts import amount, counted
from stylize.models.errors import OptionError
from stylize.runtime.method.options import MAX_CROP, STARTS, Options
from stylize.runtime.method.paintings import Painting, shares
from stylize.runtime.method.settling import WINDOW
from stylize.runtime.pictures.file_options import USUAL_FILES, FileOptions
from stylize.runtime.plans.preset import PRESETS

if TYPE_CHECKING:
    from stylize.runtime.streaming.plan import Plan

Size = tuple[int, int]

CUT = 1 / 8
"""Part of the photo that may be cut off without a word."""
ENLARGED = 2.0
"""How many times a picture may be enlarged without a word."""

MANY = 10
"""Paintings of which a blend has so little each that it is said."""

RANDOM = ("noise", "grey")
"""What there is to start from that a seed decides on."""


def check_given(given: Collection[str]) -> None:
    """Raise OptionError if options were given of which each sets what another sets."""
    for other in ("style_weight", "content_weight"):
        if "strength" in given and other in given:
            raise OptionError(
                f"--strength and --{other.replace('_', '-')} set the same: how much the painting "
                "counts beside the photo. Give one of them."
            )


def of_options(options: Options, given: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each option that was given and does nothing."""
    if "seed" in given and options.init not in RANDOM:
        start = f"the {options.init}" if options.init in STARTS else f"'{options.init}'"
        yield f"The seed does nothing: the picture starts from {start}, not from noise."
    if "history" in given and options.optimizer != "lbfgs":
        yield "The history does nothing: only L-BFGS has one, and the optimiser is Adam."
    if "content_layers" in given and not options.content_weight:
        yield "The content layers do nothing: the content weight is 0."
    if "style_layers" in given and not options.style_weight:
        yield "The style layers do nothing: the style weight is 0."
    if "colors" in given and not (options.style_weight and options.content_weight):
        yield "The colours do nothing: the content weight or the style weight is 0."
    if "painting_size" in given and not options.style_weight:
        yield "The painting's size does nothing: the style weight is 0."
    if "crop_painting" in given and not options.style_weight:
        yield "Cropping the painting does nothing: the style weight is 0."
    if "strength" in given and not (options.style_weight and options.content_weight):
        yield "The strength does nothing: the content weight or the style weight is 0."


def of_format(inputs: Collection[Path], output: Path, given: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each option of files that was given and does nothing."""
    from stylize.runtime.pictures.reading import has_floats

    if "quality" in given and output.suffix.lower() in (".png", ".tif", ".tiff"):
        yield f"The quality does nothing: a {output.suffix} loses nothing."
    if "float_range" in given and not any(map(has_floats, inputs)):
        yield "The range does nothing: no picture has floating-point pixels."


def of_model(preset: str | None, pooling: str) -> Iterator[str]:
    """Yield a sentence if a preset was taken that is meant for a model of other pooling."""
    known = PRESETS.get(preset or "")
    if known and known.model and known.pooling != pooling:
        yield (
            f"The preset '{preset}' is meant for {known.pooling} pooling, and the model has "
            f"{pooling} pooling."
        )


def of_scales(options: Options, scales: Collection[Options]) -> Iterator[str]:
    """Yield a sentence if no scale has enough iterations for the loss to settle."""
    if options.until and all(scale.iterations <= WINDOW for scale in scales):
        yield f"--until does nothing: no scale has more than {WINDOW} iterations."


def of_optimizer(options: Options, inputs: Collection[str]) -> Iterator[str]:
    """Yield a sentence if the model's optimiser, which has some inputs, cannot do what is asked."""
    if options.pixels == "bounded" and "least" not in inputs:
        yield (
            "The model was exported by an earlier release: pixels are not bounded, and steps are "
            "slower. Export it again."
        )


def of_plan(plan: "Plan", options: Options, scratch: Path | None) -> Iterator[str]:
    """Yield what is said of a picture that is computed by tiles."""
    if not plan.tile:
        return
    disk = f" and {amount(plan.disk)} on the disk of {scratch}" if plan.disk else ""
    shared = f"On {counted(plan.workers, 'worker')}, each " if plan.workers else ""
    yield f"{shared}{'by' if shared else 'By'} tiles, in {amount(plan.memory)} of memory{disk}"
    if plan.optimizer != options.optimizer:
        yield "Adam takes the place of L-BFGS, whose history does not fit"
    elif plan.history < min(options.history, options.iterations):
        yield f"L-BFGS remembers {plan.history} steps: more do not fit"
    if options.average and plan.workers:
        yield "The picture is the best image: workers keep no running mean"


def of_files(photo: Path | None, paintings: Sequence[Painting[Path]]) -> Iterator[str]:
    """Yield a sentence if both pictures are the same."""
    if photo and any(same_file(photo, each.picture) for each in paintings):
        yield f"The photo and {'the' if len(paintings) == 1 else 'a'} painting are the same file."


def of_shares(paintings: Sequence[Painting[Path]], options: Options) -> Iterator[str]:
    """Yield which painting counts how much at which layers, unless there is one, or very many."""
    if not 1 < len(paintings) <= MANY:
        return
    layers: dict[str, list[str]] = {}
    for layer in options.layers.style:
        parts = (f"{share:.0%} {file.name}" for file, share in shares(paintings, layer))
        layers.setdefault(", ".join(parts), []).append(layer)
    for blend, names in layers.items():
        yield f"Style at {', '.join(names)}: {blend}"


def of_blend(paintings: Sequence[Painting[Path]], options: Options) -> Iterator[str]:
    """Yield a sentence for each painting that does nothing, and if there are very many."""
    layers = options.layers.style
    if not layers or not paintings:
        return
    seen = {file for layer in layers for file, _ in shares(paintings, layer)}
    for each in paintings:
        if each.picture not in seen:
            why = "others are named for all layers" if each.weight else "its weight is 0"
            yield f"The painting '{each.picture}' does nothing: {why}."
    if len(seen) > MANY:
        yield (
            f"{len(seen)} paintings are blended: the picture has what they have in common, and "
            "little of each. Looking at all of them takes a while."
        )


def of_pictures(
    photo: Path | None,
    paintings: Sequence[Painting[Path]],
    options: Options,
    files: FileOptions = USUAL_FILES,
) -> Iterator[str]:
    """Yield a sentence for what a look at the pictures finds: borders, one colour, no colour.

    Parameters
    ----------
    photo : Path or None
        The photo, if there is one.
    paintings : sequence of Painting
        The paintings.
    options : Options
        All settings.
    files : FileOptions
        How files are read.
    """
    from stylize.runtime.pictures.colour import Conversion
    from stylize.runtime.pictures.flaws import cropping, flaws
    from stylize.runtime.pictures.reading import open_picture

    if not options.layers.style:
        return
    conversion = Conversion(range=files.float_range)
    for each in paintings:
        picture = open_picture(each.picture, conversion=conversion).cropped(options.crop_painting)
        found = flaws(picture)
        if found.plain:
            yield f"The painting '{each.picture}' has one colour. There is no more to take of it."
        if found.border:
            part = cropping(picture, found.border)
            how = f"--crop-painting {part:.1%}" if part <= MAX_CROP else "cut it off"
            yield (
                f"The painting '{each.picture}' has a border of one colour, which would be painted,"
                f" too. To leave it out: {how}"
            )
    if not photo or options.colors == "painting":
        return
    if flaws(open_picture(photo, conversion=conversion)).grey:
        yield _OF_GREY[options.colors]


_OF_GREY = {
    "painting-matched": "The photo is grey: it takes on the painting's mean colour before, and the "
    "losses bring the others.",
    "photo": "The photo is grey, and so will be the picture: --colors photo keeps its colours.",
    "photo-matched": "The photo is grey, and so will nearly be the picture: --colors photo-matched "
    "gives its colours to the painting.",
}
"""What is said of a grey photo."""


def of_sizes(
    photo: Size | None, paintings: Sequence[Size], options: Options, result: Size
) -> Iterator[str]:
    """Yield a sentence for whatever is done to a picture that its owner may not expect.

    Parameters
    ----------
    photo : tuple of int, or None
        Width and height of the photo.
    paintings : sequence of tuples of int
        Those of the paintings.
    options : Options
        All settings.
    result : tuple of int
        Width and height of what is made.
    """
    if photo:
        yield from _of_photo(photo, result)
    if not options.style_weight:
        return
    measure = max if options.side == "long" else min
    side = options.painting_size or measure(result)
    for size in dict.fromkeys(paintings):
        if side > ENLARGED * measure(size):
            yield (
                f"{'The' if len(paintings) == 1 else 'A'} painting has {size[0]}x{size[1]} pixels, "
                f"and is enlarged {side / measure(size):.1f} times: its strokes will be soft."
            )


def _of_photo(photo: Size, size: Size) -> Iterator[str]:
    scales = [side / there for side, there in zip(size, photo, strict=True)]
    cut = 1 - min(scales) / max(scales)
    if cut > CUT:
        yield f"{size[0]}x{size[1]} cuts {cut:.0%} off the photo, which is {photo[0]}x{photo[1]}."
    if max(scales) > ENLARGED:
        yield (
            f"The photo has {photo[0]}x{photo[1]} pixels, and is enlarged {max(scales):.1f} times: "
            f"it will be soft. --size {max(photo)} keeps it as it is."
        )
