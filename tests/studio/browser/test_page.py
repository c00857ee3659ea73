"""What people do on the page, in a real browser, with a real studio behind it."""

from pathlib import Path

import pytest
from conftest import REPOSITORY
from PIL import Image
from selenium.webdriver.common.keys import Keys
from studio_client import Client
from studio_painter import FAILS, WAITS
from studio_visitor import DESKTOP, PHONE, Visitor

pytestmark = pytest.mark.tools

AXE = REPOSITORY / ".ci" / "page" / "node_modules" / "axe-core" / "axe.min.js"
FOUND = """
const done = arguments[0];
axe.run({resultTypes: ["violations"]}).then(({violations}) => done(
    violations.map(({id, impact, nodes}) => [impact, id, nodes.map(({html}) => html)])));
"""

Files = tuple[Path, Path]


def link(client: Client, job: str = "") -> str:
    return f"http://{client.host}:{client.port}/{f'#job/{job}' if job else ''}"


def prepare(visitor: Visitor, client: Client, files: Files, **options: object) -> None:
    """Open the page, drop both pictures where they belong, and choose options."""
    visitor.open(link(client))
    visitor.drop("#photo-frame", files[0])
    visitor.drop("#paintings-frame", files[1])
    visitor.write(size=64, iterations=8)
    visitor.write(**options)


def start(visitor: Visitor) -> str:
    """Press the button and return the id of the job."""
    before = visitor.driver.current_url
    visitor.press("Start")
    visitor.until(lambda: visitor.driver.current_url != before)
    return visitor.driver.current_url.rpartition("/")[2]


def accept(visitor: Visitor) -> None:
    """Answer the question of whether to delete."""
    visitor.until(lambda: visitor.one("#ask").is_displayed())
    visitor.one("#ask-yes").click()


def test_a_picture_is_painted_compared_downloaded_and_made_again(
    visitor: Visitor, real: Client, files: Files
) -> None:
    prepare(visitor, real, files)
    visitor.until_read("#plan", "64 × 43 pixels")
    first = start(visitor)
    visitor.until_read("#job-state", "Done in")
    assert visitor.text("#job-title") == "boat × sunset"
    assert visitor.has_focus("#job-title")

    curve = visitor.one("#curve-drawing").get_attribute("aria-label")
    assert "at iteration 8 of 8" in str(curve)
    points = str(visitor.one("#curve-line").get_attribute("points")).split()
    assert len(points) == 8
    visitor.until(lambda: visitor.one("#compare-picture").is_displayed())
    width = visitor.run("return document.getElementById('compare-picture').naturalWidth")
    assert width == 64

    visitor.press("Download")
    saved = visitor.downloads / "boat × sunset.png"
    visitor.until(saved.exists)
    with Image.open(saved) as image:
        assert image.size == (64, 43)
        assert '"size":64' in image.text["stylize"]  # type: ignore[attr-defined]
    visitor.press("Recipe")
    visitor.until_read("#recipe-text", '"size": 64')

    visitor.press("Make it again")
    visitor.until(lambda: first not in visitor.driver.current_url)
    visitor.until_read("#job-state", "Done in")
    assert visitor.text("#job-options").split() == ["Size", "64", "Iterations", "8"]
    cards = [each.get_attribute("href") for each in visitor.all("#wall a")]
    assert cards == [visitor.driver.current_url, link(real, first)]


def test_a_picture_is_stopped_kept_and_gone_on_with(
    visitor: Visitor, real: Client, files: Files
) -> None:
    prepare(visitor, real, files, iterations=2000)
    visitor.write(scales="1")
    job = start(visitor)
    visitor.until_read("#job-state", "Painting")
    visitor.until(lambda: visitor.one("#compare-picture").is_displayed())
    visitor.press("Stop and keep")
    visitor.until_read("#job-state", "Stopped after")
    stopped = real.get(f"/api/jobs/{job}").told["progress"]["iteration"]
    visitor.press("Go on")
    real.wait(job, lambda told: told["progress"]["iteration"] > stopped)
    visitor.press("Stop and keep")
    visitor.until_read("#job-state", "Stopped after")
    assert visitor.text("#job-state") != f"Stopped after {stopped} of 2000 iterations"


