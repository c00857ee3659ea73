"""The graphs of blocks in a model folder: found for each layer set, and none in older folders."""

from dataclasses import replace
from pathlib import Path

import pytest
from older import without_tiles

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ModelError
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.models.manifest import read_manifest
from stylize.models.parts import Part

EMBEDDED = ModelFolder(embedded_folder(), read_manifest(embedded_folder()))

FIGURE_2 = paper_layer_sets()[0]


@pytest.mark.parametrize("layers", paper_layer_sets(), ids=str)
def test_each_layer_set_has_its_blocks_and_sums(layers: LayerSet) -> None:
    blocks = EMBEDDED.blocks(layers)
    assert [block.number for block in blocks] == list(range(1, len(blocks) + 1))
    assert [block.top for block in blocks] == [False] * (len(blocks) - 1) + [True]
    for kind in ("content", "style"):
        used = [name for block in blocks for name in getattr(block.part.layers, kind)]
        assert tuple(used) == getattr(layers, kind)
    assert EMBEDDED.sums_graph(layers).layers == layers


def test_what_is_asked_of_the_blocks_of_figure_2() -> None:
    assert [block.part for block in EMBEDDED.blocks(FIGURE_2)] == [
        Part(1, LayerSet(style=("conv1_1",)), False),
        Part(2, LayerSet(style=("conv2_1",)), False),
        Part(3, LayerSet(style=("conv3_1",)), False),
        Part(4, LayerSet(("conv4_2",), ("conv4_1",)), False),
        Part(5, LayerSet(style=("conv5_1",)), True),
    ]


def test_a_strip_needs_a_row_more_for_each_convolution() -> None:
    """All of a block's, or in the top one those up to the last loss."""
    assert [EMBEDDED.halo(block) for block in EMBEDDED.blocks(FIGURE_2)] == [2, 2, 4, 4, 1]
    (block,) = EMBEDDED.blocks(LayerSet(("conv1_1",)))
    assert EMBEDDED.halo(block) == 1


def test_each_graph_of_a_block_has_all_forms() -> None:
    for block in EMBEDDED.manifest.blocks:
        for graph in (block.forwards, block.backwards):
            assert [form.file for form in graph.forms] == [
                graph.file,
                graph.file.replace(".onnx", ".blocked.onnx"),
                graph.file.replace(".onnx", ".float16.onnx"),
            ]


@pytest.fixture
def older(tmp_path: Path) -> ModelFolder:
    return open_folder(without_tiles(tmp_path / "older"))


def test_a_folder_without_tiles_opens(older: ModelFolder) -> None:
    assert older.manifest == replace(EMBEDDED.manifest, blocks=(), sums=(), pieces={})
    assert older.gradient_graph(FIGURE_2) == EMBEDDED.gradient_graph(FIGURE_2)


def test_it_has_no_graphs_for_strips(older: ModelFolder) -> None:
    message = (
        "The model 'compact' was exported by an earlier release, whose pictures must fit into "
        r"memory in one piece\. Export it again, allow more memory, or use a smaller size\."
    )
    for ask in (older.blocks, older.sums_graph):
        with pytest.raises(ModelError, match=message):
            ask(FIGURE_2)
