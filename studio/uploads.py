"""Forms with files, written to the disk while they come, and no more of them than is allowed.

No more than a piece of a form is in memory at a time. A form that is too large is refused when it
is, and not when all of it has come.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from stylize.studio.errors import RefusedError, TooLargeError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

LONGEST_TEXT = 1000
"""Bytes of a field that is no file."""
MOST_PARTS = 64
"""Fields and files, those of the same name, too."""


@dataclass
class Form:
    """What came.

    Attributes
    ----------
    texts : dict of str to str
        The fields that are no files, by their names.
    files : list
        The name of the field, the name of the file as it was given, and where its content is.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str, Path]] = field(default_factory=list)


async def receive(
    content_type: str,
    chunks: AsyncIterator[bytes],
    folder: Path,
    allowed: Mapping[str, int],
    largest: int,
) -> Form:
    """Take a form.

    Parameters
    ----------
    content_type : str
        The header.
    chunks : async iterator of bytes
        The body.
    folder : Path
        Where files go, under names of their own.
    allowed : mapping of str to int
        How many files each field may have.
    largest : int
        Bytes that the whole body may have.

    Raises
    ------
    RefusedError
        It is no form, or more than is allowed.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise RefusedError(
            "A job is a form: send it as multipart/form-data, with 'photo' and 'painting' as "
            "files.",
            415,
        )
    reader = _Reader(folder, allowed)
    size = 0
    try:
        parser = MultipartParser(boundary, reader.callbacks)
        async for chunk in chunks:
            size += len(chunk)
            if size > largest:
                raise too_large(largest)
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise RefusedError(f"The form cannot be read: {error}. Send it again.") from error
    finally:
        reader.close()
    if not reader.complete:
        raise RefusedError("The form is cut short. Send it again.")
    return reader.form


def too_large(largest: int) -> TooLargeError:
    """Return the error for a form of too many bytes."""
    return TooLargeError(
        f"The pictures have more than {largest / 1e6:.0f} MB together, which is not taken here. "
        "Save them as JPEG, or smaller."
    )


class _Reader:
    """Takes the pieces of a form as the parser finds them."""

    def __init__(self, folder: Path, allowed: Mapping[str, int]) -> None:
        self.form, self.complete = Form(), False
        self._folder, self._allowed = folder, allowed
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""
        self._name = ""
        self._file: BinaryIO | None = None
        self._text = b""
        self._parts = 0

    @property
    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_header,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._write,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise RefusedError("The form has too many fields. Send those that a job has.")
        self._headers, self._header, self._value, self._text = {}, b"", b"", b""

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        _, told = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = told.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in told:
            self._open_file(told[b"filename"].decode("utf-8", "replace"))

    def _open_file(self, filename: str) -> None:
        most = self._allowed.get(self._name, 0)
        there = sum(name == self._name for name, _, _ in self.form.files)
        if there >= most:
            told = ", ".join(f"{count} of '{name}'" for name, count in self._allowed.items())
            raise RefusedError(
                f"The form has a file '{self._name[:50]}' too many. A job has so many at most: "
                f"{told}."
            )
        path = self._folder / f"upload-{len(self.form.files)}"
        self._file = path.open("xb")
        self.form.files.append((self._name, filename, path))

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(memoryview(data)[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > LONGEST_TEXT:
            raise RefusedError(f"The field '{self._name[:50]}' is too long.")

    def _end(self) -> None:
        if self._file:
            self._file.close()  # what cannot be written is told of here
            self._file = None
        else:
            self.form.texts[self._name] = self._text.decode("utf-8", "replace")

    def _finish(self) -> None:
        self.complete = True
