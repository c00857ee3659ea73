"""A picture goes on from any of its steps in another process, bit for bit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="makes pictures")

from stylize.models.catalog import embedded_folder
from stylize.runtime import Iterate, Model, Options, Scene
from stylize.runtime.engine.program import Program
from stylize.runtime.method import model as module
from stylize.runtime.method import settling
from stylize.runtime.method.standing import Entry, Look, Snapshot, nothing_yet
from stylize.runtime.streaming import pieces
from stylize.runtime.streaming.plan import Case, Plan

TILE = (24, 32)
SMALL = Options(size=32, scales=1, margin=0, content_weight=0, style_layers=("conv1_1",))
BRIEF = replace(SMALL, iterations=7)
WHOLE = replace(SMALL, scales=(24, 32), iterations=40, until=0.5, tv_weight=1e-4, margin=2)


def copied(snapshot: Snapshot) -> Snapshot:
    """As a file would keep it: what is done to the search later does not change it."""
    state = {name: Entry.of(np.array(each.read())) for name, each in snapshot.state.items()}
    return Snapshot(snapshot.standing, state)


@dataclass
class Hoard:
    """Keeps a snapshot after each step, and at an interrupt."""

    snapshots: list[Snapshot] = field(default_factory=list)
    look: Look = nothing_yet

    def watch(self, look: Look) -> None:
        self.look = look

    def after(self, iteration: int) -> None:
        snapshot = self.look()
        assert snapshot
        assert snapshot.standing.made == iteration
        self.snapshots.append(copied(snapshot))

    def interrupted(self) -> None:
        if snapshot := self.look():
            self.snapshots.append(copied(snapshot))


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(embedded_folder(), "cpu")


@pytest.fixture
def scene(picture: Callable[..., Path], model: Model) -> Callable[[], Scene]:
    """Give a new scene, as a new process has it."""
    photo, painting = picture("photo.png", (70, 51)), picture("painting.png", (90, 77), seed=1)
    return lambda: Scene(model, photo, painting)


def by_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(case: Case, *_: Any) -> Plan:
        return Plan(TILE, case.optimizer, case.history, (), 0, 0)

    monkeypatch.setattr(pieces, "RUN", 2**10)
    monkeypatch.setattr(module, "make_plan", plan)
    monkeypatch.setattr(module, "plan_targets", plan)


def told(iterates: Iterator[Iterate]) -> list[tuple[Any, ...]]:
    """What there is to see of iterates, but for how long they took."""
    return [
        (each.iteration, each.size, each.spared, each.losses, each.best.iteration,
         each.best.pixels.tobytes())
        for each in iterates
    ]  # fmt: skip


CASES = {
    "scales, settling": (WHOLE, False),
    "one in three seen": (replace(WHOLE, until=0.0, iterations=8), False),
    "adam": (replace(BRIEF, optimizer="adam", init="noise"), False),
    "running mean": (replace(BRIEF, average=0.9, iterations=6), False),
    "adam's means carried on": (
        replace(WHOLE, optimizer="adam", carry_moments=True, until=0.0, iterations=12),
        False,
    ),
    "tiles": (BRIEF, True),
    "tiles, running mean": (replace(BRIEF, optimizer="adam", average=0.9, iterations=6), True),
    "tiles, adam": (replace(BRIEF, optimizer="adam"), True),
}


@pytest.mark.parametrize("name", CASES)
def test_the_rest_is_the_same(
    name: str, scene: Callable[[], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    options, tiled = CASES[name]
    monkeypatch.setattr(settling, "WINDOW", 4)
    if tiled:
        by_tiles(monkeypatch)
    every, hoard = 3 if "three" in name else 1, Hoard()
    expected = told(scene().render(options, every, hoard))
    assert {each.standing.made for each in hoard.snapshots} >= {1, 2, 5}
    assert bool(expected[-1][2]) is bool(options.until), "it settles where it is to"
    for snapshot in hoard.snapshots[:: 10 if options is WHOLE else 4]:
        rest = told(scene().render(options, resumed=snapshot))
        assert rest == expected[-len(rest) :], snapshot.standing
        assert rest[0][0] > snapshot.standing.made >= rest[0][0] - every


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_an_evaluation_by_tiles_may_be_interrupted_with_a_running_mean(
    scene: Callable[[], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tiles(monkeypatch)
    hoard = Hoard()
    iterates = scene().render(replace(BRIEF, average=0.9), keeper=hoard)
    next(iterates), next(iterates), next(iterates)
    monkeypatch.setattr("stylize.runtime.streaming.losses.StreamedLosses.evaluate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(iterates)
    assert hoard.snapshots[-1].standing.made == 3
    assert "mean" in hoard.snapshots[-1].state


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("at", "average"), [(5, 0.0), (6, 0.0), (6, 0.9)])
def test_an_interrupt_within_a_step_loses_no_step(
    moment: str,
    at: int,
    average: float,
    scene: Callable[[], Scene],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it comes before or after a graph runs, that of the losses or that of the step."""
    bind, runs = Program.bind, 0

    def bind_and_interrupt(program: Program, *given: Any, **named: Any) -> Callable[[], None]:
        run = bind(program, *given, **named)

        def counted() -> None:
            nonlocal runs
            runs += 1
            if runs == at + before and moment == "before":
                interrupt()
            run()
            if runs == at + before and moment == "after":
                interrupt()

        return counted

    options = replace(BRIEF, average=average)
    made, hoard = scene(), Hoard()
    expected = told(made.render(options))
    before = 0
    made.objective(options)  # targets are there: only steps follow
    monkeypatch.setattr(Program, "bind", bind_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        told(made.render(options, keeper=hoard))
    monkeypatch.undo()
    last = hoard.snapshots[-1]
    assert last.standing.made == (at - 1) // 2
    assert told(scene().render(options, resumed=last)) == expected[last.standing.made :]


def test_an_interrupt_between_two_scales_loses_none(
    scene: Callable[[], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(WHOLE, iterations=6, until=0.0)
    made, hoard = scene(), Hoard()
    expected = told(made.render(options))
    with monkeypatch.context() as changed:
        iterates = made.render(options, keeper=hoard)
        next(iterates)
        changed.setattr(Scene, "_search", interrupt)
        with pytest.raises(KeyboardInterrupt):
            told(iterates)
    hoard.interrupted()
    last = hoard.snapshots[-1]
    assert (last.standing.scale, last.standing.step, last.standing.iterations) == (1, 0, 3)
    assert told(scene().render(options, resumed=last)) == expected[3:]


def test_half_a_step_by_tiles_is_not_kept(
    scene: Callable[[], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written in place cannot be taken back: the step before is gone."""
    by_tiles(monkeypatch)
    hoard = Hoard()
    iterates = scene().render(BRIEF, keeper=hoard)
    next(iterates), next(iterates)
    monkeypatch.setattr("stylize.runtime.streaming.descent.LBFGS.move", interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(iterates)
    assert [each.standing.made for each in hoard.snapshots] == [1, 2]


def test_an_evaluation_by_tiles_may_be_interrupted(
    scene: Callable[[], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tiles(monkeypatch)
    hoard = Hoard()
    expected = told(scene().render(BRIEF))
    iterates = scene().render(BRIEF, keeper=hoard)
    next(iterates), next(iterates), next(iterates)
    with monkeypatch.context() as changed:
        changed.setattr("stylize.runtime.streaming.losses.StreamedLosses.evaluate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            next(iterates)
    assert [each.standing.made for each in hoard.snapshots] == [1, 2, 3, 3]
    assert told(scene().render(BRIEF, resumed=hoard.snapshots[-1])) == expected[3:]


def test_nothing_is_held_when_it_is_over(scene: Callable[[], Scene]) -> None:
    hoard = Hoard()
    told(scene().render(replace(BRIEF, iterations=2), keeper=hoard))
    assert hoard.look is nothing_yet
