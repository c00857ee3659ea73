"""``stylize studio``: opened, ended, killed; it keeps what there is."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

for package in ("starlette", "uvicorn", "python_multipart"):
    pytest.importorskip(package, reason="the studio needs its extra")

from open_studio import opened
from studio_client import Client

from stylize.cli.app import app

FAILURE, USAGE = 1, 2
LONG = {"size": 48, "scales": 1, "iterations": 5000}
COMMAND = [
    *(sys.executable, "-m", "stylize", "studio", "--no-page", "--json", "--port", "0"),
    *("--gallery", "gallery", "--model", "compact", "--provider", "cpu", "--threads", "1"),
]


@contextmanager
def process(*more: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """Run the command until it is ended."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *more], stdout=pipe, stderr=pipe, text=True) as found:
        assert found.stdout
        assert found.stderr
        try:
            line = found.stdout.readline()
            assert line, found.stderr.read()
            told = json.loads(line)
            yield found, Client(told["address"], told["token"])
        finally:
            found.kill()


def test_ctrl_c_keeps_the_picture_and_ends_it_cleanly() -> None:
    with process() as (studio, client):
        name = client.start(**LONG)
        client.begun(name)
        studio.send_signal(signal.SIGINT)
        _, told = studio.communicate(timeout=60)
        assert studio.returncode == 0, told
        assert "Traceback" not in told
    with opened(Path("gallery"), workers=0) as client:
        job = client.job(name)
    assert (job["state"], job["picture"], job["resumable"]) == ("stopped", True, True)
    assert Path("gallery", "jobs", name, "picture.png.checkpoint").exists()


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has SIGKILL")
def test_killed_it_loses_nothing() -> None:
    with process() as (studio, client):
        names = [client.start(**LONG), client.start(size=48, scales=1, iterations=2)]
        before = client.begun(names[0])["progress"]["iteration"]
        studio.kill()
        studio.wait()
        with process() as (_, client):  # what painted may still be saving
            running, waiting = (client.job(name) for name in names)
            assert (running["state"], running["picture"]) == ("stopped", True)
            assert running["progress"]["iteration"] >= before
            assert running["resumable"]
            assert waiting["state"] in ("queued", "running", "done")
            assert client.ended(names[1])["state"] == "done"
            assert client.ask("POST", f"/api/jobs/{names[0]}/resume").status == 202
            made = running["progress"]["iteration"]
            client.wait(names[0], lambda job: job["progress"]["iteration"] > made)
            assert client.job(names[0])["state"] == "running"


def test_a_second_one_is_told_of_the_first() -> None:
    with process() as (_, client):
        second = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60)
    assert (second.returncode, second.stdout) == (FAILURE, "")
    expected = f"Another studio has the gallery 'gallery' open at http://127.0.0.1:{client.port}/."
    assert second.stderr.startswith(f"Error: {expected} Use that one, ")


def test_the_report_is_of_the_schema() -> None:
    from importlib.resources import files

    schema = json.loads((files("stylize.cli") / "reports.schema.json").read_text("utf-8"))
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "--host", "0.0.0.0"], stdout=pipe, text=True) as studio:
        assert studio.stdout
        line = studio.stdout.readline()
        studio.terminate()
        assert studio.wait() == 0
    jsonschema.Draft202012Validator(schema).validate(json.loads(line))
    found = json.loads(line)
    assert found["report"] == "studio"
    assert len(found["token"]) >= 32


def stylize(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["studio", *arguments])
    return result.exit_code, result.stderr


def test_what_it_cannot_do_is_told(tmp_path: Path) -> None:
    code, told = stylize("--token", "secret")
    assert (code, told[:40]) == (USAGE, "Error: The token has 6 characters, which")
    code, told = stylize("--port", "65536")
    assert (code, told) == (USAGE, "Error: The port is 65536; it must be from 0 to 65535.\n")
    here = ("--model", "compact", "--provider", "cpu", "--no-page")
    code, told = stylize("--host", "192.0.2.1", *here)
    assert (code, told[:49]) == (USAGE, "Error: Nothing can listen at 192.0.2.1, port 8765")
    (tmp_path / "file").write_text("")
    code, told = stylize("--gallery", "file", *here)
    assert (code, told[:45]) == (FAILURE, "Error: The gallery 'file' cannot be used: Fil")


def test_without_its_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in [name for name in sys.modules if name.startswith("stylize.studio.serving")]:
        monkeypatch.delitem(sys.modules, name)
    code, told = stylize("--no-page")
    assert code == FAILURE
    assert "The studio needs a package that is not installed: uvicorn. Install it: pip" in told
