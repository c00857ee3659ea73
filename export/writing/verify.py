"""Checking a written model folder against torch and against finite differences.

The written graphs are widened to float64 and run by onnx's reference evaluator, so that what is
found is an error of the graphs and not the rounding of a provider.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file

from stylize.export.network import torch_peer
from stylize.export.network.architecture import Network
from stylize.export.network.torch_peer import TorchNetwork
from stylize.export.writing.convolution import Conv
from stylize.export.writing.pooling import AveragePool
from stylize.export.writing.widen import widen
from stylize.models.interface import GUIDANCE
from stylize.models.manifest import GraphFile, Manifest

Array = npt.NDArray[np.floating]

EVEN_SIZE = (32, 32)
ODD_SIZE = (45, 51)
"""Heights and widths of the random images; the odd one has odd maps at every stride up to 16."""

TOLERANCES = {
    # The graphs hold a few float32 constants (the colours' scale and mean, 1/M), each rounded
    # by up to 6e-8, which the style loss raises to the fourth power through five blocks.
    "features": 5e-6,
    "targets": 5e-6,
    "losses": 5e-6,
    # The same, and a ReLU that lies at its kink may flip.
    "gradient": 1e-5,
    # A step of 1e-6 crosses few ReLUs' kinks, and float64 loses 1e-10 to cancellation there.
    "finite differences": 1e-3,
}
"""Largest relative difference (in the L2 norm) that each check accepts."""


@dataclass(frozen=True)
class Check:
    """What was compared, and how far apart it was, as a relative difference in the L2 norm."""

    subject: str
    difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance; NaN is not."""
        return self.difference <= self.tolerance


def verify_folder(path: Path, network: Network, manifest: Manifest) -> Iterator[Check]:
    """Compare all graphs with torch, if it is installed, and the gradient with differences.

    Parameters
    ----------
    path : Path
        A model folder.
    network : Network
        The network that it should compute, with the weights that are stored there.
    manifest : Manifest
        The folder's manifest.

    Yields
    ------
    Check
        One for each comparison, as soon as it is made.
    """
    peer = None
    if torch_peer.available():
        peer = TorchNetwork(network, load_file(path / manifest.weights.file))
    # What an odd size could break is the same in all graphs; one saves the time of all the others.
    for size, gradients in (EVEN_SIZE, manifest.gradients), (ODD_SIZE, manifest.gradients[:1]):
        comparison = _Comparison(path, manifest, gradients, size)
        if peer:
            yield from comparison.with_torch(peer)
        else:
            yield comparison.with_plain()
        yield comparison.with_differences()


