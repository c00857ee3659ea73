"""What the tests of the studio share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

for package in ("starlette", "uvicorn", "python_multipart"):
    pytest.importorskip(package, reason="the studio needs its extra")

from open_studio import opened
from studio_client import Client


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Open studios in one gallery, with what is to be other than usual."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(opened(tmp_path / "gallery", **more))
