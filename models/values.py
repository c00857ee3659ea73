"""Values brought to the types that fields declare: what Python callers give may be close to them.

A notebook has NumPy's numbers, lists and paths where a field says int, tuple and str. msgspec could
check most of this, but takes a third of the time in which the command line starts.
"""

import os
from collections.abc import Callable, Mapping
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin


class KindError(TypeError):
    """A value is not of a type, nor close to it."""


def brought_to(kind: Any, value: object) -> Any:
    """Return a value as one of a type.

    Parameters
    ----------
    kind : type
        int, float, str, bool, Path, a Literal of texts, a tuple, a Mapping, or a union of these.
    value : object
        What was given.

    Raises
    ------
    KindError
        It is not of that type. NaN and infinity are no numbers.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if kind in _READERS:
        return _READERS[kind](value)
    if origin is Literal:
        return _choice(parts, value)
    if origin is tuple:
        return _tuple(parts, value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(parts, value)
    for part in parts:
        try:
            return brought_to(part, value)
        except KindError:
            pass
    raise KindError


def in_words(kind: Any) -> str:
    """Return what values of a type are: ``a whole number or a pair of whole numbers``."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is Literal:
        return " or ".join(parts)
    if origin is tuple and Ellipsis in parts:
        return f"a list in which each is {in_words(parts[0])}"
    if origin is tuple:
        return f"{len(parts)} in a list of which each is {in_words(parts[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {' to '.join(_SEVERAL[part] for part in parts)}"
    return " or ".join(in_words(part) for part in parts if part is not NoneType)


def _required(condition: bool, value: Any) -> Any:
    if not condition:
        raise KindError
    return value


def _whole(value: Any) -> int:
    return int(_required(isinstance(value, Integral) and not isinstance(value, bool), value))


def _number(value: Any) -> float:
    _required(isinstance(value, Real) and not isinstance(value, bool), value)
    try:
        return _required(isfinite(value), float(value))
    except OverflowError as error:
        raise KindError from error


def _text(value: Any) -> str:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return _required(isinstance(text, str), text)


def _path(value: Any) -> Path:
    return Path(_text(value))


def _flag(value: Any) -> bool:
    return _required(isinstance(value, bool), value)


def _nothing(value: Any) -> None:
    return _required(value is None, value)


def _choice(choices: tuple[str, ...], value: Any) -> str:
    return _required(isinstance(value, str) and value in choices, value)


def _tuple(parts: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    _required(isinstance(value, tuple | list), value)
    kinds = parts[:1] * len(value) if Ellipsis in parts else parts
    _required(len(kinds) == len(value), value)
    return tuple(map(brought_to, kinds, value))


def _mapping(parts: tuple[Any, ...], value: Any) -> dict[Any, Any]:
    _required(isinstance(value, Mapping), value)
    key, kind = parts
    return {brought_to(key, name): brought_to(kind, each) for name, each in value.items()}


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: _text,
    Path: _path,
    NoneType: _nothing,
}

_WORDS: Mapping[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
}

_SEVERAL: Mapping[Any, str] = {str: "texts", float: "numbers"}
