"""A studio from its opening to its end."""

import webbrowser
from pathlib import Path
from threading import Event

import pytest
from open_studio import MACHINE, opened, served, settings
from studio_painter import STUBBORN

from stylize.models.errors import OptionError, StylizeError
from stylize.studio import serving
from stylize.studio.limits import Limits
from stylize.studio.serving import Settings, Studio, open_browser


def test_a_second_signal_waits_for_no_step(tmp_path: Path) -> None:
    studio = Studio(settings(tmp_path))
    with served(studio) as client:
        name = client.start(seed=STUBBORN)
        client.begun(name)
        studio.end()
    with opened(tmp_path, workers=0) as client:
        job = client.job(name)
    assert (job["state"], job["error"], job["resumable"]) == ("stopped", None, True)


def test_it_takes_a_free_port_unless_one_is_named(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as client:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(serving, "PORT", client.port)
            with opened(tmp_path / "b", port=None) as other:
                assert other.port != client.port
                assert other.get("/api/health").status == 200
        with pytest.raises(OptionError, match=r"Nothing can listen at 127\.0\.0\.1, port"):
            Studio(settings(tmp_path / "c", port=client.port))
    assert not (tmp_path / "c").exists()


def test_without_the_page_it_does_not_pretend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "PAGE", tmp_path / "none")
    usual = Settings(tmp_path / "gallery", MACHINE, Limits(), port=0)
    with pytest.raises(StylizeError, match="The page's files are missing"):
        Studio(usual)
    with opened(tmp_path / "gallery"):  # and it has given back what it held
        pass


@pytest.mark.parametrize("screen", ["", ":0"])
def test_a_browser_is_opened_where_there_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, screen: str
) -> None:
    shown, done = [], Event()

    def show(link: str) -> None:
        shown.append(link)
        done.set()

    monkeypatch.setattr(serving.sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", show)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", screen)
    open_browser("http://here/")
    assert done.wait(10 if screen else 0.1) is bool(screen)
    assert shown == (["http://here/"] if screen else [])