class _Comparison:
    """Graphs of a folder, run on a random image, with another one for the targets."""

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        gradients: Sequence[GraphFile],
        size: tuple[int, int],
    ) -> None:
        self.path = path
        self.features = manifest.features
        self.gradients = gradients
        self.size = "x".join(map(str, size[::-1]))
        self.image, self.other = np.random.default_rng(0).random((2, 1, 3, *size))
        self.targets: dict[str, Array] = {}
        for graph in manifest.targets:
            # Those of style are the same, whatever is compared.
            looked_at = (
                replace(gradient.layers, statistics="gram", guided=False) for gradient in gradients
            )
            if any(layers.covers(graph.layers) for layers in looked_at):
                self.targets |= self._run(graph, {"image": self.other})
        self.rooted = {
            name: self._run(manifest.root, {"style_target": target})["rooted_target"]
            for name, target in self.targets.items()
            if name.startswith("style_target.") and manifest.root
        }
        self.regions = self._regions(manifest)
        self.weights: dict[object, Array] = {}

    def with_torch(self, peer: TorchNetwork) -> Iterator[Check]:
        """Yield the largest difference over all graphs, for each kind of output."""
        features = self._run(self.features, {"image": self.image})
        expected = peer.features(self.image)
        differences = [_difference(features[name], expected[name]) for name in features]
        yield self._check("features", differences)
        yield self._check("targets", self._target_differences(peer))
        losses: list[float] = []
        gradients: list[float] = []
        for graph in self.gradients:
            weights = self._weights(graph)
            targets = self._targets(graph)
            truth = peer.evaluate(self.image, graph.layers, targets, *weights)
            for form in graph.forms:
                found = self._gradient(graph, self.image, form.file)
                losses += map(_difference, _losses(found), _losses(vars(truth)))
                gradients.append(_difference(found["gradient"], truth.gradient))
        yield self._check("losses", losses)
        yield self._check("gradient", gradients)

    def with_plain(self) -> Check:
        """Compare what the blocked graphs give with what the plain ones do."""
        differences = []
        for graph in self.gradients:
            plain, *others = (self._gradient(graph, self.image, form.file) for form in graph.forms)
            for blocked in others:
                differences += [_difference(blocked[name], plain[name]) for name in plain]
        largest = float(np.max(differences, initial=0))
        return Check(f"gradient, {self.size}, plain graphs", largest, TOLERANCES["gradient"])

    def with_differences(self) -> Check:
        """Compare the slope of the total loss along a direction with its central difference."""
        graph = self.gradients[0]
        gradient = self._gradient(graph, self.image)["gradient"]
        # Every pixel takes part, by a random amount, and none cancels another.
        step = 1e-6 * np.sign(gradient) * np.random.default_rng(0).random(gradient.shape)
        ahead, behind = (
            self._gradient(graph, self.image + sign * step)["total"] for sign in (1, -1)
        )
        difference = _difference(ahead - behind, 2 * (gradient * step).sum())
        name = "finite differences"
        return Check(f"gradient, {self.size}, {name}", difference, TOLERANCES[name])

    def _check(self, what: str, differences: Sequence[float]) -> Check:
        """Judge the largest difference; np.max keeps a NaN, and max might lose it."""
        return Check(f"{what}, {self.size}, torch", float(np.max(differences)), TOLERANCES[what])

    def _target_differences(self, peer: TorchNetwork) -> list[float]:
        expected = peer.features(self.other)
        differences = []
        for name, target in self.targets.items():
            kind, _, layer = name.partition(".")
            is_style = kind == "style_target"
            truth = peer.style_target(expected, layer) if is_style else expected[layer]
            differences.append(_difference(target, truth))
        return differences

    def _regions(self, manifest: Manifest) -> dict[str, Array]:
        """Return the weights and the targets of two regions, whose edges are soft."""
        found: dict[str, Array] = {}
        random = np.random.default_rng(1)
        for layer in manifest.layers:
            name = f"style_target.{layer.name}"
            if name in self.targets:
                sides = (side // layer.stride for side in self.image.shape[2:])
                weights = random.random((2, *sides))
                found[f"{GUIDANCE}{layer.name}"] = weights / weights.sum((1, 2), keepdims=True)
                found[name] = np.stack([self.targets[name], 2 * self.targets[name]])
        return found

    def _targets(self, graph: GraphFile) -> dict[str, Array]:
        rooted = self.rooted if graph.layers.statistics == "bures" else {}
        return {**self.targets, **rooted, **(self.regions if graph.layers.guided else {})}

    def _weights(self, graph: GraphFile) -> tuple[Array, Array]:
        """Return the weights that make each loss 1, so that none hides behind a larger one."""
        layers = graph.layers
        content: list[object] = [("content", layer) for layer in layers.content]
        style: list[object] = [(layers.statistics, layers.guided, layer) for layer in layers.style]
        if not self.weights.keys() >= {*content, *style}:
            ones = np.ones((2, len(style)) if layers.guided else len(style))
            found = self._evaluate(graph, self.image, np.ones(len(content)), ones)
            losses = [*found.get("content_losses", ()), *found.get("style_losses", ones).T]
            self.weights |= {
                name: 1 / loss for name, loss in zip(content + style, losses, strict=True)
            }
        return (
            np.array([self.weights[name] for name in content]),
            np.array([self.weights[name] for name in style]).T,
        )

    def _gradient(
        self, graph: GraphFile, image: Array, file: str | None = None
    ) -> dict[str, Array]:
        return self._evaluate(graph, image, *self._weights(graph), file)

    def _evaluate(
        self,
        graph: GraphFile,
        image: Array,
        content_weights: Array,
        style_weights: Array,
        file: str | None = None,
    ) -> dict[str, Array]:
        feeds = {
            "image": image,
            "content_weights": content_weights,
            "style_weights": style_weights,
            **self._targets(graph),
        }
        return self._run(graph, {value.name: feeds[value.name] for value in graph.inputs}, file)

    def _run(
        self, graph: GraphFile, feeds: Mapping[str, Array], file: str | None = None
    ) -> dict[str, Array]:
        model = widen(onnx.load(self.path / (file or graph.file)))
        evaluator = ReferenceEvaluator(model, new_ops=[AveragePool, Conv])
        outputs = list(evaluator.run(None, dict(feeds)))
        return dict(zip(evaluator.output_names, outputs, strict=True))


def _losses(outputs: Mapping[str, npt.ArrayLike]) -> Array:
    """Return the total and each layer's loss."""
    names = ("total", "content_losses", "style_losses")
    return np.concatenate([np.ravel(outputs.get(name, ())) for name in names])


def _difference(found: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return the relative difference in the L2 norm."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
