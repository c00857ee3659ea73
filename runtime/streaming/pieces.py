"""Graphs that take a piece of a picture at a time, run over arrays of the whole picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from stylize.models.folder import ModelFolder
from stylize.models.manifest import Piece
from stylize.models.pieces import PIECES
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Slot
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.shares import ALONE, Others, Share, surrounded
from stylize.runtime.streaming.storage import Storage
from stylize.runtime.streaming.strips import Tile, tiles
from stylize.runtime.streaming.turns import add_slots, bound

Array = npt.NDArray[np.float32]
Numbers = dict[str, Array]
"""What is no piece of a picture: numbers, and small matrices, by name."""

RUN = 2**20
"""Numbers in a run: with 22 rows of a history, 92 MB."""
SIDE = 1024
"""Rows and columns of a tile: two images of it in and one out are 38 MB."""
STRIP = 64
"""Rows of a strip as wide as the image, for what masks rows."""


class Plane:
    """An image that can be cut into runs; zeros fill up the last.

    Attributes
    ----------
    image : float32 array, shape (1, 3, height, width)
        The image.
    """

    def __init__(self, storage: Storage, size: tuple[int, int]) -> None:
        count = prod((3, *size))
        self.runs = -(-count // RUN)
        self._flat = storage.zeros("images", (self.runs * RUN,))
        self.image: Array = self._flat[:count].reshape(1, 3, *size)

    def run(self, number: int) -> Array:
        """Return one of its runs, shape (elements,)."""
        return self._flat[number * RUN : (number + 1) * RUN]

    def read(self) -> Array:
        """Return the image."""
        return self.image

    def write(self, image: Array) -> None:
        """Set the image."""
        self.image[...] = image


class History:
    """What L-BFGS remembers: some images, a run of all of which lies together."""

    def __init__(self, storage: Storage, runs: int, rows: int, size: tuple[int, int]) -> None:
        self._rows = storage.zeros("history", (runs, rows, RUN))
        self._shape = (1, 3, *size)

    def run(self, number: int) -> Array:
        """Return what it remembers of one run, shape (rows, elements)."""
        return self._rows[number]

    @property
    def rows(self) -> "list[Row]":
        """Each of the images."""
        return [Row(self._rows[:, number], self._shape) for number in range(self._rows.shape[1])]


@dataclass(frozen=True)
class Row:
    """One image of a history, whose runs lie apart."""

    runs: Array
    shape: tuple[int, ...]

    def read(self) -> Array:
        """Return a copy of the image."""
        return self.runs.reshape(-1)[: prod(self.shape)].reshape(self.shape)

    def write(self, image: Array) -> None:
        """Set the image."""
        numbers = image.reshape(-1)
        for number, run in enumerate(self.runs):
            part = numbers[number * RUN : (number + 1) * RUN]
            run[: len(part)] = part


InRuns = Mapping[str, Plane | History]


class Pieces:
    """The graphs of a folder for pieces of images of one size, on the CPU.

    Attributes
    ----------
    elements, runs : int
        Numbers that an image has, and runs of them, on all machines.

    Parameters
    ----------
    folder : ModelFolder
        The model.
    size : tuple of int
        Height and width of the images.
    places : int
        Pairs that L-BFGS has room for.
    host : Provider
        The CPU's.
    storage : Storage
        Where the images lie.
    others : Others
        Those who have the other rows of the images.
    """

    def __init__(
        self,
        folder: ModelFolder,
        size: tuple[int, int],
        places: int,
        host: Provider,
        storage: Storage,
        others: Others = ALONE,
    ) -> None:
        height, width = size
        self._share = others.share(height)
        self._size = self._share.last - self._share.first, width
        self._others = others
        self._folder = folder
        self._host = host.in_turns
        self._storage = storage
        self._places = places
        self.elements = prod((3, *size))
        self._runs = -(-prod((3, *self._size)) // RUN)
        self.runs = int(others.total({"runs": np.array(self._runs, np.float64)})["runs"])
        self._programs: dict[str, Program] = {}
        self._tiled: dict[str, _Tiled] = {}

    def plane(self) -> Plane:
        """Return an image of zeros."""
        return Plane(self._storage, self._size)

    def put(self, image: Array, bounds: tuple[float, float], plane: Plane) -> None:
        """Copy an image to a plane, clipped to bounds, of which a part is in memory at a time."""
        for start in range(0, self._size[0], SIDE // 4):
            rows = slice(start, start + SIDE // 4)
            np.clip(image[:, :, rows], *bounds, out=plane.image[:, :, rows])
            self._storage.rest()

    def history(self) -> History:
        """Return a history of nothing."""
        return History(self._storage, self._runs, 2 * self._places, self._size)

    def numbers(self) -> Numbers:
        """Return zeros for whatever a graph takes that is no piece of an image."""
        sizes: dict[int | str, int | str] = {"places": self._places, "rows": 2 * self._places}
        found: Numbers = {}
        for name in PIECES:
            for value, shape in self._folder.piece(name).interface.inputs.items():
                if not {"elements", "height", "width"}.intersection(shape):
                    found[value] = np.zeros([int(sizes.get(n, n)) for n in shape], np.float32)
        return found

    def decide(self, name: str, given: Mapping[str, Array]) -> Numbers:
        """Run a graph that takes only numbers."""
        program = self._program(name)
        found = program({each: given[each] for each in program.input_shapes})
        return self._others.agreed(found)

    def over_runs(
        self,
        name: str,
        images: InRuns,
        numbers: Mapping[str, Array],
        written: InRuns | None = None,
    ) -> Numbers:
        """Run a graph over all runs of images.

        Parameters
        ----------
        name : str
            The graph.
        images : mapping of str to Plane or History
            What it takes of which a run is a part.
        numbers : mapping of str to array
            What it takes that is the same for all runs.
        written : mapping of str to Plane or History
            Where that goes which comes out of it; it may be what goes in.

        Returns
        -------
        dict of str to array
            The sums, in double precision, of the numbers that come out of it.
        """
        written = written or {}
        program = self._program(name)
        view = program.memory.view
        inputs = {each: view(numbers[each]) for each in program.input_shapes if each not in images}
        sums = {
            each: np.zeros(shape, np.float32)
            for each, shape in program.output_shapes.items()
            if each not in written
        }
        outputs = {each: view(value) for each, value in sums.items()}
        totals = {each: value.astype(np.float64) for each, value in sums.items()}
        for run in range(self._runs):
            program.bind(
                inputs | {each: view(value.run(run)) for each, value in images.items()},
                outputs | {each: view(value.run(run)) for each, value in written.items()},
                gives_back=run == self._runs - 1,
            )()
            for each, value in sums.items():
                totals[each] += value
            self._storage.rest()
        return self._total(totals)

    def over_tiles(
        self,
        name: str,
        images: Mapping[str, Array],
        numbers: Mapping[str, Array],
        written: tuple[str, Array],
    ) -> Numbers:
        """Run a graph over all tiles of images; return the sums of the numbers that come out.

        It is as `over_runs`, but what is written must not be read as another tile's surroundings.
        """
        if name not in self._tiled:
            piece = self._folder.piece(name)
            self._tiled[name] = _Tiled(
                self._folder, piece, self._share, self._size[1], self._host, self._others
            )
        return self._total(self._tiled[name](images, numbers, written, self._storage.rest))

    def _total(self, sums: Mapping[str, npt.NDArray[np.float64]]) -> Numbers:
        """Return the sums over all rows of the picture."""
        if not sums:
            return {}
        return {name: value.astype(np.float32) for name, value in self._others.total(sums).items()}

    def _program(self, name: str) -> Program:
        if name not in self._programs:
            dimensions = {"elements": RUN, "places": self._places, "rows": 2 * self._places}
            dimensions |= {"height": 1, "width": RUN}
            self._programs[name] = Program(
                self._folder, self._folder.piece(name), dimensions, self._host
            )
        return self._programs[name]


class _Tiled:
    """A graph that looks at neighbours, and the tensors of one tile."""

    def __init__(
        self,
        folder: ModelFolder,
        piece: Piece,
        share: Share,
        width: int,
        host: Provider,
        others: Others,
    ) -> None:
        self._others = others
        self._rows = share.of_map(1, piece.halo)
        # What masks rows takes all columns.
        masked = "own" in piece.interface.inputs
        self._tiles = tiles(
            self._rows, width, (STRIP, width) if masked else (SIDE, SIDE), piece.halo
        )
        dimensions = {
            "height": self._tiles[0].rows.end,
            "width": self._tiles[0].columns.end,
        }
        self._program = program = Program(folder, piece, dimensions, host)
        self._slots: dict[str, Slot] = {}
        add_slots(self._slots, program)
        self._run = bound(program, self._slots)

    def __call__(
        self,
        images: Mapping[str, Array],
        numbers: Mapping[str, Array],
        written: tuple[str, Array],
        rest: Callable[[], None],
    ) -> dict[str, npt.NDArray[np.float64]]:
        name, target = written
        seen = {each: surrounded(image, self._rows, self._others) for each, image in images.items()}
        for each in self._program.input_shapes.keys() & numbers.keys():
            self._slots[each].array[...] = numbers[each]
        totals = {
            each: np.zeros(shape)
            for each, shape in self._program.output_shapes.items()
            if each != name
        }
        for tile in self._tiles:
            for each, image in seen.items():
                self._slots[each].array[...] = image[:, :, *tile.computed]
            if "own" in self._slots:
                self._slots["own"].array[...] = 0
                self._slots["own"].array[tile.rows.own] = 1
            self._run(tile is self._tiles[-1])
            target[:, :, *self._owned(tile)] = self._slots[name].array[:, :, *tile.own]
            for each in totals:
                totals[each] += self._slots[each].array
            rest()
        return totals

    def _owned(self, tile: Tile) -> tuple[slice, slice]:
        """Return what a tile answers for, in an image of the own rows."""
        rows, columns = tile.owned
        up = self._rows.first - self._rows.start
        return slice(rows.start - up, rows.stop - up), columns
