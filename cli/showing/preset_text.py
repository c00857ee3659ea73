"""A preset in words: its settings, and its loss in the paper's terms."""

import textwrap
from itertools import chain, repeat

from stylize.runtime.method.options import Options
from stylize.runtime.plans.preset import Preset

WIDTH, INDENT = 80, 13

HEIGHT_TO_WIDTH = 3 / 4
"""Of the picture for which the coefficients are printed."""


def describe(name: str, preset: Preset) -> list[str]:
    """Return what a preset stands for, in lines."""
    options = preset.options
    rows = [
        ("model", _model(preset)),
        ("size", f"{options.size} pixels on the {options.side} side"),
        ("scales", _scales(options)),
        ("start", _start(options)),
        ("optimiser", _optimiser(options)),
        *zip(chain(["loss"], repeat("")), loss_lines(options), strict=False),
        *(("differs", departure) for departure in preset.departures),
    ]
    title = textwrap.wrap(f"{name}: {preset.source}", WIDTH, subsequent_indent="  ")
    return [*title, *chain.from_iterable(_row(*row) for row in rows)]


def _row(what: str, text: str) -> list[str]:
    indent = " " * INDENT
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {what}".ljust(INDENT), subsequent_indent=indent
    )


def _model(preset: Preset) -> str:
    return f"{preset.model} ({preset.pooling} pooling)" if preset.model else "any"


def _start(options: Options) -> str:
    names = {"noise": "white noise", "grey": "the mean colour, with faint noise"}
    colours = " in the painting's colours" if options.colors == "painting-matched" else ""
    return names.get(options.init, f"the {options.init}{colours}")


def _scales(options: Options) -> str:
    text = "one" if options.scales == 1 else _several_scales(options)
    return text + (f"; {options.margin} pixels around it are cut off" if options.margin else "")


def _several_scales(options: Options) -> str:
    return (
        f"as many as the size is worth, from coarse to fine: each "
        f"{2 ** (1 / options.scales_per_doubling):.3g} times as large as the last, the coarsest of "
        f"{options.coarsest} pixels or more"
    )


def _optimiser(options: Options) -> str:
    kinds = {"lbfgs": f"L-BFGS, history {options.history}", "adam": "Adam"}
    bounded = "; pixels stay between black and white" if options.pixels == "bounded" else ""
    shares = ":".join(f"{share:g}" for share in options.iteration_shares)
    whose = "shared" if options.iterations_of == "all" else "at the coarsest scale,"
    shared = f" {whose} {shares} among the scales" if len(options.iteration_shares) > 1 else ""
    mean = f"; a running mean of images, decay {options.average:g}" if options.average else ""
    return (
        f"{kinds[options.optimizer]}; {options.iterations} evaluations of the gradient{shared}"
        f"{bounded}{mean}"
    )


def loss_lines(options: Options) -> list[str]:
    """Return the effective coefficients as a sum, for a picture of the usual proportions."""
    from stylize.export.network.architecture import vgg19
    from stylize.models.manifest import Layer
    from stylize.runtime.method.coefficients import coefficients

    network = vgg19()

    def layer(name: str) -> Layer:
        return Layer(name, network.layer(name).channels, network.stride(name))

    height, width = _usual_size(options)
    found = coefficients(options, layer, (height, width))
    first, *others = found.terms
    lines = [first, *(f"+ {term}" for term in others)]
    if options.losses == "mse":
        factor = "1/N" if options.style_statistics == "bures" else "4/N²"
        lines.append(
            f"at {width}x{height}; content {options.content_weight:g} · 2/NM, "
            f"style {options.style_weight:g} · {factor}"
        )
    if options.losses == "mean":
        lines.append(f"at {width}x{height}")
    if options.losses == "relative":
        lines.append("L_0, E_0: what the losses are where the layer does not respond")
    return [*lines, *_COMPARED.get(options.style_statistics, ())]


_COMPARED = {
    "gram+moments": ("M: E, and the distances of means and of standard deviations",),
    "bures": ("B: the distance of normal distributions, of these means and covariances",),
}
"""What stands for E where other statistics are compared."""


def _usual_size(options: Options) -> tuple[int, int]:
    if isinstance(options.size, tuple):
        return options.size[1], options.size[0]
    if options.side == "short":
        return options.size, round(options.size / HEIGHT_TO_WIDTH)
    return round(options.size * HEIGHT_TO_WIDTH), options.size
