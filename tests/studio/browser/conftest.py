"""One browser for all tests of the page, and two studios that serve it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("selenium", reason="a browser is driven by Selenium, of the extra test")

from open_studio import opened
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from studio_visitor import Visitor

from stylize.studio.painting import USUAL_COMMAND

if TYPE_CHECKING:
    from studio_client import Client

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("headless=new", "disable-dev-shm-usage", "hide-scrollbars")


Browsers = Callable[..., AbstractContextManager[Visitor]]
"""Starts a browser with some flags."""


@pytest.fixture(scope="session")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Browsers:
    """Start browsers without a window."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("needs chromium and chromedriver: .ci/browser installs them")

    @contextmanager
    def start(*flags: str) -> Iterator[Visitor]:
        downloads = tmp_path_factory.mktemp("downloads")
        options = ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, *flags):
            options.add_argument(f"--{flag}")
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # root can have none
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        with Chrome(options, ChromeService(driver)) as opened_browser:
            yield Visitor(opened_browser, downloads)

    return start


@pytest.fixture(scope="session")
def chromium(browsers: Browsers) -> Iterator[Visitor]:
    """A browser that computes on the CPU."""
    with browsers("disable-gpu") as visitor:
        yield visitor


@contextmanager
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Work in an empty folder, in which no model is found; give one for a gallery."""
    with chdir(tmp_path_factory.mktemp("studio")):
        yield Path("gallery").resolve()


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Client"]:
    """A studio whose painter paints nothing."""
    with elsewhere(tmp_path_factory) as folder, opened(folder, page=True) as client:
        yield client


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Client"]:
    """A studio that paints."""
    with (
        elsewhere(tmp_path_factory) as folder,
        opened(folder, page=True, command=USUAL_COMMAND) as client,
    ):
        yield client


@pytest.fixture
def visitor(chromium: Visitor) -> Iterator[Visitor]:
    """Somebody with a browser, whose console must not have been complained to in the end."""
    chromium.complaints()
    yield chromium
    assert chromium.complaints() == []


@pytest.fixture
def files(picture: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """A photo and a painting."""
    return picture("boat.png", (48, 32)), picture("sunset.png", (40, 40), seed=1)
