"""Style transfer with ONNX Runtime: the Python interface.

>>> from stylize.runtime import Model, Options, transfer
>>> iterates = transfer(Model.open(), "photo.jpg", "painting.jpg", Options(size=384))
>>> best = min(iterates, key=lambda iterate: iterate.total)
>>> best.image.save("stylised.png")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stylize.runtime.images import load_image, scale_to, to_array
    from stylize.runtime.iteration import Iterate, transfer
    from stylize.runtime.model import Model
    from stylize.runtime.options import Options

__all__ = ["Iterate", "Model", "Options", "load_image", "scale_to", "to_array", "transfer"]

_MODULES = {
    "Iterate": "iteration",
    "Model": "model",
    "Options": "options",
    "load_image": "images",
    "scale_to": "images",
    "to_array": "images",
    "transfer": "iteration",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line starts faster so."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
