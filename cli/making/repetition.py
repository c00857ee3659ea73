"""What a picture tells of itself, taken for a second run: its files, its model, its options."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import Job
from stylize.cli.making.sources import find_sources
from stylize.cli.options.grouping import Given
from stylize.installation import release
from stylize.models.catalog import known_names, model_folders
from stylize.models.errors import ModelError, OptionError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import STARTS
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Mask, Region
from stylize.shell import quoted

if TYPE_CHECKING:
    from stylize.runtime.pictures.spaces import Space
    from stylize.runtime.plans.recipe import PaintingSource, Recipe, RegionSource, Source

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


def as_json(recipe: "Recipe") -> list[str]:
    """Return the lines of a recipe as indented JSON."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(recipe), indent=2).decode().splitlines()


def job_of(
    recipe: "Recipe",
    picture: Path,
    moved: Mapping[str, Sequence[Path]],
    changes: Given,
    output: Path | None,
    trace: Path | None,
    files: Given,
    space: "Space",
) -> Job:
    """Return the picture that a recipe asks for.

    Parameters
    ----------
    recipe : Recipe
        What `picture` tells of itself.
    picture : Path
        The file; the pictures that it was made of may lie near it.
    moved : mapping of str to sequence of Path
        Where ``photo``, ``painting``, ``mask`` and ``init`` lie now, as far as the user said so.
        Paintings may come in any order, and so may masks.
    changes : mapping of str to object
        Options that are to be others than then.
    output, trace : Path or None
        The files to write, as the user named them.
    files : mapping of str to object
        How the picture is to be written, if other than then.
    space : Space
        The colour space in which it was painted.

    Raises
    ------
    ImageError
        A picture that was read is nowhere, or another picture is there.
    OptionError
        No such picture was used.
    """
    again = picture.parent / named_after(picture.stem, "again")
    start = None if "init" in changes else _one(recipe.start, moved, "init", picture)
    shown = [*recipe.paintings, *(each for one in recipe.regions for each in one.paintings)]
    places = _places(shown, moved, "painting", picture)
    masks = [each for one in recipe.regions for each in one.masks]
    places |= _places(masks, moved, "mask", picture)
    init = _unambiguous(start) if start else recipe.options.init
    return Job(
        _one(recipe.photo, moved, "photo", picture),
        [_painting(each, places) for each in recipe.paintings],
        replace(recipe.options, **{"init": init, **changes}),
        output or again,
        bool(output),
        trace,
        frozenset(changes),
        # Not fewer iterations, since they bound the history, and with it how sums are rounded.
        stop=None if changes else recipe.progress,
        remarks=list(_remarks(recipe, picture, changes)),
        files=replace(recipe.files, **files),
        space=space,
        regions=[_region(each, places) for each in recipe.regions],
    )


def where_moved(recipe: "Recipe", changes: Given) -> list[Path]:
    """Return the file that is to be started from if it is the one of then, else nothing."""
    from stylize.runtime.plans.recipe import digest

    init = changes.get("init")
    if init in (None, *STARTS) or recipe.start is None or not os.path.isfile(init):
        return []
    return [Path(init)] if digest(Path(init)) == recipe.start.sha256 else []


def _one(
    source: "Source | None", moved: Mapping[str, Sequence[Path]], name: str, picture: Path
) -> Path | None:
    """Return where a picture lies of which there is one at most."""
    found = find_sources([source] if source else [], moved[name], picture, f"--{name}")
    return found[0] if found else None


def _places(
    sources: "Sequence[Source]", moved: Mapping[str, Sequence[Path]], name: str, picture: Path
) -> dict[str, Path]:
    """Return where pictures lie, by their checksums; one may be used more than once."""
    each_once = {source.sha256: source for source in sources}
    places = find_sources(list(each_once.values()), moved[name], picture, f"--{name}")
    return dict(zip(each_once, places, strict=True))


def _painting(source: "PaintingSource", places: Mapping[str, Path]) -> Painting[Path]:
    return Painting(places[source.sha256], source.weight, source.layers)


def _region(source: "RegionSource", places: Mapping[str, Path]) -> Region[Path]:
    photo_mask, *over_paintings = (Mask(places[each.sha256], each.colour) for each in source.masks)
    paintings = [_painting(each, places) for each in source.paintings]
    return Region(photo_mask, paintings, *over_paintings)


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


def _remarks(recipe: "Recipe", picture: Path, changes: Given) -> Iterator[str]:
    """Yield a sentence where the repetition may be another picture than the user expects."""
    if recipe.version != release():
        yield f"'{picture}' was made by stylize {recipe.version}."
    if "init" in changes:
        yield f"It starts from '{changes['init']}', not from '{recipe.options.init}' as then."
    if not recipe.finished and not changes:
        yield (
            f"'{picture}' was interrupted after {recipe.evaluations} of "
            f"{recipe.options.iterations} iterations, and so is its repetition. To go on to the "
            f"end: --iterations {recipe.options.iterations}"
        )


def _unambiguous(file: Path) -> str:
    """Return a file's name so that it does not mean one of the other ways to start."""
    return f"./{file}" if str(file) in STARTS else str(file)


def _same_model(recipe: "Recipe") -> str:
    """Return the folder of the model that was used, found by its name alone.

    Raises
    ------
    ModelError
        It is not found, or another has its name.
    """
    from stylize.models.manifest import read_manifest

    then = recipe.model
    name = re.split(r"[/\\]", then.name)[-1]
    folders = [folder for folder in model_folders() if folder.name == name]
    for folder in folders:
        with suppress(ModelError):
            manifest = read_manifest(folder)
            if (manifest.weights.sha256, manifest.pooling) == (then.weights_sha256, then.pooling):
                return str(folder)
    if folders:
        raise ModelError(
            f"The model '{name}' is not the one that was used: that had {then.pooling} pooling and "
            f"weights of sha256 {then.weights_sha256}. Name the one to use with --model."
        )
    raise ModelError(
        f"There is no model '{name}' among those found: {', '.join(known_names())}. "
        "Of what a picture tells, no other place is believed: "
        f"name the model yourself, for example {quoted('--model', then.name)}"
    )


def _safe_options(recipe: "Recipe", picture: Path) -> Mapping[str, str]:
    """Return the provider options that were used.

    Raises
    ------
    OptionError
        One of them might do harm, and the picture may be a stranger's.
    """
    if recipe.provider_options.keys() - HARMLESS:
        options = " ".join(
            quoted("--provider-option", f"{key}={value}")
            for key, value in recipe.provider_options.items()
        )
        raise OptionError(
            f"'{picture}' was made with options of {recipe.provider} that are not taken from a "
            f"picture. If you trust them, give them yourself: {options}"
        )
    return recipe.provider_options