def test_the_slider_between_photo_and_picture_obeys_keys(
    visitor: Visitor, quick: Client, files: Files
) -> None:
    prepare(visitor, quick, files)
    start(visitor)
    visitor.until(lambda: visitor.one("#compare-picture").is_displayed())
    visitor.run("document.getElementById('compare-slider').focus()")
    seen = "return getComputedStyle(document.getElementById('compare-photo')).clipPath"
    assert "100%" in visitor.run(seen)
    visitor.keys(*[Keys.ARROW_RIGHT] * 3)
    said = visitor.one("#compare-slider").get_attribute("aria-valuetext")
    assert said == "3 % photo, 97 % picture"
    assert "97%" in visitor.run(seen)


def test_others_wait_and_can_be_taken_out(visitor: Visitor, quick: Client, files: Files) -> None:
    prepare(visitor, quick, files, seed=WAITS)
    running = start(visitor)
    visitor.until_read("#job-state", "Painting")
    for state in ("Waiting, next", "Waiting, 1 before it"):
        visitor.press("New picture")
        visitor.until(lambda: visitor.one("#start").is_displayed())
        start(visitor)
        visitor.until_read("#job-state", state)
    visitor.press("Take out of the queue")
    visitor.until_read("#job-state", "Stopped before it began")
    states = [each.text for each in visitor.all("#wall .state") if each.is_displayed()]
    assert states[:3] == ["Stopped before it began", "Waiting, next", "Painting, 100 %"]
    for job in quick.get("/api/jobs").told["jobs"]:
        if job["state"] == "queued":
            quick.ask("DELETE", f"/api/jobs/{job['id']}")
    quick.ask("POST", f"/api/jobs/{running}/stop")
    visitor.until(lambda: quick.get(f"/api/jobs/{running}").told["state"] == "stopped")
    visitor.until(lambda: "Painting" not in visitor.text("#wall"))  # the wall asks by itself


def test_another_go_has_the_same_pictures_and_options(
    visitor: Visitor, quick: Client, files: Files
) -> None:
    prepare(visitor, quick, files, strength=70, seed=11)
    visitor.run("document.getElementById('option-side').value = 'short'")
    start(visitor)
    visitor.until_read("#job-state", "Done")
    visitor.open(visitor.driver.current_url)  # nothing but what the studio keeps
    visitor.press("Another go from here")
    visitor.until(lambda: visitor.one("#start").is_displayed())
    assert visitor.has_focus("#compose-title")
    names = [each.text for each in visitor.all("#compose .name")]
    assert names == ["boat.png", "sunset.png"]
    visitor.write(strength=30)
    job = start(visitor)
    assert quick.get(f"/api/jobs/{job}").told["options"] == {
        **{"size": 64, "iterations": 8, "strength": 30, "seed": 11, "side": "short"}
    }
    for kind, file in (("photo", files[0]), ("paintings/0", files[1])):
        assert quick.get(f"/api/jobs/{job}/{kind}").body == file.read_bytes()


def test_deleting_asks_first(visitor: Visitor, quick: Client, files: Files) -> None:
    prepare(visitor, quick, files)
    job = start(visitor)
    visitor.until_read("#job-state", "Done")
    visitor.press("Delete")
    visitor.until(lambda: visitor.has_focus("#ask [value=no]"))
    visitor.keys(Keys.ESCAPE)
    assert quick.get(f"/api/jobs/{job}").status == 200
    assert visitor.has_focus("#remove")
    visitor.press("Delete")
    accept(visitor)
    visitor.until(lambda: visitor.one("#start").is_displayed())
    assert quick.get(f"/api/jobs/{job}").status == 404
    assert job not in [each.get_attribute("href")[-32:] for each in visitor.all("#wall a")]


def test_what_is_no_picture_is_told_where_it_belongs(
    visitor: Visitor, quick: Client, files: Files, tmp_path: Path
) -> None:
    notes, broken = tmp_path / "notes.txt", tmp_path / "broken.png"
    notes.write_text("no picture")
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    visitor.open(link(quick))
    visitor.press("Start")
    assert "There is no photo yet" in visitor.text("#start-error")
    assert visitor.has_focus("#photo-file")
    visitor.drop("body", notes)
    assert visitor.text("#inputs-error").startswith("'notes.txt' is no picture.")
    visitor.drop("body", broken, files[1])
    visitor.press("Start")
    visitor.until_read("#start-error", "broken.png")
    assert not visitor.one("#plan").is_displayed()
    complaints = visitor.complaints()
    assert len(complaints) == 1
    assert "400" in complaints[0]


def test_a_job_that_fails_says_why(visitor: Visitor, quick: Client, files: Files) -> None:
    prepare(visitor, quick, files, seed=FAILS)
    start(visitor)
    # The command line calls the option --painting-size.
    visitor.until_read("#job-failure", "The paint has run out. Use a smaller “Stroke size”.")
    assert visitor.text("#job-state") == "Failed"


