"""ONNX Runtime's execution providers: the one that was asked for, or an error; never another."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from stylize.models.errors import OptionError, ProviderError
from stylize.runtime import diagnosis
from stylize.runtime.footprint import give_back_freed_memory

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

Precision = Literal["float32", "tf32", "float16", "bfloat16"]
GraphForm = Literal["plain", "blocked", "float16"]
Place = Literal["cpu", "cuda"]

RECORDING = "enable_cuda_graph"
"""The option with which CUDA records what a run launches, and replays it on the same tensors."""

AUTO = "auto"
"""Stands for the fastest provider that works."""

X86 = platform.machine().lower() in ("x86_64", "amd64")
CPU_INFO = Path("/proc/cpuinfo")

ERROR, FATAL = 3, 4
"""Severities of ONNX Runtime's log, which goes to stderr."""
FALLBACK_REFUSED = "fallback to CPU EP has been explicitly disabled"
"""How ONNX Runtime says that a part of a graph would not run on the provider."""


@dataclass(frozen=True)
class Provider:
    """An execution provider with its settings: what `open_session` needs to know.

    Attributes
    ----------
    name : str
        Ours.
    onnxruntime_name : str
        ONNX Runtime's.
    extra : str or None
        ``stylize-onnx[extra]`` installs it; None where no extra does.
    precision : {"float32", "tf32", "float16", "bfloat16"}
        Of the convolutions' products.
    options : mapping of str to str
        All options that ONNX Runtime is given.
    form : {"plain", "blocked", "float16"}
        Which form of the gradient graphs is the fastest, or the only one, there.
    memory : {"cpu", "cuda"}
        Where its inputs and outputs live.
    tested : bool
        Whether it was tried with stylize.
    given : mapping of str to str
        Those of the options that the user gave.
    passed_over : tuple of str
        Faster providers that are installed but did not work, where this one was chosen instead.
    """

    name: str
    onnxruntime_name: str
    extra: str | None
    precision: Precision
    options: Mapping[str, str]
    form: GraphForm
    memory: Place
    tested: bool
    given: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()

    @property
    def without_recording(self) -> "Provider":
        """The same for graphs that are run once, or on other arrays each time."""
        options = {name: value for name, value in self.options.items() if name != RECORDING}
        return replace(self, options=options)


@dataclass(frozen=True)
class Mode:
    """What it takes to compute in a precision: options, and a form of the graphs."""

    options: Mapping[str, str] = field(default_factory=dict)
    form: GraphForm = "plain"


@dataclass(frozen=True)
class KnownProvider:
    """A provider as stylize can ask for it; see `Provider`. The first mode is the default."""

    onnxruntime_name: str
    modes: Mapping[Precision, Mode] = field(default_factory=lambda: {"float32": Mode()})
    options: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None
    memory: Place = "cpu"
    tested: bool = False


