"""The graphs for pieces of a picture, in float64, against those that take all of it."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("onnxruntime", reason="runs the graphs")

import onnx
from onnxruntime import OrtValue
from steps import FREE, Steps, run, session

from stylize.export.method.adam import adam_model
from stylize.export.method.lbfgs import lbfgs_model
from stylize.export.method.pieces import PIECES
from stylize.export.method.variation import variation_model
from stylize.models.pieces import PIECES as INTERFACES
from stylize.runtime.method.descent import INITIAL, NEXT

Array = npt.NDArray[np.float64]
Loss = Callable[[int, Array], tuple[float, Array]]

SHAPES = [(1, 3, 301, 3), (1, 3, 240, 4)]
ELEMENTS = 1000
"""Values in a run; the shapes above have no multiple of it."""
OWN_ROWS = 70
"""Of a strip; with the rows beyond them, the outer strips are not the whole picture."""

TURNS = 24
EXPLOSIONS = {12: 1e4, 17: np.nan}


def eventful(shape: tuple[int, ...]) -> Loss:
    """A bowl with waves, after a slope without curvature; gradients that stand still; explosions.

    Where the gradient stands still, the pair is of no use.
    """
    curvatures = np.random.default_rng(1).permuted(np.geomspace(1, 30, np.prod(shape)))
    curvatures = curvatures.reshape(shape)

    def loss(turn: int, image: Array) -> tuple[float, Array]:
        if turn < 3:
            return 1e9 - turn, np.full(shape, 1.0 + turn)
        away = image - 0.5
        total = 1e4 + (curvatures * away**2).sum() / 2 + 0.2 * np.sin(3 * image).sum()
        gradient = curvatures * away + 0.6 * np.cos(3 * image)
        if turn in (8, 9):
            gradient = curvatures
        worse = EXPLOSIONS.get(turn, 1.0)
        return total * worse, gradient * worse

    return loss


class InPieces:
    """An optimiser as ``models/README.md`` tells to run it: all arrays are here, in runs."""

    def __init__(self, image: Array, history: int = 1, **given: float) -> None:
        places, self.shape = history + 1, image.shape
        self.graphs = {name: session(piece.model(np.float64)) for name, piece in PIECES.items()}
        names = [value.name for graph in self.graphs.values() for value in graph.get_inputs()]
        self.numbers: dict[str, Array | float] = dict.fromkeys(names, 0.0)
        self.numbers |= {"sy": np.zeros((places, places)), "yy": np.zeros((places, places))}
        self.numbers |= {"counts": np.zeros(places), "size": float(image.size)}
        self.numbers |= {**INITIAL, **FREE, **given}
        self.image = self.in_runs(image)
        zeros = np.zeros_like(self.image)
        self.best = (zeros, zeros)
        self.arrays = dict.fromkeys(("step", "last_gradient", "m", "v"), zeros)
        self.arrays["history"] = np.zeros((len(zeros), 2 * places, ELEMENTS))

    def in_runs(self, image: Array) -> Array:
        """Cut an image into runs, of which zeros fill up the last."""
        return np.pad(image.ravel(), (0, -image.size % ELEMENTS)).reshape(-1, ELEMENTS)

    def whole(self, runs: Array) -> Array:
        return runs.ravel()[: np.prod(self.shape)].reshape(self.shape)

    def call(self, name: str, **arrays: Array) -> dict[str, Array]:
        return run(self.graphs[name], self.numbers | arrays)

    def decide(self, name: str, **numbers: Array) -> None:
        """Run a graph that takes only numbers; remember what comes out."""
        outputs = self.call(name, **numbers)
        self.numbers |= {key.removeprefix(NEXT): value for key, value in outputs.items()}

    def runs(self, name: str, **arrays: Array) -> dict[str, Array]:
        """Run a graph on each run; join what comes out, and add up what is but a number."""
        pieces = [
            self.call(name, **{key: array[index] for key, array in arrays.items()})
            for index in range(len(self.image))
        ]
        return {key: np.stack([piece[key] for piece in pieces]) for key in pieces[0]}

    def strips(self, name: str, **arrays: Array) -> Array:
        """Run a graph on each strip, and join its only output."""
        images = {key: self.whole(array) for key, array in arrays.items()}
        found = []
        for rows, own in cut(self.shape[2], OWN_ROWS, PIECES[name].halo):
            strip = {key: image[:, :, rows] for key, image in images.items()}
            (output,) = self.call(name, **strip).values()
            found.append(output[:, :, own])
        return self.in_runs(np.concatenate(found, axis=2))

    def step(self, total: float, gradient: Array) -> None:
        image, gradient = self.image, self.in_runs(gradient)
        slope = self.runs("slope", gradient=gradient)["slope"].sum()
        self.decide("judge", total=np.array(total), slope=slope)
        if self.numbers["restarted"]:
            image, gradient = self.best
        elif self.numbers["better"]:
            self.best = (image, gradient)
        self.move(image, gradient)

    def move(self, image: Array, gradient: Array) -> None:
        raise NotImplementedError


class Adam(InPieces):
    def move(self, image: Array, gradient: Array) -> None:
        state = {name: self.arrays[name] for name in ("m", "v")}
        found = self.runs("adam.move", image=image, gradient=gradient, **state)
        self.numbers["t"] = found["next_t"][0]
        self.image = found["next_image"]
        self.arrays |= {name: found[NEXT + name] for name in state}


class LBFGS(InPieces):
    def move(self, image: Array, gradient: Array) -> None:
        gradient = self.strips("coordinates", gradient=gradient)
        last = {name: self.arrays[name] for name in ("step", "last_gradient", "history")}
        found = self.runs("lbfgs.products", gradient=gradient, **last)
        history = found["next_history"]
        sums = {name: found[name].sum(axis=0) for name in ("products", "gg")}
        self.decide("lbfgs.decide", **sums)
        found = self.runs("lbfgs.step", gradient=gradient, history=history)
        self.decide("lbfgs.shorten", square=found["square"].sum())
        self.image = self.strips("lbfgs.move", image=image, step=found["step"])
        self.arrays |= {"step": found["step"], "last_gradient": gradient, "history": history}


def cut(height: int, own: int, halo: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows of strips, and which of a strip's rows are its own."""
    for first in range(0, height, own):
        last = min(first + own, height)
        start, end = max(first - halo, 0), min(last + halo, height)
        yield slice(start, end), slice(first - start, last - start)


