"""The wheels of ONNX Runtime: which are installed, and the commands that install another.

Several write the same folder, ``onnxruntime``. Only the one that was installed last works, and
removing another breaks it. Wheels of plugins have folders of their own.
"""

from stylize.installation import install_command, installed
from stylize.shell import in_turn, quoted

FOLDER = "onnxruntime"

PLAIN, FOR_CUDA = "onnxruntime", "onnxruntime-gpu"
"""The wheels that extras of stylize install; plugins work beside either."""


def installed_wheels() -> dict[str, str]:
    """Return the version of each wheel that wrote the folder, by its name."""
    wheels = (found for found in installed() if FOLDER in found.folders)
    return {found.name: found.version for found in sorted(wheels, key=lambda found: found.name)}


def describe_wheels() -> str:
    """Return the installed wheels as text, which says so if there are several."""
    wheels = [f"{name} {version}" for name, version in installed_wheels().items()]
    if not wheels:
        return "no wheel"
    if len(wheels) == 1:
        return f"the wheel {wheels[0]}"
    return f"the wheels {' and '.join(wheels)}, which overwrite each other: the last one counts"


def replace_command(extra: str) -> str:
    """Return the command that removes every wheel and installs the one of an extra."""
    wheels = installed_wheels()
    remove = [quoted("pip", "uninstall", "-y", *wheels)] if wheels else []
    return in_turn(*remove, install_command(extra))


def add_command(extra: str, plugin: str) -> str:
    """Return the command that installs a plugin beside the wheel that is there, if it can be.

    Parameters
    ----------
    extra : str
        The extra that has the plugin, and the plain wheel of ONNX Runtime.
    plugin : str
        The wheel of the plugin.
    """
    present = installed_wheels().keys()
    if present == {FOR_CUDA}:
        return quoted("pip", "install", plugin)
    return install_command(extra) if present <= {PLAIN} else replace_command(extra)
