"""A server that speaks the protocol of Hugging Face's hub, and can be faulty."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy.typing as npt
import pytest
from small import small_network, small_weights

from stylize.export.network.architecture import Convolution
from stylize.export.sources.hub import REVISION

NETWORK = small_network()
OURS = small_weights(NETWORK).arrays
CONVOLUTIONS = [layer.name for layer in NETWORK.layers if isinstance(layer, Convolution)]
# The convolutions' places in torchvision's VGG-19, counted in its printed description.
PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
THEIRS: dict[str, npt.NDArray[Any]] = {
    f"features.{place}.{kind}": OURS[f"{name}.{kind}"]
    for place, name in zip(PLACES, CONVOLUTIONS, strict=True)
    for kind in ("weight", "bias")
}
PATH = f"/timm/vgg19.tv_in1k/resolve/{REVISION}/model.safetensors"
BLOB = "/blob"


@dataclass
class Request:
    """What was asked for."""

    path: str
    start: int
    end: int
    authorization: str | None
    agent: str


Fault = Callable[["Handler", Request], None]


@dataclass
class Server:
    """A hub of one file. It sends whoever asks for that to another host, as the hub does.

    Attributes
    ----------
    content : bytes
        The file.
    faults : list of functions
        What is done instead of the first answers of the other host.
    always : function, optional
        What is done instead of all others.
    etag : str, optional
        What the hub tells of the file's sha256, if not its own, which begins as the real file's.
    redirects : bool
        Whether there is another host.
    """

    content: bytes
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    etag: str | None = None
    redirects: bool = True
    requests: list[Request] = field(default_factory=list)
    address: str = ""

    @property
    def parts(self) -> list[tuple[int, int]]:
        """First and last byte of each part that was asked of the host of the file."""
        return [
            (request.start, request.end)
            for request in self.requests
            if request.path == BLOB or not self.redirects
        ]

    @property
    def told(self) -> str:
        return as_known(self.content) if self.etag is None else self.etag


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    hub: Server

    def do_GET(self) -> None:
        path = re.sub(r"^http://[^/]*", "", self.path)  # proxies are sent whole addresses
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "bytes=0-0")
        assert asked
        request = Request(
            path,
            int(asked[1]),
            int(asked[2]),
            self.headers["Authorization"],
            self.headers["User-Agent"],
        )
        self.hub.requests.append(request)
        with suppress(ConnectionError):
            self._answer(request)

    def _answer(self, request: Request) -> None:
        hub = self.hub
        if request.path == PATH and hub.redirects:
            port = hub.address.rpartition(":")[2]
            self.reply(302, b"", {"Location": f"http://localhost:{port}{BLOB}", **self.told})
        elif request.path not in (PATH, BLOB):
            self.reply(404, b"Entry not found")
        elif hub.faults:
            hub.faults.pop(0)(self, request)
        elif hub.always:
            hub.always(self, request)
        else:
            self.send_part(request)

    @property
    def told(self) -> dict[str, str]:
        return {"X-Linked-ETag": f'"{self.hub.told}"'} if self.hub.told else {}

    def reply(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Answer; headers that are given win over our own."""
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_part(self, request: Request, **headers: str) -> None:
        content = self.hub.content
        told = {
            "Content-Range": f"bytes {request.start}-{request.end}/{len(content)}",
            "ETag": '"of-the-storage"',
            **({} if self.hub.redirects else self.told),
        }
        body = content[request.start : request.end + 1]
        self.reply(206, body, told | {name.replace("_", "-"): headers[name] for name in headers})

    def log_message(self, *_: object) -> None: ...


def cut(handler: Handler, request: Request) -> None:
    """Send half of what was asked for, and hang up."""
    content = handler.hub.content
    handler.send_response(206)
    size = request.end + 1 - request.start
    for name, value in {
        "Content-Length": str(size),
        "Content-Range": f"bytes {request.start}-{request.end}/{len(content)}",
    }.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content[request.start : request.start + size // 2])
    handler.close_connection = True


def hang_up(handler: Handler, _: Request) -> None:
    """Say nothing."""
    handler.close_connection = True


def code(number: int, **headers: str) -> Fault:
    """Answer with a code."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.reply(number, b"sorry", named)


def whole_file(handler: Handler, _: Request) -> None:
    """Send all, whatever was asked for."""
    handler.reply(200, handler.hub.content)


def less(handler: Handler, request: Request) -> None:
    """Send a byte less than was asked for, and call it all."""
    content = handler.hub.content[request.start : request.end]
    named = f"bytes {request.start}-{request.end}/{len(handler.hub.content)}"
    handler.reply(206, content, {"Content-Range": named})


def more(handler: Handler, request: Request) -> None:
    """Send more than was asked for."""
    content = handler.hub.content[request.start :] + bytes(1000)
    named = f"bytes {request.start}-{request.end}/{len(handler.hub.content)}"
    handler.reply(206, content, {"Content-Range": named})


def another_part(handler: Handler, request: Request) -> None:
    """Send what was not asked for."""
    handler.send_part(request, Content_Range=f"bytes {request.start + 1}-{request.end + 1}/99")


def no_range(handler: Handler, request: Request) -> None:
    """Do not tell which part it is."""
    handler.send_part(request, Content_Range="")


def round_in_circles(handler: Handler, _: Request) -> None:
    """Redirect to itself."""
    handler.reply(302, b"", {"Location": BLOB})


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    """Give a hub of that file, at work."""
    hub = Server(content)
    handler = type("HandlerOfThis", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hub_at_work(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Give a hub whose file passes for the one that stylize knows, and no pause is long."""
    with serving(content) as server:
        know(content, monkeypatch)
        monkeypatch.setenv("HF_ENDPOINT", server.address + "/")
        monkeypatch.setattr("stylize.export.sources.remote.PAUSES", (0.0, 0.0, 0.0, 0.0))
        for name in ("HF_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield server


def know(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file pass for the one that stylize knows."""
    monkeypatch.setattr("stylize.export.sources.hub.HUB_SHA256", as_known(content))


def as_known(content: bytes) -> str:
    """Return what passes for a file's sha256; it begins as that of the real file."""
    return f"11aea017{sha256(content).hexdigest()[8:]}"


def in_file(arrays: dict[str, npt.NDArray[Any]], **entries: Any) -> bytes:
    """Return a .safetensors file of arrays in this order; `entries` replace parts of the header."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, array in arrays.items():
        place = [position, position := position + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": place}
    text = json.dumps(header | entries).encode()
    data = b"".join(array.tobytes() for array in arrays.values())
    return len(text).to_bytes(8, "little") + text + data
