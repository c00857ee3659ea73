"""What each of several machines is told of a picture."""

from dataclasses import dataclass
from pathlib import Path

from stylize.models.layers import LayerSet
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.providers.hardware import usable_cpus
from stylize.runtime.providers.table import Precision, Provider
from stylize.runtime.streaming.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """A provider as it was asked for, which each machine looks for by itself.

    Attributes
    ----------
    name, precision : str
        The provider's name and precision.
    options : tuple of tuple of str
        Options for ONNX Runtime that the user gave.
    threads : int or None
        Threads of the CPU; None for as many as a worker has.
    """

    name: str
    precision: Precision
    options: tuple[tuple[str, str], ...]
    threads: int | None

    @classmethod
    def like(cls, provider: Provider) -> "Wanted":
        """Return what asks for a provider as one that is here.

        That it has a thread for each CPU here tells nothing of CPUs elsewhere.
        """
        given = tuple(provider.given.items())
        threads = None if provider.threads == usable_cpus() else provider.threads
        return cls(provider.name, provider.precision, given, threads)

    def found(self, threads: int) -> Provider:
        """Return the provider of this machine, with so many threads unless others were asked for.

        Raises
        ------
        ProviderError
            It is not installed here, or does not work.
        """
        options = dict(self.options)
        return find_provider(self.name, self.precision, options, self.threads or threads)


@dataclass(frozen=True)
class Job:
    """A picture that several machines compute.

    Attributes
    ----------
    model : str
        The digest of the model's manifest.
    layers : LayerSet
        The layers of its gradient graph.
    size : tuple of int
        Height and width of the whole of what is computed.
    plan : Plan
        How each machine computes its share.
    provider : Wanted
        What computes.
    scratch : Path or None
        A folder on each machine for what does not fit into its memory.
    """

    model: str
    layers: LayerSet
    size: tuple[int, int]
    plan: Plan
    provider: Wanted
    scratch: Path | None