def usable_cpus() -> int:
    """Return how many CPUs this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_amx() -> bool:
    """Tell whether this CPU multiplies matrices of bfloat16 (AMX); only Linux tells."""
    try:
        return "amx_bf16" in CPU_INFO.read_text()
    except OSError:
        return False


def _openvino(precision: str) -> Mode:
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": str(usable_cpus()),
        "NUM_STREAMS": "1",
    }
    return Mode({"device_type": "CPU", "load_config": json.dumps({"CPU": settings})})


PROVIDERS: Mapping[str, KnownProvider] = {
    "cpu": KnownProvider(
        "CPUExecutionProvider",
        # Only x86 has the blocked layout.
        modes={"float32": Mode(form="blocked" if X86 else "plain")},
        extra="cpu",
        tested=True,
    ),
    "cuda": KnownProvider(
        "CUDAExecutionProvider",
        # No bfloat16: ONNX has convolutions in it only from opset 22 on.
        modes={
            # TF32 rounds a convolution's factors to 10 bits; ONNX Runtime has it on by default.
            "float32": Mode({"use_tf32": "0"}),
            "tf32": Mode({"use_tf32": "1"}),
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
        },
        extra="cuda",
        memory="cuda",
        tested=True,
    ),
    "openvino": KnownProvider(
        "OpenVINOExecutionProvider",
        modes={"bfloat16": _openvino("bf16"), "float32": _openvino("f32")},
        extra="openvino",
        tested=True,
    ),
    "tensorrt": KnownProvider("TensorrtExecutionProvider", extra="cuda", memory="cuda"),
    "coreml": KnownProvider("CoreMLExecutionProvider"),
    "directml": KnownProvider("DmlExecutionProvider"),
    "migraphx": KnownProvider("MIGraphXExecutionProvider"),
    "webgpu": KnownProvider("WebGpuExecutionProvider"),
}

SHARED = ("device_id", RECORDING)
"""Options that hold for all that is computed in the same memory."""

FASTEST_FIRST = ("cuda", "openvino", "cpu")


def find_provider(
    name: str = AUTO,
    precision: Precision | None = None,
    options: Mapping[str, str] | None = None,
) -> Provider:
    """Return a provider that works here.

    Parameters
    ----------
    name : str
        A key of `PROVIDERS`, or ``auto`` for the fastest that works. One that is named is not
        replaced by another.
    precision : str, optional
        By default the provider's own.
    options : mapping of str to str, optional
        For ONNX Runtime; they win over ours.

    Raises
    ------
    OptionError
        The name is unknown, or the provider has no such precision or no options.
    ProviderError
        The installed ONNX Runtime does not have it, or it does not work; the message says why.
    """
    if name == AUTO:
        if options:
            raise OptionError(
                "Provider options are for one provider. Name it: "
                f"--provider {FASTEST_FIRST[0]}, for example."
            )
        return _fastest(precision)
    provider = configure(name, precision, options)
    if not is_present(provider):
        present = import_onnxruntime(provider.extra).get_available_providers()
        raise ProviderError(diagnosis.not_in_wheel(provider, present))
    # The CPU's works, and what is untested may take minutes to load anything.
    if provider.tested and provider.name != "cpu":
        try_provider(provider)
    return provider


def configure(
    name: str, precision: Precision | None = None, options: Mapping[str, str] | None = None
) -> Provider:
    """Return a provider with its settings, whether it is there or not.

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
    if precision not in known.modes:
        raise OptionError(
            f"The provider {name} does not compute in {precision}. "
            f"Choose one of {', '.join(known.modes)}."
        )
    mode = known.modes[precision]
    if clash := sorted(given.keys() & mode.options.keys()):
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
        options={**known.options, **mode.options, **given},
        form=mode.form,
        memory=known.memory,
        tested=known.tested,
        given=given,
    )


def host_of(provider: Provider) -> Provider:
    """Return the provider that computes in float32, without a network, in the same memory."""
    if provider.memory == "cpu":
        return configure("cpu")
    kept = {key: value for key, value in provider.given.items() if key in SHARED}
    return configure(provider.memory, "float32", kept)


def default_precision(name: str) -> Precision:
    """Return the precision in which a provider computes unless another is asked for."""
    if name == "openvino" and not has_amx():
        return "float32"  # without AMX, bfloat16 is emulated
    return next(iter(PROVIDERS[name].modes))


def is_present(provider: Provider) -> bool:
    """Tell whether the installed ONNX Runtime was built with the provider."""
    present = import_onnxruntime(provider.extra).get_available_providers()
    return provider.onnxruntime_name in present


def _fastest(precision: Precision | None) -> Provider:
    """Return the fastest provider that works, and remember which were passed over."""
    import_onnxruntime()  # where there is none, the message is of the one that any machine can use
    passed_over: tuple[str, ...] = ()
    for provider in candidates(precision):
        if not is_present(provider):
            continue
        try:
            if provider.name != "cpu":
                try_provider(provider)
        except ProviderError:
            passed_over += (provider.name,)
        else:
            return replace(provider, passed_over=passed_over)
    raise ProviderError(
        f"No provider that works here computes in {precision}. 'stylize doctor --precision "
        f"{precision}' shows which could."
    )


def candidates(precision: Precision | None) -> list[Provider]:
    """Return what may be the fastest, best first: nothing untested."""
    having = [
        configure(name, precision)
        for name in FASTEST_FIRST
        if precision is None or precision in PROVIDERS[name].modes
    ]
    # In float32, OpenVINO is slower than the CPU provider with its own form of the graphs.
    return [found for found in having if (found.name, found.precision) != ("openvino", "float32")]


