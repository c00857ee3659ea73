"""Films play as they were meant to, in any player; and they appear whole or not at all."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.models.errors import ExtraError, ImageError, OptionError
from stylize.runtime.films import mp4
from stylize.runtime.films.filming import KINDS, check_film, filming, kind_of
from stylize.runtime.films.rhythm import LINGERING, SECONDS, Rhythm, rhythm_of

COLOURS = [(200, 40, 40), (40, 160, 60), (50, 60, 190), (230, 230, 220)]
RHYTHM = Rhythm(every=1, milliseconds=100)
NEAR = 8.0
"""Levels by which a plain colour may be off after a lossy compression."""

needs_pyav = pytest.mark.skipif(
    find_spec("av") is None, reason="films in .mp4 need the extra 'animate'"
)
every_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=needs_pyav if kind == ".mp4" else ()) for kind in KINDS]
)


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, colour)


def film_of(path: Path, *pictures: Image.Image, size: tuple[int, int] = (40, 30)) -> Path:
    """Film some pictures; the last one stays three times as long."""
    with filming(path, size, RHYTHM) as film:
        for picture in pictures[:-1]:
            film.add(picture)
        film.add(pictures[-1], 3)
    return path


def played(path: Path) -> tuple[list[npt.NDArray[np.uint8]], list[int]]:
    """Return each picture of a film, and how many milliseconds it is shown."""
    if path.suffix == ".mp4":
        return played_by_ffmpeg(path)
    with Image.open(path) as film:
        assert film.info["loop"] == 0  # again and again
        pictures, times = [], []
        for number in range(film.n_frames):
            film.seek(number)
            film.load()
            pictures.append(np.asarray(film.convert("RGB")))
            times.append(film.info["duration"])
    return pictures, times


def played_by_ffmpeg(path: Path) -> tuple[list[npt.NDArray[np.uint8]], list[int]]:
    import av

    with av.open(path) as film:
        (stream,) = film.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        each = int(1000 / stream.average_rate)
        frames = [frame.reformat(format="rgb24") for frame in film.decode(stream)]
    return [frame.to_ndarray() for frame in frames], [each] * len(frames)


def off(picture: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> float:
    return float(np.abs(picture.astype(float) - colour).max())


@every_kind
def test_a_film_shows_its_pictures_in_turn(kind: str, tmp_path: Path) -> None:
    path = film_of(tmp_path / f"film{kind}", *map(plain, COLOURS))
    pictures, times = played(path)
    last = [300] if kind != ".mp4" else [100, 100, 100]
    assert times == [100, 100, 100, *last]
    for picture, colour in zip(pictures, [*COLOURS, COLOURS[-1], COLOURS[-1]], strict=False):
        assert picture.shape == (30, 40, 3)
        assert off(picture, colour) < NEAR
    assert os.listdir(tmp_path) == [path.name]


@every_kind
def test_pictures_of_coarse_scales_are_enlarged(kind: str, tmp_path: Path) -> None:
    """And one pixel is cut off for MP4, whose colours lie between two pixels of each direction."""
    halves = Image.new("RGB", (20, 15))
    halves.paste((255, 255, 255), (10, 0, 20, 15))
    path = film_of(tmp_path / f"film{kind}", halves, halves.resize((41, 31)), size=(41, 31))
    small, large = played(path)[0][:2]
    assert small.shape == large.shape == ((30, 40, 3) if kind == ".mp4" else (31, 41, 3))
    for picture in (small, large):
        assert picture[:, :16].max() < 40
        assert picture[:, 25:].min() > 215


def test_a_large_picture_makes_a_film_that_players_take(tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.gif", plain(COLOURS[0], (1030, 515)), size=(1030, 515))
    (picture,), _ = played(path)
    assert picture.shape == (256, 512, 3)


@pytest.mark.parametrize("kind", [".webp", ".gif"])
def test_a_picture_is_written_when_it_comes(kind: str, tmp_path: Path) -> None:
    """So no memory has to hold them all."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    sizes = []
    with filming(tmp_path / f"film{kind}", (40, 30), RHYTHM) as film:
        (part,) = tmp_path.iterdir()
        for _ in range(20):
            film.add(Image.fromarray(noise))
            sizes.append(part.stat().st_size)
    assert sizes[0] < sizes[10] < sizes[19]


@every_kind
def test_after_an_error_the_film_of_before_is_there(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"film{kind}"
    path.write_bytes(b"earlier")

    def film_and_fail() -> None:
        with filming(path, (40, 30), RHYTHM) as film:
            film.add(plain(COLOURS[0]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        film_and_fail()
    assert path.read_bytes() == b"earlier"
    assert os.listdir(tmp_path) == [path.name]


@needs_pyav
def test_an_mp4_plays_before_all_of_it_is_there(tmp_path: Path) -> None:
    """Its index lies before its pictures, and it says in which colours they are."""
    import av

    path = film_of(tmp_path / "film.mp4", *map(plain, COLOURS))
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(path) as film:
        context = film.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries) == (mp4.BT709, mp4.BT709)
        assert (context.color_trc, context.color_range) == (mp4.SRGB_CURVE, mp4.LIMITED)


class TestRhythm:
    @pytest.mark.parametrize("rate", {kind.rate for kind in KINDS.values()})
    @pytest.mark.parametrize("iterations", [1, 7, 79, 80, 81, 300, 1000, 12345])
    def test_a_film_is_not_too_long(self, iterations: int, rate: int) -> None:
        rhythm = rhythm_of(iterations, rate)
        pictures = len(range(1, iterations + 1, rhythm.every))
        assert pictures <= SECONDS * rate
        assert pictures * rhythm.milliseconds <= 1000 * SECONDS
        assert rhythm.lingering * rhythm.milliseconds >= LINGERING

    @pytest.mark.parametrize("iterations", [160, 300, 1000, 12345])
    def test_nor_too_short(self, iterations: int) -> None:
        rhythm = rhythm_of(iterations, 24)
        assert iterations // rhythm.every * rhythm.milliseconds > 900 * SECONDS

    def test_few_pictures_are_not_shown_for_ever(self) -> None:
        assert rhythm_of(4, 24) == Rhythm(1, 200)


class TestWhatIsKnownBefore:
    def test_an_unknown_ending(self) -> None:
        with pytest.raises(OptionError, match=r"must end in one of \.mp4, \.webp, \.gif"):
            check_film(Path("film.avi"))

    def test_an_ending_in_capitals(self) -> None:
        assert kind_of(Path("FILM.GIF")) is KINDS[".gif"]

    def test_pyav_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mp4, "find_spec", lambda _: None)
        with pytest.raises(ExtraError, match=r"pip install .*\[animate\].* A \.webp or a \.gif"):
            check_film(Path("film.mp4"))
        check_film(Path("film.gif"))

    @pytest.mark.parametrize("place", ["folder.gif", "missing/film.gif"])
    def test_a_place_that_takes_none(self, place: str, tmp_path: Path) -> None:
        (tmp_path / "folder.gif").mkdir()
        with pytest.raises(ImageError, match="Name"):
            check_film(Path(place))
