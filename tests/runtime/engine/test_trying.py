"""A provider is tried with bare graphs: twice each, without pictures and without the method."""

import subprocess
import sys
from dataclasses import replace

import pytest

pytest.importorskip("onnxruntime", reason="tries its providers")

from stylize.models.errors import ProviderError
from stylize.runtime.engine.choice import try_provider
from stylize.runtime.engine.program import Program
from stylize.runtime.providers.table import configure

ALONE = """
import sys
from stylize.runtime.engine.choice import try_provider
from stylize.runtime.providers.table import configure
try_provider(configure("cpu"))
print(*(name for name in sys.modules if name.startswith(("PIL", "stylize.runtime.method"))))
"""


def test_it_knows_nothing_of_pictures() -> None:
    finished = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.split() == []


def test_each_graph_runs_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[int, int]] = []
    bind = Program.bind

    def bind_and_count(self: Program, *tensors: object) -> object:
        run = bind(self, *tensors)  # type: ignore[arg-type]
        number = len(runs)
        runs.append((number, 0))

        def count() -> None:
            run()
            runs[number] = number, runs[number][1] + 1

        return count

    monkeypatch.setattr(Program, "bind", bind_and_count)
    try_provider(configure("cpu"))
    assert runs == [(0, 2), (1, 2)]


def test_an_option_that_was_given_is_to_blame() -> None:
    wrong = replace(configure("cpu"), onnxruntime_name="None", given={"speed": "high"})
    with pytest.raises(ProviderError, match="does not work with --provider-option speed=high"):
        try_provider(wrong)
