"""Who may ask: the guard before everything, pages and pictures included.

- **Host.** A page of a stranger can make a name of its own lead to this machine (DNS rebinding).
  Its requests then name that host, and are refused.
- **Origin.** A page of a stranger can send a form here, though it cannot read the answer. Browsers
  say where it comes from.
- **Token.** Where others reach this machine, only who has the token may ask.
"""

import re
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import parse_qs

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stylize.studio.shapes import Fault

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer tells a browser: nothing comes from elsewhere, or goes there."""

READING = ("GET", "HEAD")
OWN_SITE = ("same-origin", "none")
"""What browsers say of requests that no other site has brought about."""


class Guard:
    """Lets through only what may be asked.

    Parameters
    ----------
    app : ASGI application
        What answers.
    known : function
        Tells whether the host that a request names is this one.
    token : str, optional
        What whoever asks has to know.
    cookie : str
        The name of the cookie in which a browser keeps the token.
    """

    def __init__(
        self, app: ASGIApp, known: Callable[[str], bool], token: str | None, cookie: str
    ) -> None:
        self._app, self._known = app, known
        self._token, self._cookie = token, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return why a request is not answered; None if it is."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._known(host):
            return refused(
                421,
                f"This studio is not called '{host[:100]}'. Open it under the address that it "
                "printed, or start it with --name for a name of its own.",
            )
        if not _from_here(scope["method"], headers, host):
            return refused(403, "This was asked by a page of another site, and is not answered.")
        return self._without_token(scope, headers) if self._token else None

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["path"] == "/" and scope["method"] == "GET" and given:
            return self._let_in(scope, given[0])
        offered = (_bearer(headers), _in_cookie(headers, self._cookie))
        if any(self._is_token(each) for each in offered if each):
            return None
        return refused(
            401,
            "The token is missing or wrong. Open the whole address that the studio printed, or "
            "send the header 'Authorization: Bearer TOKEN'.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _let_in(self, scope: Scope, token: str) -> Response:
        if not self._is_token(token):
            return refused(401, "The token is wrong. Open the whole address that was printed.")
        answer = RedirectResponse("/", 303)
        secure = scope["scheme"] == "https"
        answer.set_cookie(
            self._cookie, token, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return answer

    def _is_token(self, given: str) -> bool:
        assert self._token
        return secrets.compare_digest(given.encode(), self._token.encode())


def refused(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that says why nothing was done."""
    body = msgspec.json.encode(Fault(error))
    return Response(body, status, headers, media_type="application/json")


def known_hosts(names: Iterable[str], port: int, open_to_others: bool) -> Callable[[str], bool]:
    """Return what tells whether a request that names a host means this one.

    An address in digits cannot be another's name. So those are taken where others may ask, and
    there the token decides.

    Parameters
    ----------
    names : iterable of str
        Names under which it is reached, by a proxy for example, which may have another port.
    port : int
        The port on which it listens.
    open_to_others : bool
        Whether it listens on another address than loopback.
    """
    given = {name.lower() for name in names}
    own = {"localhost", *([socket.gethostname().lower()] if open_to_others else [])}

    def known(host: str) -> bool:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", host)
        if not match:
            return False
        name, at = match[1].lower().rstrip("."), match[2]
        if name in given:
            return True
        if int(at or 80) != port:
            return False
        return name in own or _is_address(name.strip("[]"), open_to_others)

    return known


def _is_address(name: str, open_to_others: bool) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return open_to_others or address.is_loopback


def _from_here(method: str, headers: Headers, host: str) -> bool:
    """Tell whether a request comes from a page of this studio, or from no page at all."""
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] != host.lower():
        return False
    site = headers.get("sec-fetch-site", "none")
    if site in OWN_SITE:
        return True
    followed = headers.get("sec-fetch-mode") == "navigate" and method in READING
    return followed and headers.get("sec-fetch-dest", "document") == "document"


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _in_cookie(headers: Headers, name: str) -> str:
    """Return the token of a cookie; those of other programs on this machine may be of any form."""
    return cookie_parser(headers.get("cookie", "")).get(name, "")
