"""Style transfer with ONNX Runtime: the Python interface.

>>> from stylize.runtime import Model, Options, transfer
>>> iterates = transfer(Model.open(), "photo.jpg", "painting.jpg", Options(size=384))
>>> for iterate in iterates:
...     print(iterate.iteration, iterate.total)
>>> iterate.best.image.save("stylised.png")

Only the names that this package offers are public. Paths inside of it may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stylize.runtime.judging.judge import Judge, Judgement
    from stylize.runtime.method.iteration import Iterate
    from stylize.runtime.method.methods import reconstruct, texture, transfer
    from stylize.runtime.method.model import Model
    from stylize.runtime.method.options import RECONSTRUCTION, TEXTURE, Options
    from stylize.runtime.method.paintings import Painting
    from stylize.runtime.method.regions import Mask, Region
    from stylize.runtime.method.scene import Scene
    from stylize.runtime.pictures.arrays import to_array, to_image
    from stylize.runtime.pictures.reading import load_image
    from stylize.runtime.pictures.sizes import scale_to
    from stylize.runtime.plans.preset import PRESETS
    from stylize.runtime.streaming.plan import Budget, Plan

__all__ = [
    "PRESETS",
    "RECONSTRUCTION",
    "TEXTURE",
    "Budget",
    "Iterate",
    "Judge",
    "Judgement",
    "Mask",
    "Model",
    "Options",
    "Painting",
    "Plan",
    "Region",
    "Scene",
    "load_image",
    "reconstruct",
    "scale_to",
    "texture",
    "to_array",
    "to_image",
    "transfer",
]

_MODULES = {
    "PRESETS": "plans.preset",
    "RECONSTRUCTION": "method.options",
    "TEXTURE": "method.options",
    "Budget": "streaming.plan",
    "Iterate": "method.iteration",
    "Judge": "judging.judge",
    "Judgement": "judging.judge",
    "Mask": "method.regions",
    "Model": "method.model",
    "Options": "method.options",
    "Painting": "method.paintings",
    "Plan": "streaming.plan",
    "Region": "method.regions",
    "Scene": "method.scene",
    "load_image": "pictures.reading",
    "reconstruct": "method.methods",
    "scale_to": "pictures.sizes",
    "texture": "method.methods",
    "to_array": "pictures.arrays",
    "to_image": "pictures.arrays",
    "transfer": "method.methods",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that the command line starts faster."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
