"""torch's files are read as torch reads them, and nothing in them is obeyed."""

import io
import pickle
import tracemalloc
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch", reason="these files are written by torch")
pytest.importorskip("safetensors", reason="exporting needs safetensors")
pytest.importorskip("onnx", reason="exporting needs onnx")

from mutations import mutants

from stylize.export.sources import pickles
from stylize.export.sources.torch_files import read_state
from stylize.models.errors import WeightsError

Read = dict[str, npt.NDArray[Any]]


def written(content: Any, old: bool = False) -> bytes:
    """Return a file of torch's, of its old format if `old`."""
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


def read(data: bytes) -> Read:
    tensors = read_state(io.BytesIO(data), "a.pth")
    return {name: tensor.read() for name, tensor in tensors.items()}


def assert_as_torch_reads(data: bytes, found: Read) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = torch.load(io.BytesIO(data), weights_only=True)
    assert list(found) == list(state)
    for name, array in found.items():
        np.testing.assert_array_equal(array, state[name].detach().float().numpy(), strict=True)


GRID = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5) - 20.5

TENSORS: dict[str, Callable[[], Any]] = {
    "whole": lambda: GRID,
    "turned": lambda: GRID.permute(2, 0, 1),
    "a part": lambda: GRID[1:, ::2, 1:4],
    "a row again and again": lambda: GRID[0, 0].expand(3, 5),
    "colours last": lambda: GRID[None].contiguous(memory_format=torch.channels_last),
    "a number": lambda: GRID[1, 2, 3],
    "nothing": lambda: GRID[:0],
    "a storage of nothing": lambda: torch.empty(0, 3),
    "a parameter": lambda: torch.nn.Parameter(GRID),
    **{
        str(dtype): lambda dtype=dtype: GRID.to(dtype)
        for dtype in (
            *(torch.float64, torch.float16, torch.bfloat16),
            *(torch.int64, torch.int32, torch.int16, torch.int8, torch.bool),
        )
    },
    "torch.uint8": lambda: GRID.abs().to(torch.uint8),
}
formats = pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])


@formats
@pytest.mark.parametrize("kind", TENSORS)
def test_every_tensor_is_read_as_torch_reads_it(kind: str, old: bool) -> None:
    data = written({"before": GRID + 1, "it": TENSORS[kind](), "after": GRID.half()}, old)
    assert_as_torch_reads(data, read(data))


@formats
def test_tensors_may_share_a_storage(old: bool) -> None:
    data = written({"a": GRID, "b": GRID[2], "c": GRID.mT}, old)
    assert_as_torch_reads(data, read(data))


@formats
def test_kinds_and_shapes_are_told_before_numbers_are_read(old: bool) -> None:
    data = written({name: make() for name, make in TENSORS.items()}, old)
    tensors = read_state(io.BytesIO(data), "a.pth")
    for name, make in TENSORS.items():
        assert tensors[name].shape == tuple(make().shape)
        assert tensors[name].kind == str(make().dtype)
        assert tensors[name].floating == make().is_floating_point()


