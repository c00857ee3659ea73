"""The benchmarks run, at tiny sizes, and report what their README says; nothing is timed here.

Their contestants compute in this process, which imports torch once; test_workers.py has the others.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
from conftest import REPOSITORY
from every_provider import provider_or_skip
from PIL import Image
from typer.testing import CliRunner

from stylize.models.catalog import embedded_folder
from stylize.runtime.engine import choice

BENCHMARKS = REPOSITORY / "benchmarks"
MODEL = ("--model", str(embedded_folder()))
CONTESTANTS = ("ours", "torch_contiguous", "torch_channels_last", "floor")
EXTRAS = ("torch", "onnx", "safetensors")
GPU = (
    *("--provider", "cpu", "--check-size", "32x32", "--seconds", "0.01"),
    *("--compile-mode", "none", "--iterations", "2", "--run-size", "32"),
)
"""A dry run of what is meant for an NVIDIA GPU."""
ADJOINT_TOLERANCE = 1e-5
"""Relative, for sums of float32 products."""

needs_extras = pytest.mark.skipif(
    not all(map(find_spec, EXTRAS)), reason="comparing with torch needs the torch extra"
)

needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="a model is written with onnx")


def present(provider: str) -> bool:
    return f"{provider}ExecutionProvider" in onnxruntime.get_available_providers()


class Report(NamedTuple):
    """What a benchmark printed, and its JSON file."""

    table: str
    numbers: dict[str, Any]


@pytest.fixture(scope="module")
def reports(
    benchmarks: SimpleNamespace, no_processes: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Report]:
    """The comparisons with torch, their contestants in this process."""
    folder = tmp_path_factory.mktemp("reports")
    arguments = {"step": ("--repeats", "2"), "gpu": GPU, "memory": ()}
    reports = {}
    for name, more in arguments.items():
        file = folder / name
        given = [*MODEL, "--sizes", "48x32", *more, "--json", str(file)]
        table = finish(getattr(benchmarks, name), *given)
        reports[name] = Report(table, json.loads(file.read_text()))
    assert {path.name for path in folder.iterdir()} == set(arguments)
    return reports


@needs_extras
@pytest.mark.parametrize("name", ["step", "memory", "gpu"])
def test_reports_name_machine_and_versions(reports: dict[str, Report], name: str) -> None:
    assert "usable CPUs" in reports[name].numbers["machine"]
    assert set(reports[name].numbers["versions"]) == {"python", "stylize", "onnxruntime", "torch"}
    assert all(reports[name].numbers["versions"].values())


COLUMNS = {
    "step": "size ours torch contiguous torch channels_last floor best torch / ours ours / floor",
    "memory": "size formula ours, loaded ours, peak torch, loaded torch, peak torch layout "
    "torch / ours",
    "gpu": "size contestant precision evaluation update step overhead TFLOP/s "
    "of the matrix rate note",
}


@needs_extras
@pytest.mark.parametrize("name", COLUMNS)
def test_tables_have_the_columns_of_the_readme(reports: dict[str, Report], name: str) -> None:
    lines = [" ".join(line.split()) for line in reports[name].table.splitlines()]
    header = lines.index(COLUMNS[name])
    assert lines[header + 1].startswith("48x32 ")


@needs_extras
def test_step_reports_medians_and_ratios(reports: dict[str, Report]) -> None:
    assert set(reports["step"].numbers) == {"machine", "versions", "rows"}
    (row,) = reports["step"].numbers["rows"]
    assert row["size"] == "48x32"
    assert set(row["seconds"]) == set(CONTESTANTS)
    for name in CONTESTANTS:
        assert len(row["seconds"][name]) == 2
        assert row[f"{name}_s"] == pytest.approx(np.median(row["seconds"][name]))
    torch = min(row["torch_contiguous_s"], row["torch_channels_last_s"])
    assert row["torch_over_ours"] == pytest.approx(torch / row["ours_s"])
    assert row["ours_over_floor"] == pytest.approx(row["ours_s"] / row["floor_s"])


@needs_extras
def test_memory_reports_peaks_in_bytes(reports: dict[str, Report]) -> None:
    (row,) = reports["memory"].numbers["rows"]
    assert row["size"] == "48x32"
    for name in ("ours", "torch_contiguous", "torch_channels_last"):
        assert 1e6 < row[f"{name}_loaded_bytes"] <= row[f"{name}_peak_bytes"]
    smaller = row[f"{row['torch_layout']}_peak_bytes"]
    assert smaller == min(row["torch_contiguous_peak_bytes"], row["torch_channels_last_peak_bytes"])
    assert row["torch_over_ours"] == pytest.approx(smaller / row["ours_peak_bytes"])
    assert reports["memory"].numbers["ours_bytes_per_pixel"] is None, "one size has no slope"


@needs_extras
def test_gpu_reports_every_contestant(reports: dict[str, Report]) -> None:
    rows = {row["contestant"]: row for row in reports["gpu"].numbers["rows"]}
    assert set(rows) == {
        *("ours", "convolutions", "torch eager contiguous", "torch eager channels_last")
    }
    assert not any(row["failure"] for row in rows.values())
    assert set(rows["ours"]["seconds"]) == {"evaluation", "update", "step"}
    for row in rows.values():
        seconds = row["seconds"].get("step", row["seconds"]["evaluation"])
        rate = reports["gpu"].numbers["matrix_flop_s"][row["precision"]]
        assert row["matrix_share"] == pytest.approx(row["flop"] / seconds / rate)
    ours = rows["ours"]["seconds"]["step"]
    alone = rows["convolutions"]["seconds"]["evaluation"]
    assert rows["ours"]["overhead_s"] == pytest.approx(ours - alone)


@needs_extras
def test_gpu_makes_whole_pictures(reports: dict[str, Report]) -> None:
    (run,) = reports["gpu"].numbers["runs"]
    assert 0 < run["iterating"] < run["total"]
    assert any("start to file" in goal for goal in reports["gpu"].numbers["goals"])


@needs_extras
def test_large_has_every_contestant_beside_its_plan(
    benchmarks: SimpleNamespace,
    no_processes: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large, file = benchmarks.large, tmp_path / "large.jsonl"
    jobs: list[Any] = []

    def at_once(job: Any) -> dict[str, Any]:
        jobs.append(large.Job.decode(job.encode()))
        return dict(large.large_steps.do(jobs[-1]))

    monkeypatch.setattr(large, "fresh", at_once)
    monkeypatch.setattr(large.Pace, "seconds", lambda *_: 2.0)  # has tests of its own
    given = ("--sizes", "48x32", "--steps", "2", "--history", "3", "--json", str(file))
    table = finish(large, *MODEL, *given)
    assert " ".join(large.COLUMNS) in [" ".join(line.split()) for line in table.splitlines()]
    header, *rows = map(json.loads, file.read_text().splitlines())
    assert set(header) == {"machine", "versions"}
    assert [row["contestant"] for row in rows] == list(large.CONTESTANTS)
    assert not any("failure" in row for row in rows)
    whole, tiles, torch = rows
    assert (whole["plan"]["tile"], torch["plan"]) == (None, None)
    assert tiles["plan"]["tile"]
    for row in rows:
        assert row["size"] == "48x32"
        assert len(row["seconds"]) == 2
        assert row["seconds_a_pixel"] == pytest.approx(np.median(row["seconds"]) / (48 * 32))
        assert row["bytes_a_pixel"] == pytest.approx(row["peak_bytes"] / (48 * 32))
        assert row["expected_seconds"] == (None if row is torch else 2.0)


def test_large_goes_on_after_a_failure(
    benchmarks: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, file = benchmarks.large, tmp_path / "large.jsonl"
    monkeypatch.setattr(large.large_steps, "__file__", str(tmp_path / "none.py"))
    monkeypatch.setattr(large.Pace, "seconds", lambda *_: 2.0)
    given = ("--sizes", "48x32", "--contestants", "whole,tiles", "--json", str(file))
    table = finish(large, *MODEL, *given)
    assert "48x32, tiles: ended with code 2: " in table
    _, *rows = map(json.loads, file.read_text().splitlines())
    assert ["failure" in row for row in rows] == [True, True]


def test_startup_reports_version_and_first_iteration(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    file = tmp_path / "startup.json"
    arguments = (*MODEL, "--size", "32", "--repeats", "1", "--json", str(file))
    assert "first iteration" in finish(benchmarks.startup, *arguments)
    rows = json.loads(file.read_text())["rows"]
    assert [row["what"] for row in rows] == ["version", "first iteration"]
    assert all(row["seconds"] == [row["median_s"]] and row["median_s"] > 0 for row in rows)


def test_batch_reports_single_runs_and_batches(benchmarks: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "batch.json"
    few = ("--photos", "1", "--paintings", "1", "--size", "32", "--iterations", "2", "--jobs", "1")
    table = finish(benchmarks.batch, *MODEL, *few, "--json", str(file))
    report = json.loads(file.read_text())
    assert [row["way"] for row in report["rows"]] == ["1 single runs", "batch --jobs 1"]
    assert (report["size"], report["iterations"], report["pairs"]) == (32, 2, 1)
    assert "times as fast" in table


@needs_onnx
def test_compact_reports_shares_and_draws_a_sheet(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    """With the embedded model as its own judge: it recovers all of what it can."""
    for name in ("tuebingen_neckarfront.jpg", "starry_night.jpg"):
        pixels = np.random.default_rng(len(name)).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    arguments = [*MODEL, "--pictures", str(tmp_path), "--output", str(tmp_path / "out")]
    arguments += ["--size", "64", "--iterations", "12", "--pairs", "1"]
    table = finish(benchmarks.compact, *arguments, "--json", str(tmp_path / "json"))
    assert "compact recovers" in table
    report = json.loads((tmp_path / "json").read_text())
    (row,) = report["rows"]
    assert row["results"]["vgg19"]["loss"] == row["results"]["compact"]["loss"] < row["start"]
    assert report["median"]["compact"] == 1 > report["median"]["untrained"]
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(files) == 4
    assert files[0] == "sheet.jpg"
    for name, file in zip(sorted(row["results"]), files[1:], strict=True):
        assert file.startswith(f"tuebingen_neckarfront.starry_night.{name}-")
        assert file.endswith(".64px.12.cpu.npz")


@needs_onnx
def test_compact_names_a_picture_that_is_missing(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    errors = fail(benchmarks.compact, *MODEL, "--pictures", str(tmp_path))
    assert f"'{tmp_path}' has no tuebingen_neckarfront.jpg" in " ".join(errors.split())


@needs_extras
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*MODEL, "--sizes", "48x32,large"), "The size is 'large'"),
        ((*MODEL, "--sizes", "48x8"), "at least 16 pixels"),
        (("--model", "no-such-folder"), "There is no model 'no-such-folder'"),
        ((*MODEL, "--json", "no-such-folder/file.json"), "'no-such-folder/file.json' cannot be"),
    ],
)
def test_bad_input_ends_in_one_clear_line(
    benchmarks: SimpleNamespace, arguments: Sequence[str], message: str
) -> None:
    errors = fail(benchmarks.step, *arguments)
    assert message in errors
    assert len(errors.splitlines()) == 1


NEEDED = {
    **{"step": "torch", "memory": "torch", "bf16": "torch", "gpu": "onnx", "compact": "onnx"},
    "quality steps": "torch",
}
"""What each benchmark asks for first."""

WITHOUT_EXTRAS = f"""
import json, sys
sys.modules |= dict.fromkeys({EXTRAS})
sys.path.insert(0, {str(BENCHMARKS)!r})
from importlib import import_module
from typer.testing import CliRunner
for name in {tuple(NEEDED)}:
    module, *command = name.split()
    done = CliRunner().invoke(import_module(module).app, [*command, *{MODEL}])
    print(json.dumps([name, done.exit_code, done.stderr]))
