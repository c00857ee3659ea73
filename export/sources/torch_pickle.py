"""The pickles in torch's files: what the names in them stand for.

Admitted are the names that torch's own ``weights_only`` admits and that states and checkpoints
hold. Of these, what makes tensors of plain numbers and dicts is obeyed; other values are left
unread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stylize.export.sources.pickles import (
    ForeignPickleError,
    Named,
    PickleReader,
    Readable,
    put_into,
    typed,
)
from stylize.export.sources.storages import TYPES, Storage, StridedTensor


@dataclass(frozen=True)
class Unread:
    """A value that is admitted in a file but not looked at."""

    kind: str


_UNREAD = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_qtensor": "a quantised tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without numbers",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of a class of its own",
    "torch._utils._rebuild_device_tensor_from_numpy": "a tensor of another device",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "a tensor of another device",
    "torch._utils._rebuild_tensor_v3": "a tensor of a type that is none of NumPy's",
    "torch.serialization._get_layout": "a layout",
    "torch.device": "a device",
    "torch.Size": "a size",
    "collections.Counter": "a counter",
    "_codecs.encode": "bytes",
    "builtins.bytearray": "bytes",
    "builtins.set": "a set",
    "builtins.complex": "a complex number",
}
"""What is made by calls that are not obeyed."""

_DTYPES = {f"torch.{kind.dtype}" for kind in TYPES.values()}
_STORAGES = {f"torch.{name}": name for name in TYPES} | {
    "torch.storage.UntypedStorage": "UntypedStorage"
}


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StridedTensor:
    """Return what ``_rebuild_tensor`` and ``_rebuild_tensor_v2`` would."""
    return StridedTensor.checked(storage, offset, shape, strides)


def _parameter(data: Any, *_: Any) -> Any:
    return data


_MADE: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
}
"""What is made by calls that are obeyed, beside the dict."""

_DICT = "collections.OrderedDict"
_ADMITTED = {_DICT, *_MADE, *_UNREAD, *_STORAGES, *_DTYPES}


class TorchPickleReader(PickleReader):
    """Reads one pickle of torch's.

    Parameters
    ----------
    storages : dict
        Gains the storages that the pickle refers to, by their keys.
    """

    def __init__(self, storages: dict[str, Storage]) -> None:
        super().__init__()
        self._storages = storages

    def admits(self, name: str) -> bool:
        """Tell whether a pickle may name a function or class."""
        return _of_python_3(name) in _ADMITTED

    def made(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Return what a call stands for."""
        name = _of_python_3(name)
        if name == _DICT:
            return self._dict(*arguments)
        if make := _MADE.get(name):
            return make(*arguments)
        if kind := _UNREAD.get(name):
            return Unread(kind)
        raise ForeignPickleError(f"it calls {name}, which is no function")

    def _dict(self, pairs: Any = ()) -> dict[Any, Any]:
        self.count(len(pairs))
        made: dict[Any, Any] = {}
        for key, value in pairs:
            put_into(made, key, value)
        return made

    def found(self, reference: tuple[Any, ...]) -> Storage:
        """Return the storage that a tuple refers to."""
        what, kind, key, _device, count, *view = reference
        name = _STORAGES.get(typed(kind, Named).name)
        if what != "storage" or name is None:
            raise ForeignPickleError("it refers to something that is no storage of numbers")
        storage = Storage.checked(name, key, count, view[0] if view else None)
        known = self._storages.setdefault(storage.key, storage)
        if (known.type, known.whole) != (storage.type, storage.whole):
            raise ForeignPickleError(f"it has two storages called {storage.key!r}")
        return storage


def _of_python_3(name: str) -> str:
    return name.replace("__builtin__.", "builtins.", 1)


def read_pickle(file: Readable, storages: dict[str, Storage] | None = None) -> Any:
    """Return what a pickle holds: plain values, lists, tuples, dicts and tensors.

    Parameters
    ----------
    file : file or other object with `read` and `readline`
        Stands behind the pickle afterwards.
    storages : dict, optional
        Gains the storages that the pickle refers to, by their keys.

    Raises
    ------
    ForeignPickleError
        It holds something else, or is damaged.
    """
    return TorchPickleReader({} if storages is None else storages).read(file)
