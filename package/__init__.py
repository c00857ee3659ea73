"""Style transfer with ONNX Runtime, the command ``stylize``; from Python, `stylize.runtime`."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Look the release up when it is first asked for, so that the command line starts faster."""
    if name != "__version__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from stylize.installation import release

    return release()
