"""What a layer set asks of each block of a network."""

import pytest

from stylize.models.layers import LayerSet
from stylize.models.parts import Part, parts

BLOCKS = [["a1", "a2", "pool1"], ["b1", "pool2"], ["c1", "c2"]]

NOTHING = LayerSet()


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (LayerSet(("a1",)), [Part(1, LayerSet(("a1",)), True)]),
        (LayerSet(style=("pool1",)), [Part(1, LayerSet(style=("pool1",)), True)]),
        (
            LayerSet(("b1",), ("b1",)),
            [Part(1, NOTHING, False), Part(2, LayerSet(("b1",), ("b1",)), True)],
        ),
        (
            LayerSet(("c2", "a1"), ("a2", "pool1", "c1")),
            [
                Part(1, LayerSet(("a1",), ("a2", "pool1")), False),
                Part(2, NOTHING, False),
                Part(3, LayerSet(("c2",), ("c1",)), True),
            ],
        ),
    ],
    ids=str,
)
def test_blocks_up_to_the_last_loss(layers: LayerSet, expected: list[Part]) -> None:
    assert list(parts(BLOCKS, layers)) == expected
