"""A studio that is killed and started again, and one for others: a process of its own each."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from studio_visitor import Visitor

pytestmark = pytest.mark.tools

COMMAND = (sys.executable, "-m", "stylize.cli", "studio", "--no-browser")
OPTIONS = ("--model", "compact", "--provider", "cpu", "--threads", "1")


@contextmanager
def started(*more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a studio; give the process and the address that it prints."""
    with subprocess.Popen(
        [*COMMAND, *OPTIONS, "--gallery", "gallery", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()


def test_the_page_tells_of_a_killed_studio_and_goes_on_with_the_next(
    visitor: Visitor, files: tuple[Path, Path]
) -> None:
    with started("--port", "0") as (process, address):
        visitor.open(address)
        visitor.drop("#photo-frame", files[0])
        visitor.drop("#paintings-frame", files[1])
        visitor.write(size=64, iterations=9000)
        visitor.press("Start")
        visitor.until_read("#job-state", "Painting")
        process.send_signal(signal.SIGKILL)
        visitor.until_read("#gallery-error", "The studio does not answer.")
    (port,) = re.findall(r":(\d+)/", address)
    with started("--port", port):
        visitor.until_read("#job-state", "Stopped")
        visitor.until(lambda: not visitor.one("#gallery-error").is_displayed())
        visitor.press("Go on")
        visitor.until_read("#job-state", "Painting")
    visitor.complaints()


def test_a_token_lets_a_browser_in(visitor: Visitor) -> None:
    with started("--port", "0", "--host", "0.0.0.0") as (_, printed):
        address, token = printed.split("?token=")
        address = address.replace("0.0.0.0", "127.0.0.1")
        visitor.driver.get(address)
        assert "The token is missing" in visitor.text("body")
        visitor.open(f"{address}?token={token}")
        assert token not in visitor.driver.current_url
        assert "compact" in visitor.text("#about")
    visitor.complaints()
