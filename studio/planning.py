"""What a picture would take, and in which scales it is painted, by the runtime's own plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, prod
from pathlib import Path

from PIL import Image

from stylize.models.catalog import embedded_folder, find_model
from stylize.models.folder import open_folder
from stylize.runtime.checks.forecast import untimed
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.pictures.reading import Picture
from stylize.runtime.providers.plugins import devices_of, name_of
from stylize.runtime.providers.session import import_onnxruntime
from stylize.runtime.streaming.plan import Budget
from stylize.studio.errors import RefusedError
from stylize.studio.gallery import Stage

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class Planned:
    """How a picture is to be painted.

    Attributes
    ----------
    stages : list of Stage
        The scales, from coarse to fine.
    memory : int
        The most bytes that it takes at a time.
    remarks : list of str
        What is to be known of it.
    """

    stages: list[Stage]
    memory: int
    remarks: list[str]


class Planner:
    """Plans pictures for one model and one provider. It is used by one thread at a time.

    Parameters
    ----------
    machine : Machine
        What computes.
    largest : int
        Pixels that a side of a picture may have.

    Raises
    ------
    ModelError, ProviderError
        There is no such model, or the provider does not work.
    """

    def __init__(self, machine: Machine, largest: int) -> None:
        self.provider = find_provider(
            machine.provider, machine.precision, machine.provider_options, machine.threads
        )
        folder = open_folder(find_model(machine.model).resolve())
        self._model = Model(folder, self.provider, Budget(machine.memory, machine.scratch))
        self._largest = largest

    @property
    def model(self) -> Path:
        """The folder of the model."""
        return self._model.folder.path

    @property
    def device(self) -> str:
        """What computes, in words."""
        if self.provider.plugin:
            (device,) = devices_of(import_onnxruntime(self.provider.extra), self.provider)
            return name_of(device)
        if self.provider.memory != "cpu":
            return f"GPU ({self.provider.name})"
        threads = self.provider.threads
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"

    @property
    def machine(self) -> str:
        """What measured times belong to."""
        weights = self._model.folder.manifest.weights.sha256[:12]
        return f"{weights} {self.provider.name} {self.provider.precision} {self.provider.threads}"

    def plan(self, photo: Size, paintings: Sequence[Size], options: Options) -> Planned:
        """Return how a picture is painted, of pictures of these sizes.

        Raises
        ------
        StylizeError
            It cannot be made, or not here.
        """
        scene = Scene(self._model, _blank(photo, "The photo"), [*map(_painting, paintings)])
        size = scene.size(options)
        if max(size) > self._largest:
            raise RefusedError(
                f"The picture would have {size[0]}x{size[1]} pixels, and a side may have "
                f"{self._largest} here. Choose a smaller size."
            )
        scene.check(options)
        found = untimed(self._model, scene, options)
        if found.plan is None:
            raise RefusedError(found.too_large or "The picture does not fit into the memory.")
        stages = [Stage(*scale.size, scale.iterations) for scale in found.scales]
        remarks = [found.too_large] if found.too_large else []
        if found.plan.tile:
            remarks.append("It is computed by tiles, which takes less memory and more time.")
        if found.plan.optimizer != options.optimizer:
            remarks.append("Adam takes the place of L-BFGS, which would need more memory.")
        if self.model == embedded_folder().resolve():
            remarks.append("The small embedded model paints: VGG-19 gives the real look.")
        return Planned(stages, found.memory, remarks)


def seconds_of(stages: Sequence[Stage], paces: Mapping[int, float]) -> float | None:
    """Return what all steps should take, by what steps of other sizes took; None without any.

    A step takes as long as it has pixels, and the nearest size that was measured tells best.
    """
    if not paces:
        return None
    total = 0.0
    for stage in stages:
        pixels = prod((stage.width, stage.height))
        nearest = min(paces, key=lambda known: abs(log(known / pixels)))
        total += stage.iterations * paces[nearest] * pixels / nearest
    return round(total, 2)


def _blank(size: Size, name: str) -> Picture:
    """Return a picture of which nothing but the size is looked at."""
    return Picture(Image.new("RGB", (1, 1)), name, size, alpha=False)


def _painting(size: Size) -> Picture:
    return _blank(size, "The painting")
