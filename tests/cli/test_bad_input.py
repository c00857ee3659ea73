"""What cannot be used is refused: one message that helps, an exit code, and nothing is written."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.installation import install_command
from stylize.models.catalog import embedded_folder
from stylize.models.errors import ImageError
from stylize.models.manifest import FORMAT

FAILURE, USAGE = 1, 2
WEIGHTS = "weights.safetensors"


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the embedded model, to be damaged."""
    return shutil.copytree(embedded_folder(), tmp_path / "model")


def run(*arguments: str, photo: str = "photo.png") -> Result:
    short = ("--size", "48", "--iterations", "2")
    command = ["run", photo, "painting.png", "-o", "out.png", *short, *arguments]
    return CliRunner().invoke(app, command)


def refusal(*arguments: str, code: int = FAILURE, photo: str = "photo.png") -> str:
    """Run stylize, which must refuse and change no file; return its message."""
    before = files()
    result = run(*arguments, photo=photo)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert files() == before
    return result.stderr


def message(*arguments: str, code: int = FAILURE, photo: str = "photo.png") -> str:
    """Likewise, where the message is stylize's own: the last line, after the word Error."""
    last = refusal(*arguments, code=code, photo=photo).splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def at_once(*arguments: str, code: int = FAILURE) -> str:
    """Likewise, where the message must come before any work, so that it is the only line."""
    only = message(*arguments, code=code)
    assert refusal(*arguments, code=code) == f"{only}\n"
    return only


