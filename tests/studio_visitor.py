"""What people do on the page, by Selenium."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60
"""Seconds until something must have happened; most of it takes far less."""
DESKTOP, PHONE = (1280, 900), (360, 740)

DROP = """
const [selector, files] = arguments;
const transfer = new DataTransfer();
for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type}));
}
const target = document.querySelector(selector);
for (const kind of ["dragenter", "dragover", "drop"]) {
    const told = {dataTransfer: transfer, bubbles: true, cancelable: true};
    target.dispatchEvent(new DragEvent(kind, told));
}
"""
PASTE = """
const [name, type, data] = arguments;
const transfer = new DataTransfer();
const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
transfer.items.add(new File([bytes], name, {type}));
document.body.dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
"""
WRITE = """
const [id, value] = arguments;
const field = document.getElementById(id);
field.value = value;
field.dispatchEvent(new Event("input", {bubbles: true}));
"""
PRESSED = (
    "//*[self::button or self::a or self::summary]"
    "[@aria-label='{0}' or not(@aria-label) and normalize-space()='{0}']"
)
TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".txt": "text/plain"}


class Visitor:
    """A browser, and whoever sits before it.

    Parameters
    ----------
    driver : Chrome
        The browser.
    downloads : Path
        Where it saves files.
    """

    def __init__(self, driver: Chrome, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads
        self.address = ""

    def open(self, address: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Open the page anew."""
        self.address = address
        self.looks(size, dark=dark)
        self.driver.get("about:blank")  # the same address with another '#' would not load it
        self.driver.get(address)
        self.until(lambda: self.all("html[data-ready]"))
        self.complaints()

    def looks(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """Change the window, and what the visitor prefers."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        phone = size == PHONE
        self._tell("Emulation.setDeviceMetricsOverride", **metrics, mobile=phone)
        self._tell("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._tell("Emulation.setEmulatedMedia", features=[scheme])

    def _tell(self, command: str, **values: Any) -> None:
        self.driver.execute_cdp_cmd(command, values)

    def all(self, selector: str) -> list[WebElement]:
        """Return all elements that a selector names."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """Return the element that a selector names, once it is there."""
        (found,) = self.until(lambda: self.all(selector))
        return found

    def text(self, selector: str) -> str:
        """Return what is read there."""
        return self.one(selector).text

    def press(self, name: str) -> None:
        """Press the button, or what looks like one, that has a name and can be seen."""
        found = self.driver.find_elements(By.XPATH, PRESSED.format(name))
        (seen,) = [each for each in found if each.is_displayed()]
        seen.click()

    def write(self, **values: object) -> None:
        """Write values of options into their fields."""
        for name, value in values.items():
            self.run(WRITE, f"option-{name}", str(value))

    def drop(self, selector: str, *files: Path) -> None:
        """Drop files there."""
        self.driver.execute_script(DROP, selector, [_told(each) for each in files])

    def paste(self, file: Path) -> None:
        """Paste a file from the clipboard."""
        self.driver.execute_script(PASTE, *_told(file))

    def until(self, happened: Callable[[], Any]) -> Any:
        """Wait for something."""
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda _: happened())

    def until_read(self, selector: str, words: str) -> None:
        """Wait for words."""
        self.until(lambda: words in self.text(selector))

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def has_focus(self, selector: str) -> bool:
        """Tell whether what is named has the focus."""
        return bool(self.run("return document.activeElement.matches(arguments[0])", selector))

    def complaints(self) -> list[str]:
        """Return what the console was told since it was asked last: refused by the CSP, say."""
        return [each["message"] for each in self.driver.get_log("browser")]

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def photograph(self, path: Path) -> None:
        """Save what is seen."""
        self.driver.save_screenshot(str(path))


def _told(file: Path) -> tuple[str, str, str]:
    data = base64.b64encode(file.read_bytes()).decode()
    return file.name, TYPES[file.suffix], data
