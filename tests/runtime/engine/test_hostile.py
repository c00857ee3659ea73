"""No file but those of the model's folder is read, whatever its graphs say; links are no hindrance.

What reads graphs is tested in tests/models; here ONNX Runtime loads them.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from messages import field, model, tensor
from mutations import mutants

onnxruntime = pytest.importorskip("onnxruntime", reason="loads graphs")

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ModelError, ProviderError
from stylize.models.files import sha256
from stylize.models.folder import StoredGraph
from stylize.models.references import references
from stylize.runtime import Model
from stylize.runtime.providers.session import open_session
from stylize.runtime.providers.table import configure

CPU = configure("cpu")
IMAGE = np.random.default_rng(0).random((1, 3, 24, 32), np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the embedded model."""
    return Path(shutil.copytree(embedded_folder(), tmp_path / "copy"))


def change(folder: Path, kind: str, graph: bytes) -> None:
    """Put another graph in the place of one, with its right sha256."""
    manifest = json.loads((folder / "model.json").read_bytes())
    for name in (f"{kind}.onnx", "model.json"):
        (folder / name).unlink()  # it may be a link to one that stays
    (folder / f"{kind}.onnx").write_bytes(graph)
    manifest[kind]["sha256"] = sha256(folder / f"{kind}.onnx")
    (folder / "model.json").write_text(json.dumps(manifest))


def change_features(folder: Path, graph: bytes) -> None:
    change(folder, "features", graph)


LOAD = """
import sys
from pathlib import Path

from stylize.models.errors import StylizeError
from stylize.models.folder import open_folder
from stylize.runtime.engine.program import Program
from stylize.runtime.providers.table import configure

for path in map(Path, sys.argv[1:]):
    folder = open_folder(path)
    try:
        Program(folder, folder.manifest.variation, {"height": 8, "width": 8}, configure("cpu"))
    except StylizeError as error:
        print(type(error).__name__)
    else:
        print("loaded")
"""
"""Loads a graph of each folder; in a process of its own, since ONNX Runtime could end it."""


def test_a_graph_reads_no_other_file(folder: Path) -> None:
    """Even if the other file has the very numbers that it asks for."""
    inside, outside = b"weights.safetensors", b"../another_secret.1"
    assert len(inside) == len(outside)
    shutil.copy(folder / "weights.safetensors", folder / outside.decode())
    graph = (folder / "features.onnx").read_bytes()
    change_features(folder, graph.replace(inside, outside))
    with pytest.raises(ModelError, match=r"it refers to '\.\./another_secret\.1'"):
        Model.open(folder, "cpu").features(IMAGE)


def linked(folder: Path, store: Path) -> Path:
    """Make what tools for shared models make: links to files that are named by their content."""
    (store / "blobs").mkdir(parents=True)
    snapshot = store / "snapshots" / "x" / "compact"
    snapshot.mkdir(parents=True)
    for path in folder.iterdir():
        blob = store / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copy(path, blob)
        (snapshot / path.name).symlink_to(Path("../../../blobs") / blob.name)
    return snapshot


def test_a_folder_of_links_into_a_store_works(tmp_path: Path) -> None:
    snapshot = linked(embedded_folder(), tmp_path / "store")
    found = Model.open(snapshot, "cpu").features(IMAGE)
    expected = Model.open(embedded_folder(), "cpu").features(IMAGE)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_only_some_files_may_be_links(folder: Path) -> None:
    (folder / "weights.safetensors").rename(folder.parent / "elsewhere")
    (folder / "weights.safetensors").symlink_to(folder.parent / "elsewhere")
    Model.open(folder, "cpu").features(IMAGE)


def test_a_graph_with_other_outputs_than_the_manifest_says_is_refused(folder: Path) -> None:
    shutil.copy(folder / "targets.1.onnx", folder / "features.onnx")
    change_features(folder, (folder / "features.onnx").read_bytes())
    message = r"features\.onnx does not have the outputs that model\.json beside it tells"
    with pytest.raises(ModelError, match=message):
        Model.open(folder, "cpu").features(IMAGE)


def test_a_graph_with_other_inputs_than_the_manifest_says_is_refused(folder: Path) -> None:
    change_features(folder, (folder / "variation.onnx").read_bytes())
    message = r"features\.onnx does not have the inputs that model\.json beside it tells"
    with pytest.raises(ModelError, match=message):
        Model.open(folder, "cpu").features(IMAGE)


def test_a_graph_that_onnx_runtime_refuses_is_our_error(folder: Path) -> None:
    change_features(folder, model(field(5, tensor())))
    with pytest.raises(ProviderError, match=r"ONNX Runtime failed on features\.onnx"):
        Model.open(folder, "cpu").features(IMAGE)


def test_the_other_format_of_onnx_runtime_is_not_read() -> None:
    """Four bytes tell it, which an unknown field of a model may have; nothing checks it."""
    disguised = b"\x0a\x06xxORTM" + model()
    assert references(disguised) == ()
    with pytest.raises(Exception, match=r"ORT (model|format)"):
        onnxruntime.InferenceSession(disguised, providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match=r"initialization|ModelProto") as caught:
        open_session(StoredGraph("graph.onnx", disguised), {}, CPU)
    assert not re.search("ORT (model|format)", str(caught.value))


def test_a_name_that_is_no_text_is_our_error(folder: Path) -> None:
    name = b"image"
    change_features(folder, (folder / "features.onnx").read_bytes().replace(name, b"i\xffage"))
    with pytest.raises((ModelError, ProviderError)):
        Model.open(folder, "cpu").features(IMAGE)


def test_damaged_graphs_are_loaded_or_are_an_error(
    folder: Path, mutations: Callable[[int], int]
) -> None:
    graph = (folder / "variation.onnx").read_bytes()
    copies = []
    for number, damaged in enumerate(mutants(graph, mutations(30), seed=4)):
        copy = folder.parent / f"copy{number}"
        copy.mkdir()
        for path in folder.iterdir():
            (copy / path.name).symlink_to(path)
        change(copy, "variation", damaged)
        copies.append(str(copy))
    result = subprocess.run(
        [sys.executable, "-c", LOAD, *copies], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    outcomes = Counter(result.stdout.split())
    assert outcomes.keys() <= {"ModelError", "ProviderError", "loaded"}
    assert outcomes.total() == len(copies)
    assert outcomes["ModelError"] > len(copies) // 3


def test_damaged_weights_are_other_numbers_or_an_error(
    folder: Path, mutations: Callable[[int], int]
) -> None:
    """Graphs know where their weights lie, so that the header of the file may be anything."""
    weights = folder / "weights.safetensors"
    manifest = json.loads((folder / "model.json").read_bytes())
    outcomes = Counter[str]()
    for damaged in mutants(weights.read_bytes(), mutations(12), seed=6):
        weights.write_bytes(damaged)
        manifest["weights"]["sha256"] = sha256(weights)
        (folder / "model.json").write_text(json.dumps(manifest))
        try:
            found = Model.open(folder, "cpu").features(IMAGE)
        except ModelError as error:
            outcomes[str(error).partition(" weights.")[0].rpartition("' ")[2]] += 1
        else:
            assert found["conv1_1"].shape == (1, 16, 24, 32)
            outcomes["used"] += 1
    assert outcomes.keys() == {"used", "lies beyond the end of"}
