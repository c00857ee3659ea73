"""What benchmarks/gpu.py makes of what it measures, and of what fails; no GPU is needed."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY

from stylize.models.catalog import embedded_folder

pytestmark = pytest.mark.skipif(find_spec("onnx") is None, reason="the floor is built with onnx")

SIZE = (1024, 1024)


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules, which lie in no package."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import case
    import device_worker
    import findings
    import variants
    import whole_run

    return SimpleNamespace(
        Case=case.Case,
        Findings=findings.Findings,
        Measured=device_worker.Measured,
        Variant=variants.Variant,
        WholeRun=whole_run.WholeRun,
        measure=device_worker.measure,
        plan=variants.plan,
    )


def test_the_plan_has_each_precision_with_and_without_cuda_graphs(
    benchmarks: SimpleNamespace,
) -> None:
    plan = benchmarks.plan("cuda", "reduce-overhead")
    ours = {(v.precision, v.cuda_graph) for v in plan if v.kind == "ours"}
    assert ours == {(p, graph) for p in ("float32", "tf32", "float16") for graph in (False, True)}
    assert len({v for v in plan if v.kind == "torch" and v.compile_mode}) == 3
    assert len({v for v in plan if v.kind == "torch" and not v.compile_mode}) == 6
    assert not any(v.compile_mode or v.cuda_graph for v in plan if v.essential)
    assert [benchmarks.Variant.decode(v.encode()) for v in plan] == plan
    assert not any(v.compile_mode for v in benchmarks.plan("cuda", None))


@pytest.mark.skipif(sys.platform == "darwin", reason="CoreML may be there")
def test_a_failing_process_is_reported_for_every_size(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    case = benchmarks.Case(embedded_folder(), tmp_path)
    variant = benchmarks.Variant("matrix", "coreml", "float32")
    found = [*benchmarks.measure(variant, case, [case, case], 0.01, 60.0)]
    assert len(found) == 3
    assert found[0].failure is None, "a matrix product is compared with nothing"
    assert all("CoreMLExecutionProvider" in measured.failure for measured in found[1:])


def test_a_hanging_process_is_killed(benchmarks: SimpleNamespace, tmp_path: Path) -> None:
    case = benchmarks.Case(embedded_folder(), tmp_path)
    variant = benchmarks.Variant("matrix", "cpu", "float32")
    found = [*benchmarks.measure(variant, case, [case], 0.01, 0.0)]
    assert [measured.failure for measured in found] == ["took longer than 0 s"] * 2


def test_goals_are_met_missed_or_not_measured(benchmarks: SimpleNamespace) -> None:
    variant, measured = benchmarks.Variant, benchmarks.Measured
    ours = variant("ours", "cuda", "float16")
    graph = variant("ours", "cuda", "float16", cuda_graph=True)
    alone = variant("convolutions", "cuda", "float16")
    eager = variant("torch", "cuda", "float16")
    compiled = variant("torch", "cuda", "float16", compile_mode="reduce-overhead")
    times = {"evaluation": 0.010, "update": 0.002, "step": 0.012}
    found = benchmarks.Findings({SIZE: 12 * 10**9})
    found.measured.update(
        {
            (SIZE, ours): measured(times),
            (SIZE, graph): measured(failure="cannot be recorded"),
            (SIZE, alone): measured({"evaluation": 0.008}),
            (SIZE, eager): measured({"evaluation": 0.025}),
            (SIZE, compiled): measured({"evaluation": 0.009}),
        }
    )
    found.matrix["float16"] = 1.5e12
    found.runs[ours] = benchmarks.WholeRun(total=2.5, iterating=0.75)

    assert found.overhead(SIZE, ours) == pytest.approx(0.004)
    assert found.share(SIZE, ours) == pytest.approx(12e9 / 0.012 / 1.5e12)
    assert found.share(SIZE, graph) is None
    assert any(row[-1] == "cannot be recorded" for row in found.cells())
    assert list(found.goals()) == [
        "met: a picture's iterations in under 1 s (0.75 s)",
        "missed: a picture, start to file, in under 1 s (2.5 s)",
        "met: float16: an evaluation 2 times as fast as PyTorch eager (2.5 times)",
        "missed: float16: an evaluation 1.1 times as fast as PyTorch compiled (0.9 times)",
        "met: float16: 50% of the matrix rate at 1024x1024 (0.667)",
    ]
    found.matrix.clear()
    assert list(found.goals())[-1].startswith("not measured: ")
