"""What the page's engine is told: models with their graphs, the options, the method's numbers.

The engine's JavaScript has only the loop. Every number of the method comes from here, and stands
once, in the runtime.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

import msgspec

from stylize.installation import release
from stylize.models.errors import ModelError, OptionError
from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.models.manifest import PLAIN, GraphFile
from stylize.runtime.method.coefficients import SILENT, coefficients
from stylize.runtime.method.descent import BOUNDS, INITIAL
from stylize.runtime.method.objective import LARGEST_WEIGHT
from stylize.runtime.method.options import TWICE, USUAL_STRENGTH, Options
from stylize.runtime.method.scales import WORTHWHILE
from stylize.runtime.method.start import FAINT, mean_colour
from stylize.runtime.pictures.file_options import USUAL_FILES
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.matching import ALMOST_NONE, FURTHEST
from stylize.studio.fields import Menu
from stylize.studio.shapes import Field
from stylize.studio.site.onnxruntime_web import WASM, WEBGPU

ENGINE = "browser"
MODELS, RUNTIME = "models", "runtime"
"""The folders of a site, beside the page's own."""

LARGEST = 1024
"""Pixels of a side: more does not fit into the memory that browsers give a page."""

OFFERED = (
    "size",
    "strength",
    "painting_size",
    "colors",
    "init",
    "iterations",
    "style_weight",
    "tv_weight",
    "scales",
    "optimizer",
    "margin",
    "seed",
)
"""The options that the engine knows. All others are as `stylize run` has them."""

USUAL = Options()


def name_of(model: ModelFolder) -> str:
    """Return the name of a model's folder, which addresses have, too.

    Raises
    ------
    OptionError
        It has letters that addresses cannot have.
    """
    name = model.path.resolve().name
    if not PLAIN.fullmatch(name):
        raise OptionError(
            f"The model's folder is called '{name}', and is to be a part of addresses. Rename it; "
            "letters, digits, dots and hyphens will do."
        )
    return name


def folder_of(model: ModelFolder) -> str:
    """Return where a model lies in a site."""
    return f"{MODELS}/{name_of(model)}"


@dataclass(frozen=True)
class Graphs:
    """The graphs of a model that the page uses."""

    gradient: GraphFile
    content_targets: GraphFile
    style_targets: GraphFile
    lbfgs: GraphFile
    adam: GraphFile
    variation: GraphFile

    @classmethod
    def of(cls, model: ModelFolder) -> "Graphs":
        """Choose them of a model's.

        Raises
        ------
        ModelError
            The model was written by an earlier release, whose graphs take something else.
        """
        manifest = model.manifest
        if not manifest.takes_beta2:
            raise ModelError(
                f"The model '{name_of(model)}' is of an earlier release, whose graphs the page "
                "does not know. Export it again."
            )
        gradient = model.gradient_graph(USUAL.layers)
        layers = gradient.layers
        return cls(
            gradient=gradient,
            content_targets=model.targets_graph(LayerSet(content=layers.content)),
            style_targets=model.targets_graph(LayerSet(style=layers.style)),
            lbfgs=manifest.optimizers["lbfgs"],
            adam=manifest.optimizers["adam"],
            variation=manifest.variation,
        )

    @property
    def all(self) -> tuple[GraphFile, ...]:
        """All of them."""
        return tuple(vars(self).values())


def config_of(models: Sequence[ModelFolder], files: Sequence[str]) -> dict[str, Any]:
    """Return what the page reads as ``config.json``.

    Parameters
    ----------
    models : sequence of ModelFolder
        The models of the site, the usual one first.
    files : sequence of str
        The paths of all its other files.
    """
    fields = [each for each in Menu(LARGEST).fields() if each.name in OFFERED]
    if len(models) > 1:
        fields.append(_choice([name_of(each) for each in models]))
    return {
        "engine": ENGINE,
        "release": release(),
        "models": [_model(each) for each in models],
        "method": {
            "initial": {name: _number(value) for name, value in INITIAL.items()},
            "bounds": BOUNDS[USUAL.pixels],
            "silent": SILENT,
            "largest_weight": LARGEST_WEIGHT,
            "worthwhile": WORTHWHILE,
            "usual_strength": USUAL_STRENGTH,
            "twice": TWICE,
            "furthest": FURTHEST,
            "almost_none": ALMOST_NONE,
            "faint": float(FAINT),
            "least_side": MIN_SIDE,
        },
        "defaults": asdict(USUAL),
        "fields": fields,
        "recipe": {
            "photo": None,
            "paintings": [],
            "start": None,
            "version": release(),
            "files": asdict(USUAL_FILES),
        },
        "runtime": {
            "wasm": [f"{RUNTIME}/{name}" for name in WASM],
            "webgpu": [f"{RUNTIME}/{name}" for name in WEBGPU],
        },
        "files": sorted(files),
    }


def as_json(config: dict[str, Any]) -> bytes:
    """Return it as the page reads it."""
    return msgspec.json.encode(config)


def files_of(model: ModelFolder) -> list[str]:
    """Return the names of those of a model's files that the page uses."""
    graphs = {graph.file for graph in Graphs.of(model).all}
    return [model.manifest.weights.file, *sorted(graphs)]


def _model(model: ModelFolder) -> dict[str, Any]:
    manifest, graphs = model.manifest, Graphs.of(model)
    layers = graphs.gradient.layers
    unit = replace(USUAL, content_weight=1.0, style_weight=1.0)
    # Relative losses depend on no size.
    factors = coefficients(unit, manifest.layer, (MIN_SIDE, MIN_SIDE))
    return {
        "name": name_of(model),
        "folder": folder_of(model),
        "weights": manifest.weights.file,
        "weights_sha256": manifest.weights.sha256,
        "pooling": manifest.pooling,
        "files": files_of(model),
        "layers": [
            {
                "name": layer.name,
                "channels": layer.channels,
                "represented": layer.represented_channels,
                "stride": layer.stride,
            }
            for layer in manifest.layers
        ],
        "least_side": model.least_side(layers),
        "feature_scale": manifest.preprocessing.feature_scale,
        "mean_colour": mean_colour(manifest.preprocessing).ravel().tolist(),
        "gradient": _graph(graphs.gradient),
        "content_layers": layers.content,
        "style_layers": layers.style,
        "content_factors": {name: factors.content.get(name, 0.0) for name in layers.content},
        "style_factors": {name: factors.style.get(name, 0.0) for name in layers.style},
        "content_targets": _graph(graphs.content_targets),
        "style_targets": _graph(graphs.style_targets),
        "optimizers": {"lbfgs": _graph(graphs.lbfgs), "adam": _graph(graphs.adam)},
        "variation": _graph(graphs.variation),
    }


def _graph(graph: GraphFile) -> dict[str, Any]:
    def told(shapes: Any) -> list[dict[str, Any]]:
        return [{"name": name, "shape": shape} for name, shape in shapes.items()]

    interface = graph.interface
    return {
        "file": graph.file,
        "inputs": told(interface.inputs),
        "outputs": told(interface.outputs),
    }


def _choice(names: list[str]) -> Field:
    return Field(
        name="model",
        label="Model",
        help="The network that looks at the pictures. Larger ones take longer.",
        kind="choice",
        minimum=None,
        maximum=None,
        scale="linear",
        default=names[0],
        choices=names,
        group="picture",
    )


def _number(value: float) -> float | None:
    """Return a number as JSON has it; null is infinity."""
    return value if isfinite(value) else None
