"""The modules of benchmarks/, which lie in no package, and workers that need no process."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"


@pytest.fixture(scope="session")
def benchmarks() -> Iterator[SimpleNamespace]:
    """All modules that need neither torch nor onnx, by name."""
    late = {"floor", "reference", "torch_step", "untrained"}
    names = {path.stem for path in BENCHMARKS.glob("*.py")} - late
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield SimpleNamespace(**{name: import_module(name) for name in sorted(names)})


class InThisProcess:
    """Stands in for a worker's process: the same lines, and torch is imported only once."""

    def __init__(self, server: Any) -> None:
        self.stdin = self.stdout = self
        self._server = server
        self._answers: deque[str] = deque()

    def write(self, line: bytes) -> None:
        self._answers.append(self._server.answer(line.decode()))

    def readline(self) -> bytes:
        return self._answers.popleft().encode()


@pytest.fixture(scope="module")
def no_processes(benchmarks: SimpleNamespace) -> Iterator[None]:
    """Let contestants compute in this process, torch with one thread, and leave torch as it was."""
    import torch
    import torch_step

    workers = benchmarks.workers

    @contextmanager
    def running(contestant: Any, limit: float | None = None) -> Iterator[Any]:
        process = InThisProcess(workers.Server(contestant))
        yield workers.Worker(contestant, process, BytesIO(), limit)

    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for module in (benchmarks.turns, benchmarks.measuring, benchmarks.memory):
            patch.setattr(module, "running", running)
        patch.setattr(torch_step, "usable_cpus", lambda: 1)
        yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