def files() -> dict[str, bytes | None]:
    """Everything below the working folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit_manifest(model: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((model / "model.json").read_bytes())
    edit(manifest)
    (model / "model.json").write_text(json.dumps(manifest))


def test_these_commands_work_without_the_fault() -> None:
    result = run()
    assert result.exit_code == 0
    assert Path("out.png") in Path().iterdir()


class TestPhoto:
    def test_missing(self) -> None:
        found = message(photo="missing.png")
        assert "There is no picture 'missing.png'" in found

    def test_a_folder(self) -> None:
        Path("folder.png").mkdir()
        assert "'folder.png' is a folder" in message(photo="folder.png")

    def test_text(self) -> None:
        Path("text.png").write_text("This is no picture.\n")
        found = message(photo="text.png")
        assert "'text.png' cannot be read" in found
        assert "JPEG, PNG, WebP and TIFF" in found

    def test_empty(self) -> None:
        Path("empty.png").touch()
        assert "'empty.png' cannot be read" in message(photo="empty.png")

    def test_truncated(self, picture: Callable[..., Path]) -> None:
        path = picture("whole.jpg")
        Path("half.jpg").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        found = message(photo="half.jpg")
        assert "'half.jpg' cannot be read" in found
        assert "truncated" in found

    def test_too_small(self, picture: Callable[..., Path]) -> None:
        picture("small.png", (48, 15))
        found = message(photo="small.png")
        assert "'small.png' is 48x15 pixels" in found
        assert "16" in found

    def test_a_decompression_bomb(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stylize.runtime.pictures.reading.MAX_PIXELS", 48 * 32 - 1)
        found = message()
        assert "'photo.png' has 48x32 pixels, and at most" in found
        assert "Scale it down, or save it as a JPEG" in found

    def test_floating_point(self) -> None:
        Image.new("F", (48, 32), 0.5).save("float.tiff")
        found = message(photo="float.tiff")
        assert "'float.tiff' has floating-point pixels" in found
        assert found.endswith("Say so to 'stylize run': --float-range 0,1")

    def test_the_painting_is_checked_too(self) -> None:
        Path("painting.png").write_text("This is no picture.\n")
        assert "'painting.png' cannot be read" in message()

    def test_the_picture_to_start_from_is_checked_too(self) -> None:
        found = message("--init", "nosie", code=USAGE)
        assert "Cannot start from 'nosie': choose photo, painting, noise, grey, or a file." in found

    def test_an_error_passes_through_where_a_traceback_is_wanted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STYLIZE_TRACEBACK", "1")
        result = run(photo="missing.png")
        assert isinstance(result.exception, ImageError)
        assert "Error" not in result.stderr


class TestOptions:
    def test_size_too_small(self) -> None:
        found = message("--size", "15", code=USAGE)
        assert "The size is 15; it must be from 16 to 100000 pixels" in found

    def test_size_that_makes_the_short_side_too_small(self) -> None:
        found = message("--size", "20")
        assert "is 20x13 pixels" in found
        assert "larger --size" in found

    @pytest.mark.parametrize("iterations", ["0", "-1"])
    def test_iterations(self, iterations: str) -> None:
        found = message("--iterations", iterations, code=USAGE)
        assert f"The number of iterations is {iterations}; it must be 1 or more" in found

    @pytest.mark.parametrize("value", ["-1.0", "nan"])
    @pytest.mark.parametrize("weight", ["content", "style"])
    def test_weights(self, weight: str, value: str) -> None:
        found = message(f"--{weight}-weight", value, code=USAGE)
        assert f"The {weight} weight is {value}; it must be " in found
        assert "from 0 to 1e+30." in found

    def test_both_weights_0(self) -> None:
        found = message("--content-weight", "0", "--style-weight", "0", code=USAGE)
        assert "Content and style weight are both 0" in found

    def test_optimizer(self) -> None:
        found = refusal("--optimizer", "newton", code=USAGE)
        assert "newton" in found
        assert "lbfgs" in found
        assert "adam" in found

    def test_number_that_is_none(self) -> None:
        assert "--iterations" in refusal("--iterations", "many", code=USAGE)


class TestOutput:
    def test_unknown_ending(self) -> None:
        found = at_once("-o", "out.gif", code=USAGE)
        assert "'out.gif' must end in one of .png, .jpg, .jpeg, .webp, .tif, .tiff" in found

    def test_missing_folder(self) -> None:
        found = at_once("-o", "missing/out.png")
        missing = os.strerror(errno.ENOENT)
        assert f"'{Path('missing/out.png')}' cannot be written: {missing}." in found
        assert "in a folder that exists" in found

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a place where nobody can write")
    def test_unwritable(self) -> None:
        assert "'/proc/x.png' cannot be written" in at_once("-o", "/proc/x.png")

    def test_a_folder(self) -> None:
        Path("folder.png").mkdir()
        assert "'folder.png' is a folder" in at_once("-o", "folder.png")

    @pytest.mark.parametrize("name", ["photo.png", "painting.png"])
    def test_a_picture_that_is_read(self, tmp_path: Path, name: str) -> None:
        found = at_once("-o", str(tmp_path / name), code=USAGE)
        assert f"would overwrite '{name}'" in found

    def test_a_link_to_the_photo(self) -> None:
        os.link("photo.png", "link.png")
        assert "would overwrite 'photo.png'" in at_once("-o", "link.png", code=USAGE)

    def test_a_trace_does_not_replace_a_picture(self, picture: Callable[..., Path]) -> None:
        kept = picture("keep.png").read_bytes()
        found = message("--trace", "keep.png", code=USAGE)
        assert "The trace 'keep.png' is called as a picture is" in found
        assert "keep.jsonl" in found
        assert Path("keep.png").read_bytes() == kept

    @pytest.mark.parametrize("name", ["keep.gif", "keep.heic", "notes", "model.json"])
    def test_a_trace_replaces_only_a_trace(self, name: str) -> None:
        content = b'{"format": 1}' if name == "model.json" else b"GIF89a, precious"
        Path(name).write_bytes(content)
        assert f"'{name}' is no trace" in message("--trace", name, code=USAGE)
        assert Path(name).read_bytes() == content

    @pytest.mark.parametrize("file", ["model.json", "weights.safetensors"])
    def test_a_file_of_the_model_through_a_link(self, file: str) -> None:
        path = shutil.copytree(embedded_folder(), Path("mm")) / file
        kept = path.read_bytes()
        Path("link.png").symlink_to(path)
        found = message("-o", "link.png", "--model", "mm", code=USAGE)
        assert f"'link.png' would overwrite '{path}'" in found
        assert path.read_bytes() == kept

    def test_trace_in_a_missing_folder(self) -> None:
        found = message("--trace", "missing/trace.jsonl", code=USAGE)
        assert f"The trace '{Path('missing/trace.jsonl')}' cannot be written" in found

    @pytest.mark.parametrize("name", ["photo.png", "painting.png"])
    def test_trace_over_a_picture_that_is_read(self, name: str) -> None:
        found = message("--trace", name, code=USAGE)
        assert f"would overwrite '{name}'" in found

    @pytest.mark.parametrize("option", ["-o", "--trace"])
    def test_the_picture_to_start_from_is_not_overwritten(
        self, option: str, tmp_path: Path
    ) -> None:
        shutil.copy(tmp_path / "photo.png", tmp_path / "start.png")
        found = message(option, "start.png", "--init", "start.png", code=USAGE)
        assert "would overwrite 'start.png'" in found

    def test_a_run_that_cannot_begin_leaves_the_last_trace(self, tmp_path: Path) -> None:
        (tmp_path / "t.jsonl").write_text('{"iteration": 1}')
        message("--trace", "t.jsonl", photo="missing.png")
        assert (tmp_path / "t.jsonl").read_text() == '{"iteration": 1}'

    def test_trace_and_picture_in_one_file(self) -> None:
        found = message("--trace", "out.png", "-o", "out.png", code=USAGE)
        assert "cannot both be 'out.png'" in found


class TestModel:
    def test_unknown_name(self, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
        monkeypatch.setenv("STYLIZE_MODELS", str(model.parent))
        found = message("--model", "vgg16")
        assert "There is no model 'vgg16'" in found
        assert "Models found: model, compact." in found
        assert str(model.parent) in found

    def test_a_folder_that_is_no_model(self) -> None:
        Path("pictures").mkdir()
        found = message("--model", "pictures")
        assert "'pictures' is not a model folder" in found
        assert "model.json" in found

    def test_format_of_a_later_release(self, model: Path) -> None:
        edit_manifest(model, lambda manifest: manifest.update(format=FORMAT + 1, surprise="new"))
        found = message("--model", "model")
        assert f"has format {FORMAT + 1}; this release of stylize reads formats 2, 3" in found

    def test_truncated_manifest(self, model: Path) -> None:
        text = (model / "model.json").read_bytes()
        (model / "model.json").write_bytes(text[: len(text) // 2])
        assert f"'{Path('model/model.json')}' is damaged" in message("--model", "model")

    def test_manifest_without_a_field(self, model: Path) -> None:
        edit_manifest(model, lambda manifest: manifest.pop("weights"))
        found = message("--model", "model")
        assert "is damaged" in found
        assert "weights" in found

    def test_truncated_weights(self, model: Path) -> None:
        data = (model / WEIGHTS).read_bytes()
        (model / WEIGHTS).write_bytes(data[:1000])
        found = message("--model", "model")
        assert f"'{Path('model', WEIGHTS)}' (1000 bytes) is damaged or was changed" in found

    @pytest.mark.parametrize("name", [WEIGHTS, "features.onnx", "gradient.1.onnx"])
    def test_one_changed_byte(self, model: Path, name: str) -> None:
        data = bytearray((model / name).read_bytes())
        data[-1] ^= 1
        was = sha256(model / name)
        (model / name).write_bytes(data)
        found = message("--model", "model")
        assert f"{name}' ({len(data)} bytes) is damaged or was changed" in found
        assert f"its sha256 is {sha256(model / name)}, the manifest says {was}" in found

    @pytest.mark.parametrize("name", [WEIGHTS, "features.onnx", "targets.1.onnx"])
    def test_missing_file(self, model: Path, name: str) -> None:
        (model / name).unlink()
        assert f"'model' is incomplete: {name} is missing" in message("--model", "model")

    @pytest.mark.parametrize("part", ["weights", "features"])
    def test_file_outside_the_folder(self, model: Path, part: str) -> None:
        def name_outside(manifest: dict[str, Any]) -> None:
            (model / manifest[part]["file"]).rename("x")
            manifest[part]["file"] = "../x"

        edit_manifest(model, name_outside)
        assert "names '../x', which is not a file in it" in message("--model", "model")

    def test_weights_that_are_not_numbers(self, model: Path) -> None:
        data = bytearray((model / WEIGHTS).read_bytes())
        length = int.from_bytes(data[:8], "little")
        kernel = json.loads(data[8 : 8 + length])["conv1_1.weight"]
        assert kernel["dtype"] == "F16"
        start = 8 + length + kernel["data_offsets"][0]
        data[start : start + 2] = np.array(np.nan, "<f2").tobytes()
        (model / WEIGHTS).write_bytes(data)
        edit_manifest(
            model, lambda manifest: manifest["weights"].update(sha256=sha256(model / WEIGHTS))
        )
        found = message("--model", "model")
        assert "At iteration 1 the loss is nan" in found
        assert "weights are damaged" in found


class TestLayers:
    @pytest.mark.parametrize("kind", ["content", "style"])
    def test_unknown(self, kind: str) -> None:
        found = message(f"--{kind}-layer", "conv9_9", code=USAGE)
        assert "The model 'compact' has no layer 'conv9_9'" in found
        assert "conv1_1, conv1_2, pool1" in found

    @pytest.mark.parametrize(
        ("chosen", "content", "style"),
        [
            (("--content-layer", "conv3_2"), "3_2", "1_1 2_1 3_1 4_1"),
            (("--content-layer", "conv5_1"), "5_1", "1_1 2_1 3_1 4_1"),
            (("--style-layer", "conv3_3"), "4_2", "3_3"),
        ],
    )
    def test_without_a_graph(self, chosen: tuple[str, str], content: str, style: str) -> None:
        options = [f"--content-layer conv{layer}" for layer in content.split()]
        options += [f"--style-layer conv{layer}" for layer in style.split()]
        found = message(*chosen)
        assert "The model 'compact'" in found
        assert "has those of the paper only" in found
        assert found.endswith(f"stylize export vgg19 {' '.join(options)}")


class TestNumbers:
    @pytest.mark.parametrize("value", ["inf", "nan", "-1"])
    def test_weight(self, value: str) -> None:
        found = message("--style-weight", value, code=USAGE)
        assert "The style weight is" in found

    def test_seed(self) -> None:
        assert "The seed is -1; it must be 0 or more." in message("--seed", "-1", code=USAGE)


class TestProvider:
    def test_an_error_within_onnxruntime(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import onnxruntime

        def fail(*_: object) -> None:
            raise RuntimeError("bad allocation")

        monkeypatch.setattr(onnxruntime.InferenceSession, "run", fail)
        found = message()
        assert "ONNX Runtime failed on targets.8.onnx at 38x48 pixels" in found
        assert "bad allocation" in found
        assert "use a smaller size" in found

    def test_an_error_that_has_nothing_to_do_with_memory(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import onnxruntime

        def fail(*_: object) -> None:
            raise RuntimeError("CUDNN_STATUS_NOT_SUPPORTED")

        monkeypatch.setattr(onnxruntime.InferenceSession, "run", fail)
        found = message()
        assert "CUDNN_STATUS_NOT_SUPPORTED" in found
        assert "emory" not in found

    def test_unknown(self) -> None:
        found = message("--provider", "tpu", code=USAGE)
        assert "There is no provider 'tpu'. Choose one of cpu, cuda, openvino, " in found

    def test_a_precision_that_the_provider_lacks(self) -> None:
        found = message("--provider", "cpu", "--precision", "float16", code=USAGE)
        assert "The provider cpu does not compute in float16. Choose one of float32." in found

    def test_a_precision_that_nothing_here_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import onnxruntime

        only_cpu = ["CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: only_cpu)
        found = message("--precision", "tf32")
        assert "No provider that works here computes in tf32." in found
        assert "'stylize doctor --precision tf32' shows which could." in found

    @pytest.mark.parametrize("option", ["gpu_mem_limit", "=1", ""])
    def test_an_option_without_key_or_value(self, option: str) -> None:
        found = at_once("--provider", "cuda", "--provider-option", option, code=USAGE)
        assert f"The provider option is '{option}'; write KEY=VALUE" in found

    @pytest.mark.parametrize(
        ("provider", "advice"),
        [("auto", "Name it: --provider cuda"), ("cpu", "The provider cpu has no options")],
    )
    def test_options_where_there_are_none(self, provider: str, advice: str) -> None:
        found = at_once("--provider", provider, "--provider-option", "a=b", code=USAGE)
        assert advice in found

    def test_not_in_this_onnxruntime(self) -> None:
        import onnxruntime

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("this ONNX Runtime has CUDA")
        found = message("--provider", "cuda")
        assert "has no CUDAExecutionProvider" in found
        assert "CPUExecutionProvider" in found
        assert install_command("cuda") in found

    @pytest.mark.parametrize(
        ("provider", "extra"),
        [("auto", "cpu"), ("cpu", "cpu"), ("cuda", "cuda"), ("openvino", "openvino")],
    )
    def test_no_onnxruntime(
        self, monkeypatch: pytest.MonkeyPatch, provider: str, extra: str
    ) -> None:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        found = message("--provider", provider)
        assert "ONNX Runtime cannot be imported" in found
        assert install_command(extra) in found

    def test_an_onnxruntime_whose_files_are_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
        assert "ONNX Runtime cannot be imported (its files are gone" in message()


def test_sizes_out_of_all_proportion() -> None:
    for size in ("100001", "100001x64", "9" * 50):
        assert "The size is" in message("--size", size, code=USAGE)


def test_memory_that_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr("stylize.runtime.method.scene.Scene.check", run_out)
    assert message() == "Error: Memory ran out. Use smaller pictures, or a smaller --size."
