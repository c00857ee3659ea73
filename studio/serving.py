"""The studio as a whole: opened, served until a signal ends it, and closed so that all is kept."""

import logging
import os
import re
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from stylize.installation import release
from stylize.models.errors import OptionError, StylizeError
from stylize.runtime.engine.machine import Machine
from stylize.studio.api import Api
from stylize.studio.connections import Connection, most_connections
from stylize.studio.desk import Desk
from stylize.studio.gallery import Gallery
from stylize.studio.guard import Guard, known_hosts
from stylize.studio.limits import Limits
from stylize.studio.pages import PAGE
from stylize.studio.painting import USUAL_COMMAND
from stylize.studio.planning import Planner
from stylize.studio.shapes import Health
from stylize.studio.workshop import Workshop

LOOPBACK = "127.0.0.1"
PORT = 8765
"""The usual one."""

BACKLOG = 100
"""Connections that the system keeps until they are taken, and that are taken at a time."""

GRACE = 5
"""Seconds that answers may still take when the studio ends."""


@dataclass(frozen=True)
class Settings:
    """How a studio is opened.

    Attributes
    ----------
    gallery : Path
        The folder of the gallery.
    machine : Machine
        What computes.
    limits : Limits
        How much is taken.
    host : str
        The address on which it listens.
    port : int or None
        The port; None for the usual one, or a free one where that is taken.
    names : sequence of str
        Names under which others reach it, behind a proxy for example.
    token : str or None
        What whoever asks has to know; None for one that is made up where others reach it, and for
        none where they do not.
    page : bool
        Whether there is a page, beside the API.
    command : sequence of str
        What paints.
    workers : int
        How many pictures are painted at a time.
    """

    gallery: Path
    machine: Machine
    limits: Limits
    host: str = LOOPBACK
    port: int | None = None
    names: Sequence[str] = ()
    token: str | None = None
    page: bool = True
    command: Sequence[str] = USUAL_COMMAND
    workers: int = 1


class Studio:
    """A studio that is open.

    Parameters
    ----------
    settings : Settings
        How.

    Raises
    ------
    StylizeError
        The gallery, the port, the model or the provider cannot be had.

    Attributes
    ----------
    address : str
        Where it is.
    token : str or None
        What whoever asks has to know.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.page and not (PAGE / "index.html").exists():
            raise StylizeError("The page's files are missing. Install stylize again.")
        if settings.token and not re.fullmatch(r"[A-Za-z0-9._~-]+", settings.token):
            raise OptionError(
                "The token may have letters from A to Z, digits, and -._~ alone: it is a part of "
                "the address. Take another, or none, for one that is made up."
            )
        self._settings = settings
        planner = Planner(settings.machine, settings.limits.largest)
        self._planner, self._device = planner, planner.device
        self._socket = _listening(settings.host, settings.port)
        try:
            self._gallery = Gallery(settings.gallery)
        except BaseException:
            self._socket.close()
            raise
        port = self._socket.getsockname()[1]
        open_to_others = bool(settings.names) or not _is_loopback(settings.host)
        made_up = secrets.token_urlsafe(24) if open_to_others else None
        self.token = settings.token or made_up
        self.address = f"http://{_shown_host(settings.host)}:{port}/"
        self._gallery.lock.tell(self.address)
        self._workshop = Workshop(
            self._gallery,
            planner.machine,
            _told(settings.machine, planner),
            settings.command,
            settings.workers,
        )
        self._desk = Desk(self._gallery, planner, settings.limits)
        known = known_hosts(settings.names, port, open_to_others)
        self._server: _Server | None = None
        self._application = Guard(self._app(), known, self.token, f"stylize-{port}")

    @property
    def link(self) -> str:
        """The address that lets a browser in."""
        return f"{self.address}?token={self.token}" if self.token else self.address

    def serve(
        self,
        opened: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Serve until a signal ends it; then stop what is painted, so that it is kept.

        Parameters
        ----------
        opened : function
            Called when requests are answered.
        say : function
            Is given a sentence, if the end takes a while.
        """
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # strangers can bring about warnings
        config = uvicorn.Config(
            self._application,
            log_config=None,
            access_log=False,
            server_header=False,
            loop="asyncio",
            http=Connection,
            ws="none",
            backlog=BACKLOG,
            limit_concurrency=most_connections(),
            timeout_graceful_shutdown=GRACE,
        )
        self._server = _Server(config, opened, say, self._workshop)
        try:
            self._server.run(sockets=[self._socket])
            if not self._server.started:
                raise StylizeError("The studio cannot begin; what is printed above tells why.")
        finally:
            self._desk.close()
            self._gallery.close()

    def end(self) -> None:
        """Let it end, as a signal does, and the second time at once."""
        if self._server:
            self._server.handle_exit(signal.SIGTERM, None)

    def _app(self) -> ASGIApp:
        page = PAGE if self._settings.page else None
        app = Api(self._gallery, self._workshop, self._desk, self._health).application(page)
        app.router.lifespan_context = self._at_work
        return app

    @asynccontextmanager
    async def _at_work(self, app: Starlette) -> AsyncIterator[None]:
        self._workshop.start()
        yield
        await self._workshop.close()

    def _health(self) -> Health:
        return Health(
            status="ok",
            version=release(),
            model=self._planner.model.name,
            provider=self._planner.provider.name,
            device=self._device,
            queued=self._gallery.queued(),
            running=self._workshop.busy,
        )


