"""A file on a server, of which parts are read by HTTP's range requests.

requests knows what differs from machine to machine: proxies, certificates, where redirects lead and
that credentials do not follow there. What is asked again after a fault, and where a cut answer goes
on, is known here.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stylize.installation import install_command, release
from stylize.models.errors import ExtraError, WeightsError

if TYPE_CHECKING:
    import requests

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a request is made again; each counts from the last byte that came."""
LONGEST_PAUSE = 60.0
"""Seconds that a server may ask us to wait."""
TIMEOUT = (15.0, 60.0)
"""Seconds until a connection must stand, and between two pieces of an answer."""
PIECE = 1 << 16
"""Bytes that are handed on at once; of a cut answer so many may be lost."""

_PASSING = {408, 429, *range(500, 600)}
"""Codes of answers that may be others next time."""


class _PassingError(Exception):
    """Something that may succeed if it is tried again."""

    def __init__(self, what: str, pause: float = 0) -> None:
        super().__init__(what)
        self.pause = pause


class RemoteFile:
    """A file on a server that has a known sha256.

    Parameters
    ----------
    url : str
        Its address.
    sha256 : str
        What its ETag must be: Hugging Face's hub and its mirrors tell files' sha256 so. Nothing
        else tells of a part that it belongs to the file.
    token : str, optional
        Tells the server who asks. It is sent to no other host.

    Raises
    ------
    ExtraError
        requests is not installed.
    """

    def __init__(self, url: str, sha256: str, token: str | None = None) -> None:
        try:
            import requests
        except ImportError as error:
            raise ExtraError(
                "Fetching weights needs requests, which is not installed. "
                f"Install the extra: {install_command('export')}"
            ) from error
        self._url = url
        self._shown = _without_user(url)
        self._answered = False
        self._sha256 = sha256
        self._errors = requests.exceptions
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": f"stylize/{release()}", "Accept-Encoding": "identity"}
        )
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def part(self, start: int, size: int) -> Iterator[bytes]:
        """Yield the bytes of a part, piece by piece.

        Raises
        ------
        WeightsError
            They cannot be had, or the file is another one.
        """
        faults = 0
        while size:
            try:
                for piece in self._pieces(start, size):
                    start, size, faults = start + len(piece), size - len(piece), 0
                    yield piece
            except _PassingError as error:
                if faults == len(PAUSES):
                    raise WeightsError(f"{self._shown} cannot be read: {error}.") from error
                time.sleep(max(PAUSES[faults], min(error.pause, LONGEST_PAUSE)))
                faults += 1

    def _pieces(self, start: int, size: int) -> Iterator[bytes]:
        """Yield what one request gives of a part; raise _PassingError if that is not all."""
        errors = self._errors
        try:
            with self._session.get(
                self._url,
                headers={"Range": f"bytes={start}-{start + size - 1}"},
                stream=True,
                timeout=TIMEOUT,
            ) as answer:
                self._answered = True
                self._check(answer, start, size)
                before = start if answer.status_code == 200 else 0  # then it sends the whole file
                yield from _cut(answer.iter_content(PIECE), before, size)
        except (errors.ConnectionError, errors.Timeout, errors.ChunkedEncodingError) as error:
            cause = _cause(error)
            if isinstance(cause, socket.gaierror) and not self._answered:
                raise WeightsError(
                    f"{self._shown} cannot be read: no such host is known here ({cause}). Check "
                    "the network; behind a proxy, set https_proxy."
                ) from error
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise WeightsError(
                    f"{self._shown} cannot be read: its certificate is not trusted here ({cause}). "
                    "If a proxy of your network signs it, name its own in REQUESTS_CA_BUNDLE."
                ) from error
            raise _PassingError(f"the connection failed ({cause})") from error
        except errors.InvalidHeader:  # whose text has the token in it
            raise WeightsError("HF_TOKEN is no token. Correct it, or unset it.") from None
        except (errors.RequestException, UnicodeError) as error:
            raise WeightsError(f"{self._shown} cannot be read: {error}.") from error

    def _check(self, answer: "requests.Response", start: int, size: int) -> None:
        """Raise unless an answer is the file that is meant, or the part of it."""
        code = answer.status_code
        if code in _PASSING:
            raise _PassingError(f"the server answers {code} {answer.reason}", _wanted_pause(answer))
        if code not in (200, 206):
            raise WeightsError(f"{self._shown} cannot be read: {_meaning(code, answer.reason)}.")
        told = [_etag(each) for each in (*answer.history, answer)]
        if self._sha256 not in told:
            other = next(filter(None, told), "none")
            raise WeightsError(
                f"{self._shown} is not the file that stylize knows: its sha256 should be "
                f"{self._sha256}, the server tells {other}."
            )
        asked, sent = f"bytes {start}-{start + size - 1}", answer.headers.get("Content-Range", "")
        if code == 206 and sent.partition("/")[0] != asked:
            raise WeightsError(
                f"{self._shown} cannot be read: asked for '{asked}', the server sent '{sent}'."
            )


def _without_user(url: str) -> str:
    """Return an address as it may be shown: without the name and password of a mirror's user."""
    scheme, mark, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"


def _cut(pieces: Iterator[bytes], before: int, size: int) -> Iterator[bytes]:
    """Yield `size` bytes of those that come after the first `before`."""
    for piece in pieces:
        wanted = piece[before : before + size]
        before = max(0, before - len(piece))
        size -= len(wanted)
        if wanted:
            yield wanted
        if not size:
            return
    raise _PassingError("the answer ended too early")


def _cause(error: BaseException) -> BaseException:
    """Return what an error of requests' comes from: its own text has many words for one."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def _etag(answer: "requests.Response") -> str:
    told = answer.headers.get("X-Linked-ETag") or answer.headers.get("ETag") or ""
    return told.removeprefix("W/").strip('"')


def _wanted_pause(answer: "requests.Response") -> float:
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


def _meaning(code: int, reason: str) -> str:
    if code in (401, 403):
        return (
            f"the server answers {code} {reason}, so it does not let you read it. If HF_TOKEN is "
            "set, it may have expired: unset it"
        )
    if code == 404:
        return "the server answers 404: it has no such file"
    return f"the server answers {code} {reason}"
