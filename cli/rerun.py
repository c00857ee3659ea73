"""``stylize rerun``: a picture once more, from what it tells of itself."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylize.cli.parameters import (
    Quiet,
    SameModel,
    SamePrecision,
    SameProvider,
    SameProviderOptions,
    Trace,
    provider_options_of,
)
from stylize.cli.rendering import Job, Machine, check_outputs, make_picture
from stylize.models.catalog import find_model
from stylize.models.errors import ImageError, ModelError, OptionError
from stylize.runtime.method.options import STARTS

if TYPE_CHECKING:
    from stylize.runtime.plans.recipe import Recipe, Source


def rerun(
    picture: Annotated[
        Path, typer.Argument(metavar="FILE.png", help="That stylize wrote.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.png",
            help="The picture to write.",
            show_default="FILE-again.png beside it",
        ),
    ] = None,
    photo: Annotated[
        Path | None,
        typer.Option(help="Where the photo lies now, if it was moved.", show_default=False),
    ] = None,
    painting: Annotated[Path | None, typer.Option(help="Likewise.", show_default=False)] = None,
    init: Annotated[
        Path | None, typer.Option(help="Likewise, of a picture started from.", show_default=False)
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="If other than then.", show_default="as then"),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print how the picture was made, as JSON, and stop.")
    ] = False,
    trace: Trace = None,
    model: SameModel = None,
    provider: SameProvider = None,
    precision: SamePrecision = None,
    provider_option: SameProviderOptions = None,
    quiet: Quiet = False,
) -> None:
    """Repeat the run that made FILE.png, which tells how it was made.

    With the same pictures, model, provider, machine and releases of stylize and
    ONNX Runtime, the picture is the same bit for bit.
    """
    from stylize.runtime.plans.recipe import read_recipe

    given: Mapping[str, str] = provider_options_of(provider_option)
    check_outputs([output, trace], [picture])
    recipe = read_recipe(picture)
    if show:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(recipe), indent=2).decode())
        return
    start = _find(recipe.start, init, picture, "--init")
    job = Job(
        _find(recipe.photo, photo, picture, "--photo"),
        _find(recipe.painting, painting, picture, "--painting"),
        replace(
            recipe.options,
            init=_unambiguous(start) if start else recipe.options.init,
            iterations=iterations or recipe.evaluations,
        ),
        output or picture.with_name(f"{picture.stem}-again.png"),
        trace,
    )
    if recipe.version != version("stylize-onnx") and not quiet:
        typer.echo(f"'{picture}' was made by stylize {recipe.version}.", err=True)
    if not recipe.finished and not iterations and not quiet:
        typer.echo(
            f"'{picture}' was interrupted after {recipe.evaluations} of "
            f"{recipe.options.iterations} iterations, and so is its repetition. To go on to the "
            f"end: --iterations {recipe.options.iterations}",
            err=True,
        )
    model = model or _same_model(recipe)
    if provider in (None, recipe.provider):  # another has other precisions and options
        precision = precision or recipe.precision
        given = given or _safe_options(recipe, picture)
    make_picture(job, Machine(model, provider or recipe.provider, precision, given, quiet))


HARMLESS = {
    "arena_extend_strategy",
    "cudnn_conv_algo_search",
    "cudnn_conv_use_max_workspace",
    "device_id",
    "enable_cuda_graph",
    "gpu_mem_limit",
    "prefer_nhwc",
}
"""Options that are taken from a picture; others may name libraries to load, or addresses."""


def _safe_options(recipe: "Recipe", picture: Path) -> Mapping[str, str]:
    """Return the provider options that were used.

    Raises
    ------
    OptionError
        One of them might do harm, and the picture may be a stranger's.
    """
    if recipe.provider_options.keys() - HARMLESS:
        options = " ".join(
            f"--provider-option {shlex.quote(f'{key}={value}')}"
            for key, value in recipe.provider_options.items()
        )
        raise OptionError(
            f"'{picture}' was made with options of {recipe.provider} that are not taken from a "
            f"picture. If you trust them, give them yourself: {options}"
        )
    return recipe.provider_options


def _unambiguous(file: Path) -> str:
    """Return a file's name so that it does not mean one of the other ways to start."""
    return f"./{file}" if str(file) in STARTS else str(file)


def _find(source: "Source | None", moved: Path | None, picture: Path, option: str) -> Path | None:
    """Return where a picture that was read lies: as it was called then, or near the result.

    Raises
    ------
    ImageError
        It is nowhere, or another picture is there.
    OptionError
        No such picture was used.
    """
    from stylize.runtime.plans.recipe import digest

    if source is None and moved:
        raise OptionError(f"'{picture}' was made without such a file. Leave {option} out.")
    if source is None:
        return None
    called = Path(source.path)
    beside, above = picture.parent, picture.parent / ".."
    guesses = [called, beside / called, beside / called.name, above / called, above / called.name]
    places = [moved] if moved else guesses
    there = [place for place in places if place.is_file()]
    for place in there:
        if digest(place) == source.sha256:
            return place
    if there:
        raise ImageError(
            f"'{there[0]}' is not the picture that was used: its sha256 is not {source.sha256}. "
            f"Say where that one lies now with {option}."
        )
    raise ImageError(f"There is no '{places[0]}'. Say where it lies now with {option}.")


def _same_model(recipe: "Recipe") -> str:
    """Return the model's name if what has this name now is the same.

    Raises
    ------
    ModelError
        It is not found, or it is another.
    """
    from stylize.models.manifest import read_manifest

    manifest = read_manifest(find_model(recipe.model.name))
    found = manifest.weights.sha256, manifest.pooling
    if found != (recipe.model.weights_sha256, recipe.model.pooling):
        raise ModelError(
            f"The model '{recipe.model.name}' is not the one that was used: that had "
            f"{recipe.model.pooling} pooling and weights of sha256 {recipe.model.weights_sha256}. "
            "Name the one to use with --model."
        )
    return recipe.model.name
