"""How far a batch is, and what came of it."""

import time
from collections.abc import Iterator

from stylize.cli.showing.bar import Bar, as_time
from stylize.cli.terminal import is_terminal, note
from stylize.models.amounts import counted
from stylize.runtime.batches.record import Entry, News, Outcome

MOST = 50
"""Messages that are listed at the end; the record has all of them."""


class Tally:
    """Counts what came of pairs, and shows it: a bar in a terminal, lines in a log file.

    Attributes
    ----------
    total : int
        How many pairs there are.

    Parameters
    ----------
    total : int
        The same.
    quiet : bool
        Whether to show nothing.
    """

    def __init__(self, total: int, quiet: bool) -> None:
        self.total = total
        self._entries: dict[int, Entry] = {}
        self._shares: dict[int, float] = {}
        self._warnings: set[str] = set()
        self._begun = time.monotonic()
        self._quiet = quiet
        self._bar = Bar(self) if is_terminal() and not quiet and total else None

    @property
    def done(self) -> int:
        """How many pairs are settled."""
        return len(self._entries)

    @property
    def time_left(self) -> str:
        """Until the end, as `as_time` has it, if the others take as long as those made here."""
        begun = sum(self._shares.values())
        worked = self.count("made") + self.count("failed") + begun
        seconds = time.monotonic() - self._begun
        return as_time(seconds / worked * (self.total - self.done - begun)) if worked else "?"

    def take(self, told: News) -> None:
        """Count and show what is told."""
        if told.warning and told.warning not in self._warnings:
            self._warnings.add(told.warning)
            self._say(told.warning)
        if told.number in self._entries:
            return  # another process found what one had made
        if told.entry is None:
            self._shares[told.number] = told.share
            text = ""
        else:
            self._shares.pop(told.number, None)
            self._entries[told.number] = told.entry
            text = f"  {told.entry.output or told.entry.photo}"
            if not (self._bar or self._quiet) and told.entry.outcome != "there":
                note(f"{self.done}/{self.total}  {self.time_left} left  {_in_words(told.entry)}")
        if self._bar:
            self._bar.show(text)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar:
            self._bar.clear()
        self._bar = None

    def summary(self, record: str) -> Iterator[str]:
        """Yield in words what came of all, and each message once."""
        counts = {
            f"{self.count('made')} made": True,
            f"{self.count('there')} there already": self.count("there"),
            f"{self.count('interrupted')} interrupted": self.count("interrupted"),
            f"{self.count('failed')} failed": self.count("failed"),
            f"{self.total - self.done} left, or made by another process": self.total - self.done,
        }
        if not self._quiet:
            told = ", ".join(text for text, shown in counts.items() if shown)
            yield f"{counted(self.total, 'picture')}: {told}. The record is {record}."
        yield from self._failures()

    def count(self, outcome: Outcome) -> int:
        """Return of how many pairs that came."""
        return sum(entry.outcome == outcome for entry in self._entries.values())

    @property
    def failed(self) -> list[Entry]:
        """The pairs that failed, in their order."""
        entries = (self._entries[number] for number in sorted(self._entries))
        return [entry for entry in entries if entry.outcome == "failed"]

    def _failures(self) -> Iterator[str]:
        messages: dict[str, int] = {}
        for entry in self.failed:
            if error := entry.error:
                messages[error] = messages.get(error, 0) + 1
        for message, times in list(messages.items())[:MOST]:
            yield f"Failed: {message}{f' ({times} pictures)' if times > 1 else ''}"
        if len(messages) > MOST:
            yield f"Failed: {len(messages) - MOST} more, which the record has."

    def _say(self, text: str) -> None:
        if self._bar:
            self._bar.clear()
        if not self._quiet:
            note(text)


def _in_words(entry: Entry) -> str:
    if entry.outcome == "made":
        return f"{entry.output}: iteration {entry.iterations} after {entry.seconds:.0f} s"
    return f"{entry.photo} x {entry.painting}: {entry.outcome}"
