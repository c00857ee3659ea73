"""A contestant at work: what it computes, and what of it can be repeated without waiting."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Case, Result, mirrored
from contestants import Contestant

from stylize.models.errors import StylizeError
from stylize.models.folder import StoredGraph
from stylize.runtime import Model
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.tensors import Tensor, number, read
from stylize.runtime.method.descent import Descent
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import Options
from stylize.runtime.providers.session import import_onnxruntime, open_session
from stylize.runtime.providers.table import Provider

Task = Callable[[], object]


@dataclass(frozen=True)
class Loaded:
    """A contestant, ready to compute at a case's image.

    Attributes
    ----------
    result : function
        Computes the loss and the gradient, and returns them on the CPU; None of what has none.
    results : function
        Computes those that tell whether it is right: at the image, and where there is a second one
        at that mirrored.
    tasks : function
        Prepares what can be timed on the device: ``evaluation``, and of ours also ``update`` and
        ``step``.
    wait : function
        Returns when the device has done what it was given.
    """

    result: Callable[[], Result | None]
    results: Callable[[], Iterator[Result]]
    tasks: Callable[[], Mapping[str, Task]]
    wait: Task


def load(contestant: Contestant, case: Case) -> Loaded:
    """Load a contestant for the size of a case.

    Raises
    ------
    StylizeError
        It cannot compute here.
    """
    loaders = {"ours": _ours, "torch": _torch, "convolutions": _convolutions, "matrix": _matrix}
    return loaders[contestant.kind](contestant, case)


class _Still:
    """An objective that has been evaluated once and for all: a step with it is only the update.

    The optimisers have no branches, so that an update takes as long whatever it is given.
    """

    def __init__(self, objective: Objective) -> None:
        self.memory = objective.memory
        self.total, self.gradient = objective.total, objective.gradient

    def bind(self, image: Tensor) -> Callable[[], None]:
        return lambda: None


def _ours(contestant: Contestant, case: Case) -> Loaded:
    image, targets = case.load()
    size = (image.shape[2], image.shape[3])
    model = Model.open(case.model, _provider(contestant))
    objective = model.objective(size, targets, CONTENT_WEIGHTS, STYLE_WEIGHTS)
    put = objective.memory.put

    def result() -> Result:
        evaluation = objective(image)
        return evaluation.total, evaluation.gradient

    def results() -> Iterator[Result]:
        # As the iteration does: two tensors in turn. More than once, for the first time may do
        # other things than all that follow: a graph that was recorded with the one tensor must not
        # be replayed for the other.
        evaluations = [objective.bind(put(pixels)) for pixels in (image, mirrored(image))]
        for _ in range(3):
            found = []
            for evaluate in evaluations:
                evaluate()
                found.append((number(objective.total), read(objective.gradient)))
        yield from found

    def tasks() -> Mapping[str, Task]:
        options = Options()
        optimizer = model.optimizer(size, options.optimizer, options.history)
        still = cast(Objective, _Still(objective))
        return {
            "evaluation": objective.bind(put(image)),
            "update": Descent(optimizer, still, image, options).step,
            "step": Descent(optimizer, objective, image, options).step,
        }

    return Loaded(result, results, tasks, lambda: number(objective.total))


def _torch(contestant: Contestant, case: Case) -> Loaded:
    try:
        import torch
    except ImportError as error:
        raise StylizeError("no torch") from error
    from torch_step import TorchStep

    if contestant.memory == "cuda" and not torch.cuda.is_available():
        raise StylizeError("no torch with CUDA")
    step = TorchStep(case, contestant)
    wait = torch.cuda.synchronize if contestant.memory == "cuda" else lambda: None
    return Loaded(step, lambda: iter((step(),)), lambda: {"evaluation": step.step}, wait)


def _convolutions(contestant: Contestant, case: Case) -> Loaded:
    from floor import write_floor  # late: onnx would count in the memory of others

    dtype = _element_type(contestant)
    return _bound(write_floor(case, dtype), dtype, _provider(contestant))


def _matrix(contestant: Contestant, case: Case) -> Loaded:
    from floor import write_matrix

    dtype = _element_type(contestant)
    return _bound(write_matrix(case, contestant.matrix_side, dtype), dtype, _provider(contestant))


def _element_type(contestant: Contestant) -> npt.DTypeLike:
    """Return the type of what goes in; TF32 and OpenVINO's bfloat16 round it themselves."""
    return np.float16 if contestant.precision == "float16" else np.float32


def _provider(contestant: Contestant) -> Provider:
    return find_provider(contestant.provider, contestant.precision, contestant.options)


def _bound(path: Path, dtype: npt.DTypeLike, provider: Provider) -> Loaded:
    """Load a graph, with random inputs and its outputs in the provider's memory."""
    session = open_session(StoredGraph(path.name, path.read_bytes()), {}, provider)
    values = import_onnxruntime(provider.extra).OrtValue
    binding, random, place = session.io_binding(), np.random.default_rng(0), (provider.memory, 0)
    kept: list[Tensor] = []  # a binding does not keep an array's memory
    for value in session.get_inputs():
        array = random.standard_normal(value.shape, np.float32).astype(dtype)
        kept.append(values.ortvalue_from_numpy(array, *place))
        binding.bind_ortvalue_input(value.name, kept[-1])
    for value in session.get_outputs():
        kept.append(values.ortvalue_from_shape_and_type(value.shape, dtype, *place))
        binding.bind_ortvalue_output(value.name, kept[-1])

    def run() -> None:
        assert kept
        session.run_with_iobinding(binding)

    wait = binding.synchronize_outputs
    return Loaded(run, lambda: iter(()), lambda: {"evaluation": run}, wait)
