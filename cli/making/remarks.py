"""What an option does not do, and what a picture will look like: said where nothing else would."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.paths import same_file
from stylize.models.amounts import amount
from stylize.runtime.method.options import STARTS, Options
from stylize.runtime.method.settling import WINDOW
from stylize.runtime.plans.preset import PRESETS

if TYPE_CHECKING:
    from stylize.runtime.streaming.plan import Plan

Size = tuple[int, int]

CUT = 1 / 8
"""Part of the photo that may be cut off without a word."""
ENLARGED = 2.0
"""How many times a picture may be enlarged without a word."""

RANDOM = ("noise", "grey")
"""What there is to start from that a seed decides on."""


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
    shared = f"On {plan.machines} workers, each " if plan.machines > 1 else ""
    yield f"{shared}{'by' if shared else 'By'} tiles, in {amount(plan.memory)} of memory{disk}"
    if plan.optimizer != options.optimizer:
        yield "Adam takes the place of L-BFGS, whose history does not fit"
    elif plan.history < min(options.history, options.iterations):
        yield f"L-BFGS remembers {plan.history} steps: more do not fit"


def of_files(photo: Path | None, painting: Path | None) -> Iterator[str]:
    """Yield a sentence if both pictures are the same."""
    if photo and painting and same_file(photo, painting):
        yield "The photo and the painting are the same file."


def of_sizes(
    photo: Size | None, painting: Size | None, options: Options, result: Size
) -> Iterator[str]:
    """Yield a sentence for whatever is done to a picture that its owner may not expect.

    Parameters
    ----------
    photo, painting : tuple of int, or None
        Width and height of the pictures.
    options : Options
        All settings.
    result : tuple of int
        Width and height of what is made.
    """
    if photo:
        yield from _of_photo(photo, result)
    if painting and options.style_weight:
        measure = max if options.side == "long" else min
        side = options.painting_size or measure(result)
        if side > ENLARGED * measure(painting):
            yield (
                f"The painting has {painting[0]}x{painting[1]} pixels, and is enlarged "
                f"{side / measure(painting):.1f} times: its strokes will be soft."
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
