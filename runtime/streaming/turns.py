"""Graphs that run in turns, each again and again on the same tensors: those of a tile."""

from collections.abc import Callable, Mapping

from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Slot


def add_slots(slots: dict[str, Slot], program: Program) -> None:
    """Add an array with its tensor for whatever a graph takes or gives and is not there yet."""
    for name, shape in {**program.input_shapes, **program.output_shapes}.items():
        if name not in slots:
            slots[name] = Slot(program.memory, shape, program.dtypes[name])


def bound(program: Program, slots: Mapping[str, Slot]) -> Callable[[bool], None]:
    """Return a function that runs a graph, and makes room if it is told that this is the last."""
    inputs, outputs = (
        {name: slots[name].tensor for name in shapes}
        for shapes in (program.input_shapes, program.output_shapes)
    )
    run = program.bind(inputs, outputs)
    run_last = program.bind(inputs, outputs, gives_back=True)
    return lambda last: run_last() if last else run()
