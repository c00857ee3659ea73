"""Pictures of a batch that were begun before: their checkpoints, found beside them."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.keeping import all_beside, checkpoints_in
from stylize.cli.making.unfinished import Unfinished
from stylize.models.amounts import counted
from stylize.models.errors import CheckpointError
from stylize.runtime.engine.machine import Machine

if TYPE_CHECKING:
    from stylize.runtime import Model
    from stylize.runtime.plans.checkpoint import Checkpoint
    from stylize.runtime.plans.recipe import Recipe


class Begun:
    """The checkpoints in the folder of a batch.

    Whoever asks for one has claimed its picture. No other process of a batch then writes it.

    Parameters
    ----------
    folder : Path
        The folder.
    model : Model
        The model that goes on.
    machine : Machine
        What the user said of it.
    """

    def __init__(self, folder: Path, model: "Model", machine: Machine) -> None:
        self._folder, self._model, self._machine = folder, model, machine
        self._left = checkpoints_in(folder)

    def find(
        self, recipe: "Recipe", output: Path, remark: Callable[[str], None]
    ) -> Unfinished | None:
        """Return the checkpoint of a picture, if there is one that can be gone on with.

        Parameters
        ----------
        recipe : Recipe
            What is made; its options are as they were asked for.
        output : Path
            Where it goes.
        remark : function
            Is told why the end may differ, or why one of that name is not gone on with.
        """
        self._left = checkpoints_in(self._folder)  # a process may have died since
        refused: list[str] = []
        for path in all_beside(output, self._left):
            try:
                found = self._usable(path, recipe, output)
            except CheckpointError as error:
                if os.path.lexists(path):
                    refused.append(f"{error} It stays, and '{output}' is begun anew.")
            else:
                for doubt in (*found.doubts(), *self._of_threads(found)):
                    remark(f"Going on from '{path}'. {doubt}")
                return found
        for each in refused:
            remark(each)
        return None

    def forget(self, recipe: "Recipe", output: Path, apart: tuple[str, ...]) -> None:
        """Remove what a process left that was killed between saving a picture and removing it.

        Recipes may differ in what stands in `apart`.
        """
        for path in all_beside(output, self._left):
            with suppress(CheckpointError, OSError):
                if _is_of(Unfinished.read(path).checkpoint, recipe, output, apart):
                    path.unlink()

    def _usable(self, path: Path, recipe: "Recipe", output: Path) -> Unfinished:
        """Return a checkpoint; raise CheckpointError if it is another's, or of no use."""
        from stylize.runtime.plans.recipe import printable

        found = Unfinished.read(path)
        told, scratch = found.checkpoint, self._machine.scratch
        if not _is_of(told, recipe, output):
            raise CheckpointError(
                f"The checkpoint '{path}' is of another picture of this name, or of other settings."
            )
        found.check(self._model)
        if (told.memory, told.scratch) != (
            self._machine.memory,
            printable(str(scratch)) if scratch else None,
        ):
            raise CheckpointError(
                f"The checkpoint '{path}' was begun with another --memory or --scratch."
            )
        return found

    def _of_threads(self, found: Unfinished) -> Iterator[str]:
        """Yield a sentence if other threads divide the work: sums may be rounded otherwise."""
        from stylize.runtime.providers.hardware import usable_cpus

        then, now = (
            threads or usable_cpus()
            for threads in (found.checkpoint.threads, self._machine.threads)
        )
        if then != now:
            yield (
                f"The picture was begun with {counted(then, 'thread')}, and this process has "
                f"{now}: the end may differ a little."
            )


def _is_of(told: "Checkpoint", recipe: "Recipe", output: Path, apart: tuple[str, ...] = ()) -> bool:
    """Tell whether a checkpoint is of a picture that a batch makes, with options as asked for."""
    from stylize.runtime.plans.recipe import printable

    then = replace(told.recipe, options=told.options)
    alone = not told.named and told.stop is None and told.output == printable(output.name)
    return alone and not set(then.differences(recipe)) - set(apart)
