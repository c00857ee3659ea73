"""A program as users write them, for their type checker: ``mypy --strict tests/users_program.py``.

Each comment that lets an error pass says that there is one: mypy reports those that are not needed.
"""

from dataclasses import replace
from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import StylizeError
from stylize.runtime import (
    PRESETS,
    RECONSTRUCTION,
    TEXTURE,
    Budget,
    Iterate,
    Judge,
    Judgement,
    Mask,
    Model,
    Options,
    Painting,
    Plan,
    Region,
    Scene,
    load_image,
    reconstruct,
    scale_to,
    texture,
    to_array,
    to_image,
    transfer,
)

SMALL = Options(size=32, iterations=2, style_layers={"conv1_1": 2.0}, content_layers=("conv4_2",))


def make(model: Model, photo: Path, painting: Path) -> Iterate:
    """Make a picture of a photo, and look at each iterate."""
    iterate = None
    for iterate in transfer(model, photo, painting, SMALL):
        assert_type(iterate, Iterate)
        assert_type(iterate.iteration, int)
        assert_type(iterate.total, float)
        assert_type(iterate.losses["total"], float)
        assert_type(iterate.style_losses, dict[str, float])
        assert_type(iterate.size, tuple[int, int])
    assert iterate is not None
    assert_type(iterate.image, Image.Image)
    assert_type(iterate.best.pixels, npt.NDArray[np.float32])
    iterate.best.save("out.tiff", bits=16)
    return iterate


def look(model: Model, photo: Path, painting: Path) -> None:
    """Take one scene apart."""
    scene = Scene(model, photo, [Painting(painting), Painting(load_image(photo), 0.5)])
    plan = scene.plan(SMALL)
    assert_type(plan, Plan)
    assert_type(plan.memory, int)
    for iterate in scene.render(replace(SMALL, strength=60)):
        assert_type(iterate.best.image, Image.Image)


def judge(model: Model, photo: Path, painting: Path, result: Image.Image) -> Judgement:
    """Measure how near a result is, given as a picture in memory."""
    found = Judge(model, photo, painting, size=32).judge(result)
    assert_type(found.style, float)
    assert_type(found.distances["colours"].share, float)
    return found


def parts(model: Model, photo: Path, painting: Path) -> list[Iterate]:
    """Give a part of the photo a style of its own; make a texture, and a reconstruction."""
    halves = np.zeros((32, 48), np.uint8)
    halves[:16] = 255
    region = Region(Mask(Image.fromarray(halves)), painting)
    return [
        *transfer(model, photo, regions=[region], options=SMALL),
        *texture(model, painting, replace(TEXTURE, size=32, iterations=1)),
        *reconstruct(model, photo, replace(RECONSTRUCTION, size=32, iterations=1)),
    ]


def arrays(photo: Path) -> None:
    """Turn a picture into an array and back."""
    array = to_array(scale_to(load_image(photo), 32))
    assert_type(array, npt.NDArray[np.float32])
    assert_type(to_image(array), Image.Image)


def main(photo: Path, painting: Path) -> None:
    """Do all of it with the embedded model."""
    model = Model.open("compact", "cpu", Budget(memory=10**9))
    made = make(model, photo, painting)
    look(model, photo, painting)
    judge(model, photo, painting, made.image)
    parts(model, photo, painting)
    arrays(photo)
    assert_type(PRESETS["paper"].options, Options)
    try:
        Options(size="large")  # type: ignore[arg-type]
    except StylizeError as error:
        print(error)
    if made.total < 0:
        made.best.save(bits="16")  # type: ignore[call-arg, arg-type]
        transfer(model, 7, painting)  # type: ignore[arg-type]
        Options(losses="squares")  # type: ignore[arg-type]
