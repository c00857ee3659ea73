"""Contestants in processes of their own, and what becomes of those that fail."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stylize.models.catalog import embedded_folder
from stylize.models.errors import StylizeError
from stylize.runtime import Model

needs_extras = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "safetensors"))),
    reason="graphs of products alone are written with onnx",
)

SIZE = (48, 32)
LARGE = (2000, 1000)
"""Of an image of which all contestants may not fit in memory together."""


@pytest.fixture(scope="module")
def case(benchmarks: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Any:
    model = Model.open(embedded_folder(), "cpu")
    return benchmarks.case.prepare(model, SIZE, tmp_path_factory.mktemp("case"))


@needs_extras
@pytest.mark.parametrize("said", [SIZE, LARGE], ids=["kept", "fresh"])
def test_contestants_take_turns(
    benchmarks: SimpleNamespace, case: Any, said: tuple[int, int]
) -> None:
    names, checks = ("ours", "floor"), []
    case.result("ours").unlink(missing_ok=True)

    def check() -> None:
        checks.append(benchmarks.case.load_result(case.result("ours"))[1].shape)

    seconds = benchmarks.turns.time_in_turns(case, names, said, 2, check)
    assert checks == [(1, 3, *SIZE[::-1])], "once, when each has computed"
    assert list(seconds) == list(names)
    assert all(len(times) == 2 and min(times) > 0 for times in seconds.values())
    assert not case.result("floor").exists(), "it has no result"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's memory")
def test_memory_is_that_of_the_process(benchmarks: SimpleNamespace, case: Any) -> None:
    ballast = np.ones(2**28, np.uint8)
    with benchmarks.workers.running(benchmarks.contestants.CONTESTANTS["ours"]) as worker:
        worker.load(case)
        usage = benchmarks.memory.usage_of(worker)
    assert 1e6 < usage.loaded <= usage.peak < ballast.nbytes


@needs_extras
@pytest.mark.skipif(sys.platform == "darwin", reason="CoreML may be there")
def test_a_failing_process_is_reported_for_every_size(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    case = benchmarks.case.Case(embedded_folder(), tmp_path)
    contestant = benchmarks.contestants.Contestant("matrix", "coreml", "float32")
    found = [*benchmarks.measuring.measure(contestant, case, [case, case], 0.01, 60.0)]
    assert len(found) == 3
    assert found[0].failure is None, "a matrix product is compared with nothing"
    assert all("CoreMLExecutionProvider" in measured.failure for measured in found[1:])


def test_a_hanging_process_is_killed(benchmarks: SimpleNamespace, tmp_path: Path) -> None:
    case = benchmarks.case.Case(embedded_folder(), tmp_path)
    contestant = benchmarks.contestants.Contestant("ours")
    found = [*benchmarks.measuring.measure(contestant, case, [case], 0.01, 0.0)]
    assert [measured.failure for measured in found] == ["took longer than 0 s"] * 2


@needs_extras
def test_a_case_that_fails_leaves_the_next_alone(
    benchmarks: SimpleNamespace, tmp_path: Path
) -> None:
    cases = [benchmarks.case.Case(embedded_folder(), tmp_path / name) for name in ("none", "one")]
    (tmp_path / "one").mkdir()
    contestant = benchmarks.contestants.Contestant("matrix")
    _, fails, works = benchmarks.measuring.measure(contestant, cases[1], cases, 0.01, 60.0)
    assert "FileNotFoundError" in fails.failure
    assert works.failure is None
    assert works.seconds["evaluation"] > 0


def test_the_end_of_a_process_is_told(benchmarks: SimpleNamespace) -> None:
    contestant = benchmarks.contestants.Contestant("ours")
    with benchmarks.workers.running(contestant) as worker:
        worker._process.kill()
        with pytest.raises(StylizeError, match="The process of 'ours' ended with code"):
            worker.ask("step")
