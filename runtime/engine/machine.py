"""What computes pictures: a model, and where and how exactly its graphs run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from stylize.models.errors import OptionError
from stylize.models.settings import check, setting
from stylize.runtime.providers.table import AUTO, PROVIDERS, Precision

MODEL = "Model"
"""Heading of the settings on help pages."""

MAX_THREADS = 1024
"""Systems refuse to start threads somewhere above it."""


def parse_provider_options(texts: list[str]) -> dict[str, str]:
    """Return what options in words, each KEY=VALUE, say.

    Raises
    ------
    OptionError
        One is not of that form.
    """
    pairs = [(text, *text.partition("=")) for text in texts]
    for text, key, equals, _ in pairs:
        if not key or not equals:
            raise OptionError(
                f"The provider option is '{text}'; write KEY=VALUE, for example "
                "--provider-option gpu_mem_limit=8000000000."
            )
    return {key: value for _, key, _, value in pairs}


def _names(tested: bool) -> str:
    return ", ".join(name for name, known in PROVIDERS.items() if known.tested is tested)


@dataclass(frozen=True)
class Machine:
    """What computes pictures.

    Attributes
    ----------
    model : str or None
        Name or folder of the model. None stands for vgg19, or where none is found for the
        embedded one.
    provider : str
        Where to compute; ``auto`` is the fastest that works.
    precision : str or None
        Precision of the convolutions; None is the provider's own.
    provider_options : mapping of str to str
        Options for ONNX Runtime.
    threads : int or None
        How many threads of the CPU compute, with any provider; None for one on each CPU that may
        be used.
    """

    model: str | None = setting(
        None,
        "What sees the pictures; 'stylize models' lists what is there.",
        panel=MODEL,
        metavar="NAME|FOLDER",
        shown="vgg19 if exported, else the small embedded one",
    )
    provider: str = setting(
        AUTO,
        f"Where ONNX Runtime computes: {AUTO} (the fastest that works), {_names(tested=True)}; or, "
        f"untested, {_names(tested=False)}. 'stylize doctor' tells which work.",
        panel=MODEL,
        metavar="NAME",
    )
    precision: Precision | None = setting(
        None,
        f"Precision of the convolutions: {', '.join(get_args(Precision))}; each provider has some "
        "of them.",
        panel=MODEL,
        metavar="NAME",
        shown="the provider's",
    )
    provider_options: Mapping[str, str] = setting(
        dict,
        "For the provider that is named; wins over what stylize sets, but for what --precision "
        "decides. Repeat for more.",
        panel=MODEL,
        flags=("--provider-option",),
        metavar="KEY=VALUE",
        parse=parse_provider_options,
        repeated=True,
    )
    threads: int | None = setting(
        None,
        "How many threads of the CPU compute, with any provider.",
        panel=MODEL,
        metavar="N",
        called="number of threads",
        shown="one on each CPU that may be used, see 'stylize doctor'",
        least=1,
        most=MAX_THREADS,
    )

    def __post_init__(self) -> None:
        check(self)