def test_numbers_of_a_big_endian_machine() -> None:
    state = {"a": GRID.double(), "b": GRID.half(), "c": GRID.bfloat16(), "d": GRID.int()}
    with zipfile.ZipFile(io.BytesIO(written(state))) as little:
        records = {entry: little.read(entry) for entry in little.namelist()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as big:
        for (path, content), size in zip(records.items(), records, strict=True):
            key = size.rpartition("data/")[2]
            width = {"0": 8, "1": 2, "2": 2, "3": 4}.get(key, 1)
            swapped = np.frombuffer(content, f"V{width}").tobytes()
            if width > 1:
                swapped = np.frombuffer(content, np.uint8).reshape(-1, width)[:, ::-1].tobytes()
            big.writestr(path, b"big" if path.endswith("byteorder") else swapped)
    found = read(file.getvalue())
    assert_as_torch_reads(file.getvalue(), found)
    np.testing.assert_array_equal(found["d"], state["d"].float().numpy())


@formats
def test_what_lies_beside_a_state_is_passed_over(old: bool) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    state = model.state_dict()  # with _metadata
    beside = {
        "epoch": 3,
        "best": 0.25,
        "name": "für",
        "optimizer": {
            "state": {0: {"step": torch.tensor(1.0), "exp_avg": GRID}},
            "param_groups": [{"lr": 1e-3, "betas": (0.5, 0.9), "foreach": None, "params": [0, 1]}],
        },
        "shape": GRID.shape,
        "kind": torch.float16,
        "device": torch.device("cpu"),
        "layout": torch.strided,
        "others": [None, True, False, (), (1,), (1, 2, 3, 4), 2**40, -1, {1, 2}, b"bytes", 1j],
        "sparse": torch.eye(3).to_sparse(),
        "model_state_dict": state,
    }
    found = read(written(beside, old))
    assert found.keys() == state.keys()
    np.testing.assert_array_equal(found["0.weight"], state["0.weight"].numpy())


def test_names_of_python_2_are_read() -> None:
    pickled = b"}U\x01x" + tensor() + b"s."  # a short string of bytes
    np.testing.assert_array_equal(read(archive(pickled))["x"], [0, 1, 2, 3])


@formats
def test_damaged_files_are_read_or_are_an_error(mutations: Callable[[int], int], old: bool) -> None:
    data = written(OrderedDict(a=GRID, b=GRID.half()[1:]), old)
    refused = 0
    for damaged in mutants(data, mutations(60), seed=5):
        try:
            tensors = read_state(io.BytesIO(damaged), "a.pth")
            for each in tensors.values():
                if prod(each.shape) < 10**6:  # others are refused for their shape
                    assert each.read().shape == each.shape
        except WeightsError:
            refused += 1
    assert refused > 10


def name(module: str, function: str) -> bytes:
    return f"c{module}\n{function}\n".encode()


def plain(value: Any) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def storage(
    count: Any = 4, key: Any = "0", kind: str = "FloatStorage", what: str = "storage", *view: Any
) -> bytes:
    parts = (plain(what), name("torch", kind), plain(key), plain("cpu"), plain(count))
    return b"(" + b"".join(parts) + b"".join(map(plain, view)) + b"tQ"


def tensor(
    stored: bytes | None = None, offset: Any = 0, shape: Any = (4,), strides: Any = (1,)
) -> bytes:
    where = b"".join(map(plain, (offset, shape, strides)))
    rebuild = name("torch._utils", "_rebuild_tensor_v2")
    return rebuild + b"(" + (storage() if stored is None else stored) + where + b"\x89NtR"


def state(value: bytes) -> bytes:
    """Return a pickle of one thing called x."""
    return b"\x80\x02}" + plain("x") + value + b"s."


NUMBERS = np.arange(4, dtype="<f4").tobytes()


def archive(pickled: bytes, **records: bytes) -> bytes:
    """Return a zip file as torch writes them, with a storage of four numbers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for path, content in {
            "data.pkl": pickled,
            "data/0": NUMBERS,
            "version": b"3",
            **records,
        }.items():
            made.writestr(f"a/{path}", content)
    return file.getvalue()


def begin_of_stream() -> bytes:
    return b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {}))


def test_crafted_files_are_like_torchs() -> None:
    data = archive(state(tensor()))
    assert_as_torch_reads(data, read(data))


def test_views_of_storages_are_read() -> None:
    view = storage(4, "0", "FloatStorage", "storage", ("view", 1, 2))
    found = read(archive(state(tensor(view, 0, (2,)))))
    np.testing.assert_array_equal(found["x"], [1, 2])
    with pytest.raises(WeightsError, match="beyond its storage"):
        read(archive(state(tensor(view, 1, (2,)))))


HUGE = 2**62

PLACES: dict[str, tuple[bytes, str]] = {
    "too long": (tensor(shape=(5,)), "reaches beyond its storage"),
    "too far": (tensor(offset=1), "reaches beyond its storage"),
    "too wide": (tensor(shape=(2, 2), strides=(3, 1)), "reaches beyond its storage"),
    "overflowing": (tensor(shape=(HUGE, HUGE), strides=(HUGE, HUGE)), "beyond its storage"),
    "very far": (tensor(offset=HUGE), "reaches beyond its storage"),
    "backwards": (tensor(strides=(-1,)), "no proper storage, shape or strides"),
    "before": (tensor(offset=-1), "no proper storage, shape or strides"),
    "negative": (tensor(shape=(-4,)), "no proper storage, shape or strides"),
    "of truth": (tensor(shape=(True,)), "no proper storage, shape or strides"),
    "beyond 64 bits": (tensor(offset=2**200), "no proper storage, shape or strides"),
    "of words": (tensor(shape=("4",)), "no proper storage, shape or strides"),
    "of a list": (tensor(shape=[4]), "no proper storage, shape or strides"),
    "of more axes": (tensor(shape=(4, 1)), "no proper storage, shape or strides"),
    "of 65 axes": (tensor(shape=(1,) * 65, strides=(1,) * 65), "no proper storage"),
    "without storage": (tensor(plain(None)), "no proper storage, shape or strides"),
    "missing": (tensor(storage(key="1")), "storage '1' is missing or has another size"),
    "longer than its record": (tensor(storage(5)), "storage '0' is missing or has another size"),
    "shorter than its record": (
        tensor(storage(3), shape=(3,)),
        "storage '0' is missing or has another size",
    ),
    "huge": (tensor(storage(HUGE), shape=(HUGE,)), "storage '0' is missing or has another size"),
    "a huge row": (tensor(storage(HUGE), offset=HUGE - 4), "storage '0' is missing or has another"),
    "of negative size": (tensor(storage(-4)), "no proper name or size"),
    "a key that is none": (tensor(storage(key=0)), "no proper name or size"),
    "a view too far": (
        tensor(storage(4, "0", "FloatStorage", "storage", ("v", 3, 2))),
        "no proper name or size",
    ),
    "of a quantised kind": (tensor(storage(kind="QInt8Storage")), "names torch.QInt8Storage"),
    "no storage": (tensor(storage(what="module")), "no storage of numbers"),
    "of a number": (tensor(b"K\x01Q"), "a int stands where a tuple should"),
    "of no kind": (tensor(b"(" + plain("storage") * 5 + b"tQ"), "str stands where a Named"),
    "short": (tensor(b"(" + plain("storage") + b"tQ"), "its pickle is damaged"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_tensor_must_lie_in_its_storage(case: str) -> None:
    value, message = PLACES[case]
    with pytest.raises(WeightsError, match=message) as caught:
        read(archive(state(value)))
    assert str(caught.value).startswith("'a.pth' is no file of tensors that stylize reads safely")


def test_two_storages_of_one_name_are_refused() -> None:
    two = tensor() + b"s" + plain("y") + tensor(storage(2), shape=(2,))
    with pytest.raises(WeightsError, match="two storages called '0'"):
        read(archive(state(two)))


def nested(depth: int) -> bytes:
    return b")" + b"\x85" * depth


def doubled(times: int) -> bytes:
    """Return a tuple of tuples, of 2^times elements."""
    return b")" + b"".join(b"q\x00h\x00\x86" for _ in range(times))


ORDERED_DICT = name("collections", "OrderedDict")
LIST_OF_PAIRS = b"](" + plain((1, 2)) * 1000 + b"eq\x01"

ATTACKS: dict[str, tuple[bytes, str]] = {
    "a function": (state(name("os", "system") + plain(("true",)) + b"R"), "names os.system"),
    "builtins": (state(name("__builtin__", "eval") + plain(("1",)) + b"R"), "names __builtin__"),
    "a class": (state(name("torch.nn.modules.conv", "Conv2d") + b")\x81"), "names torch.nn"),
    "a name of two words": (state(b"cos\nsystem x\n"), "names os.system x"),
    "half a name": (state(b"cos\nsystem")[:-2], "a name has no end"),
    "a name of no letters": (state(b"cos\n\xff\n"), "its pickle is damaged"),
    "protocol 4": (state(plain("os") + plain("system") + b"\x93"), "a step STACK_GLOBAL"),
    "instances": (state(b"(ios\nsystem\n"), "a step INST"),
    "objects": (state(b"(cos\nsystem\no"), "names os.system"),
    "extensions": (state(b"\x82\x01"), "a step EXT1"),
    "a call of a value": (state(plain("x") + b")R"), "a str stands where a Named should"),
    "a call of a call": (state(ORDERED_DICT + b")R)R"), "a dict stands where a Named should"),
    "a call of a storage": (state(name("torch", "FloatStorage") + b")R"), "is no function"),
    "a call of a type": (state(name("torch", "float32") + b")R"), "is no function"),
    "no arguments": (state(ORDERED_DICT + b"NR"), "NoneType stands where a tuple should"),
    "many arguments": (state(ORDERED_DICT + plain((0,) * 17) + b"R"), "a call has 17 arguments"),
    "a dict of numbers": (state(ORDERED_DICT + plain((5,)) + b"R"), "its pickle is damaged"),
    "a dict of words": (state(ORDERED_DICT + plain((["abc"],)) + b"R"), "its pickle is damaged"),
    "items of a list": (state(b"]" + plain(1) * 2 + b"s"), "a list stands where a dict should"),
    "half an item": (state(b"}(" + plain(1) + b"u"), "its pickle is damaged"),
    "more of a dict": (state(b"}" + plain(1) + b"a"), "a dict stands where a list should"),
    "an empty stack": (b"0", "a step POP"),
    "nothing above a mark": (b"\x80\x02t.", "its pickle is damaged"),
    "a tuple of too much": (b"\x80\x02\x87.", "its stack is empty"),
    "something unknown": (b"\x80\x02h\x07.", "its pickle is damaged"),
    "no end": (b"\x80\x02}", "it has no end"),
    "a key that takes for ever": (b"\x80\x02}" + doubled(60) + b"Ns.", "a tuple stands where"),
    "a deep key": (b"\x80\x02}" + nested(10**4) + b"Ns.", "a tuple stands where a name should"),
    "keys of one hash": (state(b"}" + plain(2**61 - 1) + b"Ns"), "is too large"),
    "a key of floating point": (state(b"}" + plain(0.5) + b"Ns"), "a float stands where a name"),
    "many parts of a reference": (state(plain((0,) * 17) + b"Q"), "a reference has 17 parts"),
    "attributes of nothing": (b"\x80\x02Nb.", "its stack is empty"),
    "a deep key of a dict": (
        state(ORDERED_DICT + b"](" + nested(9) + b"N\x86e\x85R"),
        "a tuple stands where a name should",
    ),
    "a name without end": (state(b"X\xff\xff\xff\xff"), "its pickle is damaged"),
    "a name of negative size": (state(b"T\xff\xff\xff\xff"), "its pickle is damaged"),
    "a large number": (state(b"\x8b\x00\x00\x01\x00" + b"\x7f" * 2**16), "a step LONG4"),
    "a long number": (state(b"L" + b"9" * 5000 + b"L\n"), "pickle"),
    "too many steps": (b"\x80\x02" + b"}0" * 5, "a step POP"),
    "many dicts of one list": (
        state(LIST_OF_PAIRS + (ORDERED_DICT + b"h\x01\x85R") * 1200),
        "more than 1000000 steps",
    ),
    "a step that is none": (b"\x80\x02\xff.", "there is no step 0xff"),
    "no word": (state(b"X\x01\x00\x00\x00\xff"), "its pickle is damaged"),
}


@pytest.mark.parametrize("attack", ATTACKS)
@formats
def test_attacks_are_one_error(attack: str, old: bool) -> None:
    pickled, message = ATTACKS[attack]
    data = begin_of_stream() + pickled if old else archive(pickled)
    with pytest.raises(WeightsError, match=message) as caught:
        read(data)
    assert str(caught.value).startswith("'a.pth' is no file of tensors that stylize reads safely")
    assert "download the file again" in str(caught.value)


HARMLESS = {
    "a far place in the memory": b"}r\xff\xff\xff\xff",
    "a deep value": nested(10**4),
    "a value that takes for ever": doubled(60),
    "attributes": ORDERED_DICT + b")R" + plain({"__class__": 1, "__setitem__": None}) + b"b",
    "attributes of a tuple": b")" + plain({"__class__": 1}) + b"b",
    "a list of itself": b"]q\x01h\x01a",
}


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_does_no_harm_is_no_tensor(value: bytes) -> None:
    with pytest.raises(WeightsError, match=r"'x' is a (dict|tuple|list), not a tensor of plain"):
        read(archive(state(value)))


def test_many_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST_STEPS", 100)
    read(archive(state(tensor())))
    with pytest.raises(WeightsError, match="more than 100 steps"):
        read(archive(state(b"](" + b"}" * 100 + b"e")))


def test_long_pickles_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylize.export.sources.torch_files.LARGEST_PICKLE", 1000)
    read(archive(state(tensor())))
    with pytest.raises(WeightsError, match="its pickle is damaged"):
        read(archive(state(plain("x" * 1000))))


@pytest.mark.parametrize(
    "value",
    [tensor(storage(HUGE), shape=(HUGE,)), b"X\xff\xff\xff\x7f", b"}r\xff\xff\xff\xff"],
    ids=["a storage", "a name", "the memory"],
)
@formats
def test_no_more_memory_is_taken_than_the_file_has(value: bytes, old: bool) -> None:
    keys = pickle.dumps(["0"], 2) + HUGE.to_bytes(8, "little")
    data = begin_of_stream() + state(value) + keys if old else archive(state(value))
    read(archive(state(tensor())))  # whatever is kept from the first time
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@formats
def test_a_storage_beyond_the_end_takes_no_memory(old: bool) -> None:
    numbers = 2**29
    value = state(tensor(storage(numbers), shape=(4,), strides=(numbers // 4,)))
    if old:
        data = begin_of_stream() + value + pickle.dumps(["0"], 2) + numbers.to_bytes(8, "little")
    else:
        data = archive(value)
        sizes = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 20
        data = data[:sizes] + (4 * numbers).to_bytes(4, "little") * 2 + data[sizes + 8 :]
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match="storage '0' reaches beyond its end"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_damaged_storage_is_noticed() -> None:
    data = written({"x": GRID})
    at = data.index(GRID.numpy().tobytes())
    with pytest.raises(WeightsError, match="storage '0' is damaged"):
        read(data[:at] + b"\x01" + data[at + 1 :])


ODD_ZIPS = {
    "no pickle": archive(b"").replace(b"data.pkl", b"date.pkl"),
    "two pickles": archive(state(tensor()), **{"b/data.pkl": b""}),
    "another order": archive(state(tensor()), byteorder=b"middle"),
    "no header of a record": archive(state(tensor())).replace(NUMBERS, b"PK" + NUMBERS[2:]),
    "encrypted": archive(state(tensor())).replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    ),
}


@pytest.mark.parametrize("data", ODD_ZIPS.values(), ids=ODD_ZIPS.keys())
def test_odd_zip_files_are_refused(data: bytes) -> None:
    with pytest.raises(WeightsError, match=r"'a\.pth' is no file of tensors"):
        read(data)


def test_a_stream_with_another_count_is_refused() -> None:
    data = written({"x": GRID}, old=True)
    at = data.index(GRID.numpy().tobytes()) - 8
    with pytest.raises(WeightsError, match="another size than it says"):
        read(data[:at] + (59).to_bytes(8, "little") + data[at + 8 :])


@pytest.mark.parametrize("key", [[], {}, (1,), 0])
def test_a_stream_whose_storages_have_no_names_is_refused(key: Any) -> None:
    data = begin_of_stream() + state(tensor()) + pickle.dumps([key], 2)
    with pytest.raises(WeightsError, match="no proper name"):
        read(data)


@pytest.mark.parametrize("number", [b"\x80\x02K\x01.", b"\x80\x02}.", b""])
def test_a_stream_of_something_else_is_refused(number: bytes) -> None:
    with pytest.raises(WeightsError, match=r"does not begin as torch's files do|damaged"):
        read(number + written({"x": GRID}, old=True)[16:])
