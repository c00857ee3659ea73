"""Coarse to fine: the sizes in which a picture is painted, one after the other.

Gatys et al. (2015) paint in one size. A layer sees so many pixels of a picture, however large that
is. In a small picture the same layers see, and so arrange, larger forms. What is found there is
enlarged, and the next scale begins with it. Gatys et al. (2017, "Controlling Perceptual Factors in
Neural Style Transfer", section 6) make large pictures that way.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from stylize.models.errors import OptionError
from stylize.runtime.method.options import STARTS, Options
from stylize.runtime.pictures.limits import MIN_SIDE

Size = tuple[int, int]
"""Width and height."""

WORTHWHILE = 10
"""Iterations that each scale has at least, unless scales are chosen."""


def stages(options: Options, size: Size, fits: Callable[[Options], bool]) -> list[Options]:
    """Return the settings of each scale, from the coarsest to the picture's own.

    Each scale aims at the same picture: what is a sum over all pixels weighs the more, the fewer
    pixels there are.

    Parameters
    ----------
    options : Options
        The settings of the picture. Its iterations are those of all scales together.
    size : tuple of int
        Width and height of the picture.
    fits : function of Options
        Tells whether the network sees enough of the pictures at a scale. Automatic scales are
        those where it does.

    Raises
    ------
    OptionError
        A scale is larger than the picture or too small, or there are fewer iterations than scales.
    """
    measured = max(size) if options.side == "long" else min(size)
    lengths = _lengths(options, size, measured)
    while True:
        counts = _counts(options, len(lengths))
        found = [
            _stage(options, size, length / measured, count)
            for length, count in zip(lengths, counts, strict=True)
        ]
        if options.scales != "auto" or len(found) == 1 or fits(found[0]):
            return found
        lengths = lengths[1:]


def _counts(options: Options, scales: int) -> list[int]:
    """Return how many iterations each scale has."""
    if options.iterations_of == "all":
        return split(options.iterations, scales, options.iteration_shares)
    first, *finer = _parts(options.iteration_shares, scales)
    return [options.iterations, *(max(1, round(options.iterations * p / first)) for p in finer)]


def _parts(shares: Sequence[float], scales: int) -> list[float]:
    """Return the share of each scale; the last is that of all further ones."""
    return [shares[min(scale, len(shares) - 1)] for scale in range(scales)]


def split(iterations: int, scales: int, shares: Sequence[float] = (1.0,)) -> list[int]:
    """Return how many iterations each scale has, and the coarsest what is left over.

    Parameters
    ----------
    iterations : int
        Those of all scales together.
    scales : int
        How many scales there are.
    shares : sequence of float
        The scales' shares in proportion, from the coarsest on; the last is that of all further
        ones. However small it is, each scale has one iteration.

    Raises
    ------
    OptionError
        There are fewer iterations than scales.
    """
    if iterations < scales:
        raise OptionError(
            f"There are {scales} scales and {iterations} iterations; each scale needs one at least."
        )
    parts = _parts(shares, scales)
    finer = [1 + int((iterations - scales) * part / sum(parts)) for part in parts[1:]]
    return [iterations - sum(finer), *finer]


def _lengths(options: Options, size: Size, measured: int) -> list[int]:
    """Return the length of the side that is measured at each scale, the picture's own last."""
    if options.scales == "auto":
        return _automatic(options, size, measured)
    if isinstance(options.scales, int):
        counted = reversed(range(options.scales))
        lengths = [round(_coarser(options, measured, steps)) for steps in counted]
    else:
        lengths = sorted({*options.scales, measured})
    if lengths[-1] > measured:
        raise OptionError(
            f"A scale is {lengths[-1]} pixels, and the picture only {measured}. Give a larger "
            "size, or smaller scales."
        )
    if (shortest := _shortest(options, size, lengths[0] / measured)) < MIN_SIDE:
        raise OptionError(
            f"In the coarsest scale a side has {shortest} pixels; it must have {MIN_SIDE} at "
            "least. Choose fewer scales, or larger ones."
        )
    return lengths


def _automatic(options: Options, size: Size, measured: int) -> list[int]:
    """Return as many lengths as the size and the iterations are worth.

    A file to start from has its details already, which smaller scales would lose.
    """
    lengths = [measured]
    while options.init in STARTS:
        coarser = _coarser(options, measured, len(lengths))
        if coarser < options.coarsest or not _worthwhile(options, len(lengths) + 1):
            break
        if _shortest(options, size, coarser / measured) < MIN_SIDE:
            break
        lengths.insert(0, round(coarser))
    return lengths


def _coarser(options: Options, length: int, steps: int) -> float:
    """Return a length so many scales below another."""
    return length / 2 ** (steps / options.scales_per_doubling)


def _worthwhile(options: Options, scales: int) -> bool:
    """Tell whether each of so many scales would have iterations enough."""
    if options.iterations_of == "all" and options.iterations < scales:
        return False
    return min(_counts(options, scales)) >= WORTHWHILE


def _shortest(options: Options, size: Size, factor: float) -> int:
    """Return the pixels of the shortest side at a scale that is `factor` times as large."""
    return round(min(*size, options.painting_size or max(size)) * factor)


def _stage(options: Options, size: Size, factor: float, iterations: int) -> Options:
    """Return the settings of a scale that is `factor` times as large as the picture."""
    alone = replace(options, scales=1, iterations=iterations, iterations_of="all")
    if factor == 1:  # after the last scale nobody carries anything on
        return replace(alone, carry_moments=False)
    width, height = (round(side * factor) for side in size)
    given = options.size
    return replace(
        alone,
        size=round(given * factor) if isinstance(given, int) else (width, height),
        painting_size=options.painting_size and round(options.painting_size * factor),
        style_weight=options.style_weight * _weight(options, width * height / prod(size)),
    )


def _weight(options: Options, part: float) -> float:
    """Return the factor of beta for a part of the pixels, over which the paper's L_c is a sum."""
    return part if options.losses == "paper" else 1.0