def equal(found: npt.ArrayLike, expected: npt.ArrayLike) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


BOUNDS = [FREE, {"least": 0.3, "most": 0.8}]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bounds", BOUNDS, ids=["free", "bounded"])
@pytest.mark.parametrize(("model", "host"), [(lbfgs_model, LBFGS), (adam_model, Adam)])
def test_steps_in_pieces_are_those_of_the_whole(
    model: Callable[..., onnx.ModelProto],
    host: type[InPieces],
    bounds: dict[str, float],
    shape: tuple[int, ...],
) -> None:
    image = np.random.default_rng(0).random(shape)
    given = {"learning_rate": 0.02, "beta2": 0.99, **bounds}
    whole, pieces = Steps(model(np.float64), image, 5, **given), host(image, 5, **given)
    loss, restarts = eventful(shape), set()
    for turn in range(TURNS):
        whole.step(*loss(turn, whole.state["image"]))
        pieces.step(*loss(turn, pieces.whole(pieces.image)))
        assert {name: bool(pieces.numbers[name]) for name in whole.flags} == whole.flags
        for name in ("best_total", "best_iteration", "pace", "counts", "free", "t"):
            if name in whole.state:
                equal(pieces.numbers[name], whole.state[name])
        for name, runs in {"image": pieces.image, "best_image": pieces.best[0]}.items():
            equal(pieces.whole(runs), whole.state[name])
        restarts |= {turn} if whole.flags["restarted"] else set()
    assert restarts == set(EXPLOSIONS)
    assert all(np.isfinite(array).all() for array in pieces.arrays.values())


