"""Libraries say nothing while a picture is read, and no thread spoils that for another."""

import logging
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path
from threading import Barrier

import pytest
from colours import COLOURS, saved
from crafted import SHORT, tiff
from PIL import Image, PngImagePlugin

from stylize.models.errors import ImageError
from stylize.runtime.files.silence import without_warnings
from stylize.runtime.pictures.reading import load_image


def damaged_fax() -> bytes:
    """A TIFF of whose pixels libtiff says that they are damaged."""
    buffer = BytesIO()
    Image.new("1", (32, 24)).save(buffer, "TIFF", compression="group4")
    with Image.open(buffer) as image:
        (start,), (length,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    data = buffer.getvalue()
    return data[:start] + b"\x01" * length + data[start + length :]


def test_what_libraries_say_does_not_reach_stderr(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow logs errors, and libtiff writes to the process's stderr."""
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's, which would hide the first
    for data in (tiff(COLOURS, more={277: (SHORT, 36)}), damaged_fax()):
        with suppress(ImageError):
            load_image(data)
    assert capfd.readouterr() == ("", "")


def test_an_image_of_pillow_is_loaded_as_silently(capfd: pytest.CaptureFixture[str]) -> None:
    with Image.open(BytesIO(damaged_fax())) as image, suppress(ImageError):
        load_image(image)
    assert capfd.readouterr() == ("", "")


def test_stderr_and_warnings_are_there_again(capfd: pytest.CaptureFixture[str]) -> None:
    buffer = BytesIO()
    Image.fromarray(COLOURS).save(buffer, "TIFF")
    data, before = buffer.getvalue(), list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load_image, [data] * 20))
    assert list(warnings.filters) == before
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning])
def test_warnings_of_pillow_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, category: type[Warning]
) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
    load = PngImagePlugin.PngImageFile.load

    def warn(self: PngImagePlugin.PngImageFile) -> object:
        warnings.warn("odd metadata", category, stacklevel=1)
        return load(self)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", warn)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        load_image(path)
    assert shown == []


def test_pictures_are_decoded_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
    load, meeting = PngImagePlugin.PngImageFile.load, Barrier(2, timeout=10)

    def meet(self: PngImagePlugin.PngImageFile) -> object:
        if self.tile:
            meeting.wait()
        return load(self)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", meet)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(load_image, [path] * 2))) == 2


@pytest.mark.skipif(
    getattr(sys.flags, "context_aware_warnings", False), reason="each thread has its own filters"
)
def test_warnings_are_shown_again_when_the_last_thread_is_done() -> None:
    first, last = ExitStack(), ExitStack()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        first.enter_context(without_warnings())
        last.enter_context(without_warnings())
        first.close()
        warnings.warn("unheard", UserWarning, stacklevel=1)
        last.close()
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["heard"]
