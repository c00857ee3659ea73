"""Where a picture with a recipe goes: over an earlier one of the same recipe, and over no other."""

import os
from pathlib import Path

from stylize.models.errors import ImageError
from stylize.runtime.pictures.metadata import Metadata
from stylize.runtime.pictures.replacing import numbered
from stylize.runtime.pictures.saving import Manner, save_image
from stylize.runtime.pictures.shown import Shown
from stylize.runtime.plans.recipe import Recipe, read_recipe, recipe_chunks


def place_image(
    shown: Shown, recipe: Recipe, kept: Metadata, output: Path, named: bool = True
) -> Path:
    """Save a picture that tells how it was made.

    Parameters
    ----------
    shown : Shown
        The picture.
    recipe : Recipe
        How it was made.
    kept : Metadata
        What it tells of the photo.
    output : Path
        Where it goes.
    named : bool
        Whether the user named that file. Otherwise what is there stays, unless it is of the same
        recipe and not more iterations, and this picture gets a number.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ImageError
        It cannot be written.
    """
    manner = Manner(recipe.files, kept)
    for place in [output] if named else numbered(output):
        try:
            fresh = not (named or _is_earlier(place, recipe))
            save_image(shown, place, recipe_chunks(recipe), manner, fresh)
        except FileExistsError:
            continue
        return place
    raise AssertionError("there is always another number")


def _is_earlier(path: Path, recipe: Recipe) -> bool:
    """Tell whether a picture of the same recipe lies there, made of no more iterations."""
    if not os.path.isfile(path):
        return False
    try:
        found = read_recipe(path)
    except ImageError:
        return False
    return not found.differences(recipe) and found.progress <= recipe.progress
