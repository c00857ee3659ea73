"""The table of ONNX Runtime's execution providers, and a provider with its settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from stylize.models.errors import OptionError, about
from stylize.runtime.providers.hardware import ARM_LINUX, X86, bfloat16_units, usable_cpus

Precision = Literal["float32", "tf32", "float16", "bfloat16"]

GraphForm = Literal["plain", "blocked", "float16"]

Place = Literal["cpu", "cuda", "webgpu"]

ARM_BFLOAT16 = "mlas.enable_gemm_fastmath_arm64_bfloat16"
"""The entry with which the CPU provider multiplies matrices in bfloat16 on Arm."""

RECORDING = "enable_cuda_graph"
"""The option with which CUDA records what a run launches, and replays it on the same tensors."""

ORDINARY_LAYOUT = {"preferredLayout": "NCHW"}
"""With which WebGPU needs no transposition of booleans, for which it has no kernel."""

AUTO = "auto"
"""Stands for the fastest provider that works."""


@dataclass(frozen=True)
class Plugin:
    """A provider's library in a wheel of its own, beside ONNX Runtime's.

    Attributes
    ----------
    module : str
        The module that the wheel writes, which tells where the library is.
    device : mapping of str to str
        What the metadata of a device says that is to be used; without any, all devices are.
    """

    module: str
    device: Mapping[str, str] = field(default_factory=dict)

    @property
    def wheel(self) -> str:
        """The name of the wheel."""
        return self.module.replace("_", "-")


@dataclass(frozen=True)
class Provider:
    """An execution provider with its settings: what `open_session` needs to know.

    Attributes
    ----------
    name : str
        Name that stylize uses, such as ``cuda``.
    onnxruntime_name : str
        Name that ONNX Runtime uses.
    extra : str or None
        ``stylize-onnx[extra]`` installs it; None where no extra does.
    precision : {"float32", "tf32", "float16", "bfloat16"}
        Precision of the convolutions' products.
    options : mapping of str to str
        All options that ONNX Runtime is given.
    form : {"plain", "blocked", "float16"}
        Form of the gradient graphs that is the fastest there, or the only one.
    memory : {"cpu", "cuda", "webgpu"}
        Memory that holds its inputs and outputs.
    tested : bool
        Whether it was tried with stylize.
    threads : int
        How many threads of the CPU compute.
    plugin : Plugin or None
        Where it comes from, unless ONNX Runtime was built with it.
    session_entries : mapping of str to str
        Entries for the configuration of a session, which are no options of a provider.
    given : mapping of str to str
        The options that the user gave.
    passed_over : tuple of str
        Faster providers that are installed but did not work, so that this one was chosen.
    sparing : bool
        Whether sessions take the CPU's memory from one place, and give it back after each run. Each
        of several that run in turns would keep its own.
    """

    name: str
    onnxruntime_name: str
    extra: str | None
    precision: Precision
    options: Mapping[str, str]
    form: GraphForm
    memory: Place
    tested: bool
    threads: int
    plugin: Plugin | None = None
    session_entries: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    sparing: bool = False

    @property
    def records(self) -> bool:
        """Whether what a run launches is recorded, and replayed on the same tensors."""
        return self.options.get(RECORDING, "0") not in ("0", "false", "False")

    @property
    def without_recording(self) -> "Provider":
        """The same for graphs that are run once, or on other arrays each time."""
        options = {name: value for name, value in self.options.items() if name != RECORDING}
        return replace(self, options=options)

    @property
    def in_turns(self) -> "Provider":
        """The same for several graphs that run one after the other, and hand over booleans."""
        alone = self.without_recording
        layout = ORDINARY_LAYOUT if self.memory == "webgpu" else {}
        return replace(alone, options={**layout, **alone.options}, sparing=True)


@dataclass(frozen=True)
class Mode:
    """What it takes to compute in a precision.

    Attributes
    ----------
    options : mapping of str to str
        Options for ONNX Runtime.
    form : {"plain", "blocked", "float16"}
        The form of the graphs.
    properties : mapping of str to str
        OpenVINO's, which are an option by themselves, together with the number of threads.
    session_entries : mapping of str to str
        Entries for the configuration of a session.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    form: GraphForm = "plain"
    properties: Mapping[str, str] = field(default_factory=dict)
    session_entries: Mapping[str, str] = field(default_factory=dict)

    def all_options(self, threads: int) -> Mapping[str, str]:
        """Return the options, with the properties among them."""
        if not self.properties:
            return self.options
        properties = {**self.properties, "INFERENCE_NUM_THREADS": str(threads)}
        return {**self.options, "load_config": json.dumps({"CPU": properties})}


@dataclass(frozen=True)
class KnownProvider:
    """A provider as stylize can ask for it; see `Provider`. The first mode is the default."""

    onnxruntime_name: str
    modes: Mapping[Precision, Mode] = field(default_factory=lambda: {"float32": Mode()})
    options: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None
    memory: Place = "cpu"
    plugin: Plugin | None = None
    tested: bool = False


def _cpu_modes() -> dict[Precision, Mode]:
    # Only x86 has the blocked layout.
    modes: dict[Precision, Mode] = {"float32": Mode(form="blocked" if X86 else "plain")}
    if ARM_LINUX:  # ONNX Runtime has such kernels for no other CPUs
        modes["bfloat16"] = Mode(session_entries={ARM_BFLOAT16: "1"})
    return modes