"""


def test_missing_extras_are_named() -> None:
    """They are seen to be missing before anything imports them, in a Python that has none."""
    command = [sys.executable, "-c", WITHOUT_EXTRAS]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in found] == list(NEEDED)
    for name, code, errors in found:
        assert code > 0
        assert f"needs {NEEDED[name]}, which is not installed" in errors
        assert len(errors.splitlines()) == 1


def test_a_benchmark_is_a_command(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "compact.py"), *MODEL, "--pictures", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode > 0
    assert len(done.stderr.splitlines()) == 1


@needs_onnx
def test_floor_goes_back_by_the_adjoint_convolution(benchmarks: SimpleNamespace) -> None:
    from floor import add_chain

    from stylize.export.calculus.graph import Graph

    random = np.random.default_rng(0)
    kernel = random.standard_normal((4, 3, 3, 3), np.float32)
    graph = Graph()
    parameters = {"conv.weight": kernel, "conv.bias": np.zeros(4, np.float32)}
    add_chain(graph, ["conv"], parameters, (6, 8))
    graph.output("conv", "conv", (1, 4, 6, 8))
    session = onnxruntime.InferenceSession(graph.model("chain").SerializeToString())
    image = random.standard_normal((1, 3, 6, 8), np.float32)
    back, there = session.run(None, {"conv.input": image})
    # With K the convolution: x · KᵀK x = |K x|².
    assert np.vdot(image, back) == pytest.approx(np.vdot(there, there), rel=ADJOINT_TOLERANCE)


@pytest.mark.skipif(present("CUDA"), reason="there may be a GPU")
@needs_extras
def test_gpu_without_one_ends_in_one_clear_line(benchmarks: SimpleNamespace) -> None:
    errors = fail(benchmarks.gpu, *MODEL)
    assert "CUDAExecutionProvider" in errors
    assert len(errors.splitlines()) == 1


@needs_extras
def test_bf16_without_openvino_ends_in_one_clear_line(
    benchmarks: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda plugin: False)
    errors = fail(benchmarks.bf16, *MODEL)
    assert "its wheel onnxruntime-ep-openvino is missing" in errors
    assert len(errors.splitlines()) == 1


@needs_extras
def test_bf16_reports_ratios_and_final_losses(benchmarks: SimpleNamespace, tmp_path: Path) -> None:
    provider_or_skip("openvino", "bfloat16")
    file = tmp_path / "bf16.json"
    arguments = ("--sizes", "48x32", "--repeats", "2", "--iterations", "3", "--json", str(file))
    finish(benchmarks.bf16, *MODEL, *arguments)
    (row,) = json.loads(file.read_text())["rows"]
    ratio = row["ours_s"] / row["openvino_bfloat16_s"]
    assert row["float32_over_openvino"] == pytest.approx(ratio)
    assert len(row["off"]) == 3
    assert all(loss > 0 for loss in row["final_losses"].values())


def test_regions_reports_each_count(benchmarks: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "regions.json"
    table = finish(
        benchmarks.regions, *MODEL, "--sizes", "48x32", "--repeats", "3", "--json", str(file)
    )
    assert "2 regions" in table
    assert table.splitlines()[-2].endswith("4 / 0")
    (row,) = json.loads(file.read_text())["rows"]
    assert [len(seconds) for seconds in row["seconds"]] == [3, 3, 3, 3]


def finish(benchmark: Any, *arguments: str) -> str:
    done = CliRunner().invoke(benchmark.app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def fail(benchmark: Any, *arguments: str) -> str:
    done = CliRunner().invoke(benchmark.app, arguments)
    assert done.exit_code > 0, done.output
    return done.stderr
