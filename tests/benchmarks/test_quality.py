"""benchmarks/quality.py at tiny sizes: both sides minimise the same, and what is made of that."""

import json
from importlib.util import find_spec
from math import inf, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stylize.models.catalog import embedded_folder
from stylize.runtime import Model

MODEL = ("--model", str(embedded_folder()))

needs_extras = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "onnx", "safetensors"))),
    reason="comparing with torch needs the torch extra",
)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """A photo and a painting."""
    paths = [tmp_path / name for name in ("photo.png", "painting.png")]
    for seed, path in enumerate(paths):
        small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(small).resize((64, 48)).save(path)
    return paths


@pytest.fixture
def in_this_process(
    benchmarks: SimpleNamespace, no_processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the reference compute here, which imports torch only once."""
    import reference

    def run(task: Any, evaluations: int) -> float:
        reference.main(str(task.model), str(task.folder), str(evaluations))
        return 1000.0

    monkeypatch.setattr(benchmarks.contest, "run_reference", run)


@needs_extras
@pytest.mark.parametrize("preset", ["stylize", "johnson", "gatys-code"])
def test_both_begin_with_the_same_loss_and_go_down(
    benchmarks: SimpleNamespace,
    in_this_process: None,
    pictures: list[Path],
    tmp_path: Path,
    preset: str,
) -> None:
    """The reference stops if not; here it is as near as float32 lets it be."""
    (tmp_path / "contest").mkdir()
    contest = benchmarks.contest.Contest(
        Model.open(embedded_folder(), "cpu"), pictures, preset, "noise", 48, tmp_path / "contest"
    )
    made, ours = contest.reference(6), contest.single_scale(6)
    losses = made.curve.losses
    assert losses[0] == pytest.approx(ours[0], rel=benchmarks.contest.SAME)
    assert len(losses) == len(ours) == 6
    assert min(losses) < losses[0]
    assert min(ours) < ours[0]
    assert contest.objective(made.pixels).total == pytest.approx(min(losses), rel=1e-3)


@needs_extras
def test_another_objective_is_found_out(
    benchmarks: SimpleNamespace, in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stylize.models.errors import VerificationError

    with pytest.raises(VerificationError, match="minimises something else"):
        benchmarks.contest._check(1.0, 1.01)
    with pytest.raises(VerificationError):
        benchmarks.contest._check(nan, 1.0)


@needs_extras
def test_whole_pictures_are_compared(
    benchmarks: SimpleNamespace, in_this_process: None, pictures: list[Path], tmp_path: Path
) -> None:
    arguments = [*map(str, pictures), *MODEL, "--size", "32", "--evaluations", "3"]
    arguments += ["--iterations", "4", "--output", str(tmp_path / "results")]
    arguments += ["--plot", str(tmp_path / "plot.svg"), "--json", str(tmp_path / "json")]
    table = finish(benchmarks.quality, "whole", *arguments)
    assert "torch / ours" in table
    (row,) = json.loads((tmp_path / "json").read_text())["rows"]
    assert row["contest"] == "photo + painting, 32 px, stylize, from photo"
    assert row["torch"]["seconds"][-1] == pytest.approx(1000), "the whole process"
    assert len(row["ours"]["losses"]) == 4
    assert row["last_loss"] == row["ours"]["losses"][-1] / min(row["torch"]["losses"])
    results = sorted(path.name for path in (tmp_path / "results").iterdir())
    name = "photo.painting.32.stylize.photo"
    assert results == [f"{name}.ours.png", f"{name}.torch.png"]
    assert len(curves_of((tmp_path / "plot.svg").read_text())) == 2


@needs_extras
def test_first_losses_are_compared(
    benchmarks: SimpleNamespace, in_this_process: None, pictures: list[Path], tmp_path: Path
) -> None:
    arguments = [*map(str, pictures), *MODEL, "--size", "32", "--preset", "stylize"]
    arguments += ["--start", "noise", "--json", str(tmp_path / "json")]
    table = finish(benchmarks.quality, "steps", *arguments)
    (row,) = json.loads((tmp_path / "json").read_text())["rows"]
    assert row["ratios"]["20"] == min(row["ours"][:20]) / min(row["torch"][:20])
    assert f"after 20: median {row['ratios']['20']:.3f}" in table


@needs_extras
def test_scales_are_compared(
    benchmarks: SimpleNamespace,
    pictures: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = benchmarks.contest.Contest.run

    def short(contest: Any, *given: str) -> Any:
        return run(contest, *given, *([] if "--iterations" in given else ["--iterations", "5"]))

    monkeypatch.setattr(benchmarks.contest.Contest, "run", short)
    arguments = [*map(str, pictures), *MODEL, "--size", "32", "--iterations", "3"]
    table = finish(benchmarks.quality, "scales", *arguments, "--json", str(tmp_path / "json"))
    assert "coarse to fine" in table
    (row,) = json.loads((tmp_path / "json").read_text())["rows"]
    # At 32 px there is one scale, and more iterations of it.
    assert row["fine"]["losses"][:3] == pytest.approx(row["single"]["losses"], rel=1e-3)


@needs_extras
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photo.png",), "There are 1 pictures. Give a painting for each photo."),
        (("photo.png", "none.png"), "There is no picture 'none.png'"),
        (("--start", "grey"), "The start is 'grey'; it can be photo or noise."),
        (("--preset", "monet"), "There is no preset 'monet'"),
    ],
)
def test_bad_input_ends_in_one_clear_line(
    benchmarks: SimpleNamespace, pictures: list[Path], arguments: tuple[str, ...], message: str
) -> None:
    done = CliRunner().invoke(benchmarks.quality.app, ["steps", *MODEL, *arguments])
    assert done.exit_code > 0
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_curve_tells_when_a_loss_was_reached(benchmarks: SimpleNamespace) -> None:
    curve = benchmarks.curves.curve_of(13.0, [1.0, 2.0, 3.0, 4.0], [8.0, nan, 5.0, 6.0])
    assert curve.seconds == [10.0, 11.0, 12.0, 13.0], "9 seconds go by around the evaluations"
    assert curve.time_to(7.0) == curve.time_to(5.0) == 12.0
    assert curve.time_to(4.9) == inf
    assert curve.lowest() == 5.0
    assert curve.lowest(2) == 8.0


def test_times_are_those_to_5_percent_above_the_reference(benchmarks: SimpleNamespace) -> None:
    curve = benchmarks.curves.Curve
    torch = curve([10.0, 20.0, 30.0, 40.0], [50.0, 10.6, 10.4, 10.0])
    row = benchmarks.standings.Whole("made up", curve([3.0, 5.0], [10.5, 9.0]), torch, {})
    assert row.seconds == (3.0, 30.0)
    assert row.faster == 10.0
    assert row.last_loss == 0.9
    never = benchmarks.standings.Whole("made up", curve([3.0], [10.6]), torch, {})
    assert never.faster == 0
    assert "never" in never.cells()
    assert never.entry()["seconds"] == {"ours": None, "torch": 30.0}


def test_coarse_to_fine_is_timed_to_the_single_scales_lowest_loss(
    benchmarks: SimpleNamespace,
) -> None:
    curve = benchmarks.curves.Curve
    single = curve([1.0, 2.0, 3.0], [9.0, 4.0, 5.0])
    assert benchmarks.standings.Scales("", single, curve([0.5, 1.0], [4.5, 4.0])).faster == 2.0


def test_the_last_scale_alone_counts(benchmarks: SimpleNamespace) -> None:
    sizes = [(16, 12), (32, 24), (32, 24)]
    trace = [
        {"seconds": float(second), "width": width, "height": height, "total": 9.0 - second}
        for second, (width, height) in enumerate(sizes, start=1)
    ]
    run = benchmarks.whole_run.TracedRun(5.0, trace)
    assert benchmarks.quality.last_scale(run) == benchmarks.curves.Curve([4.0, 5.0], [7.0, 6.0])


def test_plots_are_svg_with_a_curve_for_each(benchmarks: SimpleNamespace) -> None:
    curve, panel = benchmarks.curves.Curve, benchmarks.plot.Panel
    rising = curve([1.0, 2.0, 3.0, 4.0], [1e6, 20.0, 30.0, nan])
    falling = curve([1.0, 3.0], [12.0, 10.0])
    drawn = benchmarks.plot.draw([panel("A < B", {"one": rising, "two": falling}, 10.5)] * 4)
    points = curves_of(drawn)
    assert len(points) == 8
    assert len(points[0]) == 3, "the first loss is too high"
    assert len({y for _, y in points[0]}) == 1, "the lowest so far"
    assert points[1][1] == max(points[1]), "later is further right"
    assert points[1][1][1] > points[1][0][1], "lower is further down"


def curves_of(svg: str) -> list[list[tuple[float, float]]]:
    lines = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}polyline")
    return [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in lines
    ]


def finish(benchmark: Any, *arguments: str) -> str:
    done = CliRunner().invoke(benchmark.app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout
