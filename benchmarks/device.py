"""A variant at work: its tasks, each of which can be repeated without waiting for the device."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Case, mirrored
from contestants import Result
from floor import write_floor
from variants import Variant

from stylize.export.calculus.graph import Graph
from stylize.models.errors import StylizeError
from stylize.runtime import Model
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.tensors import Tensor, number, read
from stylize.runtime.method.descent import Descent
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import Options
from stylize.runtime.providers.session import import_onnxruntime, open_session
from stylize.runtime.providers.table import Provider


@dataclass(frozen=True)
class Loaded:
    """A variant, ready to compute.

    Attributes
    ----------
    tasks : mapping of str to function
        What can be timed: ``evaluation``, and of ours also ``update`` and ``step``.
    wait : function
        Returns when the device has done what it was given.
    kept : sequence
        The tensors that are bound; a binding itself does not keep an array's memory.
    results : function
        Computes the losses and gradients that tell whether it is right: at the case's image, and
        where there is a second one at that mirrored.
    """

    tasks: Mapping[str, Callable[[], object]]
    wait: Callable[[], object]
    kept: Sequence[Tensor]
    results: Callable[[], Iterator[Result]] = field(default=lambda: iter(()))


def load(variant: Variant, case: Case) -> Loaded:
    """Load a variant for the size of a case.

    Raises
    ------
    StylizeError
        It cannot compute here.
    """
    loaders = {"ours": _ours, "torch": _torch, "convolutions": _convolutions, "matrix": _matrix}
    return loaders[variant.kind](variant, case)


class _Still:
    """An objective that has been evaluated once and for all: a step with it is only the update.

    The optimisers have no branches, so that an update takes as long whatever it is given.
    """

    def __init__(self, objective: Objective) -> None:
        self.memory = objective.memory
        self.total, self.gradient = objective.total, objective.gradient

    def bind(self, image: Tensor) -> Callable[[], None]:
        return lambda: None


def _ours(variant: Variant, case: Case) -> Loaded:
    image, targets = case.load()
    size = (image.shape[2], image.shape[3])
    options = Options()
    model = Model.open(case.model, _provider(variant))
    objective = model.objective(size, targets, CONTENT_WEIGHTS, STYLE_WEIGHTS)
    optimizer = model.optimizer(size, options.optimizer, options.history)
    first, second = objective.memory.put(image), objective.memory.put(mirrored(image))
    evaluate, evaluate_mirrored = objective.bind(first), objective.bind(second)
    still = cast(Objective, _Still(objective))

    def results() -> Iterator[Result]:
        # As the iteration does: two tensors in turn. More than once, for the first time may do
        # other things than all that follow: a graph that was recorded with the one tensor must not
        # be replayed for the other.
        for _ in range(3):
            found = []
            for run in (evaluate, evaluate_mirrored):
                run()
                found.append((number(objective.total), read(objective.gradient)))
        yield from found

    return Loaded(
        {
            "evaluation": evaluate,
            "update": Descent(optimizer, still, image, options.learning_rate).step,
            "step": Descent(optimizer, objective, image, options.learning_rate).step,
        },
        lambda: number(objective.total),
        (first, second),
        results,
    )


def _torch(variant: Variant, case: Case) -> Loaded:
    try:
        import torch
    except ImportError as error:
        raise StylizeError("no torch") from error
    from torch_step import TorchStep

    if variant.memory == "cuda" and not torch.cuda.is_available():
        raise StylizeError("no torch with CUDA")
    step = TorchStep(case, variant.layout, variant.memory, variant.precision, variant.compile_mode)
    wait = torch.cuda.synchronize if variant.memory == "cuda" else lambda: None
    return Loaded({"evaluation": step.evaluate}, wait, (), lambda: iter((step(),)))


def _convolutions(variant: Variant, case: Case) -> Loaded:
    write_floor(case, _element_type(variant))
    return _bound(case.floor, variant)


def _matrix(variant: Variant, case: Case) -> Loaded:
    shape = (variant.matrix_side,) * 2
    graph = Graph(_element_type(variant))
    product = graph.add("MatMul", graph.input("a", shape), graph.input("b", shape))
    graph.output(product, product, shape)
    path = case.folder / "matrix.onnx"
    onnx.save(graph.model("matrix"), path)
    return _bound(path, variant)


def _element_type(variant: Variant) -> npt.DTypeLike:
    """Return the type of what goes in; TF32 and OpenVINO's bfloat16 round it themselves."""
    return np.float16 if variant.precision == "float16" else np.float32


def _provider(variant: Variant) -> Provider:
    options = {"enable_cuda_graph": "1"} if variant.cuda_graph else {}
    return find_provider(variant.provider, variant.precision, options)


def _bound(path: Path, variant: Variant) -> Loaded:
    """Load a graph, with random inputs and its outputs in the provider's memory."""
    provider = _provider(variant)
    session = open_session(path, {}, provider)
    values = import_onnxruntime(provider.extra).OrtValue
    binding, random, place = session.io_binding(), np.random.default_rng(0), (provider.memory, 0)
    dtype = _element_type(variant)
    kept: list[Tensor] = []
    for value in session.get_inputs():
        array = random.standard_normal(value.shape, np.float32).astype(dtype)
        kept.append(values.ortvalue_from_numpy(array, *place))
        binding.bind_ortvalue_input(value.name, kept[-1])
    for value in session.get_outputs():
        kept.append(values.ortvalue_from_shape_and_type(value.shape, dtype, *place))
        binding.bind_ortvalue_output(value.name, kept[-1])

    def run() -> None:
        session.run_with_iobinding(binding)

    return Loaded({"evaluation": run}, binding.synchronize_outputs, kept)
