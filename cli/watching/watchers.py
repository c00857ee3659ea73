"""Those who watch a picture grow: each sees every iterate, and none can end the run."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from stylize.cli.signals import holding_signals
from stylize.models.errors import StylizeError

if TYPE_CHECKING:
    from PIL.Image import Image

    from stylize.runtime import Iterate
    from stylize.runtime.pictures.shown import Shown


LARGEST = 4096
"""Pixels of a side that a screen shows; a larger picture is reduced for it."""


class Glimpse:
    """The picture so far, which is read from where it is computed once, and only if looked at.

    Parameters
    ----------
    iterate : Iterate
        Whose best image it is: what would be saved if the run ended here.
    """

    def __init__(self, iterate: "Iterate") -> None:
        self.iterate = iterate

    @cached_property
    def shown(self) -> "Shown":
        """What is shown of it, in its own colour space, maybe with an alpha."""
        return self.iterate.best.shown

    @cached_property
    def image(self) -> "Image":
        """The same as any screen shows it: 8-bit RGB in sRGB, on white where it is transparent."""
        from stylize.runtime.pictures.reduced import on_screen

        return on_screen(self.shown, LARGEST)


class MissedError(Exception):
    """A watcher has missed one picture, and is tried again with the next; its cause tells why."""


class Watcher(Protocol):
    """Shows a picture while it grows, or keeps how it grew."""

    @property
    def name(self) -> str:
        """What messages call it, at the beginning of a sentence."""

    def see(self, glimpse: Glimpse) -> None:
        """Take the picture so far, if it is time; raise MissedError if just this one failed."""

    def finish(self, glimpse: Glimpse) -> str:
        """Take the last picture, finish, and tell in a sentence what there is; or nothing."""

    def give_up(self) -> None:
        """Leave nothing behind that is half-finished."""


class Watchers:
    """Some watchers of one run.

    Parameters
    ----------
    watchers : iterable of Watcher
        One that fails is left out from then on.
    say : function
        Prints a line, which tells of that.
    """

    def __init__(
        self, watchers: Iterable[Watcher] = (), say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._watchers, self._say = list(watchers), say
        self._last: Iterate | None = None
        self._failures: list[str] = []
        self._missing: list[Watcher] = []

    def see(self, iterate: "Iterate") -> None:
        """Let each look at an iterate. A signal waits: no file or terminal is left in between."""
        if self._watchers:
            self._last = iterate
            with holding_signals():
                self._ask(lambda watcher, glimpse: watcher.see(glimpse), " The run goes on.")

    def finish(self) -> list[str]:
        """Let each finish, and return what they tell."""
        told: list[str] = []
        with holding_signals(heed=False):
            self._ask(lambda watcher, glimpse: told.append(watcher.finish(glimpse)))
        self._watchers = []
        return list(filter(None, told))

    def finish_after(self, error: BaseException) -> None:
        """Let each finish what there is, since an error ends the run; note what they tell."""
        for sentence in self.finish():
            error.add_note(f"{sentence}.")
        for failure in self._failures:
            error.add_note(failure)

    def check(self) -> None:
        """Raise StylizeError if one of them failed: it was asked for, so the user is to know."""
        if self._failures:
            raise StylizeError(" ".join(self._failures))

    def _ask(self, ask: Callable[[Watcher, Glimpse], None], comfort: str = "") -> None:
        if self._last is None:
            return
        glimpse = Glimpse(self._last)
        for watcher in list(self._watchers):
            try:
                ask(watcher, glimpse)
            except MissedError as missed:
                self._miss(watcher, missed)
            except Exception as error:  # whatever it is, the picture counts more
                self._say(f"{self._drop(watcher, error)}{comfort}")

    def _miss(self, watcher: Watcher, missed: MissedError) -> None:
        """Tell once that one has missed a picture, whatever follows."""
        if watcher not in self._missing:
            self._missing.append(watcher)
            failure = f"{watcher.name} has left one out: {_reason(missed.__cause__)}"
            self._failures.append(failure)
            self._say(f"{failure} It is tried again with the next.")

    def _drop(self, watcher: Watcher, error: Exception) -> str:
        """Leave one out; return why."""
        self._watchers.remove(watcher)
        with suppress(Exception):  # a file on a full disk cannot even be closed
            watcher.give_up()
        failure = f"{watcher.name} had to be given up: {_reason(error)}"
        self._failures.append(failure)
        return failure


def _reason(error: BaseException | None) -> str:
    """Return why something failed, as a sentence."""
    if isinstance(error, StylizeError):
        return str(error)
    return f"{getattr(error, 'strerror', None) or repr(error)}."
