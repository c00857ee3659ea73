"""The hyphen in a command: a picture that goes to the standard output."""

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from stylize.cli.terminal import discard
from stylize.models.errors import ImageError, OptionError
from stylize.runtime.files.standard import STDOUT

if TYPE_CHECKING:
    from stylize.runtime.pictures.saving import Manner
    from stylize.runtime.pictures.shown import Shown


def check_stdout() -> None:
    """Raise OptionError if the standard output is a terminal, which shows no picture."""
    if sys.stdout is None or sys.stdout.isatty():
        raise OptionError(
            "A picture cannot go to a terminal. Send it on, as in 'stylize run photo.jpg "
            "painting.jpg -o - > out.png', or name a file with -o."
        )


def pipe(shown: "Shown", text: Mapping[str, str], manner: "Manner") -> str:
    """Write a picture to the standard output, once all of it is there; return where in words.

    Raises
    ------
    ImageError
        Nobody reads it, or it cannot be written.
    """
    from stylize.runtime.pictures.saving import write_image

    file = BytesIO()
    write_image(shown, file, STDOUT.suffix, text, manner)
    try:
        sys.stdout.buffer.write(file.getbuffer())
        sys.stdout.buffer.flush()
    except (OSError, ValueError) as error:  # the latter: it is closed
        discard(sys.stdout)
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"The standard output takes no picture: {reason}.") from error
    return "On the standard output"