class _Server(uvicorn.Server):
    """Tells when it answers, lets watchers go when it is to end, and raises no signal again."""

    def __init__(
        self,
        config: uvicorn.Config,
        opened: Callable[[], None],
        say: Callable[[str], None],
        workshop: Workshop,
    ) -> None:
        super().__init__(config)
        self._opened, self._say, self._workshop = opened, say, workshop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if threading.current_thread() is threading.main_thread():
                _heed_closed_terminal(self.handle_exit)
            self._opened()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._workshop.end_watching()
        if self._workshop.busy:
            self._say("The picture under way is being saved. Ctrl-C again does not wait for it.")
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self._workshop.hurry()
        self.should_exit = True


def _heed_closed_terminal(handle: Callable[[int, FrameType | None], None]) -> None:
    """Let the end of the terminal end the studio, too, unless nohup says otherwise."""
    number = getattr(signal, "SIGHUP", None)
    if number and signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, handle)


def open_browser(link: str) -> None:
    """Open a page in the user's browser, if there is one, and wait for nothing."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform == "linux" and not any(os.environ.get(each) for each in screens):
        return  # a browser for terminals would take this one

    def show() -> None:
        with suppress(Exception):  # the address is printed in any case
            webbrowser.open(link)

    threading.Thread(target=show, daemon=True).start()


def _told(machine: Machine, planner: Planner) -> Machine:
    """Return the machine as jobs are told of it: with what was found out once, for all of them."""
    provider = planner.provider
    scratch = machine.scratch and machine.scratch.resolve()
    return replace(
        machine,
        provider=provider.name,
        precision=provider.precision,
        scratch=scratch,
    )


def _listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at an address.

    Raises
    ------
    OptionError
        There is no such address here, or another program listens there.
    """
    try:
        return _bound(host, PORT if port is None else port)
    except (OSError, UnicodeError) as error:  # no name of a host has such letters
        if port is None:
            with suppress(OSError, UnicodeError):
                return _bound(host, 0)
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"Nothing can listen at {host}, port {PORT if port is None else port}: {reason}. "
            "Choose another --port, or another --host."
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    found = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there, it would let two listen
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()  # until then, another could be bound to the same port
    except BaseException:
        found.close()
        raise
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _shown_host(host: str) -> str:
    """Return how an address is written before a port; of all addresses, this machine's name."""
    with suppress(ValueError):
        found = ip_address(host)
        if found.is_unspecified:
            return socket.gethostname()
        return f"[{host}]" if found.version == 6 else host
    return host
