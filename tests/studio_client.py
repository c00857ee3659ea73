"""What asks a studio: a client of HTTP that can also ask what no browser would."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

BOUNDARY = "frontier"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
PATIENCE = 60.0

Part = tuple[str, str | None, bytes]
"""Of a form: a field's name, a file's name, the content."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks one studio."""

    def __init__(self, link: str, token: str | None = None) -> None:
        parts = urlsplit(link)
        self.host, self.port = parts.hostname or "", parts.port
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        with self.asked(method, path, body, headers) as found:
            told = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, told, found.read())

    @contextmanager
    def asked(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[HTTPResponse]:
        """Give an answer that is still coming."""
        connection = HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            with connection.getresponse() as found:
                yield found
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, *parts: Part, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a job."""
        told = {"Content-Type": FORM, **(headers or {})}
        return self.ask("POST", "/api/jobs", form(*parts), told)

    def start(self, photo: bytes | None = None, **options: object) -> str:
        """Post a job that is taken; return its id."""
        found = self.post(*usual(photo, **options))
        assert found.status == 202, found.body
        name: str = found.told["id"]
        return name

    def job(self, name: str) -> Any:
        return self.get(f"/api/jobs/{name}").told

    def wait(self, name: str, until: Callable[[Any], bool]) -> Any:
        """Ask for a job until it is as it should be."""
        end = time.monotonic() + PATIENCE
        while not until(job := self.job(name)):
            assert time.monotonic() < end, job
            time.sleep(0.05)
        return job

    def ended(self, name: str) -> Any:
        return self.wait(name, lambda job: job["state"] in ("done", "failed", "stopped"))

    def begun(self, name: str) -> Any:
        return self.wait(name, lambda job: job["progress"] is not None)

    def events(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield a job's events to the end."""
        with self.asked("GET", f"/api/jobs/{name}/events") as found:
            kind = ""
            for line in found:
                field, _, text = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    kind = text
                elif field == "data":
                    yield kind, json.loads(text)


def form(*parts: Part) -> bytes:
    """Return the body of a form."""
    found = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        found += head.encode() + content + b"\r\n"
    return found + f"--{BOUNDARY}--\r\n".encode()


def usual(photo: bytes | None = None, **options: object) -> list[Part]:
    """Return the parts of a job's form."""
    texts: list[Part] = [(name, None, str(value).encode()) for name, value in options.items()]
    files: list[Part] = [
        ("photo", "photo.png", picture() if photo is None else photo),
        ("painting", "painting.png", picture(1)),
    ]
    return [*files, *texts]


def picture(seed: int = 0, size: tuple[int, int] = (48, 32), kind: str = "PNG") -> bytes:
    """Return the file of a small random picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()
