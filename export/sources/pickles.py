"""Pickles of plain values, read by an interpreter that has nothing to call.

A pickle is a program for a stack machine, which Python's own reader obeys. This one obeys only the
steps that values, lists, tuples and dicts need. Names of functions and classes are never looked up:
a subclass says what they stand for. Nothing here recurses, so no depth of nesting overflows; and
each step makes one small value, so no count in a file does harm.
"""

import pickletools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

MOST_STEPS = 1_000_000
"""Steps of a pickle. VGG-19's has about two thousand."""
MOST_ARGUMENTS = 16
"""Arguments of a call; none has more than eight."""
LARGEST_KEY = 1 << 60
"""Numbers below have hashes of their own. Others may be chosen so that a dict takes for ever."""


class Readable(Protocol):
    """What a pickle is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""

    def readline(self) -> bytes:
        """Return the bytes up to a newline."""


@dataclass(frozen=True)
class Named:
    """A function or class that a pickle names, as ``module.name``."""

    name: str


class ForeignPickleError(ValueError):
    """A pickle does what it should not."""


class PickleReader(ABC):
    """The stack machine. An instance reads one pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._count = 0

    def read(self, file: Readable) -> Any:
        """Return what a pickle holds; the file stands behind it afterwards.

        Raises
        ------
        ForeignPickleError
            It holds something that is not admitted, or is damaged.
        """
        try:
            for step, argument in _steps(file):
                self.count(1)
                if act := _ACTIONS.get(step):
                    act(self, argument)
            return self._stack.pop()
        except ForeignPickleError:
            raise
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise ForeignPickleError(f"its pickle is damaged ({error})") from error

    @abstractmethod
    def admits(self, name: str) -> bool:
        """Tell whether a pickle may name a function or class."""

    @abstractmethod
    def made(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Return what a call stands for."""

    @abstractmethod
    def found(self, reference: tuple[Any, ...]) -> Any:
        """Return what lies outside of the pickle."""

    def count(self, steps: int) -> None:
        """Count steps, or what takes as long."""
        self._count += steps
        if self._count > MOST_STEPS:
            raise ForeignPickleError(f"its pickle has more than {MOST_STEPS} steps")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self, _: None) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _above_mark(self) -> list[Any]:
        above, self._stack = self._stack, self._below.pop()
        return above

    def _tuple(self, size: int | None) -> None:
        if size is None:
            above = self._above_mark()
            self._push(tuple(above))
            return
        if len(self._stack) < size:
            raise IndexError("its stack is empty")
        self._stack[-size:] = [tuple(self._stack[-size:])]

    def _put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _get(self, index: int) -> None:
        self._push(self._memo[index])

    def _append(self, _: None) -> None:
        item = self._stack.pop()
        typed(self._stack[-1], list).append(item)

    def _appends(self, _: None) -> None:
        items = self._above_mark()
        typed(self._stack[-1], list).extend(items)

    def _set_item(self, _: None) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        put_into(typed(self._stack[-1], dict), key, value)

    def _set_items(self, _: None) -> None:
        items = self._above_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            put_into(typed(self._stack[-1], dict), key, value)

    def _name(self, name: str) -> None:
        if not self.admits(name):
            raise ForeignPickleError(f"it names {name[:100]}, which no tensor needs")
        self._push(Named(name))

    def _call(self, _: None) -> None:
        arguments, called = typed(self._stack.pop(), tuple), typed(self._stack.pop(), Named)
        if len(arguments) > MOST_ARGUMENTS:
            raise ValueError(f"a call has {len(arguments)} arguments")
        self._push(self.made(called.name, arguments))

    def _build(self, _: None) -> None:
        """Leave out attributes of a value, such as the version numbers of a state's modules."""
        if len(self._stack) < 2:
            raise IndexError("its stack is empty")
        self._stack.pop()

    def _refer(self, _: None) -> None:
        reference = typed(self._stack.pop(), tuple)
        if len(reference) > MOST_ARGUMENTS:
            raise ValueError(f"a reference has {len(reference)} parts")
        self._push(self.found(reference))


_ACTIONS: dict[str, Callable[[PickleReader, Any], None]] = {
    **dict.fromkeys(
        (
            *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
            *("BINUNICODE", "SHORT_BINSTRING", "BINSTRING"),
        ),
        PickleReader._push,
    ),
    "NONE": PickleReader._push,  # its argument is None
    "NEWTRUE": lambda reader, _: reader._push(True),
    "NEWFALSE": lambda reader, _: reader._push(False),
    "EMPTY_LIST": lambda reader, _: reader._push([]),
    "EMPTY_DICT": lambda reader, _: reader._push({}),
    "EMPTY_TUPLE": lambda reader, _: reader._push(()),
    "TUPLE1": lambda reader, _: reader._tuple(1),
    "TUPLE2": lambda reader, _: reader._tuple(2),
    "TUPLE3": lambda reader, _: reader._tuple(3),
    "TUPLE": PickleReader._tuple,
    "MARK": PickleReader._mark,
    "BINPUT": PickleReader._put,
    "LONG_BINPUT": PickleReader._put,
    "BINGET": PickleReader._get,
    "LONG_BINGET": PickleReader._get,
    "APPEND": PickleReader._append,
    "APPENDS": PickleReader._appends,
    "SETITEM": PickleReader._set_item,
    "SETITEMS": PickleReader._set_items,
    "GLOBAL": PickleReader._name,
    "REDUCE": PickleReader._call,
    "NEWOBJ": PickleReader._call,
    "BUILD": PickleReader._build,
    "BINPERSID": PickleReader._refer,
}
"""What the steps do. Others than these, and the two that begin and end a pickle, are refused."""

_BEGIN, _END = "PROTO", "STOP"
_OBEYED = {*_ACTIONS, _BEGIN, _END}
_CODES = {step.code.encode("latin-1"): step for step in pickletools.opcodes}


def _steps(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield the steps of a pickle and their arguments, which only those that are known may have."""
    name = ""
    while name != _END:
        code = file.read(1)
        if (step := _CODES.get(code)) is None:
            raise ValueError(f"there is no step 0x{code.hex()}" if code else "it has no end")
        name = step.name
        if name not in _OBEYED:
            raise ForeignPickleError(f"its pickle has a step {name}, which torch's have not")
        if name == "GLOBAL":  # the library's own reader looks for escapes in names
            yield name, f"{_line(file)}.{_line(file)}"
        else:
            yield name, step.arg.reader(file) if step.arg else None


def _line(file: Readable) -> str:
    line = file.readline()
    if not line.endswith(b"\n"):
        raise ValueError("a name has no end")
    return line[:-1].decode()


def typed(value: Any, kind: type[Any]) -> Any:
    """Return a value that must be of a type; raise TypeError if it is not."""
    if type(value) is not kind:
        raise TypeError(f"a {type(value).__name__} stands where a {kind.__name__} should")
    return value


def put_into(made: dict[Any, Any], key: Any, value: Any) -> None:
    """Set an item, if its key is a plain value: hashing others may take for ever."""
    if not isinstance(key, str | int | None):
        raise TypeError(f"a {type(key).__name__} stands where a name should")
    if isinstance(key, int) and abs(key) >= LARGEST_KEY:
        raise ValueError("a number that is a key is too large")
    made[key] = value
