"""Where a studio listens, who may ask it, and how many at once."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from open_studio import settings
from studio_client import Client

from stylize.models.errors import OptionError
from stylize.studio import connections
from stylize.studio.serving import LOOPBACK, Studio, _listening


def test_a_port_is_one_studios_alone_from_the_start() -> None:
    with _listening(LOOPBACK, 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OptionError, match=f"port {port}: "):
            _listening(LOOPBACK, port)


@pytest.mark.parametrize("host", ["a" * 80, "no.such.invalid", "a..b"])
def test_a_host_that_cannot_be_is_told_of(host: str) -> None:
    with pytest.raises(OptionError, match="Nothing can listen at"):
        _listening(host, None)


@pytest.mark.parametrize(
    "token", ["aaaa+bbbb+cccc+dddd", "grün-grün-grün-grün", "a b c d e f g h i"]
)
def test_a_token_that_is_no_part_of_an_address_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(OptionError, match="The token may have letters"):
        Studio(settings(tmp_path, token=token))


def test_connections_that_ask_for_nothing_are_bounded_and_ended(
    studio: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 8)
    monkeypatch.setattr(connections, "PATIENCE", 0.5)
    client = studio(workers=0)
    with ExitStack() as stack:
        for _ in range(30):
            idle = stack.enter_context(socket.create_connection((client.host, client.port)))
            idle.settimeout(10)
        with suppress(ConnectionError):
            assert idle.recv(1) == b""
        until = time.monotonic() + 10
        while (status := _status(client)) != 200 and time.monotonic() < until:
            time.sleep(0.05)
        assert status == 200


def _status(client: Client) -> int:
    with suppress(ConnectionError):
        return client.get("/api/health").status
    return 0


def test_there_are_files_for_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: given.append(limit))
    for limits, asked, most in [
        ((256, resource.RLIM_INFINITY), [(2100, resource.RLIM_INFINITY)], 1000),
        ((256, 500), [(500, 500)], 200),
        ((4096, 4096), [], 1000),
        ((20, 20), [(20, 20)], 1),
    ]:
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=limits: limits)
        given.clear()
        assert (connections.most_connections(), given) == (most, asked)
