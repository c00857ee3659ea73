"""How far a picture is, by its trace."""

import json
from pathlib import Path

import pytest

from stylize.studio.gallery import Stage
from stylize.studio.progress import POINTS, Curve, Trace

STAGES = [Stage(24, 16, 4), Stage(48, 32, 6)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.jsonl"


def write(path: Path, *iterations: int, loss: float | None = None) -> None:
    """Go on with a trace: a second for each of the small steps, four for each of the others."""
    with path.open("a") as file:
        for number in iterations:
            stage = STAGES[number > 4]
            seconds = min(number, 4) + 4 * max(0, number - 4)
            size = {"width": stage.width, "height": stage.height}
            told = {"iteration": number, "seconds": seconds, **size, "total": loss or 1 / number}
            file.write(f"{json.dumps(told)}\n")


def test_it_is_none_before_the_first_iteration(path: Path) -> None:
    trace = Trace(path, STAGES)
    assert (trace.read(), trace.progress) == (False, None)


def test_it_tells_the_scale_and_what_is_left(path: Path) -> None:
    trace = Trace(path, STAGES)
    write(path, 1, 2)
    assert trace.read()
    found = trace.progress
    assert found
    assert (found.iteration, found.iterations, found.scale, found.scales) == (2, 10, 1, 2)
    assert (found.width, found.height, found.loss) == (24, 16, 0.5)
    assert found.left == pytest.approx(2 * 1 + 6 * 4), "a step takes as long as it has pixels"
    write(path, 3, 4, 5, 6)
    trace.read()
    found = trace.progress
    assert found
    assert (found.scale, found.seconds) == (2, 12)
    assert found.left == pytest.approx(4 * 4)
    assert dict(trace.paces()) == {24 * 16: 1, 48 * 32: 4}


def test_a_scale_that_settled_early_leaves_the_others_as_long_as_they_are(path: Path) -> None:
    trace = Trace(path, [Stage(24, 16, 400), STAGES[1]])
    write(path, 1, 2, 3, 4, 5, 6)
    trace.read()
    assert trace.progress
    assert trace.progress.left == pytest.approx(4 * 4)


def test_a_line_that_is_half_written_waits(path: Path) -> None:
    trace = Trace(path, STAGES)
    write(path, 1, 2)
    text = path.read_bytes()
    path.write_bytes(text[:-10])
    trace.read()
    assert trace.progress
    assert trace.progress.iteration == 1
    with path.open("ab") as file:
        file.write(text[-10:])
    assert trace.read()
    assert trace.progress.iteration == 2
    assert not trace.read()


def test_one_that_is_cut_back_is_read_again(path: Path) -> None:
    """A run that goes on takes back what was made since its checkpoint."""
    write(path, *range(1, 9))
    trace = Trace(path, STAGES)
    trace.read()
    path.write_bytes(b"")
    write(path, 1, 2, 3)
    trace.read()
    assert trace.progress
    assert trace.progress.iteration == 3
    assert [iteration for iteration, _ in trace.losses] == [1, 2, 3]


def test_nonsense_is_left_out(path: Path) -> None:
    path.write_bytes(b'\n[]\n{"iteration": 1}\n\xff\n{"iterat\n')
    trace = Trace(path, STAGES)
    assert not trace.read()
    write(path, 1)
    assert trace.read()


def test_a_loss_that_is_not_finite_is_none(path: Path) -> None:
    path.write_text('{"iteration": 1, "seconds": 1, "width": 24, "height": 16, "total": null}\n')
    trace = Trace(path, STAGES)
    trace.read()
    assert trace.progress
    assert (trace.progress.loss, trace.losses) == (None, [])


def test_a_curve_keeps_its_form_and_never_has_too_many_points() -> None:
    curve = Curve()
    for iteration in range(1, 5001):
        curve.add(iteration, 1 / iteration)
        assert len(curve.points) <= POINTS
    assert len(curve.points) > POINTS / 4
    assert all(loss == 1 / iteration for iteration, loss in curve.points)
    assert curve.points[-1][0] > 4900
