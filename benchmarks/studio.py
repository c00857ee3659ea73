"""Many clients of one studio: how soon it answers while it takes jobs in and paints.

``python benchmarks/studio.py --model compact``; README.md says what the rows mean.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from math import ceil
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from report import JsonOption, ModelOption, check_output, command_of, show, write_json
from startup import EXAMPLES, find_program

from stylize.models.errors import StylizeError

BOUNDARY = "----------------stylize"
PAUSE = 0.05
"""Seconds between two questions of whoever looks at the page meanwhile."""
WATCHED = ("/api/health", "/api/jobs?limit=50", "/")
PATIENCE = 60.0

JobsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Pictures that are asked for.")]
ClientsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Who asks at once.")]
SizeOption = Annotated[int, typer.Option(min=32, metavar="PIXELS", help="Size of each picture.")]
IterationsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Iterations of each.")]


@dataclass
class Times:
    """Seconds that answers took, by what was asked for."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def take(self, what: str, seconds: float) -> None:
        """Take one."""
        self.seconds.setdefault(what, []).append(seconds)


class Client:
    """Asks one studio, over one connection that stays."""

    def __init__(self, address: str, times: Times) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
        self._times = times

    def ask(self, what: str, method: str, path: str, body: bytes = b"", type_: str = "") -> Any:
        """Ask, take the time, and return what JSON says; raise StylizeError if it is refused."""
        begun = time.perf_counter()
        self._connection.request(method, path, body, {"Content-Type": type_} if type_ else {})
        answer = self._connection.getresponse()
        told = answer.read()
        self._times.take(what, time.perf_counter() - begun)
        if answer.status >= 300:
            raise StylizeError(f"{method} {path} was answered with {answer.status}: {told[:200]!r}")
        return json.loads(told) if answer.headers["Content-Type"] == "application/json" else told


def main(
    model: ModelOption = "compact",
    jobs: JobsOption = 200,
    clients: ClientsOption = 20,
    size: SizeOption = 64,
    iterations: IterationsOption = 10,
    json_file: JsonOption = None,
) -> None:
    """Ask for many pictures at once, and see how soon each question is answered."""
    check_output(json_file)
    body = form(size, iterations)
    times = Times()
    with tempfile.TemporaryDirectory() as folder, opened(folder, model) as (address, process):
        before = memory_of(process)
        with watching(address, times):
            begun = time.perf_counter()
            names = posted(address, times, jobs, clients, body)
            taken = time.perf_counter() - begun
            ended = wait(address, names)
            done = time.perf_counter() - begun
        after = memory_of(process)
    rows = [
        {"what": what, "answers": len(found), "seconds": found}
        for what, found in times.seconds.items()
    ]
    columns = ("what", "answers", "median", "95 %", "99 %", "slowest")
    show(columns, [[row["what"], str(row["answers"]), *shown(row["seconds"])] for row in rows])
    typer.echo(
        f"{jobs} jobs by {clients} clients were taken in {taken:.1f} s and done in {done:.0f} s: "
        f"{ended.count('done')} are done, {len({*names})} ids. "
        f"Memory of the studio: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB at most."
    )
    write_json(json_file, rows, taken=taken, done=done, memory=(before, after), jobs=len(ended))


def shown(seconds: Sequence[float]) -> Iterator[str]:
    """Yield the median, two percentiles and the slowest in words."""
    ranked = sorted(seconds)
    for part in (0.5, 0.95, 0.99, 1.0):
        yield f"{1000 * ranked[ceil(part * len(ranked)) - 1]:.1f} ms"


def form(size: int, iterations: int) -> bytes:
    """Return a job as it is sent."""
    parts = [
        ('name="photo"; filename="photo.jpg"', (EXAMPLES / "photo.jpg").read_bytes()),
        ('name="painting"; filename="painting.jpg"', (EXAMPLES / "painting.jpg").read_bytes()),
        ('name="size"', str(size).encode()),
        ('name="iterations"', str(iterations).encode()),
    ]
    found = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for head, content in parts
    )
    return found + f"--{BOUNDARY}--\r\n".encode()


@contextmanager
def opened(folder: str, model: str) -> Iterator[tuple[str, int]]:
    """Open a studio; give its address and its process."""
    command = [find_program(), "studio", "--json", "--port", "0", "--no-browser", "--model", model]
    command += ["--provider", "cpu", "--gallery", str(Path(folder, "gallery"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                raise StylizeError("The studio did not open; what it printed tells why.")
            yield json.loads(line)["address"], process.pid
        finally:
            process.terminate()


@contextmanager
def watching(address: str, times: Times) -> Iterator[None]:
    """Look at the page all the time, as somebody does who waits for a picture."""
    ended = threading.Event()
    failures: list[Exception] = []

    def watch() -> None:
        client = Client(address, times)
        try:
            while not ended.wait(PAUSE):
                for path in WATCHED:
                    client.ask(f"GET {path}", "GET", path)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def posted(address: str, times: Times, jobs: int, clients: int, body: bytes) -> list[str]:
    """Post all jobs; return their ids."""
    type_ = f"multipart/form-data; boundary={BOUNDARY}"

    def post(count: int) -> list[str]:
        client = Client(address, times)
        ask: Callable[[], Any] = lambda: client.ask("POST", "POST", "/api/jobs", body, type_)  # noqa: E731
        return [ask()["id"] for _ in range(count)]

    shares = [jobs // clients + (number < jobs % clients) for number in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        return [name for names in pool.map(post, shares) for name in names]


def wait(address: str, names: Sequence[str]) -> list[str]:
    """Wait until all jobs have ended; return how."""
    client = Client(address, Times())
    while any(client.ask("", "GET", "/api/health")[each] for each in ("queued", "running")):
        time.sleep(1)
    return [client.ask("", "GET", f"/api/jobs/{name}")["state"] for name in names]


def memory_of(process: int) -> int:
    """Return the most bytes that a process has had; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


app = command_of(main)

if __name__ == "__main__":
    app()
