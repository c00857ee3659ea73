"""``stylize doctor``: each provider really tried, in a table that fits a narrow terminal."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("onnxruntime", reason="tries its providers")

from stylize.cli.app import app
from stylize.cli.showing.tables import NARROW
from stylize.installation import Distribution, install_command
from stylize.models.errors import ProviderError
from stylize.runtime.checks import survey
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.providers import table
from stylize.runtime.providers.table import PROVIDERS, Provider

FAILURE, USAGE = 1, 2


@pytest.fixture
def having(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let ONNX Runtime list some providers, of which some work; return what is tried."""
    import onnxruntime

    def arrange(*listed: str, working: tuple[str, ...] = ("cpu",), amx: bool = False) -> list[str]:
        tried: list[str] = []

        def attempt(provider: Provider) -> None:
            tried.append(f"{provider.name} {provider.precision}")
            if not {provider.name, tried[-1]} & set(working):
                raise ProviderError(f"The library of {provider.name} is missing.")

        names = [PROVIDERS[name].onnxruntime_name for name in listed]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
        monkeypatch.setattr(survey, "try_provider", attempt)
        monkeypatch.setattr(survey, "has_amx", lambda: amx)
        monkeypatch.setattr(table, "has_amx", lambda: amx)
        return tried

    return arrange


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


def succeed(*arguments: str) -> str:
    result = doctor(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def rows(output: str) -> dict[str, list[str]]:
    """Return the words of each provider's row."""
    lines = [line.split() for line in output.splitlines() if line]
    return {first: rest for first, *rest in lines if first in PROVIDERS}


def test_what_is_installed() -> None:
    import onnxruntime

    output = succeed()
    found = rows(output)
    assert list(found) == list(PROVIDERS)
    assert found["cpu"] == ["yes", "float32", "float32"]
    present = onnxruntime.get_available_providers()
    for name, known in PROVIDERS.items():
        assert (found[name][0] == "yes") is (known.onnxruntime_name in present)
    assert f"Without --provider, stylize computes on {find_provider().name} in" in output
    assert output.split()[:2] == ["stylize", version("stylize-onnx")]
    assert onnxruntime.__version__ in output
    assert "compact" in output


def test_tables_are_narrow() -> None:
    tables, _, _ = succeed().partition("Without --provider")
    assert max(map(len, tables.splitlines())) <= NARROW


class TestVerdicts:
    def test_every_precision_is_tried(self, having: Callable[..., list[str]]) -> None:
        tried = having("cuda", "cpu", working=("cpu", "cuda float32", "cuda tf32"))
        output = succeed()
        assert tried == ["cpu float32", "cuda tf32", "cuda float32", "cuda float16"]
        assert rows(output)["cuda"] == ["yes", "tf32,", "float32", "tf32,", "float32,", "float16"]
        assert "\ncuda: The library of cuda is missing.\n" in output
        assert "stylize computes on cuda in tf32" in output

    def test_what_is_broken_is_explained(self, having: Callable[..., list[str]]) -> None:
        having("cuda", "cpu")
        output = succeed()
        assert rows(output)["cuda"][:2] == ["yes", "none"]
        assert "\ncuda: The library of cuda is missing.\n" in output
        assert "stylize computes on cpu in float32" in output

    def test_what_is_untested_is_tried_only_if_named(
        self, having: Callable[..., list[str]]
    ) -> None:
        tried = having("coreml", "cpu", working=("cpu", "coreml"))
        assert "not tried (untested)" in succeed()
        assert tried == ["cpu float32"]
        assert rows(succeed("--provider", "coreml")) == {"coreml": ["yes", "float32", "float32"]}

    def test_one_precision(self, having: Callable[..., list[str]]) -> None:
        tried = having("cuda", "openvino", "cpu", working=("openvino",))
        assert list(rows(succeed("--precision", "bfloat16"))) == ["openvino"]
        assert tried == ["openvino bfloat16"]

    def test_openvino_without_amx_is_not_the_choice(self, having: Callable[..., list[str]]) -> None:
        having("openvino", "cpu", working=("openvino", "cpu"))
        assert "stylize computes on cpu" in succeed()
        having("openvino", "cpu", working=("openvino", "cpu"), amx=True)
        assert "stylize computes on openvino in bfloat16" in succeed()


class TestFailure:
    def test_of_the_one_asked_for(self, having: Callable[..., list[str]]) -> None:
        having("cuda", "cpu")
        result = doctor("--provider", "cuda")
        assert result.exit_code == FAILURE
        assert result.stderr == "Error: The library of cuda is missing.\n"

    def test_of_one_that_is_not_installed(self, having: Callable[..., list[str]]) -> None:
        having("cpu")
        result = doctor("--provider", "openvino")
        assert result.exit_code == FAILURE
        assert "has no OpenVINOExecutionProvider" in result.stderr
        assert install_command("openvino") in result.stderr

    def test_of_all_in_a_precision(self, having: Callable[..., list[str]]) -> None:
        having("cpu")
        result = doctor("--precision", "tf32")
        assert (result.exit_code, result.stderr) == (
            FAILURE,
            "Error: No provider works in tf32 here.\n",
        )

    def test_of_onnxruntime_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        result = doctor()
        assert result.exit_code == FAILURE
        assert "cannot be imported; installed: " in result.stdout
        assert install_command("cpu") in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "found"),
        [
            (("--provider", "tpu"), "There is no provider 'tpu'"),
            (("--provider", "cpu", "--precision", "tf32"), "cpu does not compute in tf32"),
        ],
    )
    def test_of_what_does_not_exist(self, arguments: tuple[str, ...], found: str) -> None:
        result = doctor(*arguments)
        assert (result.exit_code, result.stdout) == (USAGE, "")
        assert found in result.stderr


class TestAdvice:
    def test_bfloat16_where_the_cpu_has_it(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(survey, "_has_driver", lambda: False)
        having("cpu", amx=True)
        assert install_command("openvino") + "\n" in succeed()
        having("cpu", amx=False)
        assert "[openvino]" not in succeed()
        having("cpu", "openvino", working=("cpu", "openvino"), amx=True)
        assert "[openvino]" not in succeed()

    def test_cuda_where_there_is_a_gpu(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(survey, "_has_driver", lambda: True)
        having("cpu", amx=True)
        output = succeed()
        assert install_command("cuda") + "\n" in output
        assert "[openvino]" not in output

    def test_one_wheel_where_there_are_several(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        having("cpu")
        both = {"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.31.1"}
        monkeypatch.setattr(survey, "installed_wheels", lambda: both)
        assert "Several wheels of ONNX Runtime are installed. Keep one: pip" in succeed()

    def test_another_program_of_our_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "another program" not in succeed()
        other = Distribution("stylize", "1.2", frozenset(), frozenset({"stylize"}))
        monkeypatch.setattr(survey, "rivals", lambda: [other])
        assert "stylize 1.2 is another program, and has a command 'stylize', too." in succeed()
        assert "pip uninstall -y stylize && pip install" in succeed()

    def test_a_half_removed_wheel_is_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        half = tmp_path / "onnxruntime_gpu-1.31.1.dist-info"
        half.mkdir()
        (half / "top_level.txt").write_text("onnxruntime\n")
        monkeypatch.syspath_prepend(tmp_path)
        output = succeed()
        assert "onnxruntime-gpu 1.31.1, which overwrite each other" in output
        assert "Several wheels of ONNX Runtime are installed. Keep one: pip" in output

    def test_vgg19(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "stylize export vgg19" in succeed()
        monkeypatch.setattr(survey, "PREFERRED_MODEL", "compact")
        assert "stylize export vgg19" not in succeed()
