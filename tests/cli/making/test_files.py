"""Depth, profiles, metadata and pipes, from the command line to the file."""

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from colours import SRGB
from crafted import tiff as plain_tiff
from deep import read_deep
from PIL import Image, ImageCms
from spaces import ADOBE, P3
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.making import pipes
from stylize.runtime.files import standard
from stylize.runtime.pictures import spaces
from stylize.runtime.pictures.reading import load_image, read_chunk
from stylize.runtime.pictures.saving import save_image
from stylize.runtime.plans.recipe import KEYWORD, read_recipe

FAILURE, USAGE = 1, 2
OPTIONS = ("--size", "32", "--content-weight", "0", "--style-layer", "conv1_1", "--iterations", "2")
RUN = ("run", "photo.png", "painting.png", *OPTIONS)


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)
    standard.standard_input.cache_clear()


def stylize(*arguments: str, code: int = 0, stdin: bytes = b"") -> Result:
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exit_code == code, result.output
    return result


def last_line(result: Result) -> str:
    return str(result.stderr.splitlines()[-1])


def with_profile(name: str, profile: bytes) -> None:
    """Save the photo again with a profile."""
    with Image.open("photo.png") as photo:
        photo.save(name, icc_profile=profile)


def profile_of(path: str) -> bytes:
    with Image.open(path) as file:
        return bytes(file.info["icc_profile"])


class TestBits:
    def test_16_is_deeper_and_otherwise_the_same(self) -> None:
        stylize(*RUN, "-o", "eight.png")
        stylize(*RUN, "-o", "deep.png", "--bits", "16")
        deep = read_deep(Path("deep.png"))
        assert np.abs(deep / 257 - np.asarray(Image.open("eight.png"))).max() <= 0.51
        assert (deep % 257 != 0).mean() > 0.9
        stylize("rerun", "deep.png", "-o", "deep.tiff")
        assert np.array_equal(read_deep(Path("deep.tiff")), deep)
        stylize("rerun", "deep.png", "--bits", "8", "-o", "again.png")
        assert Path("again.png").read_bytes() == Path("eight.png").read_bytes()

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            (("--bits", "16", "-o", "out.jpg"), "A JPEG file has 8 bits a channel, not 16."),
            (("--bits", "12"), "The number of bits is 12; it must be 8 or 16."),
            (("--quality", "0"), "The quality is 0; it must be from 1 to 100."),
            (("--float-range", "1"), "--float-range is '1'; write the values of black and white"),
            (("--float-range", "1,0"), "The value of white is 0; it must be more than"),
        ],
    )
    def test_what_cannot_be_is_refused_before_the_work(
        self, more: tuple[str, ...], why: str
    ) -> None:
        before = sorted(Path().iterdir())
        assert why in last_line(stylize(*RUN, *more, code=USAGE))
        assert sorted(Path().iterdir()) == before

    def test_what_does_nothing_is_told(self) -> None:
        found = stylize(*RUN, "--quality", "9", "--float-range", "0,1").stderr
        assert "The quality does nothing: a .png loses nothing." in found
        assert "The range does nothing: no picture has floating-point pixels." in found


