"""The standard input as the file of a picture, and the standard output as another.

A pipe can be read only once, so what came is kept.
"""

import sys
from functools import cache
from pathlib import Path

from stylize.models.errors import ImageError

STDIN, STDOUT = Path("<stdin>"), Path("<stdout>.png")
"""What stands for them among paths. What is written to a pipe is a PNG."""


@cache
def standard_input(most: int) -> bytes:
    """Return all that comes by the standard input.

    Raises
    ------
    ImageError
        It is a terminal, closed, or more than so many bytes.
    """
    stream = sys.stdin
    if stream is None or stream.closed or stream.isatty():
        raise ImageError(
            "Nothing is piped to the standard input, which '-' stands for. Pipe a picture: "
            "cat photo.jpg | stylize run - painting.jpg"
        )
    data = stream.buffer.read(most + 1)
    if len(data) > most:
        raise ImageError(f"More than {most} bytes are piped. Save the picture as a file.")
    return data