def try_provider(provider: Provider) -> None:
    """Let a provider make two steps of a tiny picture with the embedded model.

    Raises
    ------
    ProviderError
        It cannot; the message says why.
    """
    from PIL import Image

    from stylize.models.catalog import embedded_folder
    from stylize.models.folder import ModelFolder
    from stylize.models.manifest import read_manifest
    from stylize.runtime.model import Model
    from stylize.runtime.options import MIN_SIDE, Options
    from stylize.runtime.scene import Scene

    path = embedded_folder()
    model = Model(ModelFolder(path, read_manifest(path)), provider)
    photo = Image.new("RGB", (MIN_SIDE, MIN_SIDE))
    # One convolution, its gradient, and the optimiser, in the form and memory that will be used.
    options = Options(
        size=MIN_SIDE,
        iterations=2,
        style_weight=0,
        content_layers=("conv1_1",),
        init="noise",
    )
    try:
        list(Scene(model, photo).render(options))
    except ProviderError as error:
        if not provider.given:
            raise
        options_given = " ".join(f"{key}={value}" for key, value in provider.given.items())
        raise ProviderError(
            f"The provider {provider.name} does not work with --provider-option {options_given}. "
            f"Correct or leave out what is wrong. {error}"
        ) from error


def open_session(
    graph: Path, dimensions: Mapping[str, int], provider: Provider
) -> "InferenceSession":
    """Load a graph for images of one size, on one provider.

    Parameters
    ----------
    graph : Path
        An .onnx file, beside the weights that it refers to.
    dimensions : mapping of str to int
        A value for each symbolic dimension: a pinned graph runs as fast as a static one.
    provider : Provider
        Where it must run.

    Raises
    ------
    ProviderError
        ONNX Runtime could not use the provider; by itself it would go on, slowly, on the CPU.
    """
    onnxruntime = import_onnxruntime(provider.extra)
    if provider.memory == "cuda":
        diagnosis.preload_libraries(onnxruntime)
    options = _session_options(onnxruntime, provider)
    for name, value in dimensions.items():
        options.add_free_dimension_override_by_name(name, value)
    try:
        session = onnxruntime.InferenceSession(
            _without_links(graph),
            options,
            providers=[(provider.onnxruntime_name, dict(provider.options))],
            enable_fallback=0,  # to the CPU, when loading fails
        )
    except Exception as error:
        if FALLBACK_REFUSED in str(error):
            raise ProviderError(diagnosis.would_fall_back(provider, graph.name)) from error
        raise
    give_back_freed_memory()
    session.disable_fallback()  # likewise, when a run fails
    if session.get_providers()[0] != provider.onnxruntime_name:
        raise ProviderError(diagnosis.could_not_start(provider))
    return session


def _session_options(onnxruntime: ModuleType, provider: Provider) -> "SessionOptions":
    options = onnxruntime.SessionOptions()
    # Errors come back as exceptions, or `diagnosis` finds out more than the log would say.
    severity = FATAL if provider.tested else ERROR
    onnxruntime.set_default_logger_severity(severity)
    options.log_severity_level = severity
    options.intra_op_num_threads = usable_cpus()
    # The planned block of all values is larger than what is alive at any one time.
    options.enable_mem_pattern = False
    # On the CPU, buffers kept for later values of the same size are a fifth of the peak.
    options.enable_mem_reuse = provider.name != "cpu"
    # The threads of a run wait for the next in loops, and would slow the graph that runs between.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # The gradient of a nearly converged image underflows, and denormals take 100 times as long.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    if provider.tested and provider.name != "cpu":  # others may rightly leave small things to it
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def _without_links(graph: Path) -> Path:
    """Return the real place of a graph if its weights lie there, too.

    Releases of ONNX Runtime up to 1.24 refuse weights behind a link, as an editable install has.
    """
    real = graph.resolve()
    weights = {path.resolve().parent for path in graph.parent.glob("*.safetensors")}
    return real if weights == {real.parent} else graph


def import_onnxruntime(extra: str | None = "cpu") -> ModuleType:
    """Import ONNX Runtime.

    Parameters
    ----------
    extra : str or None
        Which one to advise where there is none.

    Raises
    ------
    ProviderError
        It cannot be imported; the message has the command that installs it.
    """
    # On import, releases from 1.31 on collect facts about the machine to be sent to Microsoft. Who
    # wants that can set the variable to 0.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime

        if not hasattr(onnxruntime, "InferenceSession"):
            raise ImportError("its files are gone, as after removing one of several wheels")
    except ImportError as error:
        raise ProviderError(diagnosis.cannot_import(extra or "cpu", error)) from error
    return onnxruntime
