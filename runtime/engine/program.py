"""A graph of a model folder, loaded for images of one size on one provider."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError
from stylize.models.folder import ModelFolder
from stylize.models.manifest import GraphFile
from stylize.runtime.engine.tensors import Memory, Tensor, translating_errors
from stylize.runtime.providers.session import open_session
from stylize.runtime.providers.table import Provider

if TYPE_CHECKING:
    from onnxruntime import NodeArg, RunOptions

Array = npt.NDArray[np.float32]

TYPES = {np.dtype(np.float32): "tensor(float)", np.dtype(np.bool_): "tensor(bool)"}
"""What ONNX Runtime calls the types of inputs and outputs."""


class Program:
    """A function from named arrays to named arrays.

    Attributes
    ----------
    memory : Memory
        The memory that its tensors lie in.
    input_shapes, output_shapes : dict of str to tuple of int
        Shapes of the inputs and outputs by name.
    dtypes : dict of str to numpy dtype
        Their types: float32, or bool for masks.

    Parameters
    ----------
    folder : ModelFolder
        The folder that the graph lies in.
    graph : GraphFile
        Its entry in the manifest.
    dimensions : mapping of str to int
        A value for each symbolic dimension in the graph's shapes; others are ignored.
    provider : Provider
        The provider that runs it.
    """

    def __init__(
        self,
        folder: ModelFolder,
        graph: GraphFile,
        dimensions: Mapping[str, int],
        provider: Provider,
    ) -> None:
        def shape_of(shape: tuple[int | str, ...]) -> tuple[int, ...]:
            return tuple(n if isinstance(n, int) else dimensions[n] for n in shape)

        values = (*graph.inputs, *graph.outputs)
        used = {name for value in values for name in value.shape if isinstance(name, str)}
        self.memory = Memory(provider)
        self.input_shapes = {value.name: shape_of(value.shape) for value in graph.inputs}
        self.output_shapes = {value.name: shape_of(value.shape) for value in graph.outputs}
        self.dtypes = {value.name: np.dtype(value.dtype) for value in values}
        self._stored = folder.read(graph.form(provider.form))
        size = f"{dimensions['width']}x{dimensions['height']}"
        self._recorded = provider.records
        self._shares = provider.sparing and provider.name == "cpu"
        self._bindings = 0
        # A device whose memory is not known here gets copies, which are made at binding.
        self._copies = not provider.tested
        self._what = f"{self._stored.name} at {size} pixels, provider {provider.name}"
        with translating_errors(self._what):
            self._session = open_session(
                self._stored, {name: dimensions[name] for name in used}, provider
            )
            self._check("inputs", self._session.get_inputs(), self.input_shapes)
            self._check("outputs", self._session.get_outputs(), self.output_shapes)

    def __call__(
        self, feeds: Mapping[str, Array], wanted: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """Run the graph once on arrays; return the outputs that are wanted, by default all."""
        names = list(self.output_shapes if wanted is None else wanted)
        with translating_errors(self._what):
            outputs = self._session.run(names, feeds)
        # Copies: what ONNX Runtime returns keeps all memory of its session alive.
        return {name: np.array(value) for name, value in zip(names, outputs, strict=True)}

    def bind(
        self,
        inputs: Mapping[str, Tensor],
        outputs: Mapping[str, Tensor],
        gives_back: bool = False,
    ) -> Callable[[], None]:
        """Return a function that runs the graph on the same tensors whenever it is called.

        Parameters
        ----------
        inputs : mapping of str to Tensor
            All inputs.
        outputs : mapping of str to Tensor
            Tensors that receive the outputs.
        gives_back : bool
            Whether memory that several graphs take in turns goes back to the system after the run.
            What one graph leaves behind is in pieces that do not fit for the next.
        """
        binding = self._session.io_binding()
        options = self._run_options(gives_back and self._shares)
        # ONNX Runtime does not keep the arrays that tensors in the CPU's memory are views of.
        bound = [*inputs.values(), *outputs.values()]

        def bind_inputs() -> None:
            for name in self.input_shapes:
                binding.bind_ortvalue_input(name, inputs[name])

        with translating_errors(self._what):
            bind_inputs()
            for name in self.output_shapes:
                binding.bind_ortvalue_output(name, outputs[name])

        def run() -> None:
            assert bound
            with translating_errors(self._what):
                if self._copies:
                    bind_inputs()
                self._session.run_with_iobinding(binding, options)

        return run

    def _check(
        self, what: str, found: "Sequence[NodeArg]", shapes: Mapping[str, tuple[int, ...]]
    ) -> None:
        """Raise ModelError unless the graph has what its manifest says, and nothing else."""
        fitting = [value for value in found if self._fits(value, shapes.get(value.name))]
        if len(fitting) != len(found) or {value.name for value in found} != set(shapes):
            raise ModelError(
                f"{self._stored.name} does not have the {what} that {MANIFEST_FILE} beside it "
                "tells. Get the model again from somebody you trust, or export it yourself."
            )

    def _fits(self, value: "NodeArg", shape: tuple[int, ...] | None) -> bool:
        """Tell whether a value may have a shape; named dimensions and empty ones may be any."""
        if shape is None or len(value.shape) != len(shape):
            return False
        if value.type != TYPES[self.dtypes[value.name]]:
            return False
        return all(
            size == expected or expected == 0 or not isinstance(size, int)
            for size, expected in zip(value.shape, shape, strict=True)
        )

    def _run_options(self, gives_back: bool) -> "RunOptions | None":
        """Give each binding a number if runs are recorded, since each replays its own record."""
        if not self._recorded and not gives_back:
            return None
        from onnxruntime import RunOptions

        options = RunOptions()
        if self._recorded:
            self._bindings += 1
            options.add_run_config_entry("gpu_graph_id", str(self._bindings))
        if gives_back:
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        return options