def test_the_run_has_all_that_a_step_may_meet() -> None:
    """No curvature at first, steps that are too long, a pair of no use, and a full ring."""
    image = np.random.default_rng(0).random(SHAPES[0])
    pieces, loss = LBFGS(image, 5), eventful(SHAPES[0])
    counts, shortenings = [], []
    for turn in range(TURNS):
        pieces.step(*loss(turn, pieces.whole(pieces.image)))
        counts.append(np.sum(pieces.numbers["counts"]))
        shortenings.append(float(pieces.numbers["shortening"]))
    assert counts[:5] == [0, 0, 0, 1, 2]
    assert counts[8:10] == [5, 5]
    assert [counts[turn] for turn in EXPLOSIONS] == [0, 0]
    assert min(shortenings) < max(shortenings) == 1


@pytest.mark.parametrize("height", [3, 12, 13])
def test_the_variation_of_strips_is_that_of_the_whole(height: int) -> None:
    random = np.random.default_rng(0)
    image, other = random.random((2, 1, 3, height, 5))
    given = {"tv_weight": 0.3, "other_total": 2.0}
    whole = run(
        session(variation_model(np.float64)), {"image": image, "other_gradient": other, **given}
    )
    piece = PIECES["variation.strip"]
    graph, variation, gradients = session(piece.model(np.float64)), 0.0, []
    for rows, own in cut(height, 3, piece.halo):
        strip = {"image": image[:, :, rows], "other_gradient": other[:, :, rows]}
        ours = np.zeros(rows.stop - rows.start)
        ours[own] = 1
        found = run(graph, {**strip, "own": ours, **given})
        variation += found["variation"]
        gradients.append(found["gradient"][:, :, own])
    equal(variation / whole["variation"], 1)
    equal(np.concatenate(gradients, axis=2) / whole["gradient"], 1)


def test_strips_in_coordinates_may_be_cut_at_their_sides() -> None:
    piece, image = PIECES["coordinates"], np.random.default_rng(0).random((1, 3, 4, 301))
    graph, found = session(piece.model(np.float64)), []
    (whole,) = run(graph, {"gradient": image}).values()
    for columns, own in cut(301, OWN_ROWS, piece.halo):
        (part,) = run(graph, {"gradient": image[..., columns]}).values()
        found.append(part[..., own])
    equal(np.concatenate(found, axis=3), whole)


def test_the_history_may_be_written_in_place() -> None:
    """Since only what writes into it reads it."""
    graph, random = session(PIECES["lbfgs.products"].model(np.float64)), np.random.default_rng(0)
    given = {name: random.random(8) for name in ("gradient", "last_gradient", "step")}
    given |= {"history": random.random((6, 8)), "free": np.array(1.0)}
    given |= {"arrives": np.array(1.0), "shortening": np.array(0.5)}
    expected = run(graph, given)
    binding = graph.io_binding()
    values = {name: OrtValue.ortvalue_from_numpy(value.copy()) for name, value in given.items()}
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    binding.bind_ortvalue_output("next_history", values["history"])
    binding.bind_output("products")
    binding.bind_output("gg")
    graph.run_with_iobinding(binding)
    equal(values["history"].numpy(), expected["next_history"])
    equal(binding.copy_outputs_to_cpu()[1], expected["products"])
    changed = (values["history"].numpy() != given["history"]).any(axis=1)
    assert changed.tolist() == [False, True, False, False, True, False]


@pytest.mark.parametrize("name", PIECES)
def test_every_provider_has_the_operators_of_pieces(name: str) -> None:
    """WebGPU lacks these; control flow cannot be recorded."""
    operators = {node.op_type for node in PIECES[name].model().graph.node}
    assert not operators & {"And", "Or", "Xor", "Min", "Max", "If", "Loop", "Scan"}


@pytest.mark.parametrize("name", PIECES)
def test_inputs_and_outputs_are_those_that_readers_check(name: str) -> None:
    graph, expected = PIECES[name].model().graph, INTERFACES[name]
    for values, shapes in ((graph.input, expected.inputs), (graph.output, expected.outputs)):
        found = {
            value.name: tuple(
                size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim
            )
            for value in values
        }
        assert found == shapes
    assert PIECES.keys() == INTERFACES.keys()
