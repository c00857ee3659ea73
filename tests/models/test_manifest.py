"""Reading and writing the manifest, checking a folder against it, and choosing among its graphs."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ModelError, OptionError
from stylize.models.files import sha256
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet
from stylize.models.manifest import GraphFile, read_manifest, to_json
from stylize.models.preprocessing import CAFFE, TORCHVISION

Change = Callable[[dict[str, Any]], None]

EMBEDDED = read_manifest(embedded_folder())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the embedded model."""
    return Path(shutil.copytree(embedded_folder(), tmp_path / "copy"))


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A folder with the manifest of the embedded model, and no other file."""
    (tmp_path / "copy").mkdir()
    shutil.copy(embedded_folder() / "model.json", tmp_path / "copy")
    return tmp_path / "copy"


def edit(folder: Path, change: Change) -> None:
    path = folder / "model.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def put(*keys: str | int, value: Any) -> Change:
    """Set the entry that some keys lead to."""

    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


def remove(*keys: str | int) -> Change:
    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def test_the_embedded_manifest_is_written_again_byte_by_byte() -> None:
    assert to_json(EMBEDDED) == (embedded_folder() / "model.json").read_bytes()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    weights = replace(EMBEDDED.weights, dtype="float32", source="Ünïcode “quoted” \\ /")
    manifest = replace(
        EMBEDDED,
        name="other",
        pooling="max",
        preprocessing=TORCHVISION,
        weights=weights,
        targets=(),
        gradients=EMBEDDED.gradients[:2],
        blocks=(),
    )
    text = to_json(manifest)
    (tmp_path / "model.json").write_bytes(text)
    again = read_manifest(tmp_path)
    assert again == manifest != EMBEDDED
    assert to_json(again) == text
    assert text.endswith(b"\n}\n")


def test_the_embedded_manifest_says_what_the_model_is() -> None:
    assert (EMBEDDED.format, EMBEDDED.name, EMBEDDED.network) == (6, "compact", "compact vgg19")
    assert EMBEDDED.pooling == "average"
    assert EMBEDDED.preprocessing == CAFFE
    assert [layer.name for layer in EMBEDDED.layers if layer.name.startswith("pool")] == [
        "pool1",
        "pool2",
        "pool3",
        "pool4",
    ]
    assert EMBEDDED.weights.licence.startswith("CC BY 4.0, derived from VGG-19")


def test_a_later_release_may_add_fields(described: Path) -> None:
    edit(described, put("comment", value="from the future"))
    edit(described, put("weights", "comment", value="from the future"))
    assert read_manifest(described) == EMBEDDED


@pytest.mark.parametrize("place", ["empty", "missing", "file"])
def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=rf"'.*{place}' is not a model folder: .* model\.json"):
        read_manifest(tmp_path / place)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", to_json(EMBEDDED)[:-3], to_json(EMBEDDED) + b"}"],
    ids=["empty", "brace", "list", "null", "bytes", "truncated", "too long"],
)
def test_damaged_json_is_an_error(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "model.json").write_bytes(text)
    with pytest.raises(ModelError, match=r"model\.json' is damaged: .* export it anew"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("format", value="1"), r"\$\.format"),
        (put("name", value=7), r"\$\.name"),
        (put("pooling", value="median"), r"'median' - at `\$\.pooling`"),
        (put("preprocessing", "channel_order", value="GBR"), r"\$\.preprocessing\.channel_order"),
        (put("preprocessing", "mean", value=[1.0, 2.0]), r"\$\.preprocessing\.mean"),
        (put("layers", 3, "channels", value="32"), r"\$\.layers\[3\]\.channels"),
        (put("weights", "dtype", value="bfloat16"), r"\$\.weights\.dtype"),
        (put("features", "inputs", 0, "shape", 1, value=None), r"\$\.features\.inputs\[.*shape"),
        (remove("format"), "missing required field `format`"),
        (remove("weights"), "missing required field `weights`"),
        (remove("weights", "licence"), r"`licence` - at `\$\.weights`"),
        (put("gradients", 0, "blocked", value="x.onnx"), r"\$\.gradients\[0\]\.blocked"),
        (remove("gradients", 1, "blocked", "sha256"), r"`\$\.gradients\[1\]\.blocked`"),
        (remove("gradients", 2, "opset"), r"`opset` - at `\$\.gradients\[2\]`"),
        (put("layers", 3, "stride", value=0), r">= 1 - at `\$\.layers\[3\]\.stride"),
        (put("layers", 3, "stride", value=-2), r">= 1 - at `\$\.layers\[3\]\.stride"),
        (put("layers", 3, "stride", value=10**30), r"\$\.layers\[3\]\.stride"),
        (put("layers", 3, "stride", value=2.5), r"\$\.layers\[3\]\.stride"),
        (put("layers", 3, "channels", value=0), r"\$\.layers\[3\]\.channels"),
        (put("layers", 3, "channels", value=10**9), r"\$\.layers\[3\]\.channels"),
        (put("layers", 3, "represents", value=0), r"\$\.layers\[3\]\.represents"),
        (put("layers", 3, "name", value="../x"), r"\$\.layers\[3\]\.name"),
        (put("layers", 3, "name", value=""), r"\$\.layers\[3\]\.name"),
        (put("layers", 3, "name", value="conv1_1"), "two of its layers have the same name"),
        (put("layers", value=[]), "is none of the layers|are not those of such a graph"),
        (put("preprocessing", "std", 1, value=0), r"\$\.preprocessing\.std\[1\]"),
        (put("preprocessing", "scale", value=-1), r"\$\.preprocessing\.scale"),
        (put("preprocessing", "feature_scale", value=1e30), r"\$\.preprocessing\.feature_scale"),
        (put("preprocessing", "mean", 0, value=float("nan")), "JSON is malformed"),
        (put("preprocessing", "mean", 0, value=float("inf")), "JSON is malformed"),
        (put("weights", "sha256", value="0"), r"\$\.weights\.sha256"),
        (put("weights", "source", value="\x1b[2J"), r"\$\.weights\.source"),
        (put("name", value="a\nb"), r"\$\.name"),
        (put("network", value="a\0b"), r"\$\.network"),
        (put("weights", "file", value="a\0b"), r"names 'a\\x00b'"),
        (put("features", "file", value="weights.safetensors"), "names a file twice"),
        (put("features", "inputs", 0, "dtype", value="float64"), r"\$\.features\.inputs"),
        (put("features", "inputs", 0, "shape", 2, value="size"), "inputs of features.onnx are not"),
        (put("features", "inputs", value=[]), "inputs of features.onnx are not those"),
        (put("features", "outputs", 0, "name", value="conv9_9"), "outputs of features.onnx are"),
        (remove("variation", "outputs", 0), "outputs of variation.onnx are not those"),
        (put("targets", 0, "layers", "content", value=["conv9_9"]), "'conv9_9', which is none"),
        (put("targets", 0, "layers", "content", value=[]), "looks at no layer"),
        (put("gradients", 0, "layers", "style", value=["x"]), "looks at 'x', which is none"),
        (put("gradients", 0, "layers", "content", value=["conv4_1"]), "inputs of gradient.* are"),
        (remove("gradients", 0, "outputs", 2), "outputs of gradient.* are not those"),
        (remove("pieces", "judge"), "names no graph of the piece judge"),
        (remove("pieces", "slope", "outputs", 0), "outputs of slope.onnx are not those"),
        (put("pieces", "lbfgs.step", "inputs", 0, "name", value="g"), "inputs of lbfgs.step.onnx"),
        (put("pieces", "coordinates", "halo", value=-1), r"\$\.pieces\[\.\.\.\]\.halo"),
        (put("pieces", "slope", "file", value="judge.onnx"), "names a file twice"),
        (remove("optimizers", "lbfgs"), "names no graph of the optimiser lbfgs"),
        (remove("optimizers", "adam"), "names no graph of the optimiser adam"),
        (put("optimizers", value={}), "names no graph of the optimiser lbfgs"),
        (remove("optimizers", "lbfgs", "outputs", 0), "graph of lbfgs is no optimiser's: it lacks"),
        (remove("optimizers", "lbfgs", "inputs", 0), "what goes in is not what came out"),
        (
            put("optimizers", "adam", "inputs", 0, "name", value="new"),
            "graph of adam is no optimiser's: what goes in",
        ),
    ],
)
def test_a_wrong_field_is_named(described: Path, change: Change, message: str) -> None:
    edit(described, change)
    with pytest.raises(ModelError, match=rf"model\.json' is damaged: .*{message}"):
        read_manifest(described)


FIRST, TOP, LAST = 0, 3, 19
"""Places of some blocks: one that goes on, one with a loss of style alone, the fifth."""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("blocks", FIRST, "number", value=0), r"\$\.blocks\[0\]\.number"),
        (put("blocks", FIRST, "number", value=2**16 + 1), r"\$\.blocks\[0\]\.number"),
        (put("blocks", FIRST, "number", value=2**16), "is of block 65536, which the network has"),
        (put("blocks", FIRST, "number", value=6), "is of block 6, which the network has not"),
        (put("blocks", FIRST, "number", value=2), "looks at layers that are not in block 2"),
        (put("blocks", FIRST, "top", value=True), "outputs of block.1.forwards.onnx are not"),
        (put("blocks", FIRST, "top", value="yes"), r"\$\.blocks\[0\]\.top"),
        (put("blocks", TOP, "top", value=False), "outputs of block.4.forwards.onnx are not"),
        (put("blocks", LAST, "top", value=False), "of the last block, above which there is no"),
        (put("blocks", TOP, "forwards", "layers", "style", value=[]), "looks at no layer"),
        (
            put("blocks", FIRST, "forwards", "layers", "style", value=["x"]),
            "looks at 'x', which is none",
        ),
        (
            put("blocks", FIRST, "forwards", "layers", "style", value=["pool1"]),
            "block.1.backwards.onnx looks at other layers than block.1.forwards.onnx",
        ),
        (
            put("blocks", FIRST, "backwards", "layers", "style", value=[]),
            "block.1.backwards.onnx looks at other layers than block.1.forwards.onnx",
        ),
        (remove("blocks", FIRST, "forwards", "outputs", 0), "outputs of block.1.forwards.onnx"),
        (remove("blocks", FIRST, "backwards", "inputs", 0), "inputs of block.1.backwards.onnx"),
        (
            put("blocks", FIRST, "forwards", "outputs", 2, "name", value="positive.reduced1"),
            "outputs of block.1.forwards.onnx are not",
        ),
        (
            put("blocks", FIRST, "forwards", "outputs", 2, "dtype", value="float32"),
            "positive.conv1_2 of block.1.forwards.onnx is of another type",
        ),
        (put("features", "inputs", 0, "dtype", value="bool"), "image of features.onnx is of an"),
        (put("layers", 1, "stride", value=2), "no other layers, are called pool: 'conv1_2'"),
        (put("layers", 2, "stride", value=3), "block 1 is not of convolutions and a pooling"),
        (put("layers", 2, "stride", value=2**16), "block 1 is not of convolutions and a pooling"),
        (put("layers", 0, "stride", value=2), "block 1 is not of convolutions and a pooling"),
        (remove("layers", 1), "outputs of features.onnx are not"),
        (put("layers", 2, "name", value="reduced1"), "outputs of features.onnx are not"),
        (put("pooling", value="max"), "outputs of block.1.forwards.onnx are not"),
        (put("sums", 0, "layers", "style", value=["conv1_1"]), "inputs of sums.1.onnx are not"),
        (put("sums", 0, "layers", value={"content": [], "style": []}), "looks at no layer"),
        (remove("sums", 0, "inputs", 0), "inputs of sums.1.onnx are not"),
    ],
)
def test_a_wrong_block_is_named(described: Path, change: Change, message: str) -> None:
    edit(described, change)
    with pytest.raises(ModelError, match=rf"model\.json' is damaged: .*({message})"):
        read_manifest(described)


@pytest.mark.parametrize("index", range(len(EMBEDDED.layers)))
def test_blocks_of_a_network_without_some_convolution(described: Path, index: int) -> None:
    """Even if the graph of the features fits."""
    name = EMBEDDED.layers[index].name

    def without(content: dict[str, Any]) -> None:
        del content["layers"][index]
        outputs = content["features"]["outputs"]
        content["features"]["outputs"] = [
            value for value in outputs if value["name"] not in (name, f"gram.{name}")
        ]
        content["gradients"], content["targets"], content["sums"] = [], [], []

    edit(described, without)
    with pytest.raises(ModelError, match=r"model\.json' is damaged: .*(block|called pool)"):
        read_manifest(described)


@pytest.mark.parametrize(("name", "other"), [(b"pool1", b"reduced1"), (b"conv1_2", b"pool0")])
def test_poolings_and_no_others_are_called_so(described: Path, name: bytes, other: bytes) -> None:
    """Even if the name is the same everywhere."""
    path = described / "model.json"
    path.write_bytes(path.read_bytes().replace(name, other))
    with pytest.raises(ModelError, match=f"are called pool: '{other.decode()}'"):
        read_manifest(described)


def test_an_unknown_dimension_of_an_optimiser_is_refused(described: Path) -> None:
    def rename(content: Any) -> None:
        for values in ("inputs", "outputs"):
            for value in content["optimizers"]["lbfgs"][values]:
                value["shape"] = ["depth" if size == "rows" else size for size in value["shape"]]

    edit(described, rename)
    with pytest.raises(ModelError, match="its shapes have the unknown dimension depth"):
        read_manifest(described)


@pytest.mark.parametrize(
    "text",
    [b"[" * 10**6, b'{"a":' * 10**5, b'{"format": 1e400}', b'{"format": 3, "name": "\xff"}'],
    ids=["lists", "objects", "number", "encoding"],
)
def test_bombs_are_damage(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "model.json").write_bytes(text)
    with pytest.raises(ModelError, match=r"model\.json' is damaged"):
        read_manifest(tmp_path)


def test_a_huge_number_is_out_of_range(described: Path) -> None:
    path = described / "model.json"
    path.write_bytes(path.read_bytes().replace(b'"scale": 255.0', b'"scale": 1e400'))
    with pytest.raises(ModelError, match=r"model\.json' is damaged"):
        read_manifest(described)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "model.json").open("wb") as file:
        file.truncate(2**33)  # a hole, which takes no place on the disk
    with pytest.raises(ModelError, match="has more than 4 MiB: it is no manifest"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("version", [0, 1, 1000])
def test_another_format_is_told_from_damage(tmp_path: Path, version: int) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"format": version, "all": "different"}))
    message = (
        rf"model\.json' has format {version}; this release of stylize reads formats 2, 3, 4, 5, 6\."
    )
    with pytest.raises(ModelError, match=message):
        read_manifest(tmp_path)


def test_a_copy_of_the_folder_opens(folder: Path) -> None:
    assert open_folder(folder) == ModelFolder(folder, EMBEDDED)
    (folder / "notes.txt").write_text("other files do no harm")
    assert open_folder(folder).manifest == EMBEDDED


FILES = [file.file for file in EMBEDDED.files]
KINDS = list({re.sub(r"\d+", "", name): name for name in FILES}.values())
"""One file of each kind and form."""


def test_the_weights_and_graphs_are_all_files_but_the_manifest() -> None:
    files = {path.name for path in embedded_folder().iterdir()}
    assert len(FILES) == len(set(FILES)) == 237
    assert {*FILES, "model.json"} == files


def test_graphs_that_run_at_every_iteration_have_other_forms_and_no_others() -> None:
    strips = [graph for block in EMBEDDED.blocks for graph in (block.forwards, block.backwards)]
    several = [*EMBEDDED.gradients, *strips]
    forms = [
        graph.file.replace(".onnx", ending)
        for graph in several
        for ending in (".blocked.onnx", ".float16.onnx")
        if (graph.layers.statistics, ending) != ("bures", ".float16.onnx")
    ]
    assert [EMBEDDED.weights.file, *[graph.file for graph in EMBEDDED.graphs], *forms] == FILES
    for graph in several:
        names = ("plain", "blocked", "float16")
        assert [form.file for form in graph.forms] == list(
            dict.fromkeys(graph.form(name).file for name in names)
        )
    others = set(EMBEDDED.graphs) - set(several)
    assert all(graph.forms == (graph,) == (graph.form("blocked"),) for graph in others)


def test_other_forms_may_be_missing(folder: Path) -> None:
    for index, graph in enumerate(EMBEDDED.gradients):
        edit(folder, remove("gradients", index, "blocked"))
        if graph.float16:
            edit(folder, remove("gradients", index, "float16"))
    found = open_folder(folder).manifest
    plain = tuple(replace(graph, blocked=None, float16=None) for graph in EMBEDDED.gradients)
    assert found == replace(EMBEDDED, gradients=plain)
    assert {*FILES} - {file.file for file in found.files} == {
        form.file for graph in EMBEDDED.gradients for form in graph.forms[1:]
    }
    assert found.gradients[0].form("blocked") is found.gradients[0]


def test_a_folder_of_an_earlier_release_has_no_pieces(folder: Path) -> None:
    edit(folder, remove("pieces"))
    assert open_folder(folder).manifest == replace(EMBEDDED, pieces={})


def test_strips_of_some_pieces_need_rows_beyond_their_own() -> None:
    halos = {name: piece.halo for name, piece in EMBEDDED.pieces.items() if piece.halo}
    assert halos == {"coordinates": 127, "lbfgs.move": 127, "variation.strip": 1}


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_file_is_found(folder: Path, name: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    before = sha256(path)
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is damaged or was changed") as caught:
        open_folder(folder)
    message = str(caught.value)
    assert f"'{path}' ({len(content)} bytes)" in message
    assert f"its sha256 is {sha256(path)}, the manifest says {before}" in message


def test_a_truncated_file_is_found(folder: Path) -> None:
    os.truncate(folder / EMBEDDED.weights.file, 1000)
    with pytest.raises(ModelError, match=r"weights\.safetensors' \(1000 bytes\) is damaged"):
        open_folder(folder)


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_file_is_found(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match="is incomplete") as caught:
        open_folder(folder)
    assert f"{name} is missing" in str(caught.value)


@pytest.mark.parametrize("form", ["../{}", "{folder}/{}", "sub/{}", "./../{}"])
def test_a_file_outside_the_folder_is_refused(folder: Path, form: str) -> None:
    """Even if its sha256 is right."""
    (folder / "sub").mkdir()
    for place in folder.parent, folder / "sub":
        shutil.copy(folder / "weights.safetensors", place)
    name = form.format("weights.safetensors", folder=folder.parent)
    edit(folder, put("weights", "file", value=name))
    with pytest.raises(ModelError, match=f"names {name!r}, which is not a file in it"):
        open_folder(folder)


@pytest.mark.parametrize(
    "keys",
    [("features", "file"), ("targets", 3, "file"), ("gradients", 3, "blocked", "file")],
    ids=str,
)
def test_a_graph_outside_the_folder_is_refused(folder: Path, keys: tuple[str | int, ...]) -> None:
    edit(folder, put(*keys, value="../graph.onnx"))
    with pytest.raises(ModelError, match=r"names '\.\./graph\.onnx', which is not a file in it"):
        open_folder(folder)


@pytest.mark.parametrize("name", ["..", ".", "", "sub"])
def test_a_name_of_no_file_is_refused(folder: Path, name: str) -> None:
    (folder / "sub").mkdir()
    edit(folder, put("weights", "file", value=name))
    with pytest.raises(ModelError, match=r"is not a file in it|is incomplete"):
        open_folder(folder)


def test_sha256_is_of_the_files_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_layer_is_found_by_its_name() -> None:
    layer = EMBEDDED.layer("conv4_2")
    assert (layer.name, layer.channels, layer.stride) == ("conv4_2", 128, 8)
    assert EMBEDDED.layer("pool1").stride == 2


@pytest.mark.parametrize("name", ["conv9_9", "", "CONV1_1", "conv5_2"])
def test_an_unknown_layer_is_an_error_that_lists_the_known(name: str) -> None:
    message = f"'compact' has no layer '{name}'. Its layers: conv1_1, conv1_2, pool1, .*, conv5_1"
    with pytest.raises(OptionError, match=message):
        EMBEDDED.layer(name)


def model(*sets: LayerSet) -> ModelFolder:
    """A folder with a gradient graph and a targets graph for each layer set."""
    graphs = tuple(graph(layers) for layers in sets)
    return ModelFolder(Path("folder"), replace(EMBEDDED, gradients=graphs, targets=graphs))


def graph(layers: LayerSet) -> GraphFile:
    return replace(EMBEDDED.features, file=f"{layers}.onnx", layers=layers)


SHALLOW = LayerSet(style=("conv1_1", "conv1_2", "conv2_1"))
DEEP = LayerSet(style=("conv1_1", "conv5_1"))
WIDE = LayerSet(("conv4_2",), ("conv1_1", "conv2_1", "conv5_1"))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (LayerSet(style=("conv1_1",)), SHALLOW),
        (LayerSet(style=("conv2_1",)), SHALLOW),
        (LayerSet(style=("conv5_1",)), DEEP),
        (LayerSet(style=("conv5_1", "conv1_1")), DEEP),
        (LayerSet(style=("conv2_1", "conv5_1")), WIDE),
        (LayerSet(("conv4_2",), ("conv1_1",)), WIDE),
        (LayerSet(("conv4_2",)), WIDE),
        (SHALLOW, SHALLOW),
    ],
    ids=str,
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_covering_graph_that_computes_least_is_chosen(
    wanted: LayerSet, chosen: LayerSet, order: tuple[int, ...]
) -> None:
    """A shallower graph before one with fewer losses, in whatever order they are listed."""
    folder = model(*[(SHALLOW, DEEP, WIDE)[place] for place in order])
    assert folder.gradient_graph(wanted).layers == chosen
    assert folder.targets_graph(wanted).layers == chosen


def test_gradients_and_targets_are_not_mixed_up() -> None:
    folder = model(SHALLOW)
    other = replace(folder, manifest=replace(folder.manifest, targets=(graph(DEEP),)))
    wanted = LayerSet(style=("conv1_1",))
    assert other.gradient_graph(wanted).layers == SHALLOW
    assert other.targets_graph(wanted).layers == DEEP


@pytest.mark.parametrize(
    "wanted",
    [
        LayerSet(("conv1_1",)),  # it is there for the style only
        LayerSet(style=("conv4_2",)),  # and this one for the content
        LayerSet(("conv4_2",), ("conv1_2",)),
    ],
    ids=str,
)
def test_without_a_covering_graph_the_error_says_how_to_get_one(wanted: LayerSet) -> None:
    with pytest.raises(ModelError, match="has no graph for") as caught:
        model(SHALLOW, DEEP, WIDE).gradient_graph(wanted)
    options = [f" --content-layer {name}" for name in wanted.content]
    options += [f" --style-layer {name}" for name in wanted.style]
    assert str(caught.value).endswith("again with the options you used, and" + "".join(options))
    assert f"'compact' (folder) has no graph for {wanted}." in str(caught.value)


def test_the_embedded_model_cannot_be_exported_again() -> None:
    with pytest.raises(ModelError, match="has no graph for") as caught:
        open_folder(embedded_folder()).gradient_graph(LayerSet(("conv3_2",), ("conv1_1",)))
    message = str(caught.value)
    assert message.endswith(
        "The embedded model has those of the paper only. Export VGG-19 with these, and use it: "
        "stylize export vgg19 --content-layer conv3_2 --style-layer conv1_1"
    )
    assert "again" not in message


@pytest.mark.parametrize("wanted", [LayerSet(("conv9_9",)), LayerSet(style=("conv9_9",))])
def test_an_unknown_layer_is_told_from_a_missing_graph(wanted: LayerSet) -> None:
    with pytest.raises(OptionError, match=r"no layer 'conv9_9'\. Its layers: conv1_1"):
        model(WIDE).gradient_graph(wanted)


def test_covering_looks_at_each_kind_of_loss() -> None:
    paper = LayerSet(CONTENT_LAYERS, STYLE_LAYERS)
    assert paper.covers(paper)
    assert paper.covers(LayerSet())
    assert paper.covers(LayerSet(style=("conv5_1", "conv1_1")))
    assert not paper.covers(LayerSet(style=("conv4_2",)))
    assert not paper.covers(LayerSet(("conv1_1",)))
    assert not LayerSet(CONTENT_LAYERS).covers(paper)


def test_a_layer_set_reads_as_its_layers() -> None:
    assert str(LayerSet(("conv4_2",), ("conv1_1", "conv2_1"))) == (
        "content conv4_2, style conv1_1 conv2_1"
    )
    assert str(LayerSet(style=("conv1_1",))) == "style conv1_1"


@pytest.mark.parametrize(
    ("layers", "least"),
    [
        (LayerSet(), 1),
        (LayerSet(content=("conv1_2",)), 1),
        (LayerSet(content=("pool1",)), 2),
        (LayerSet(style=STYLE_LAYERS), 16),
        (LayerSet(content=("conv4_2",), style=("conv1_1",)), 8),
        (LayerSet(content=("conv1_1",), style=("pool4", "conv2_1")), 16),
    ],
)
def test_the_least_side_is_the_largest_stride(layers: LayerSet, least: int) -> None:
    assert model().least_side(layers) == least


def test_the_least_side_of_an_unknown_layer_is_an_error() -> None:
    with pytest.raises(OptionError, match="has no layer 'conv9_9'"):
        model().least_side(LayerSet(content=("conv9_9",)))
