"""How a picture is watched while it grows: what can be chosen of it."""

from dataclasses import dataclass
from pathlib import Path

from stylize.models.settings import check, require, setting

GROWTH = "See it grow"
"""Heading of the settings on help pages."""


@dataclass(frozen=True)
class Watching:
    """How a picture is watched while it grows.

    Attributes
    ----------
    save_every : int or None
        After how many iterations the picture so far is saved under a name of its own.
    save_to : Path or None
        The folder for these; None for that of the picture.
    animate : Path or None
        The film of the iterations.
    preview : Path or None
        A file that is replaced by the picture so far.
    live : bool
        Whether the terminal shows it, if it can.
    """

    save_every: int | None = setting(
        None,
        "Save the picture so far every N iterations, each under its number: out-020.png.",
        panel=GROWTH,
        metavar="N",
        called="--save-every",
        least=1,
    )
    save_to: Path | None = setting(
        None,
        "The folder for the pictures of --save-every.",
        panel=GROWTH,
        metavar="FOLDER",
        shown="that of the picture",
    )
    animate: Path | None = setting(
        None,
        "Make a film of the iterations, 10 seconds long: .webp, .gif, or .mp4, which needs the "
        "extra 'animate'.",
        panel=GROWTH,
        metavar="OUT.mp4",
    )
    preview: Path | None = setting(
        None,
        "A picture that is replaced by the one so far every few seconds, for a viewer that notices "
        "it.",
        panel=GROWTH,
        metavar="NOW.png",
    )
    live: bool = setting(
        False,
        "Show the picture in the terminal while it grows, if that can: kitty, Ghostty, iTerm2, "
        "WezTerm, and all that know sixel.",
        panel=GROWTH,
    )

    @property
    def files(self) -> list[Path]:
        """The files that take the place of what is there."""
        return [path for path in (self.animate, self.preview) if path]

    def __post_init__(self) -> None:
        check(self)
        require(
            self.save_every is not None or self.save_to is None,
            "--save-to",
            f"'{self.save_to}'",
            "given beside --save-every, whose pictures go there",
        )


UNWATCHED = Watching()
