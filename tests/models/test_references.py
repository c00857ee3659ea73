"""Every reference of a graph to another file is found, wherever it stands, and odd ones refused."""

from collections.abc import Callable

import pytest
from messages import field, model, tensor

from stylize.models.catalog import embedded_folder
from stylize.models.references import Reference, references

KERNEL = Reference("kernel", "float32", (2, 3), "weights.safetensors", 8, 24)

Wrap = Callable[[bytes], bytes]


def node(*attributes: bytes) -> bytes:
    """A NodeProto with some attributes."""
    return field(4, "Constant") + b"".join(field(5, attribute) for attribute in attributes)


PLACES: dict[str, Wrap] = {
    "attribute": lambda it: model(field(1, node(field(5, it)))),
    "list of an attribute": lambda it: model(field(1, node(field(10, it)))),
    "sparse initializer": lambda it: model(field(15, field(1, it))),
    "indices of a sparse initializer": lambda it: model(field(15, field(2, it))),
    "sparse attribute": lambda it: model(field(1, node(field(22, field(1, it))))),
    "list of sparse ones": lambda it: model(field(1, node(field(23, field(1, it))))),
    "subgraph": lambda it: model(field(1, node(field(6, field(5, it))))),
    "list of subgraphs": lambda it: model(field(1, node(field(11, field(5, it))))),
    "node of a subgraph": lambda it: model(field(1, node(field(6, field(1, node(field(5, it))))))),
    "function": lambda it: field(25, field(7, node(field(5, it)))),
    "default of a function": lambda it: field(25, field(11, field(5, it))),
    "training": lambda it: field(20, field(1, field(5, it))),
    "algorithm of a training": lambda it: field(20, field(2, field(1, node(field(5, it))))),
}


def test_an_initializer_may_refer_to_a_file() -> None:
    assert references(model(field(5, tensor()))) == (KERNEL,)


def test_the_shape_may_be_packed() -> None:
    packed = field(1, b"\x02\x03") + tensor(dims=())
    assert references(model(field(5, packed))) == (KERNEL,)


def test_a_graph_in_two_parts_is_one() -> None:
    other = tensor("../secret", name="other")
    found = references(model(field(5, tensor())) + field(7, field(5, other)))
    assert [reference.file for reference in found] == ["weights.safetensors", "../secret"]


def test_what_holds_its_numbers_itself_refers_to_nothing() -> None:
    own = field(1, 1) + field(2, 1) + field(8, "own") + field(9, b"1234")
    assert references(model(field(5, own), field(1, node(field(5, own))))) == ()


@pytest.mark.parametrize("place", PLACES)
def test_a_reference_from_elsewhere_is_refused(place: str) -> None:
    own = field(1, 1) + field(2, 1) + field(9, b"1234")
    assert references(PLACES[place](own)) == ()
    with pytest.raises(ValueError, match="elsewhere than its graph's initializers"):
        references(PLACES[place](tensor()))


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (tensor(offset="-8"), "lies at '-8'"),
        (tensor(offset=""), "lies at ''"),
        (tensor(offset="0x8"), "lies at '0x8'"),
        (tensor(offset="٨"), "lies at '٨'"),
        (tensor(offset="9" * 5000), "lies at '999"),
        (tensor(length=" 24"), "the length ' 24'"),
        (tensor(length=23), "is not what lies at its place"),
        (tensor(length=0), "is not what lies at its place"),
        (tensor(offset=7), "is not what lies at its place"),
        (tensor(dims=(2, 4)), "is not what lies at its place"),
        (tensor(dims=(2**64 - 6, 1)), "is not what lies at its place"),
        (tensor(dims=(2**63, 2**63)), "is not what lies at its place"),
        (tensor(dims=(0, 5), length=0), "a type or a shape"),
        (tensor(dims=(), length=4), "a type or a shape"),
        (tensor(dims=(1,) * 9, length=4), "a type or a shape"),
        (tensor(dims=(2**63,) * 10_000, length=4), "a type or a shape"),
        (tensor(kind=7), "a type or a shape"),
        (tensor(kind=2**32 + 1), "a type or a shape"),
        (tensor() + field(13, field(1, "location") + field(2, "x")), "the place of 'kernel'"),
        (tensor() + field(13, field(1, "basepath") + field(2, "/")), "the place of 'kernel'"),
        (field(8, "kernel") + field(14, 1), "the place of 'kernel'"),
        (field(8, "kernel") + field(14, 1) + field(14, 0), "the place of 'kernel'"),
        (field(8, "kernel") + field(13, field(1, "location")), "the place of 'kernel'"),
        (tensor() + field(8, b"\xff"), "can't decode"),
    ],
)
def test_an_odd_reference_is_refused(odd: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        references(model(field(5, odd)))


def test_two_references_of_one_name_are_refused() -> None:
    """ONNX Runtime would be given the numbers of only one of them."""
    with pytest.raises(ValueError, match="the same name"):
        references(model(field(5, tensor()), field(5, tensor(offset=0))))


@pytest.mark.parametrize("domain", ["com.microsoft", "ai.onnx.ml", "custom", "AI.ONNX"])
def test_operators_that_are_not_standard_are_refused(domain: str) -> None:
    """One of them, EPContext, names a file to be read."""
    own = field(4, "EPContext") + field(7, domain)
    for wrapped in (model(field(1, own)), field(25, field(7, own))):
        with pytest.raises(ValueError, match="not one of ONNX's own"):
            references(wrapped)
    assert references(model(field(1, node() + field(7, "ai.onnx")))) == ()


def test_nesting_has_a_limit() -> None:
    graph = field(5, field(2, 1))
    for _ in range(200):
        graph = field(1, node(field(6, graph)))
    with pytest.raises(ValueError, match="nested too deeply"):
        references(model(graph))


@pytest.mark.parametrize("data", [b"\x3a\xff", b"\x00\x0b", b"text" * 9, model()[:-1]])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"field|number"):
        references(data)


def test_onnx_finds_the_same_references() -> None:
    onnx = pytest.importorskip("onnx", reason="reads graphs")
    for path in sorted(embedded_folder().glob("*.onnx")):
        tensors = onnx.load(path, load_external_data=False).graph.initializer
        expected = [
            (tensor.name, tuple(tensor.dims), {item.key: item.value for item in places})
            for tensor in tensors
            if (places := tensor.external_data)
        ]
        assert expected == [
            (
                found.name,
                found.shape,
                {
                    "location": found.file,
                    "offset": str(found.offset),
                    "length": str(found.length),
                },
            )
            for found in references(path.read_bytes())
        ]
