"""Lines for whoever reads them: a terminal, a file, a pipe, in any encoding, or nobody any more."""

import codecs
import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO
from unicodedata import category

READABLE = {"α": "a", "β": "b", "γ": "g", "×": "x", "·": "*", "²": "^2", "½": "1/2"}
"""What stands for our own characters where an encoding lacks them; others become numbers."""

LENIENT = "stylize.readable"
"""Name of the handler of characters that an encoding lacks."""

LONGEST = 4000
"""Characters of a message. Files of strangers hold names of any length."""

STDERR = 2
"""Its file descriptor."""

TRACEBACK_VARIABLE = "STYLIZE_TRACEBACK"
"""Set, it lets everything through: tracebacks, warnings, and what libraries print."""

RED, PLAIN = "\x1b[1;31m", "\x1b[0m"


class NoReaderError(Exception):
    """Whoever read what a command prints has gone, as ``head`` does after its lines."""


@contextmanager
def answering() -> Iterator[None]:
    """Raise NoReaderError where something is printed to stdout, and nobody reads it any more."""
    gone = (errno.EPIPE, errno.EINVAL) if sys.platform == "win32" else (errno.EPIPE,)
    try:
        yield
    except OSError as error:
        if error.errno in gone:
            raise NoReaderError from error
        raise


def answer(line: str) -> None:
    """Print a line of what a command was asked for.

    Raises
    ------
    NoReaderError
        Whoever read it has gone.
    OSError
        It cannot be written; nobody would get the answer.
    """
    if sys.stdout is None:  # it was closed
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    with answering():
        print(escaped(line), flush=True)


_printed = 0


def note(line: str) -> None:
    """Print a line about the work."""
    global _printed
    _printed += 1
    draw(f"{escaped(cut(line))}\n")


def lines_printed() -> int:
    """Return how many lines about the work were printed: each moves what is above it."""
    return _printed


def complain(message: str) -> None:
    """Print what went wrong, as one line."""
    head = f"{RED}Error:{PLAIN}" if _is_colourful() else "Error:"
    draw(f"{head} {escaped(cut(message))}\n")


def draw(text: str) -> None:
    """Write to stderr. Where that fails, the work goes on: it does not depend on it."""
    try:
        if sys.stderr:
            sys.stderr.write(text)
            sys.stderr.flush()
    except (OSError, ValueError):  # the latter: it is closed
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let whatever a stream still holds, and all that follows, go nowhere."""
    with suppress(AttributeError, OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def is_terminal() -> bool:
    """Tell whether stderr is a terminal."""
    with suppress(AttributeError, ValueError):  # there is none, or it is closed
        return sys.stderr.isatty()
    return False


def _is_colourful() -> bool:
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return os.name == "posix" and is_terminal() and not plain


def cut(text: str) -> str:
    """Return text without its middle, if it is longer than anybody would read."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} [...] {text[-LONGEST // 2 :]}"


def escaped(text: str) -> str:
    """Return text without control characters, which names and files may have.

    They are written as JSON writes them, which keeps JSON what it is.
    """
    if text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _code(char) for char in text)


def _is_harmless(char: str) -> bool:
    """Tell whether a character only shows itself; Python does not call wide spaces printable."""
    return char.isprintable() or category(char) == "Zs"


def _code(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def prepare_streams() -> None:
    """Let nothing that is printed fail for its characters, and print nothing but our own lines."""
    _occupy()
    codecs.register_error(LENIENT, _readable)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors=LENIENT)
    if not os.environ.get(TRACEBACK_VARIABLE):
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        sys.unraisablehook = lambda _: None
        _silence_libraries()


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(READABLE.get(char) or _code(char) for char in lacking), error.end


def _occupy() -> None:
    """Let no file that is opened later be taken for a standard stream that was closed."""
    while (free := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(free)


def _silence_libraries() -> None:
    """Let what libraries write past Python go nowhere: their errors come as exceptions, too."""
    stream: Any = sys.stderr
    try:
        if stream.fileno() != STDERR:
            return
        copy = os.dup(STDERR)
    except (AttributeError, OSError, ValueError):  # there is none, or it is none of the system's
        return
    sys.stderr = open(copy, "w", buffering=1, encoding=stream.encoding, errors=LENIENT)  # noqa: SIM115
    discard(stream)
