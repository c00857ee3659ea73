"""What benchmarks/gpu.py plans to measure and makes of what it finds; no GPU is needed."""

from math import nan
from types import SimpleNamespace
from typing import get_args

import pytest

from stylize.runtime.providers.table import Precision

SIZE = (1024, 1024)


def test_the_plan_has_each_precision_with_and_without_cuda_graphs(
    benchmarks: SimpleNamespace,
) -> None:
    plan = benchmarks.contestants.plan("cuda", "reduce-overhead")
    ours = {(v.precision, v.cuda_graph) for v in plan if v.kind == "ours"}
    assert ours == {(p, graph) for p in ("float32", "tf32", "float16") for graph in (False, True)}
    assert len({v for v in plan if v.kind == "torch" and v.compile_mode}) == 3
    assert len({v for v in plan if v.kind == "torch" and not v.compile_mode}) == 6
    assert not any(v.compile_mode or v.cuda_graph for v in plan if v.essential)
    assert [benchmarks.contestants.Contestant.decode(v.encode()) for v in plan] == plan
    assert not any(v.compile_mode for v in benchmarks.contestants.plan("cuda", None))
    # Said either way: what is left out is the provider's default.
    recording = {v.options["enable_cuda_graph"] for v in plan if v.cuda_graph}
    others = {v.options["enable_cuda_graph"] for v in plan if not v.cuda_graph}
    assert (recording, others) == ({"1"}, {"0"})
    assert not any(v.options for v in benchmarks.contestants.plan("cpu", None))


def test_only_what_rounding_explains_is_accepted(benchmarks: SimpleNamespace) -> None:
    difference = benchmarks.agreement.Difference
    assert difference(1e-5, 1e-4).complaint("float32") is None
    assert difference(9e-3, 4e-2).complaint("float16") is None
    for loss, gradient in ((1e-3, 0.0), (0.0, 1e-2), (nan, 0.0), (0.0, nan)):
        assert difference(loss, gradient).complaint("float32")
    assert difference(9e-2, 1.4e-1).complaint("bfloat16") is None
    assert difference(9e-2, 1.6e-1).complaint("bfloat16")
    assert benchmarks.agreement.TOLERANCES.keys() == set(get_args(Precision))


def test_goals_are_met_missed_or_not_measured(benchmarks: SimpleNamespace) -> None:
    contestant, measured = benchmarks.contestants.Contestant, benchmarks.measuring.Measured
    ours = contestant("ours", "cuda", "float16")
    graph = contestant("ours", "cuda", "float16", cuda_graph=True)
    alone = contestant("convolutions", "cuda", "float16")
    eager = contestant("torch", "cuda", "float16")
    compiled = contestant("torch", "cuda", "float16", compile_mode="reduce-overhead")
    times = {"evaluation": 0.010, "update": 0.002, "step": 0.012}
    found = benchmarks.findings.Findings({SIZE: 12 * 10**9})
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
    found.runs[ours] = benchmarks.whole_run.WholeRun(total=2.5, iterating=0.75)

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
