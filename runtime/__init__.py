"""Style transfer with ONNX Runtime: the Python interface.

>>> from stylize.runtime import Model, Options, transfer
>>> iterates = transfer(Model.open(), "photo.jpg", "painting.jpg", Options(size=384))
>>> for iterate in iterates:
...     print(iterate.iteration, iterate.total)
>>> iterate.best.image.save("stylised.png")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stylize.runtime.images import load_image, scale_to, to_array
    from stylize.runtime.iteration import Iterate
    from stylize.runtime.methods import reconstruct, texture, transfer
    from stylize.runtime.model import Model
    from stylize.runtime.options import RECONSTRUCTION, TEXTURE, Options
    from stylize.runtime.presets import PRESETS
    from stylize.runtime.scene import Scene

__all__ = [
    "PRESETS",
    "RECONSTRUCTION",
    "TEXTURE",
    "Iterate",
    "Model",
    "Options",
    "Scene",
    "load_image",
    "reconstruct",
    "scale_to",
    "texture",
    "to_array",
    "transfer",
]

_MODULES = {
    "PRESETS": "presets",
    "RECONSTRUCTION": "options",
    "TEXTURE": "options",
    "Iterate": "iteration",
    "Model": "model",
    "Options": "options",
    "Scene": "scene",
    "load_image": "images",
    "reconstruct": "methods",
    "scale_to": "images",
    "texture": "methods",
    "to_array": "images",
    "transfer": "methods",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line starts faster so."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
