"""A picture is watched while it grows, and is the same as if nobody had looked."""

import errno
import os
import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli import signals
from stylize.cli.app import app
from stylize.cli.watching import pauses, preview
from stylize.cli.watching.film import Filming
from stylize.cli.watching.watchers import Watchers
from stylize.models.errors import ImageError, StylizeError
from stylize.runtime.films import gif
from stylize.runtime.method.iteration import Found
from stylize.runtime.pictures import reduced, saving
from stylize.runtime.plans import placing
from stylize.runtime.plans.recipe import read_recipe

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
ITERATIONS = 12
COMMON = (
    *("--size", "32", "--provider", "cpu", "--model", "compact"),
    *("--iterations", str(ITERATIONS)),
)
CHEAP = ("--content-weight", "0", "--style-layer", "conv1_1")
RUN = ("run", "photo.png", "painting.png", *COMMON, *CHEAP)
OUT = ("-o", "out.png")
COARSE_TO_FINE = ("--scales", "24,32")
GIVEN = {"photo.png", "painting.png"}


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting, in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


def stylize(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def new_files() -> set[str]:
    files = (path.as_posix() for path in Path().rglob("*") if path.is_file())
    return set(files) - GIVEN


def frames(name: str) -> list[Image.Image]:
    with Image.open(name) as film:
        found = []
        for number in range(film.n_frames):
            film.seek(number)
            found.append(film.convert("RGB"))
    return found


def differences(one: Image.Image, path: str) -> float:
    """Return the mean difference of two pictures, in levels."""
    with Image.open(path) as other:
        return float(np.abs(np.asarray(one, float) - np.asarray(other.convert("RGB"))).mean())


def test_the_picture_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """From coarse to fine, with every watcher; the last picture of each is that picture."""
    monkeypatch.setattr(preview, "SECONDS", 0.0)
    stylize(*RUN, *OUT, *COARSE_TO_FINE, "-q")
    alone = Path("out.png").read_bytes()
    more = ("--save-every", "5", "--animate", "film.gif", "--preview", "now.png", "--live")
    result = stylize(*RUN, *OUT, *COARSE_TO_FINE, *more)
    assert Path("out.png").read_bytes() == alone
    assert new_files() == {"out.png", "out-05.png", "out-10.png", "film.gif", "now.png"}
    assert "The pictures on the way are out-05.png to out-10.png\n" in result.stderr
    assert "The film is film.gif: 4 s\nout.png: " in result.stderr
    assert "\x1b" not in result.output
    assert differences(frames("film.gif")[-1], "out.png") < 12
    with Image.open("now.png") as last, Image.open("out.png") as whole:
        assert np.array_equal(np.asarray(last), np.asarray(whole))


class TestSaveEvery:
    def test_each_is_what_ctrl_c_would_have_saved(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        """And tells so, so that `rerun` can make it again."""
        stylize(*RUN, *OUT, *COARSE_TO_FINE, "--save-every", "4", "-q")
        assert new_files() == {"out.png", "out-04.png", "out-08.png", "out-12.png"}
        assert Path("out-12.png").read_bytes() == Path("out.png").read_bytes()
        stylize("rerun", "out-04.png", "-o", "again.png", "--animate", "again.gif", "-q")
        assert Path("again.png").read_bytes() == Path("out-04.png").read_bytes()
        assert len(frames("again.gif")) == 4 + 1
        interrupted_at(9)
        stylize(*RUN, *OUT, *COARSE_TO_FINE, "-q", code=INTERRUPTED)
        assert read_recipe(Path("out.png")).evaluations == 8
        assert Path("out-08.png").read_bytes() == Path("out.png").read_bytes()

    def test_in_a_folder_as_the_picture_is(self) -> None:
        more = ("--save-every", "6", "--save-to", "made/here", "--bits", "16")
        stylize(*RUN, "-o", "out.tiff", *more, "-q")
        assert new_files() == {"out.tiff", "made/here/out-06.tiff", "made/here/out-12.tiff"}
        last = Path("made/here/out-12.tiff").read_bytes()
        assert last == Path("out.tiff").read_bytes()

    def test_unnamed_pictures_replace_none_of_another_recipe(self) -> None:
        for seed in ("0", "1", "1"):
            stylize(*RUN, "--init", "noise", "--seed", seed, "--save-every", "12", "-q")
        names = {name: read_recipe(Path(name)).options.seed for name in new_files()}
        made = "photo-painting"
        assert names == {
            f"{made}.png": 0, f"{made}-12.png": 0, f"{made}-2.png": 1, f"{made}-12-2.png": 1,
        }  # fmt: skip

    def test_a_further_number_is_told_once(self) -> None:
        noise = (*RUN, "--init", "noise", "--save-every", "6")
        assert "of another picture" not in stylize(*noise, "--seed", "0").stderr
        told = stylize(*noise, "--seed", "1").stderr
        line = "'photo-painting-06.png' is of another picture and stays: this one is "
        assert told.count("of another picture") == 1
        assert f"{line}'photo-painting-06-2.png', and so on." in told

    def test_that_nothing_is_saved_is_told(self) -> None:
        told = stylize(*RUN, *OUT, "--save-every", "13").stderr
        assert told.count("--save-every 13 saves no picture: there are 12 iterations in all.") == 1
        assert new_files() == {"out.png"}
        assert "saves no picture" not in stylize(*RUN, *OUT, "--save-every", "12").stderr

    def test_one_that_cannot_be_saved_does_not_end_those_that_follow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place, places = placing.place_image, list[Path]()

        def full_at_first(*given: Any) -> Path:
            places.append(given[3])
            if len(places) <= 2:
                raise ImageError(f"'{given[3]}' cannot be written: No space left on device.")
            return place(*given)

        monkeypatch.setattr(placing, "place_image", full_at_first)
        result = stylize(*RUN, *OUT, "--save-every", "4", code=FAILURE)
        assert new_files() == {"out.png", "out-12.png"}
        told = "Saving every 4 iterations has left one out: 'out-04.png' cannot be written: "
        on_the_way, last = (line for line in result.stderr.splitlines() if told in line)
        assert on_the_way.endswith("It is tried again with the next.")
        assert last.startswith("Error: ")
        assert "out-08" not in result.stderr

    def test_of_a_picture_to_a_pipe(self) -> None:
        result = stylize(*RUN, "-o", "-", "--save-every", "6", "-q", code=USAGE)
        assert "Name a folder for them with --save-to" in result.stderr
        stylize(*RUN, "-o", "-", "--save-every", "6", "--save-to", ".", "-q")
        assert new_files() == {"stdout-06.png", "stdout-12.png"}

    def test_no_input_is_overwritten(self) -> None:
        os.rename("photo.png", "out-12.png")
        command = ("run", "out-12.png", *RUN[2:], *OUT, "--save-every", "12", "-q")
        assert "--save-every may overwrite 'out-12.png'" in stylize(*command, code=USAGE).stderr

    def test_a_folder_for_nothing(self) -> None:
        result = stylize(*RUN, "--save-to", ".", code=USAGE)
        assert "The --save-to is '.'; it must be given beside --save-every" in result.stderr


class TestFilm:
    def test_it_has_every_iteration_of_a_short_run(self) -> None:
        stylize(*RUN, *OUT, *COARSE_TO_FINE, "--animate", "film.gif", "-q")
        found = frames("film.gif")
        assert len(found) == ITERATIONS + 1
        assert {each.size for each in found} == {(32, 21)}
        assert differences(found[0], "out.png") > 2 * differences(found[-1], "out.png")

    def test_what_there_is_of_it_after_ctrl_c_and_the_rest(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        """`resume` makes a film of its own: that of before is not lost."""
        stylize(*RUN, *OUT, "-q")
        whole = Path("out.png").read_bytes()
        more = ("--animate", "film.gif", "--save-every", "4", "--checkpoint", "1h")
        interrupted_at(6)
        result = stylize(*RUN, *OUT, *more, code=INTERRUPTED)
        told = result.stderr.splitlines()[-1]
        assert "The film is film.gif: 3 s. To go on: stylize resume out.png.check" in told
        assert len(frames("film.gif")) == 6
        before = Path("film.gif").read_bytes()
        result = stylize("resume", "out.png.checkpoint", *more)
        assert "The film is film-2.gif" in result.stderr
        assert Path("film.gif").read_bytes() == before
        assert len(frames("film-2.gif")) == ITERATIONS - 5 + 1
        assert Path("out.png").read_bytes() == whole
        films = {"film.gif", "film-2.gif"}
        assert new_files() == {"out.png", "out-04.png", "out-08.png", "out-12.png", *films}

    def test_of_a_cut_out_in_other_colours(self) -> None:
        """It lies on white."""
        photo = Image.open("photo.png").convert("RGBA")
        photo.putalpha(0)
        photo.save("photo.png")
        stylize(*RUN, *OUT, "--animate", "film.gif", "-q")
        assert np.asarray(frames("film.gif")[-1]).min() == 255

    @pytest.mark.parametrize("command", ["texture", "reconstruct"])
    def test_of_other_commands(self, command: str) -> None:
        file = {"texture": "painting.png", "reconstruct": "photo.png"}[command]
        stylize(command, file, *COMMON, *OUT, "--iterations", "2", "--animate", "film.gif", "-q")
        assert len(frames("film.gif")) == 2 + 1

    def test_a_film_that_would_be_lost_is_not_begun(self) -> None:
        for name in ("out.avi", "missing/film.gif", "photo.png"):
            stylize(*RUN, *OUT, "--animate", name, code=USAGE if "/" not in name else FAILURE)
        os.rename("photo.png", "film.webp")
        command = ("run", "film.webp", *RUN[2:], *OUT)
        for option in ("--animate", "--preview"):
            result = stylize(*command, option, "film.webp", code=USAGE)
            assert "'film.webp' would overwrite 'film.webp'" in result.stderr
        assert new_files() == {"film.webp"}


class TestPreview:
    def test_it_is_replaced_now_and_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not at every iterate: that would take longer than these small ones themselves."""
        saved: list[Path] = []
        save = saving.save_image

        def note_and_save(picture: Any, path: Path, *more: Any, **named: Any) -> None:
            saved.append(path)
            save(picture, path, *more, **named)

        monkeypatch.setattr(saving, "save_image", note_and_save)
        stylize(*RUN, *OUT, "--preview", "now.png", "-q")
        assert 2 <= saved.count(Path("now.png")) < ITERATIONS


def test_a_watcher_that_fails_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """But the command fails, since a film was asked for."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stylize(*RUN, *OUT, "-q")
    alone = Path("out.png").read_bytes()
    monkeypatch.setattr(gif.GifFilm, "add", fail)
    more = ("--animate", "film.gif", "--save-every", "6")
    result = stylize(*RUN, *OUT, *more, code=FAILURE)
    failure = f"The film 'film.gif' had to be given up: {os.strerror(errno.ENOSPC)}."
    assert f"{failure} The run goes on.\n" in result.stderr
    assert result.stderr.endswith(f"Error: {failure}\n")
    assert Path("out.png").read_bytes() == alone
    assert new_files() == {"out.png", "out-06.png", "out-12.png"}


def test_a_signal_waits_until_all_have_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """So neither a file nor what a terminal is told breaks off in between."""
    monkeypatch.setattr(signals, "_hearing", signals._Hearing())
    seen = []

    class Stopping:
        name = "One at which a signal comes"

        def see(self, _: object) -> None:
            signals._hearing(signal.SIGTERM, None)
            seen.append(self)

    watchers = Watchers([Stopping(), Stopping()])  # type: ignore[list-item]
    with pytest.raises(signals.Stopped) as stopped:
        watchers.see(SimpleNamespace())  # type: ignore[arg-type]
    assert stopped.value.code == 143
    assert len(seen) == 2


def test_nothing_is_left_of_a_film_that_fails_on_a_full_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There even the end of what was written before is lost."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(BytesIO):
        close = fail

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    monkeypatch.setattr(gif.GifFilm, "add", fail)
    monkeypatch.setattr(reduced, "on_screen", lambda *_: Image.new("RGB", (32, 21)))
    film = Filming(Path("film.gif"), (32, 21), 8)
    told: list[str] = []
    watchers = Watchers([film], told.append)
    for _ in range(2):
        watchers.see(SimpleNamespace(iteration=1, best=SimpleNamespace(shown=None)))  # type: ignore[arg-type]
    assert told == [
        f"The film 'film.gif' had to be given up: {os.strerror(errno.ENOSPC)}. The run goes on."
    ]
    with pytest.raises(StylizeError, match="given up"):
        watchers.check()


def test_a_picture_is_read_only_if_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """And then once for all, as it is made ready for screens: from a device, that takes time."""
    monkeypatch.setattr(preview, "SECONDS", 0.0)
    monkeypatch.setattr(pauses, "SELDOM", 0)
    calls: list[str] = []

    def counted(what: str, of: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: calls.append(what) or of(*given)

    seen = Found._seen.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Found, "_seen", property(counted("read", seen)))
    monkeypatch.setattr(reduced, "on_screen", counted("made ready", reduced.on_screen))
    stylize(*RUN, *OUT, "--save-every", "6", "-q")
    assert calls == ["read"] * (2 + 1)
    calls.clear()
    more = ("--save-every", "6", "--animate", "film.gif", "--preview", "now.png", "-q")
    stylize(*RUN, *OUT, *more)
    assert calls.count("made ready") == ITERATIONS + 1
    assert calls.count("read") == ITERATIONS + 1 + 1
