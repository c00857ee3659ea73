"""``stylize doctor``: each provider really tried, in a table that fits a narrow terminal."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("onnxruntime", reason="tries its providers")

from stylize.cli.app import app
from stylize.cli.showing.tables import NARROW
from stylize.installation import Distribution, install_command
from stylize.models.errors import ProviderError
from stylize.runtime.checks import survey
from stylize.runtime.engine import choice
from stylize.runtime.engine.choice import find_provider, is_present
from stylize.runtime.providers import table
from stylize.runtime.providers.table import PROVIDERS, Provider, configure

FAILURE, USAGE = 1, 2

FASTEST_FIRST = choice.FASTEST_FIRST
SECONDS = {"cuda": 0.001, "webgpu": 0.002, "openvino": 0.01, "cpu": 0.0251, "coreml": 1.0}
DEVICE = SimpleNamespace(
    ep_metadata={"FULL_DEVICE_NAME": "a fine device"},
    device=SimpleNamespace(type=SimpleNamespace(name="GPU"), metadata={}),
)


@pytest.fixture(autouse=True)
def auto_is_the_fastest(auto_is_the_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "FASTEST_FIRST", FASTEST_FIRST)


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
        modules = [known.plugin.module for name in listed if (known := PROVIDERS[name]).plugin]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
        monkeypatch.setattr(choice, "is_installed", lambda plugin: plugin.module in modules)
        monkeypatch.setattr(survey, "devices_of", lambda *_: [DEVICE])
        monkeypatch.setattr(survey, "in_software", lambda provider: False)
        monkeypatch.setattr(survey, "gpu_vendors", tuple)
        monkeypatch.setattr(survey, "try_provider", attempt)
        monkeypatch.setattr(survey, "seconds_of", lambda provider: SECONDS[provider.name])
        for module in (choice, survey, table):
            monkeypatch.setattr(module, "bfloat16_units", lambda: ("AMX",) if amx else ())
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
    _, _, table = output.rpartition("\nprovider ")
    lines = [line.split() for line in table.splitlines() if line]
    return {first: rest for first, *rest in lines if first in PROVIDERS}


def test_what_is_installed() -> None:
    import onnxruntime

    output = succeed()
    found = rows(output)
    assert list(found) == list(PROVIDERS)
    installed, mode, milliseconds, unit, *_ = found["cpu"]
    assert (installed, mode, unit) == ("yes", "float32", "ms)")
    assert float(milliseconds.removeprefix("(")) > 0
    for name in PROVIDERS:
        assert (found[name][0] == "yes") is is_present(configure(name))
    assert f"Where none is named, stylize computes on {find_provider().name} in" in output
    assert output.split()[:2] == ["stylize", version("stylize-onnx")]
    assert onnxruntime.__version__ in output
    assert "compact" in output


def test_tables_are_narrow(having: Callable[..., list[str]]) -> None:
    having(*SECONDS, working=tuple(SECONDS))
    tables, _, _ = succeed().partition("Where none is named")
    assert max(map(len, tables.splitlines())) <= NARROW


class TestVerdicts:
    def test_every_precision_is_tried(self, having: Callable[..., list[str]]) -> None:
        tried = having("cuda", "cpu", working=("cpu", "cuda float32", "cuda tf32"))
        output = succeed()
        assert tried == ["cpu float32", "cuda tf32", "cuda float32", "cuda float16"]
        works = "yes tf32 (1 ms), float32 (1 ms)"
        assert rows(output)["cuda"] == [*works.split(), "tf32,", "float32,", "float16"]
        assert "\ncuda: The library of cuda is missing.\n" in output
        assert "stylize computes on cuda in tf32" in output

    def test_what_is_broken_is_explained(self, having: Callable[..., list[str]]) -> None:
        having("cuda", "cpu")
        output = succeed()
        assert rows(output)["cuda"][:2] == ["yes", "none"]
        assert "\ncuda: The library of cuda is missing.\n" in output
        assert "stylize computes on cpu in float32" in output

    def test_what_fails_when_it_is_timed_does_not_work(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        having("cpu", "webgpu", working=("cpu", "webgpu"))

        def measure(provider: Provider) -> float:
            if provider.name == "webgpu":
                raise ProviderError("The device is lost.")
            return SECONDS[provider.name]

        monkeypatch.setattr(survey, "seconds_of", measure)
        output = succeed()
        assert rows(output)["webgpu"][:2] == ["yes", "none"]
        assert "webgpu: The device is lost." in output
        assert "stylize computes on cpu in float32" in output

    def test_what_is_untested_is_tried_only_if_named(
        self, having: Callable[..., list[str]]
    ) -> None:
        tried = having("coreml", "cpu", working=("cpu", "coreml"))
        assert "not tried (untested)" in succeed()
        assert tried == ["cpu float32"]
        assert rows(succeed("--provider", "coreml")) == {"coreml": ["yes", "float32", "float32"]}

    def test_devices_have_names(self, having: Callable[..., list[str]]) -> None:
        having("webgpu", "cpu", working=("webgpu", "cpu"))
        output = succeed()
        assert ["webgpu", "on", "a", "fine", "device"] in map(str.split, output.splitlines())
        assert "stylize computes on webgpu in float32" in output

    def test_a_driver_in_software_is_said_to_be_one(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        having("webgpu", "cpu", working=("webgpu", "cpu"))
        monkeypatch.setattr(survey, "in_software", lambda provider: provider.name == "webgpu")
        output = succeed()
        assert "webgpu on     the CPU, by a driver in software" in output
        assert rows(output)["webgpu"][:3] == ["yes", "float32,", "float16"], "without times"
        assert "stylize computes on cpu in float32" in output

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
        assert "its wheel onnxruntime-ep-openvino is missing" in result.stderr
        assert install_command("openvino") in result.stderr
        assert "tells how to get it" not in result.stdout, "for it is told"
        assert "tells how to get it" in succeed()

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
        output = succeed()
        assert install_command("openvino") + "\n" in output
        assert "uninstall" not in output
        having("cpu", amx=False)
        assert "[openvino]" not in succeed()
        having("cpu", "openvino", working=("cpu", "openvino"), amx=True)
        assert "[openvino]" not in succeed()

    def test_webgpu_where_there_is_a_gpu(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(survey, "_has_driver", lambda: False)
        having("cpu", amx=True)
        monkeypatch.setattr(survey, "gpu_vendors", lambda: ("AMD",))
        output = succeed()
        assert f"There is a GPU of AMD. To compute on it: {install_command('webgpu')}\n" in output
        assert "uninstall" not in output

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

    def test_another_program_of_our_name(
        self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        having("cpu")
        assert "another program" not in succeed()
        other = Distribution("stylize", "1.2", frozenset(), frozenset({"stylize"}))
        monkeypatch.setattr(survey, "rivals", lambda: [other])
        assert "stylize 1.2 is another program, and has a command 'stylize', too." in succeed()
        assert "pip uninstall -y stylize && pip install" in succeed()

    def test_a_half_removed_wheel_is_one(
        self,
        having: Callable[..., list[str]],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        having("cpu")
        half = tmp_path / "onnxruntime_gpu-1.31.1.dist-info"
        half.mkdir()
        (half / "top_level.txt").write_text("onnxruntime\n")
        monkeypatch.syspath_prepend(tmp_path)
        output = succeed()
        assert "onnxruntime-gpu 1.31.1, which overwrite each other" in output
        assert "Several wheels of ONNX Runtime are installed. Keep one: pip" in output

    def test_vgg19(self, having: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
        having("cpu")
        assert "stylize export vgg19" in succeed()
        monkeypatch.setattr(survey, "PREFERRED_MODEL", "compact")
        assert "stylize export vgg19" not in succeed()