class TestProfiles:
    def test_colours_beyond_srgb_are_kept(self) -> None:
        """Reconstructed, a green of Display P3 stays it; in sRGB it is clipped."""
        Image.new("RGB", (32, 32), (0, 255, 0)).save("green.png", icc_profile=P3)
        run = ("reconstruct", "green.png", "--init", "photo", "--iterations", "1", "--size", "32")
        stylize(*run, "--layer", "conv1_1", "--profile", "keep", "-o", "kept.png")
        stylize(*run, "--layer", "conv1_1", "-o", "srgb.png")
        assert np.asarray(Image.open("kept.png"))[16, 16].tolist() == [0, 255, 0]
        with Image.open("srgb.png") as file:
            srgb, p3 = (ImageCms.ImageCmsProfile(io.BytesIO(each)) for each in (SRGB, P3))
            red, *_ = np.asarray(ImageCms.profileToProfile(file, srgb, p3))[16, 16].tolist()
        assert red > 100

    def test_without_one_it_is_srgb(self) -> None:
        stylize(*RUN, "-o", "out.jpg", "--profile", "keep")
        assert profile_of("out.jpg") == spaces.SRGB.profile

    def test_of_a_file_and_made_again_when_that_is_gone(self) -> None:
        Path("mine.icc").write_bytes(ADOBE)
        stylize(*RUN, "-o", "out.png", "--profile", "mine.icc", "--bits", "16")
        assert profile_of("out.png") == ADOBE
        Path("mine.icc").unlink()
        stylize("rerun", "out.png")
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()
        text = {KEYWORD: str(read_chunk("out.png", KEYWORD))}
        save_image(load_image("out.png"), Path("out.png"), text)
        assert "has another colour profile" in last_line(stylize("rerun", "out.png", code=FAILURE))

    def test_pictures_of_other_profiles_do_not_replace_each_other(self) -> None:
        with_profile("photo.png", P3)
        stylize(*RUN)
        assert "photo-painting-2.png: 32x21" in stylize(*RUN, "--profile", "keep").stderr
        assert "photo-painting-3.png: 32x21" in stylize(*RUN, "--bits", "16").stderr

    def test_of_cmyk_it_cannot_be_kept_which_is_told(self) -> None:
        profile = P3.replace(b"RGB ", b"CMYK", 1)
        Image.new("CMYK", (48, 32), (0, 200, 200, 0)).save("print.jpg", icc_profile=profile)
        found = stylize("run", "print.jpg", "painting.png", *OPTIONS, "--profile", "keep")
        wanted = "The profile of 'print.jpg' is of CMYK, not of RGB, so the picture is in sRGB"
        assert wanted in found.stderr
        assert profile_of("print-painting.png") != profile

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (P3.replace(b"RGB ", b"CMYK", 1), "is of CMYK, not of RGB. Name one of RGB"),
            (b"text", "is no ICC profile. Name one of RGB"),
            (None, f"cannot be read: {os.strerror(errno.ENOENT)}. Name one of RGB"),
        ],
    )
    def test_a_file_of_no_use_is_refused(self, content: bytes | None, why: str) -> None:
        if content is not None:
            Path("a.icc").write_bytes(content)
        found = last_line(stylize(*RUN, "--profile", "a.icc", code=USAGE))
        assert found.startswith(f"Error: The profile 'a.icc' {why}")


class TestMetadata:
    @pytest.fixture(autouse=True)
    def photo(self) -> None:
        exif = Image.Exif()
        exif[271] = "Canon"
        exif.get_ifd(34853)[1] = "N"
        with Image.open("photo.png") as photo:
            photo.save("photo.png", exif=exif, dpi=(300, 300))

    @pytest.mark.parametrize(
        ("more", "make", "place"),
        [((), "Canon", None), (("all",), "Canon", "N"), (("none",), None, None)],
        ids=["by default", "all", "none"],
    )
    def test_what_is_kept(self, more: tuple[str, ...], make: str | None, place: str | None) -> None:
        stylize(*RUN, "-o", "out.jpg", *(("--keep-metadata", *more) if more else ()))
        with Image.open("out.jpg") as file:
            exif = file.getexif()
            assert exif.get(271) == make
            assert exif.get_ifd(34853).get(1) == place
            assert file.info.get("dpi") == ((300, 300) if make else None)


class TestFloats:
    def test_with_their_range(self) -> None:
        with Image.open("photo.png") as photo:
            values = np.asarray(photo, np.float32) / 255 * 5 - 1
        Path("float.tif").write_bytes(plain_tiff(values))
        run = ("run", "float.tif", "painting.png", *OPTIONS)
        refused = last_line(stylize(*run, code=FAILURE))
        assert "floating-point pixels from -1 to 4" in refused
        assert refused.endswith("Say so to 'stylize run': --float-range 0,1")
        found = stylize(*run, "--float-range", "-1,4", "-o", "out.png")
        assert "does nothing" not in found.stderr
        stylize(*RUN, "-o", "same.png")
        stylize("rerun", "out.png", "-o", "again.png")
        for name in ("same.png", "again.png"):
            assert np.array_equal(load_image("out.png"), load_image(name))


