"""The program that ``.ci/run`` gives to mypy runs, too: its types are not only promised."""

from collections.abc import Callable
from pathlib import Path

import pytest
from users_program import main


def test_a_users_program_runs(
    picture: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(picture("photo.png", seed=1), picture("painting.png", (40, 32), seed=2))
    assert capsys.readouterr().out.startswith("The size is large; it must be ")
    assert (tmp_path / "out.tiff").is_file()
