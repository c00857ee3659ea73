"""The files of a picture: which are read, how the result is called, what would destroy what."""

import os
import sys
from collections.abc import Iterable, Sequence
from glob import glob
from pathlib import Path

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.method.options import STARTS, Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Region


def files_read(
    photo: Path | None,
    paintings: Iterable[Painting[Path]],
    options: Options,
    regions: Iterable[Region[Path]] = (),
) -> list[Path]:
    """Return the files that a picture is made of."""
    start = None if options.init in STARTS else Path(options.init)
    shown = [each.picture for each in paintings]
    shown += [path for each in regions for path in each.pictures]
    return [path for path in (photo, *shown, start) if path]


def matching(paths: Sequence[Path]) -> list[Path]:
    """Return paths, on Windows with the files that a pattern means: its shells leave that to us.

    There, only ``*`` and ``?`` make a pattern, and no file's name has them.
    """
    if sys.platform != "win32":
        return list(paths)
    found = (sorted(glob(str(path).replace("[", "[[]"))) or [path] for path in paths)
    return [Path(each) for files in found for each in files]


def check_outputs(
    outputs: Sequence[Path | None], inputs: Sequence[Path], replaced: bool = True
) -> None:
    """Find out before the work whether what is written would destroy what is read.

    Parameters
    ----------
    outputs, inputs : sequences of Path
        What is written and read.
    replaced : bool
        Whether the first of the outputs takes the place of what is there.

    Raises
    ------
    OptionError
        An output is one of the inputs, or two outputs are the same file.
    """
    seen: set[str] = set()
    for output in filter(None, outputs if replaced else outputs[1:]):
        for path in inputs:
            if same_file(path, output):
                raise OptionError(f"'{output}' would overwrite '{path}'. Name another file.")
        if os.path.realpath(output) in seen:
            raise OptionError(f"Two outputs cannot both be '{output}'. Name another file.")
        seen.add(os.path.realpath(output))


def check_folder(folder: Path, inputs: Sequence[Path]) -> None:
    """Find out before the work whether a folder that is replaced holds what is read.

    Raises
    ------
    OptionError
        One of the inputs, or a link to it that was named, lies in the folder.
    """
    for path in inputs:
        if lies_in(folder, path) or lies_in(folder, path.parent):
            raise OptionError(
                f"'{path}' lies in '{folder}', which would be replaced. Name another folder."
            )


def same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths lead to one file; not, if that cannot be known."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def lies_in(folder: Path, file: Path) -> bool:
    """Tell whether a file is really below a folder."""
    real = os.path.realpath(folder)
    try:
        return os.path.commonpath([real, os.path.realpath(file)]) == real
    except ValueError:  # on another drive, or no path at all
        return False


def named_after(*parts: str, ending: str = ".png") -> Path:
    """Return the name of a result in the working folder, which tells what it is made of."""
    from stylize.runtime.pictures.replacing import shortened

    return Path(f"{shortened(*(part.strip('<>') for part in parts))}{ending}")


def make_folder(folder: Path, option: str = "-o") -> None:
    """Make a folder for results, unless it is there; an option names it.

    Raises
    ------
    ImageError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(
            f"The folder '{folder}' cannot be made: {error.strerror}. Name another with {option}."
        ) from error