def test_pictures_are_pasted_and_removed(visitor: Visitor, quick: Client, files: Files) -> None:
    visitor.open(link(quick))
    for file in (*files, files[1]):
        visitor.paste(file)
    count = [len(visitor.all(f"#{kind}-list li")) for kind in ("photo", "paintings")]
    assert count == [1, 2]
    visitor.all("#paintings-list .remove")[0].click()
    assert len(visitor.all("#paintings-list li")) == 1
    assert visitor.has_focus("#paintings-file")


def test_examples_are_taken(visitor: Visitor, quick: Client) -> None:
    visitor.open(link(quick))
    visitor.press("Take the examples")
    visitor.until_read("#plan", "512 × 384 pixels")
    assert visitor.has_focus("#start")


def test_strangers_names_are_text(
    visitor: Visitor, quick: Client, files: Files, tmp_path: Path
) -> None:
    name = "<img src=x onerror=document.title='ha'> & ünï.png"
    stranger = files[0].rename(tmp_path / name)
    prepare(visitor, quick, (stranger, files[1]))
    assert visitor.text("#photo-list .name") == name
    start(visitor)
    visitor.until_read("#job-state", "Done")
    assert visitor.text("#job-title") == f"{name.removesuffix('.png')} × sunset"
    assert not visitor.all("[onerror]")
    assert visitor.driver.title.endswith("– stylize studio")


def test_sliders_and_numbers_are_one(visitor: Visitor, quick: Client) -> None:
    visitor.open(link(quick))
    slider = visitor.one("[aria-label='Strength, slider']")
    slider.send_keys(Keys.END)
    number = visitor.one("#option-strength")
    assert number.get_attribute("value") == "100"
    assert visitor.all(".field.changed label")[0].text == "Strength"
    visitor.write(strength=0)
    assert slider.get_attribute("value") == "0"
    visitor.press("Back to the defaults")
    assert number.get_attribute("value") == "50"
    assert not visitor.all(".field.changed")
    visitor.write(strength=101)
    visitor.press("Start")
    assert not visitor.text("#start-error")  # the browser tells what is wrong with the number
    assert visitor.has_focus("#option-strength")


def test_help_is_shown_when_asked_for(visitor: Visitor, quick: Client) -> None:
    visitor.open(link(quick))
    help_text = visitor.one("#option-size-help")
    assert not help_text.is_displayed()
    visitor.press("About Size")
    assert help_text.is_displayed()


def test_an_unknown_job_leads_to_the_first_view(visitor: Visitor, quick: Client) -> None:
    visitor.open(link(quick, "f" * 32))
    assert visitor.text("#page-error") == "There is no such job. It may have been removed."
    assert visitor.one("#start").is_displayed()
    visitor.complaints()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_keeps_anybody_out(
    visitor: Visitor, quick: Client, files: Files, size: tuple[int, int], dark: bool
) -> None:
    """By axe: contrast, names, roles, order of headings, and so on."""
    if not AXE.exists():
        pytest.skip("needs axe-core: .ci/browser installs it")

    def check() -> None:
        visitor.looks(size, dark=dark)
        visitor.run(AXE.read_text("utf-8"))
        assert visitor.driver.execute_async_script(FOUND) == []
        wider = "return document.documentElement.scrollWidth - innerWidth"
        assert visitor.run(wider) <= 0, "the page is wider than the screen"

    prepare(visitor, quick, files)
    visitor.press("More")
    visitor.press("About Size")
    visitor.until(lambda: visitor.one("#plan").is_displayed())
    check()
    visitor.looks(DESKTOP)
    start(visitor)
    visitor.until_read("#job-state", "Done")
    visitor.until(lambda: visitor.one("#compare-picture").is_displayed())
    check()
    visitor.press("Delete")
    visitor.until(lambda: visitor.one("#ask").is_displayed())
    check()
    visitor.keys(Keys.ESCAPE)


def test_all_is_reached_by_keys_alone(visitor: Visitor, quick: Client) -> None:
    visitor.open(link(quick))
    order = []
    for _ in range(40):
        visitor.keys(Keys.TAB)
        order.append(visitor.run("return document.activeElement.id"))
        if order[-1] == "start":
            break
    wanted = ["skip", "photo-file", "paintings-file", "examples", "option-strength", "start"]
    assert [each for each in order if each in wanted] == wanted
