"""A picture that is gone on with: its checkpoint, and what is asked for once more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.models.errors import CheckpointError

if TYPE_CHECKING:
    from stylize.runtime import Model
    from stylize.runtime.method.standing import Snapshot, Standing, State
    from stylize.runtime.plans.checkpoint import Checkpoint
    from stylize.runtime.plans.recipe import Source


@dataclass(frozen=True)
class Unfinished:
    """A picture that is not finished.

    Attributes
    ----------
    path : Path
        The file of its checkpoint.
    checkpoint : Checkpoint
        What that tells.
    state : mapping of str to Entry
        The arrays in it.
    """

    path: Path
    checkpoint: "Checkpoint"
    state: "State"

    @classmethod
    def read(cls, path: Path) -> "Unfinished":
        """Return what a checkpoint tells; raise CheckpointError if it tells nothing of use."""
        from stylize.runtime.plans.checkpoint import read_checkpoint

        return cls(path, *read_checkpoint(path))

    @property
    def standing(self) -> "Standing":
        """How far it is."""
        return self.checkpoint.standing

    @property
    def progress(self) -> tuple[int, int]:
        """How many iterations were made, and how many were not needed."""
        return self.standing.made, self.standing.spared

    @property
    def snapshot(self) -> "Snapshot":
        """Where it goes on."""
        from stylize.runtime.method.standing import Snapshot

        return Snapshot(self.standing, self.state)

    def check(self, model: "Model") -> None:
        """Raise CheckpointError unless a model is the one that was used, down to each graph."""
        from stylize.runtime.plans.checkpoint import manifest_of

        if manifest_of(model.folder) != self.checkpoint.manifest:
            raise CheckpointError(
                f"The checkpoint '{self.path}' was written with another model than that in "
                f"'{model.folder.path}', or that was exported anew since. Name the folder of the "
                "one that was used with --model, or begin again."
            )

    def remarks(self) -> Iterator[str]:
        """Yield where it goes on, and a sentence if the end may be another."""
        standing, options = self.standing, self.checkpoint.recipe.options
        yield f"Going on after {standing.progress} of {options.iterations} iterations"
        yield from self.doubts()

    def doubts(self) -> Iterator[str]:
        """Yield a sentence if the end may be another."""
        from stylize.runtime.plans.checkpoint import onnxruntime_release

        then, now = self.checkpoint.onnxruntime, onnxruntime_release()
        if then != now:
            yield (
                f"The picture was begun with ONNX Runtime {then}, and this is {now}: the "
                "end may differ a little."
            )

    def sources(self) -> "Mapping[str, Sequence[Source]]":
        """Return the pictures that were read, each once, by the option that says where they lie."""
        recipe = self.checkpoint.recipe
        regions = recipe.regions
        paintings = [*recipe.paintings, *(each for one in regions for each in one.paintings)]
        return {
            "photo": [recipe.photo] if recipe.photo else [],
            "painting": paintings,
            "mask": [each for one in regions for each in one.masks],
            "init": [recipe.start] if recipe.start else [],
        }


def where_told(
    unfinished: Unfinished, moved: Mapping[str, Sequence[Path]]
) -> dict[str, Sequence[Path]]:
    """Return where pictures lie: where the user says, else where the checkpoint says.

    Unlike a picture's recipe, a checkpoint is believed, whatever path it names: it is no picture
    that is passed on, and a file is only looked at if it has the right checksum.
    """
    return {
        option: moved[option] or _there(sources) for option, sources in unfinished.sources().items()
    }


def _there(sources: "Sequence[Source]") -> list[Path]:
    from stylize.runtime.plans.recipe import digest, name_of_file

    found = {source.sha256: Path(name_of_file(source.path)) for source in sources}
    return [path for sha256, path in found.items() if path.is_file() and digest(path) == sha256]
