"""What a picture tells of itself, taken for a second run: its files, its model, its options."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stylize.cli.making.picture import Job
from stylize.cli.options.grouping import Given
from stylize.models.catalog import find_model
from stylize.models.errors import ImageError, ModelError, OptionError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import STARTS

if TYPE_CHECKING:
    from stylize.runtime.plans.recipe import Recipe, Source

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


def as_json(recipe: "Recipe") -> str:
    """Return a recipe as indented JSON."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(recipe), indent=2).decode()


def notify(recipe: "Recipe", picture: Path, as_then: bool) -> None:
    """Say so where the repetition may be another picture than the user expects."""
    from importlib.metadata import version

    if recipe.version != version("stylize-onnx"):
        typer.echo(f"'{picture}' was made by stylize {recipe.version}.", err=True)
    if not recipe.finished and as_then:
        typer.echo(
            f"'{picture}' was interrupted after {recipe.evaluations} of "
            f"{recipe.options.iterations} iterations, and so is its repetition. To go on to the "
            f"end: --iterations {recipe.options.iterations}",
            err=True,
        )


def job_of(
    recipe: "Recipe",
    picture: Path,
    moved: Mapping[str, Path | None],
    changes: Given,
    output: Path,
    trace: Path | None,
) -> Job:
    """Return the picture that a recipe asks for.

    Parameters
    ----------
    recipe : Recipe
        What `picture` tells of itself.
    picture : Path
        The file; the pictures that it was made of may lie near it.
    moved : mapping of str to Path or None
        Where ``photo``, ``painting`` and ``init`` lie now, if the user said so.
    changes : mapping of str to object
        Options that are to be others than then.
    output, trace : Path
        The files to write.

    Raises
    ------
    ImageError
        A picture that was read is nowhere, or another picture is there.
    OptionError
        No such picture was used.
    """
    start = _find_source(recipe.start, moved["init"], picture, "--init")
    init = _unambiguous(start) if start else recipe.options.init
    return Job(
        _find_source(recipe.photo, moved["photo"], picture, "--photo"),
        _find_source(recipe.painting, moved["painting"], picture, "--painting"),
        replace(recipe.options, init=init, **changes),
        output,
        trace,
        # Not fewer iterations, since they bound the history, and with it how sums are rounded.
        stop=None if changes else recipe.evaluations,
    )


def machine_of(recipe: "Recipe", given: Given, picture: Path) -> Machine:
    """Return the machine that made a picture, with what was given in its place.

    Raises
    ------
    ModelError
        Its model is not found, or another has its name now.
    OptionError
        It was made with options that are not taken from a picture.
    """
    then: dict[str, Any] = {"provider": recipe.provider}
    if not given.get("model"):
        given = {**given, "model": _same_model(recipe)}
    if given.get("provider") in (None, recipe.provider):  # others have other precisions and options
        then["precision"] = recipe.precision
        if "provider_options" not in given:
            then["provider_options"] = _safe_options(recipe, picture)
    return Machine(**{**then, **given})


def _find_source(
    source: "Source | None", moved: Path | None, picture: Path, option: str
) -> Path | None:
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


def _unambiguous(file: Path) -> str:
    """Return a file's name so that it does not mean one of the other ways to start."""
    return f"./{file}" if str(file) in STARTS else str(file)


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
