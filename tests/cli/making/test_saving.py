"""Nothing that was computed is lost, whatever ends a run, and no earlier picture either."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stylize.cli import signals
from stylize.cli.app import app
from stylize.cli.making import saving
from stylize.cli.showing import progress
from stylize.models.errors import ProviderError
from stylize.runtime.method import held
from stylize.runtime.pictures import saving as files
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.replacing import PROBE
from stylize.runtime.plans.recipe import read_recipe

FAILURE, INTERRUPTED = 1, 130
RUN = ("run", "photo.png", "painting.png", "--size", "32", "--content-weight", "0")
OPTIONS = ("--style-layer", "conv1_1", "--iterations", "4")


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting in the working folder, and a folder for temporary files."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)
    Path("temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(Path("temporary").absolute()))


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*RUN, *OPTIONS, *arguments])


def last_line(result: Result, code: int = FAILURE) -> str:
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    return str(result.stderr.splitlines()[-1])


def results() -> set[str]:
    """The pictures that were made, and whatever else is new."""
    found = (path for path in Path().rglob("*") if path.is_file())
    return {path.as_posix() for path in found} - {"photo.png", "painting.png"}


class TestPlaces:
    """Where a picture goes that cannot go where it was to."""

    @pytest.fixture
    def refusing(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Let nothing be written to some folders from the end of the run on."""

        def arrange(*folders: str) -> None:
            @contextmanager
            def refuse(path: Path, fresh: bool = False) -> Iterator[BinaryIO]:
                if os.path.relpath(path.parent) in folders:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                with replace(path, fresh) as file:
                    yield file

            replace = files.replacing_file
            monkeypatch.setattr(files, "replacing_file", refuse)

        return arrange

    def test_beside(self, at_iteration: Callable[..., None]) -> None:
        at_iteration(3, happen=lambda _: Path("out.jpg").mkdir())
        found = last_line(stylize("-o", "out.jpg"))
        assert found.startswith(f"Error: 'out.jpg' cannot be written: {os.strerror(errno.EISDIR)}.")
        assert found.endswith("The picture is in 'out.png' instead.")
        assert results() == {"out.png"}
        assert read_recipe(Path("out.png")).finished

    def test_beside_with_a_number_where_something_is_there(
        self, at_iteration: Callable[..., None], picture: Callable[..., Path]
    ) -> None:
        def be_in_the_way(_: object) -> None:
            Path("out.png").mkdir()
            picture("out-2.png")

        at_iteration(3, happen=be_in_the_way)
        found = last_line(stylize("-o", "out.png"))
        assert found.endswith("The picture is in 'out-3.png' instead.")
        assert load_image("out-3.png").size == (32, 21)

    def test_the_working_folder(self, at_iteration: Callable[..., None]) -> None:
        Path("album").mkdir()
        at_iteration(3, happen=lambda _: shutil.rmtree("album"))
        found = last_line(stylize("-o", "album/out.png"))
        assert f"'album/out.png' cannot be written: {os.strerror(errno.ENOENT)}." in found
        assert found.endswith("The picture is in 'out.png' instead.")
        assert results() == {"out.png"}

    def test_the_temporary_folder(self, refusing: Callable[..., None]) -> None:
        refusing(".")
        found = last_line(stylize("-o", "out.png"))
        assert f"'out.png' cannot be written: {os.strerror(errno.ENOSPC)}." in found
        assert f"The picture is in '{Path('temporary/out.png').absolute()}' instead." in found
        assert results() == {"temporary/out.png"}

    def test_none(self, refusing: Callable[..., None]) -> None:
        refusing(".", "temporary")
        self.is_lost()

    def test_none_not_even_a_temporary_folder(
        self, refusing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refusing(".")
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
        with pytest.raises(FileNotFoundError):
            tempfile.gettempdir()
        self.is_lost()

    @staticmethod
    def is_lost() -> None:
        found = last_line(stylize("-o", "out.png"))
        full = os.strerror(errno.ENOSPC)
        assert found.startswith(f"Error: 'out.png' cannot be written: {full}.")
        assert found.endswith("so it is lost.")
        assert results() == set()


class TestErrors:
    """What there is is saved, and the message says where."""

    SAVED = "The picture so far is out.png: 32x21, iteration"

    def test_of_a_device_that_can_still_be_read(self, at_iteration: Callable[..., None]) -> None:
        def fail(_: object) -> None:
            raise ProviderError("The device is lost.")

        at_iteration(3, happen=fail)
        found = last_line(stylize("-o", "out.png"))
        assert found.startswith(f"Error: The device is lost. {self.SAVED} 2 after")
        assert read_recipe(Path("out.png")).evaluations == 2

    def test_of_a_device_whose_memory_is_gone(
        self, at_iteration: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was copied before is saved."""
        stylize("-o", "two.png", "--iterations", "2")

        def fail(_: object) -> None:
            monkeypatch.setattr(held, "read", lose)
            raise ProviderError("The device is lost.")

        def lose(_: object) -> None:
            raise ProviderError("Its memory, too.")

        monkeypatch.setattr(saving, "BETWEEN_COPIES", -1.0)
        at_iteration(3, happen=fail)
        found = last_line(stylize("-o", "out.png"))
        assert found.startswith(f"Error: The device is lost. {self.SAVED} 2 after")
        assert read_recipe(Path("out.png")).evaluations == 2
        one, other = (np.asarray(load_image(name)) for name in ("two.png", "out.png"))
        assert np.array_equal(one, other)

    def test_that_are_bugs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError("division by zero")

        monkeypatch.setattr(progress._Log, "show", fail)
        found = last_line(stylize("-o", "out.png"))
        assert found.startswith("Error: This is a bug of stylize: ZeroDivisionError")
        assert self.SAVED in found
        assert "out.png" in results()

    def test_are_told_with_quiet_too(self, interrupted_at: Callable[[int], None]) -> None:
        interrupted_at(3)
        found = last_line(stylize("-o", "out.png", "--quiet"), INTERRUPTED)
        assert found.startswith(f"Interrupted. {self.SAVED} 2 after")

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a device that is always full")
    def test_of_a_full_disk_for_the_trace(self) -> None:
        found = last_line(stylize("-o", "out.png", "--trace", "/dev/full"))
        assert found.startswith("Error: The trace '/dev/full' cannot be written any more: No space")
        assert self.SAVED in found

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
    def test_leave_whole_lines_in_the_trace(self) -> None:
        import resource

        limit = PROBE + 500
        command = [sys.executable, "-m", "stylize", *RUN, "--iterations", "1000"]
        result = subprocess.run(
            [*command, "-o", "out.jpg", "--trace", "trace.jsonl"],
            capture_output=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert result.returncode == FAILURE
        assert b"The trace 'trace.jsonl' cannot be written any more: " in result.stderr
        assert b"The picture so far is out.jpg: " in result.stderr
        text = Path("trace.jsonl").read_text()
        assert limit - 600 < len(text) <= limit
        assert text.endswith("\n")
        iterations = [json.loads(line)["iteration"] for line in text.splitlines()]
        assert iterations == list(range(1, len(iterations) + 1))


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_signal_while_it_is_saved_waits(
    monkeypatch: pytest.MonkeyPatch, interrupted_at: Callable[[int], None], interrupted: bool
) -> None:
    write = saving._write

    def write_and_be_stopped(*arguments: object) -> Path:
        signals._hearing(signal.SIGTERM, None)
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(signals, "_hearing", signals._Hearing())
    monkeypatch.setattr(saving, "_write", write_and_be_stopped)
    if interrupted:
        interrupted_at(3)
    found = last_line(stylize("-o", "out.png"), INTERRUPTED if interrupted else 143)
    so_far = " so far" if interrupted else ""
    assert found.startswith(f"Interrupted. The picture{so_far} is out.png: 32x21, iteration")
    assert results() == {"out.png"}


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_signal_just_before_it_is_saved_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, interrupted_at: Callable[[int], None], interrupted: bool
) -> None:
    hold, signalled = saving.holding_signals, iter([True])

    def be_stopped_and_hold(heed: bool = True) -> AbstractContextManager[None]:
        if next(signalled, False):
            raise signals.Stopped(signal.SIGTERM)
        return hold(heed)

    monkeypatch.setattr(saving, "holding_signals", be_stopped_and_hold)
    if interrupted:
        interrupted_at(3)
    found = last_line(stylize("-o", "out.png"), INTERRUPTED if interrupted else 143)
    assert found.startswith("Interrupted. The picture so far is out.png: 32x21, iteration")
    assert results() == {"out.png"}


class TestEarlierPictures:
    def test_of_another_recipe_keep_their_names(self) -> None:
        names = ["photo-painting.png", "photo-painting-2.png", "photo-painting-3.png"]
        for number, name in enumerate(names, 1):
            result = stylize("--style-weight", str(number))
            assert f"{name}: 32x21" in result.stderr
            assert results() == set(names[:number])
        weights = [read_recipe(Path(name)).options.style_weight for name in names]
        assert weights == [1, 2, 3]

    def test_of_the_same_recipe_are_replaced(self) -> None:
        for _ in range(2):
            assert stylize().exit_code == 0
        assert results() == {"photo-painting.png"}

    def test_of_more_iterations_stay(self, interrupted_at: Callable[[int], None]) -> None:
        stylize()
        whole = Path("photo-painting.png").read_bytes()
        interrupted_at(2)
        found = last_line(stylize(), INTERRUPTED)
        assert "The picture so far is photo-painting-2.png: " in found
        assert Path("photo-painting.png").read_bytes() == whole
        assert stylize().exit_code == 0
        assert read_recipe(Path("photo-painting-2.png")).evaluations == 1

    def test_of_other_programs_stay(self, picture: Callable[..., Path]) -> None:
        mine = picture("photo-painting.png").read_bytes()
        stylize()
        assert Path("photo-painting.png").read_bytes() == mine
        assert read_recipe(Path("photo-painting-2.png")).finished

    def test_that_appear_during_the_run_stay(
        self, at_iteration: Callable[..., None], picture: Callable[..., Path]
    ) -> None:
        at_iteration(3, happen=lambda _: picture("photo-painting.png"))
        assert "photo-painting-2.png: 32x21" in stylize().stderr

    def test_are_replaced_where_they_are_named(self) -> None:
        for number in ("1", "2"):
            stylize("-o", "out.png", "--style-weight", number)
        assert read_recipe(Path("out.png")).options.style_weight == 2
        assert results() == {"out.png"}

    def test_of_a_repetition(self) -> None:
        stylize("-o", "out.png")
        for iterations in ("4", "3", "4"):
            command = ["rerun", "out.png", "--iterations", iterations]
            assert CliRunner().invoke(app, command).exit_code == 0
        assert results() == {"out.png", "out-again.png", "out-again-2.png"}


@pytest.mark.skipif(sys.platform == "win32", reason="counts in other units there")
def test_long_names() -> None:
    photo, painting = f"{'漢' * 60}.png", f"{'字' * 40}.png"
    Path("photo.png").rename(photo)
    Path("painting.png").rename(painting)
    before = results()
    longest = "x" * 251 + ".png"
    command = ["run", photo, painting, "--size", "32", *OPTIONS, "--iterations", "1"]
    for more in ((), ("--style-weight", "3"), ("-o", longest)):
        assert CliRunner().invoke(app, [*command, *more]).exit_code == 0
    first, second, named = sorted(results() - before, key=lambda name: ("x" in name, len(name)))
    assert named == longest
    assert first.startswith("漢漢漢")
    assert "-字字字" in first
    assert second == first.replace(".png", "-2.png")
