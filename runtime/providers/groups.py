"""Control groups of Linux, by which containers limit a process: those of this process."""

from collections.abc import Iterator
from pathlib import Path

OWN_GROUPS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def own_groups(controller: str) -> Iterator[tuple[Path, bool]]:
    """Yield the folders of this process's groups and of all groups above them.

    Each may have a limit of its own. In a container the path may be the host's, and the files lie
    at the root. So a folder need not exist.

    Parameters
    ----------
    controller : str
        What the groups limit, such as ``memory`` or ``cpu``.

    Yields
    ------
    tuple of Path and bool
        The folder, and whether its files are those of the unified hierarchy (cgroup v2).
    """
    for line in OWN_GROUPS.read_text().splitlines() if OWN_GROUPS.exists() else ():
        _, controllers, path = line.split(":", 2)
        unified = controllers == ""
        if not unified and controller not in controllers.split(","):
            continue
        root, own = GROUPS if unified else GROUPS / controller, Path(path.lstrip("/"))
        for part in (own, *own.parents):
            yield root / part, unified
