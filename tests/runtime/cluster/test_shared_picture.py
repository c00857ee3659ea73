"""A picture that several compute is that which one computes, but for rounding."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="loads graphs")

from by_tiles import REFERENCE, TILE, Array, away, compact, pictures, streamed, targets, whole
from company import in_company

from stylize.models.layers import LayerSet, guided_layer_sets, paper_layer_sets
from stylize.runtime.checks.comparison import FLOAT32
from stylize.runtime.cluster.post import Post
from stylize.runtime.method.descent import given_by
from stylize.runtime.method.options import Options
from stylize.runtime.streaming import pieces
from stylize.runtime.streaming.descent import StreamedDescent
from stylize.runtime.streaming.losses import StreamedLosses, with_own_rows
from stylize.runtime.streaming.picture import StreamedPicture
from stylize.runtime.streaming.plan import OptimizerName, Plan
from stylize.runtime.streaming.shares import ALONE, Others

FIGURE_2 = paper_layer_sets()[0]
GUIDED = guided_layer_sets()[0]
SIZE = (389, 36)
SHORT = 3
"""Steps: later, those of L-BFGS show what rounding has grown to."""


def mine(image: Array, others: Others) -> Array:
    return np.ascontiguousarray(image[:, :, others.share(image.shape[2]).rows])


def losses_of(layers: LayerSet, others: Others) -> StreamedLosses:
    return streamed(layers, SIZE, others=others)


@pytest.mark.parametrize(
    "layers", [FIGURE_2, compact().manifest.gradients[2].layers, GUIDED], ids=str
)
def test_losses_and_gradient(layers: LayerSet) -> None:
    given, expected = whole(layers, SIZE)
    photo, _, image = pictures(SIZE)
    of_style = {name: v for name, v in given.items() if not name.startswith("content_target")}

    def compute(post: Post) -> tuple[dict[str, Array], Array]:
        losses = losses_of(layers, post)
        losses.content_targets(mine(photo, post))
        losses.put(with_own_rows(of_style, post.share(SIZE[0]), compact()))
        gradient = np.full(losses.shape, np.nan, np.float32)
        losses.evaluate(mine(image, post), gradient)
        return losses.numbers, gradient

    found = in_company(3, compute)
    for numbers, _ in found:
        for name, value in numbers.items():
            np.testing.assert_allclose(value, expected[name], rtol=FLOAT32.losses, err_msg=name)
    gradient = np.concatenate([part for _, part in found], axis=2)
    assert away(gradient, expected["gradient"]) <= FLOAT32.gradient


def test_targets_of_style() -> None:
    painting = pictures(SIZE)[1]
    expected = targets(FIGURE_2, SIZE)

    def compute(post: Post) -> dict[str, Array]:
        return losses_of(FIGURE_2, post).style_targets(mine(painting, post))

    for found in in_company(3, compute):
        for name, target in found.items():
            assert away(target, expected[name]) <= FLOAT32.losses, name


def picture_of(optimizer: OptimizerName, others: Others) -> tuple[StreamedPicture, StreamedDescent]:
    plan = Plan(TILE, optimizer, 4, (), 0, 0)
    picture = StreamedPicture(compact(), FIGURE_2, SIZE, plan, REFERENCE, None, others)
    photo, painting, image = pictures(SIZE)
    picture.look_at(mine(photo, others))
    found = picture.style_targets(mine(painting, others))
    weights = {"content_weights": [1e-3], "style_weights": [1] * len(FIGURE_2.style)}
    found |= {name: np.array(value, np.float32) for name, value in weights.items()}
    picture.put(found, tv_weight=1e-4)
    return picture, picture.descent(mine(image, others), given_by(Options()))


def after(steps: int, descent: StreamedDescent) -> Array:
    for _ in range(steps):
        descent.step()
    image = descent.image_of(steps)
    assert image is not None
    return image


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_steps(optimizer: OptimizerName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "RUN", 2**14)
    expected = after(SHORT, picture_of(optimizer, ALONE)[1])
    parts = in_company(2, lambda post: after(SHORT, picture_of(optimizer, post)[1]))
    assert away(np.concatenate(parts, axis=2), expected) < 1e-4


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_search_goes_on_where_another_was(
    optimizer: OptimizerName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit; also if it went back to its best image before."""
    monkeypatch.setattr(pieces, "RUN", 2**14)
    _, descent = picture_of(optimizer, ALONE)
    after(SHORT, descent)
    images = {name: image.read().copy() for name, image in descent.state.items()}
    numbers = {name: value.copy() for name, value in descent.numbers.items()}
    expected = [after_one(descent) for _ in range(2)]
    _, other = picture_of(optimizer, ALONE)
    other.resume(numbers)
    assert other.state.keys() == images.keys()
    for name, image in other.state.items():
        image.write(images[name])
    for image in expected:
        np.testing.assert_array_equal(after_one(other), image)
    assert other.best_iteration == descent.best_iteration


def after_one(descent: StreamedDescent) -> Array:
    descent.step()
    image = descent.image_of(descent.iteration)
    assert image is not None
    return image.copy()


def test_the_photos_squares_are_those_of_the_whole() -> None:
    alone, _ = picture_of("adam", ALONE)
    photo = pictures(SIZE)[0]
    expected = alone.look_at(photo)

    def look(post: Post) -> dict[str, float]:
        return picture_of("adam", post)[0].look_at(mine(photo, post))

    for found in in_company(2, look):
        assert found == pytest.approx(expected, rel=1e-6)