def _openvino(precision: str) -> Mode:
    # The plugin's own options "precision" and "num_of_threads" change nothing on a CPU (1.8.1).
    return Mode(properties={"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": "1"})


PROVIDERS: Mapping[str, KnownProvider] = {
    "cpu": KnownProvider(
        "CPUExecutionProvider",
        modes=_cpu_modes(),
        extra="cpu",
        tested=True,
    ),
    "cuda": KnownProvider(
        "CUDAExecutionProvider",
        # No bfloat16: ONNX has convolutions in it only from opset 22 on.
        modes={
            # TF32 rounds a convolution's factors to 10 bits. A picture is done in a third of the
            # time, and its final loss is the same to a thousandth (docs/providers.md).
            "tf32": Mode({"use_tf32": "1"}),
            "float32": Mode({"use_tf32": "0"}),
            # The convolutions; Gram matrices remain float32, with factors rounded as float16's are.
            "float16": Mode({"use_tf32": "1"}, form="float16"),
        },
        options={
            # Sizes do not change during a run: a search pays. Without any, the choice may be
            # extremely slow.
            "cudnn_conv_algo_search": "EXHAUSTIVE",
            "cudnn_conv_use_max_workspace": "1",
            # By default each block is twice as large as the last, however little is needed.
            "arena_extend_strategy": "kSameAsRequested",
            # A fifth of a step's time at 512 pixels is launching.
            RECORDING: "1",
        },
        extra="cuda",
        memory="cuda",
        tested=True,
    ),
    "openvino": KnownProvider(
        "OpenVINOExecutionProvider",
        modes={"bfloat16": _openvino("bf16"), "float32": _openvino("f32")},
        extra="openvino",
        plugin=Plugin("onnxruntime_ep_openvino", device={"ov_device": "CPU"}),
        tested=True,
    ),
    "webgpu": KnownProvider(
        "WebGpuExecutionProvider",
        modes={"float32": Mode(), "float16": Mode(form="float16")},
        # Places in the history of L-BFGS are such numbers.
        options={"enableInt64": "1"},
        extra="webgpu",
        memory="webgpu",
        plugin=Plugin("onnxruntime_ep_webgpu"),
        tested=True,
    ),
    "tensorrt": KnownProvider("TensorrtExecutionProvider", extra="cuda", memory="cuda"),
    "coreml": KnownProvider("CoreMLExecutionProvider"),
    "directml": KnownProvider("DmlExecutionProvider"),
    "migraphx": KnownProvider("MIGraphXExecutionProvider"),
}

SHARED = ("device_id", RECORDING)
"""Options that hold for all that is computed in the same memory."""


def configure(
    name: str,
    precision: Precision | None = None,
    options: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Provider:
    """Return a provider with its settings, whether it is there or not.

    The parameters are those of `stylize.runtime.engine.choice.find_provider`.

    Raises
    ------
    OptionError
        As `find_provider`.
    """
    if name not in PROVIDERS:
        raise OptionError(
            f"There is no provider '{name}'. Choose one of {', '.join(PROVIDERS)}"
            + (", or auto." if name != AUTO else "; auto stands for none here.")
        )
    known, given = PROVIDERS[name], dict(options or {})
    if name == "cpu" and given:
        raise OptionError("The provider cpu has no options. Leave --provider-option out.")
    precision = precision or default_precision(name)
    with about("precision"):
        mode = _mode(name, precision)
    threads = threads or usable_cpus()
    decided = mode.all_options(threads)
    if clash := sorted(given.keys() & decided.keys()):
        raise OptionError(
            f"--precision decides {', '.join(clash)} for {name}. Leave the option out, and choose "
            f"--precision {' or '.join(known.modes)}."
        )
    if not given.get("device_id", "0").isdecimal():
        raise OptionError(f"The device_id is '{given['device_id']}'; it must be 0, 1, 2 ...")
    return Provider(
        name=name,
        onnxruntime_name=known.onnxruntime_name,
        extra=known.extra,
        precision=precision,
        options={**known.options, **decided, **given},
        form=mode.form,
        memory=known.memory,
        tested=known.tested,
        threads=threads,
        plugin=known.plugin,
        session_entries=mode.session_entries,
        given=given,
    )


def _mode(name: str, precision: Precision) -> Mode:
    """Return how a provider computes in a precision; raise OptionError if it does not."""
    modes = PROVIDERS[name].modes
    if precision not in modes:
        raise OptionError(
            f"The provider {name} does not compute in {precision}. "
            f"Choose one of {', '.join(modes)}."
        )
    return modes[precision]


def host_of(provider: Provider) -> Provider:
    """Return the provider that computes in float32, without a network, in the same memory."""
    if provider.memory == "cpu":
        return configure("cpu", threads=provider.threads)
    kept = {key: value for key, value in provider.given.items() if key in SHARED}
    return configure(provider.memory, "float32", kept, provider.threads)


def exact(provider: Provider) -> Provider:
    """Return the same provider in float32."""
    if provider.precision == "float32":
        return provider
    given, threads = provider.given, provider.threads
    found = configure(provider.name, "float32", given, threads)
    return replace(found, passed_over=provider.passed_over)


def default_precision(name: str) -> Precision:
    """Return the precision in which a provider computes unless another is asked for."""
    if name == "openvino" and not bfloat16_units():
        return "float32"  # bfloat16 would be emulated
    return next(iter(PROVIDERS[name].modes))
