"""What a provider's name stands for: its settings, its precisions, and the host of its images."""

import json
from pathlib import Path

import pytest

from stylize.models.errors import OptionError
from stylize.runtime.providers import hardware, table
from stylize.runtime.providers.table import PROVIDERS, configure, host_of


class TestConfigure:
    def test_cuda_rounds_only_where_that_is_asked_for(self) -> None:
        tf32 = {
            mode: configure("cuda", mode).options["use_tf32"] for mode in PROVIDERS["cuda"].modes
        }
        assert tf32 == {"float32": "0", "tf32": "1", "float16": "1"}
        assert configure("cuda").precision == "tf32"

    def test_forms(self) -> None:
        assert configure("cuda", "float16").form == "float16"
        assert configure("cuda").form == configure("openvino", "bfloat16").form == "plain"
        assert configure("cpu").form == ("blocked" if hardware.X86 else "plain")

    def test_the_cpu_has_bfloat16_only_on_arm_linux(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(table, "ARM_LINUX", False)
        assert table._cpu_modes().keys() == {"float32"}
        monkeypatch.setattr(table, "ARM_LINUX", True)
        modes = table._cpu_modes()
        assert list(modes) == ["float32", "bfloat16"]
        assert modes["bfloat16"].session_entries == {table.ARM_BFLOAT16: "1"}
        assert modes["bfloat16"].form == "plain"

    def test_memory(self) -> None:
        memory = {name: configure(name).memory for name in PROVIDERS}
        on_gpu = {name for name, where in memory.items() if where == "cuda"}
        assert on_gpu == {"cuda", "tensorrt"}
        assert memory["webgpu"] == host_of(configure("webgpu", "float16")).memory == "webgpu"
        assert memory["openvino"] == "cpu"

    @pytest.mark.parametrize(
        ("flags", "units", "expected"),
        [
            ("avx512f avx512_bf16 amx_bf16", ("AMX", "AVX512-BF16"), "bfloat16"),
            ("avx512f avx512_bf16", ("AVX512-BF16",), "bfloat16"),
            ("avx512f", (), "float32"),
        ],
    )
    def test_openvino_computes_in_what_the_cpu_is_good_at(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        flags: str,
        units: tuple[str, ...],
        expected: str,
    ) -> None:
        (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags} clflush\n")
        monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "cpuinfo")
        assert hardware.bfloat16_units() == units
        provider = configure("openvino")
        assert provider.precision == expected
        (settings,) = json.loads(provider.options["load_config"]).values()
        assert settings["INFERENCE_PRECISION_HINT"] == ("bf16" if units else "f32")
        assert settings["INFERENCE_NUM_THREADS"] == str(hardware.usable_cpus())

    @pytest.mark.parametrize("name", PROVIDERS)
    def test_the_threads_are_one_number_for_all(self, name: str) -> None:
        assert configure(name).threads == hardware.usable_cpus()
        few = configure(name, threads=3)
        assert few.threads == host_of(few).threads == 3
        if "load_config" in few.options:
            (settings,) = json.loads(few.options["load_config"]).values()
            assert settings["INFERENCE_NUM_THREADS"] == "3"

    def test_given_options_win_and_are_remembered(self) -> None:
        given = {"cudnn_conv_algo_search": "HEURISTIC", "enable_cuda_graph": "0"}
        provider = configure("cuda", options=given)
        assert provider.given == given
        assert provider.options.items() >= given.items()
        assert provider.options["use_tf32"] == "1"

    def test_cuda_records_its_launches_unless_told_otherwise(self) -> None:
        assert configure("cuda").records
        assert host_of(configure("cuda", "float16")).records
        without = configure("cuda", options={"enable_cuda_graph": "0"})
        assert not without.records
        assert not host_of(without).records
        assert not configure("cuda").without_recording.records
        assert not configure("cpu").records

    def test_a_precision_that_it_lacks(self) -> None:
        with pytest.raises(OptionError, match="Choose one of tf32, float32, float16"):
            configure("cuda", "bfloat16")


class TestHost:
    def test_computes_in_the_same_memory(self) -> None:
        given = {"device_id": "1", "enable_cuda_graph": "1", "gpu_mem_limit": "7"}
        host = host_of(configure("cuda", "float16", given))
        assert (host.name, host.precision, host.form) == ("cuda", "float32", "plain")
        assert dict(host.given) == {"device_id": "1", "enable_cuda_graph": "1"}

    @pytest.mark.parametrize("name", ["openvino", "directml", "coreml"])
    def test_is_the_cpu_where_that_holds_the_images(self, name: str) -> None:
        assert host_of(configure(name, None, {"device_id": "1"})) == configure("cpu")

    def test_a_device_is_a_number(self) -> None:
        with pytest.raises(OptionError, match="device_id is 'a'"):
            configure("cuda", None, {"device_id": "a"})

    @pytest.mark.parametrize(
        ("name", "option"), [("cuda", "use_tf32"), ("openvino", "load_config")]
    )
    def test_the_precision_is_not_an_option(self, name: str, option: str) -> None:
        with pytest.raises(OptionError, match=f"--precision decides {option}"):
            configure(name, None, {option: "1"})