class TestPipes:
    def test_a_photo_and_a_picture(self) -> None:
        stylize(*RUN, "-o", "out.png", "--bits", "16")
        photo = Path("photo.png").read_bytes()
        run = ("run", "-", "painting.png", *OPTIONS, "-o", "-", "--bits", "16")
        found = stylize(*run, stdin=photo)
        assert "On the standard output: 32x21, iteration 2" in found.stderr
        Path("piped.png").write_bytes(found.stdout_bytes)
        assert np.array_equal(read_deep(Path("piped.png")), read_deep(Path("out.png")))
        moved = "Say where it lies now with --photo"
        assert moved in last_line(stylize("rerun", "piped.png", code=FAILURE))
        again = stylize("rerun", "piped.png", "--photo", "photo.png", "-o", "-").stdout_bytes
        assert again == Path("out.png").read_bytes()

    def test_into_a_sheet_and_before_a_judge(self) -> None:
        photo = Path("photo.png").read_bytes()
        stylize("sheet", "painting.png", "-", "-o", "sheet.png", stdin=photo)
        stylize(
            "sheet",
            "painting.png",
            "photo.png",
            "-o",
            "same.png",
            "--label",
            "painting",
            "--label",
            "<stdin>",
        )
        assert Path("sheet.png").read_bytes() == Path("same.png").read_bytes()
        standard.standard_input.cache_clear()
        found = last_line(stylize("judge", "photo.png", "painting.png", "-", code=FAILURE))
        assert found.startswith("Error: '<stdin>' cannot be read: it is empty.")

    def test_a_painting_and_the_name_of_the_result(self) -> None:
        painting = Path("painting.png").read_bytes()
        stylize("run", "photo.png", "-", *OPTIONS, stdin=painting)
        assert load_image("photo-stdin.png").size == (32, 21)

    @pytest.mark.parametrize(("stdin", "why"), [(b"", "it is empty"), (b"text", "no picture")])
    def test_what_is_no_picture(self, stdin: bytes, why: str) -> None:
        found = last_line(stylize("run", "-", "painting.png", *OPTIONS, stdin=stdin, code=FAILURE))
        assert found.startswith("Error: '<stdin>' cannot be read: ")
        assert why in found

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a device that is always full")
    def test_an_output_that_is_full_loses_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with io.TextIOWrapper(io.BufferedWriter(io.FileIO("/dev/full", "w"))) as full:
            monkeypatch.setattr(pipes, "sys", SimpleNamespace(stdout=full))
            found = last_line(stylize(*RUN, "-o", "-", code=FAILURE))
        reason = os.strerror(errno.ENOSPC)
        wanted = f"takes no picture: {reason}. The picture is in 'stdout.png' instead."
        assert found == f"Error: The standard output {wanted}"
        assert read_recipe(Path("stdout.png")).finished

    def test_a_terminal_shows_no_picture(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "typer.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False
        )
        found = stylize(*RUN, "-o", "-", code=USAGE)
        assert "A picture cannot go to a terminal." in last_line(found)
        found = stylize("run", "-", "painting.png", *OPTIONS, code=FAILURE)
        assert "Nothing is piped to the standard input" in last_line(found)


@pytest.mark.skipif(sys.platform == "win32", reason="names there are Unicode")
def test_names_in_every_script() -> None:
    names = ["صورة-العائلة.png", "चित्र 🎨 ภาพ.png", "профиль.icc", "ה결果e\u0301\udcff.tiff"]
    photo, painting, profile, output = names
    Path("photo.png").rename(photo)
    Path("painting.png").rename(painting)
    Path(profile).write_bytes(ADOBE)
    more = ("--profile", profile, "--bits", "16", *OPTIONS)
    stylize("run", photo, painting, "-o", output, *more)
    assert read_deep(Path(output)).shape == (21, 32, 3)
    stylize("run", photo, painting, *more)
    (made,) = Path().glob("صورة*-चित्र*.png")
    stylize("rerun", str(made))
    (again,) = Path().glob("*-again.png")
    assert again.read_bytes() == made.read_bytes()
