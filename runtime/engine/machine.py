"""What computes pictures: a model, and where and how exactly its graphs run."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import get_args

from stylize.models.catalog import known_names
from stylize.models.errors import OptionError, about
from stylize.models.settings import check, setting
from stylize.runtime.providers.table import AUTO, PROVIDERS, Precision

MODEL = "Model"
"""Heading of the settings on help pages."""

MAX_THREADS = 1024
"""Systems refuse to start threads somewhere above it."""

MAX_WORKERS = 256
"""On one machine; each takes as much memory as a small picture."""

LEAST_MEMORY = 10**8
"""Python and ONNX Runtime alone take about as much."""
MOST_MEMORY = 10**15
"""No machine has so much."""


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


def parse_bytes(text: str) -> int:
    """Return how many bytes a text says: ``4GB``, ``1.5 GiB``, ``500MB``.

    Raises
    ------
    OptionError
        It says no such thing.
    """
    amount = r"([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})\s*([kmgt]?)(i?)b?"
    match = re.fullmatch(amount, text.strip(), re.IGNORECASE | re.ASCII)
    if not match:
        raise OptionError(f"'{text}' is no amount of memory; write 4GB, or 500MB.")
    digits, prefix, binary = match.groups()
    unit = 1024 if binary else 1000
    return round(Fraction(digits) * unit ** " kmgt".index(prefix.lower() or " "))


def parse_cluster(text: str) -> str:
    """Return a number of workers, or the address of a scheduler, as it was given.

    Raises
    ------
    OptionError
        It is neither.
    """
    text = text.strip()
    if re.fullmatch(r"[a-z]+://\S+", text):
        return text
    if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) and 1 <= int(text) <= MAX_WORKERS:
        return text
    raise OptionError(
        f"'{text}' is no cluster; write the address of its scheduler, tcp://HOST:8786, or a number "
        f"of workers on this machine, from 1 to {MAX_WORKERS}."
    )


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
    memory : int or None
        Bytes that a picture may take; None for what can be spared.
    scratch : Path or None
        A folder for what does not fit into that.
    cluster : str or None
        Workers that share large pictures: how many on this machine, or a scheduler's address.
    """

    model: str | None = setting(
        None,
        "What sees the pictures; 'stylize models' lists what is there.",
        panel=MODEL,
        metavar="NAME|FOLDER",
        shown="vgg19 if exported, else the small embedded one",
        variable="STYLIZE_MODEL",
        suggested=known_names,
    )
    provider: str = setting(
        AUTO,
        f"Where ONNX Runtime computes: {AUTO} (the fastest that works), {_names(tested=True)}; or, "
        f"untested, {_names(tested=False)}. 'stylize doctor' tells which work.",
        panel=MODEL,
        metavar="NAME",
        variable="STYLIZE_PROVIDER",
        suggested=lambda: (AUTO, *PROVIDERS),
    )
    precision: Precision | None = setting(
        None,
        f"Precision of the convolutions: {', '.join(get_args(Precision))}; each provider has some "
        "of them.",
        panel=MODEL,
        metavar="NAME",
        shown="the provider's",
        variable="STYLIZE_PRECISION",
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
        variable="STYLIZE_THREADS",
        least=1,
        most=MAX_THREADS,
    )
    memory: int | None = setting(
        None,
        "How much memory a picture may take: 4GB, 500MB. Larger ones are computed by tiles, which "
        "is exact and slower.",
        panel=MODEL,
        metavar="BYTES",
        parse=parse_bytes,
        called="limit of memory",
        shown="what can be spared, see 'stylize plan'",
        variable="STYLIZE_MEMORY",
        least=LEAST_MEMORY,
        most=MOST_MEMORY,
        unit=" bytes",
    )
    scratch: Path | None = setting(
        None,
        "A folder on a fast disk, for what does not fit into memory.",
        panel=MODEL,
        metavar="FOLDER",
        called="folder for scratch files",
        shown="none",
        variable="STYLIZE_SCRATCH",
    )

    cluster: str | None = setting(
        None,
        "Share large pictures among workers: the address of their scheduler, tcp://HOST:8786, or a "
        "number of workers on this machine. --memory and --scratch are then those of each.",
        panel=MODEL,
        metavar="ADDRESS|N",
        parse=parse_cluster,
        called="cluster",
        shown="none",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.scratch:
            with about("scratch"):
                _check_scratch(self.scratch)


def _check_scratch(folder: Path) -> None:
    """Raise OptionError unless files can be made in a folder."""
    if not folder.is_dir():
        raise OptionError(f"'{folder}' is no folder. Name one for --scratch that is there.")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OptionError(
            f"Nothing can be written to '{folder}': {error.strerror or error}. Name another "
            "folder for --scratch."
        ) from error
