"""A photo and a painting, of which stylize and PyTorch each make a picture: the same task for both.

Both get the same pixels, scaled beforehand and with the same margin, and their losses are those of
one objective: in the picture's own size.
"""

import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from case import Array
from curves import Made, curve_of
from PIL import Image
from task import Task
from whole_run import TracedRun, trace_run

from stylize.models.errors import StylizeError, VerificationError
from stylize.models.layers import LayerSet
from stylize.runtime import Model, Options, Scene, load_image, scale_to, to_array, to_image
from stylize.runtime.checks.comparison import TOLERANCES
from stylize.runtime.method.objective import Objective
from stylize.runtime.pictures.arrays import unframed
from stylize.runtime.plans.preset import PRESETS
from stylize.runtime.streaming.storage import sum_of_squares

SAME = TOLERANCES["cpu", "float32"].losses
"""How far the first losses of both may be apart, relative."""


@dataclass(frozen=True)
class Contest:
    """A pair of pictures, and how they are joined.

    Attributes
    ----------
    model : Model
        On the CPU in float32; its losses are what counts.
    pair : tuple of Path
        The photo and the painting.
    preset : str
        The name of a preset, of which ours takes everything, and the reference the losses.
    start : {"photo", "noise"}
        What to start from.
    size : int
        Pixels of the long sides of both pictures.
    folder : Path
        An empty one, for the pictures and what is made of them.
    """

    model: Model
    pair: tuple[Path, Path]
    preset: str
    start: str
    size: int
    folder: Path

    def __str__(self) -> str:
        names = " + ".join(path.stem for path in self.pair)
        return f"{names}, {self.size} px, {self.preset}, from {self.start}"

    @property
    def options(self) -> Options:
        """The preset's, for these pictures."""
        return replace(PRESETS[self.preset].options, size=self.size, side="long", init=self.start)

    @property
    def plain(self) -> Options:
        """The same in one size, as Gatys et al. have it."""
        return replace(self.options, scales=1)

    @cached_property
    def pictures(self) -> list[Path]:
        """The photo and the painting in the size, from which both sides read them."""
        scaled = [self.folder / "photo.png", self.folder / "painting.png"]
        for given, path in zip(self.pair, scaled, strict=True):
            scale_to(load_image(given), self.size).save(path)
        return scaled

    @cached_property
    def scene(self) -> Scene:
        """Those pictures, as the model sees them."""
        return Scene(self.model, *self.pictures)

    @cached_property
    def objective(self) -> Objective:
        """What counts."""
        return self.scene.objective(self.plain)

    def reference(self, evaluations: int) -> Made:
        """Let PyTorch make its picture, in a process of its own.

        Raises
        ------
        StylizeError
            It failed.
        VerificationError
            It minimises something else.
        """
        task, start = Task(self.model.folder.path, self.folder), self.scene.start(self.plain)
        targets = self._targets()
        factors = self.scene.coefficients(self.plain)
        task.store(start, targets)
        squares = {name: sum_of_squares(target) for name, target in targets.items()}
        task.store_weights(factors.absolute(self.model.folder.manifest, targets, squares))
        made = task.load_made(run_reference(task, evaluations))
        _check(made.curve.losses[0], self.objective(start).total)
        return made

    def single_scale(self, evaluations: int) -> list[float]:
        """Return the losses of our own iteration, in one size."""
        options = replace(self.plain, iterations=evaluations)
        return [iterate.total for iterate in self.scene.render(options, every=1)]

    def ours(self, provider: str, iterations: int | None = None) -> Made:
        """Let ``stylize run`` make its picture, and evaluate by the objective what it came by.

        The run is not held up for that. The same iteration is done once more.
        """
        chosen = {"iterations": iterations} if iterations else {}
        given = ("--iterations", str(iterations)) if iterations else ()
        run = self.run("--provider", provider, *given)
        model = self.model if provider == "cpu" else Model.open(self.model.folder.path, provider)
        best, losses = self._losses(model, replace(self.options, **chosen))
        lines = [line for line in run.trace if line["iteration"] in losses]
        seconds = [line["seconds"] for line in lines]
        return Made(curve_of(run.total, seconds, [losses[n["iteration"]] for n in lines]), best)

    def run(self, *given: str) -> TracedRun:
        """Let ``stylize run`` make the picture with the preset."""
        options = ["--size", str(self.size), "--side", "long", "--init", self.start, *given]
        model = ["--model", str(self.model.folder.path), "--preset", self.preset]
        return trace_run([*map(str, self.pictures), *model, *options], self.folder / "ours.png")

    def _losses(self, model: Model, options: Options) -> tuple[Array, dict[int, float]]:
        """Return the result of ours, and the loss of the best at each iteration in its own size."""
        scene = Scene(model, *self.pictures)
        losses: dict[int, float] = {}
        for iterate in scene.render(options, every=1):
            best, number = iterate.best, iterate.iteration
            if iterate.size == scene.size(options):
                known = losses.get(number - 1) if best.iteration < number else None
                losses[number] = known or self.objective(best.held.read()).total
        return best.held.read(), losses

    def picture(self, made: Made) -> Image.Image:
        """Return what one of both made, without the margin."""
        return to_image(unframed(made.pixels, self.options.margin))

    def _targets(self) -> dict[str, Array]:
        """Return P of the photo and A of the painting, as the objective has them."""
        layers = self.plain.layers
        photo = self.scene.start(replace(self.plain, init="photo"))
        painting = to_array(load_image(self.pictures[1]))
        content = self.model.targets(photo, LayerSet(content=layers.content))
        return content | self.model.targets(painting, LayerSet(style=layers.style))


def run_reference(task: Task, evaluations: int) -> float:
    """Let PyTorch make the picture of a task; return the seconds of the whole process."""
    script = Path(__file__).with_name("reference.py")
    command = [sys.executable, str(script), str(task.model), str(task.folder), str(evaluations)]
    start = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").splitlines() or ["Perhaps memory ran out."]
        raise StylizeError(f"PyTorch made no picture. {reason[-1]}")
    return time.perf_counter() - start


def _check(reference: float, ours: float) -> None:
    apart = abs(reference - ours) / ours
    if not apart <= SAME:
        raise VerificationError(
            f"PyTorch's first loss is off by {apart:.1e} (at most {SAME:g}): it minimises "
            "something else. Check the model: stylize models"
        )
