"""``--cluster``: what is refused, what is missing, and what a plan tells of workers."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("onnxruntime", reason="plans for its providers")

from stylize.cli.app import app
from stylize.models.errors import OptionError
from stylize.runtime.checks import forecast, pace
from stylize.runtime.engine.machine import Machine, parse_cluster

SUCCESS, FAILURE, USAGE = 0, 1, 2
GIGABYTE = 10**9


class Workers:
    """Two, with much memory; small pictures are shared, too."""

    def workers_for(self, size: tuple[int, int]) -> int:
        return 2

    def memory_to_spare(self) -> int:
        return 8 * GIGABYTE


@pytest.fixture
def stylize(picture: Callable[..., Path]) -> Callable[..., Result]:
    """Run a command on two pictures."""
    pictures = str(picture("photo.png")), str(picture("painting.png", seed=1))

    def run(command: str, *options: str) -> Result:
        return CliRunner().invoke(app, [command, *pictures, "--model", "compact", *options])

    return run


@pytest.mark.parametrize("text", ["1", "256", "tcp://10.0.0.1:8786", "tls://host:1", " 4 "])
def test_numbers_and_addresses_are_taken(text: str) -> None:
    assert Machine(cluster=parse_cluster(text)).cluster == text.strip()


@pytest.mark.parametrize("text", ["", "0", "-1", "257", "two", "host:8786", "tcp://", "٣", "1.5"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"is no cluster; write the address of its scheduler"):
        parse_cluster(text)


def test_without_dask_the_extra_is_told(
    stylize: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stylize.runtime.cluster.connection", None)
    result = stylize("run", "--cluster", "2", "-o", "out.png")
    assert result.exit_code == FAILURE
    assert "needs Dask, which is not installed. Install the extra: " in result.stderr
    assert "cluster" in result.stderr.splitlines()[-1]
    assert not Path("out.png").exists()


def test_a_plan_tells_what_each_worker_takes(
    stylize: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "connect", lambda where: Workers())
    monkeypatch.setattr(forecast, "is_present", lambda provider: provider.name == "cpu")
    monkeypatch.setattr(
        pace.Pace, "_measure", lambda self, plan, size: pace.Seconds((192, 256), 1.0, 0.1)
    )
    size = "--size", "2000", "--scales", "1"
    told = stylize("plan", *size, "--cluster", "2")
    assert told.exit_code == SUCCESS, told.output
    assert "tiles 256x128 on 2 workers" in told.stdout
    assert "Memory and disk are those of each worker." in " ".join(told.stdout.split())
    shared, alone = (
        json.loads(stylize("plan", *size, "--json", *more).stdout)["providers"][0]["scales"][0]
        for more in (("--cluster", "2"), ("--memory", "2GB"))
    )
    assert (shared["workers"], alone["workers"]) == (2, 0)
    assert shared["seconds_a_step"] == pytest.approx(alone["seconds_a_step"] / 2, rel=0.1)
    assert shared["memory_bytes"] < 0.7 * alone["memory_bytes"]
