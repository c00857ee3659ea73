"""A folder that takes the place of another: models and sites are written so."""

from pathlib import Path


def exchange(path: Path, new: Path, old: Path) -> None:
    """Move a folder to `path`, and what is there to `old`; if that fails, it comes back.

    Raises
    ------
    OSError
        One cannot be moved.
    """
    if path.exists():
        path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        if old.exists():
            old.rename(path)
        raise
