"""Steps of one picture in a process of its own: ``python large_steps.py JOB``, a `Job` as JSON.

The last line that it prints is JSON: the seconds of each step, and the most bytes that were
resident.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from case import Array, Size
from task import Task

from stylize.models.folder import ModelFolder, open_folder
from stylize.runtime import Model, Options, Scene
from stylize.runtime.checks.footprint import taken_by_process
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.method.coefficients import Coefficients
from stylize.runtime.streaming.plan import Budget, OptimizerName, Plan


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Attributes
    ----------
    model : str
        The model folder.
    provider : str
        Where ours computes.
    size : tuple of int
        Width and height.
    optimizer : {"lbfgs", "adam"}
        The optimiser.
    history : int
        Steps that L-BFGS remembers.
    steps : int
        Steps that are timed, after one that is not.
    photo, painting : str or None
        Their files, scaled to the size; drawn ones without.
    painting_size : int or None
        Pixels of the painting's long side, if it is to have others than the photo.
    plan : dict or None
        How ours is computed, the fields of a `Plan`; without it PyTorch computes.
    scratch : str or None
        The folder for what the plan has on disk.
    """

    model: str
    provider: str
    size: Size
    optimizer: OptimizerName
    history: int
    steps: int
    photo: str | None = None
    painting: str | None = None
    painting_size: int | None = None
    plan: dict[str, Any] | None = None
    scratch: str | None = None

    def encode(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Job":
        """Return a job that was encoded."""
        given = json.loads(text)
        return cls(**{**given, "size": tuple(given["size"])})

    @property
    def options(self) -> Options:
        """The settings of the picture: one scale, without a margin."""
        return Options(
            size=self.size,
            painting_size=self.painting_size,
            scales=1,
            margin=0,
            optimizer=self.optimizer,
            history=self.history,
            iterations=max(self.steps + 1, self.history),
        )


def do(job: Job) -> dict[str, Any]:
    """Do it; return seconds and bytes."""
    moments = _ours(job) if job.plan else _torch(job)
    seconds = [after - before for before, after in pairwise(moments)]
    return {"seconds": seconds, "peak_bytes": taken_by_process("VmHWM")}


def scene_of(job: Job, model: Model) -> Scene:
    """Return the photo and the painting, as a model sees them."""
    return Scene(model, job.photo or drawn_photo(), job.painting or drawn_painting())


def _ours(job: Job) -> list[float]:
    """Return when each step ended, the first of which does not count."""
    assert job.plan
    plan = Plan(**{**job.plan, "tile": job.plan["tile"] and tuple(job.plan["tile"])})
    budget = Budget(scratch=Path(job.scratch) if job.scratch else None)
    model = Model.open(job.model, find_provider(job.provider), budget)
    search = scene_of(job, model).search(job.options, plan)
    moments = []
    for _ in range(job.steps + 1):
        search.step()
        _ = search.failed  # a device computes only when it is waited for
        moments.append(time.perf_counter())
    return moments


def _torch(job: Job) -> list[float]:
    """Let PyTorch walk downhill between random targets: what it computes takes as long."""
    from reference import Reference

    folder, layers = open_folder(Path(job.model)), job.options.layers
    with tempfile.TemporaryDirectory() as place:
        task = Task(Path(job.model), Path(place))
        task.store(*_random(folder, job))
        ones = [dict.fromkeys(each, 1.0) for each in (layers.content, layers.style)]
        task.store_weights(Coefficients(*ones, variation=0.0))
        reference = Reference(task)
    reference.minimise(job.steps + 1, job.history)
    return reference.seconds


def _random(folder: ModelFolder, job: Job) -> tuple[Array, dict[str, Array]]:
    """Return an image and targets for it."""
    random, (width, height) = np.random.default_rng(0), job.size
    graph = folder.gradient_graph(job.options.layers)
    sizes: dict[int | str, int | str] = {**folder.dimensions((height, width))}
    shapes = {
        value.name: [int(sizes.get(each, each)) for each in value.shape] for value in graph.inputs
    }
    found = {
        name: random.random(shape, np.float32)
        for name, shape in shapes.items()
        if name == "image" or "_target." in name
    }
    return found.pop("image"), found


if __name__ == "__main__":
    print(json.dumps(do(Job.decode(sys.argv[1]))))
