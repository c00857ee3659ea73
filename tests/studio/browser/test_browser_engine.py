"""The engine that is the visitor's browser, on a static site, in a real browser."""

import base64
import functools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image
from selenium.webdriver import Chrome
from studio_visitor import Visitor

from stylize.models.catalog import embedded_folder
from stylize.models.errors import StylizeError
from stylize.models.folder import open_folder
from stylize.runtime import Model, Options, transfer
from stylize.runtime.pictures.reading import read_chunk
from stylize.runtime.plans.recipe import read_recipe
from stylize.studio.site.building import build_site
from stylize.studio.site.onnxruntime_web import gather_runtime

# npm gets ONNX Runtime's build for browsers, once.
pytestmark = [pytest.mark.tools, pytest.mark.network]

PATH = "some/where"
"""The path below which the site lies on its server."""

ADAPTER = """const done = arguments[0];
(async () => Boolean(await navigator.gpu?.requestAdapter()))().then(done, () => done(false));"""
OPEN = "const {openEngine} = await import('./engine.js'); window.engine ??= await openEngine();"
START = """
const [files, options] = given;
const picture = ([name, data]) => new File(
    [Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, {type: "image/png"});
const [photo, ...paintings] = files.map(picture);
const id = await engine.start({photo, paintings, options});
"""
WAIT = """
const until = (id, happened) => new Promise((resolve, reject) => {
    const end = engine.watch(id, (change) => {
        if (change.type === "job" && change.job.error) reject(new Error(change.job.error));
        else if (!happened(change)) return;
        setTimeout(() => end());
        resolve(change);
    });
});
const ended = (change) =>
    change.type === "job" && ["done", "failed", "stopped"].includes(change.job.state);
"""


class Quiet(SimpleHTTPRequestHandler):
    """A plain static host: it sets no headers for isolation, and compresses nothing."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Serve a folder; give its address, and what ends it before."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as host:
        thread = threading.Thread(target=host.serve_forever)
        thread.start()

        def end() -> None:
            host.shutdown()
            thread.join()
            host.socket.close()

        yield f"http://127.0.0.1:{host.server_port}/{PATH}/", end
        end()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the site somewhere in it."""
    try:
        runtime = gather_runtime()
    except StylizeError as error:
        pytest.skip(f"needs what npm gets: {error}")
    place = tmp_path_factory.mktemp("host")
    build_site(place / PATH, [open_folder(embedded_folder())], runtime)
    return place


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """The address of the site."""
    with served(folder) as (found, _):
        yield found


def ask(driver: Chrome, script: str, *given: object) -> Any:
    """Run what may wait, in the page, and return its result."""
    driver.set_script_timeout(120)
    found, error = driver.execute_async_script(
        f"""
        const given = [...arguments], done = given.pop();
        (async () => {{ {OPEN} {WAIT} {script} }})().then(
            (found) => done([found ?? null, null]), (error) => done([null, String(error)]));
        """,
        *given,
    )
    assert error is None, error
    return found


@pytest.fixture
def engine(chromium: Visitor, address: str) -> Chrome:
    """A page that has just been opened."""
    chromium.open(f"{address}?provider=wasm")
    return chromium.driver


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    """A photo and a painting of 128 pixels, which nobody need make smaller."""
    return [small(tmp_path, name, 128) for name in ("photo", "painting")]


def small(folder: Path, name: str, side: int) -> Path:
    with Image.open(REPOSITORY / "examples" / f"{name}.jpg") as picture:
        picture.thumbnail((side, side))
        picture.save(folder / f"{name}.png")
    return folder / f"{name}.png"


def sent(paths: list[Path]) -> list[tuple[str, str]]:
    return [(path.name, base64.b64encode(path.read_bytes()).decode()) for path in paths]


def losses(driver: Chrome, paths: list[Path], options: Mapping[str, object]) -> list[float]:
    """Return the losses of all iterations of a picture."""
    job = ask(driver, f"{START} return (await until(id, ended)).job;", sent(paths), options)
    assert job["state"] == "done", job["error"]
    return [loss for _, loss in job["progress"]["losses"]]


def expected(paths: list[Path], options: Options) -> list[float]:
    photo, *paintings = paths
    model = Model.open("compact", provider="cpu")
    return [each.total for each in transfer(model, photo, paintings, options)]


def test_a_full_run_ends_where_python_does(engine: Chrome, pair: list[Path]) -> None:
    given = {"size": 128, "iterations": 120}
    found = losses(engine, pair, given)
    wanted = expected(pair, Options(size=128, iterations=120))
    assert len(found) == len(wanted) == 120
    assert found[0] == pytest.approx(wanted[0], rel=1e-5)
    assert min(found) == pytest.approx(min(wanted), rel=0.01)
    assert min(found) < 0.1 * found[0]


@pytest.mark.parametrize(
    "given",
    [
        {"colors": "painting", "tv_weight": 0.5, "margin": 0},
        {"colors": "photo", "painting_size": 40},
        {"colors": "photo-matched", "optimizer": "adam"},
        {"colors": "painting-matched", "init": "painting", "strength": 70},
        {"scales": "2", "size": 64},
    ],
    ids=str,
)
def test_options_mean_what_they_do_in_python(
    engine: Chrome, pair: list[Path], tmp_path: Path, given: dict[str, Any]
) -> None:
    """The first loss tells of pictures, colours, targets and weights; later ones of the steps.

    Of pictures that were made smaller, a few levels are rounded otherwise than by Pillow. L-BFGS
    makes more of that at each step, so these are four.
    """
    pictures = [*pair, small(tmp_path, "photo", 96)]
    options = {"size": 48, "iterations": 4, "scales": "1", **given}
    found = losses(engine, pictures, options)
    asked = Options(**{**options, "scales": int(str(options["scales"]))})
    wanted = expected(pictures, asked)
    assert found[0] == pytest.approx(wanted[0], rel=2e-3)
    assert found == pytest.approx(wanted, rel=1e-2)


def test_page_is_isolated_and_paints_with_threads(engine: Chrome) -> None:
    assert engine.execute_script("return crossOriginIsolated")
    about = ask(engine, "return engine.about()")
    assert about["offline"] is True
    assert about["model"] == "compact"
    assert about["provider"] == "wasm"


def test_picture_tells_how_it_was_made(engine: Chrome, pair: list[Path], tmp_path: Path) -> None:
    script = f"""{START} await until(id, ended);
    const made = await (await fetch(await engine.pictureUrl(id))).arrayBuffer();
    return [btoa(String.fromCharCode(...new Uint8Array(made))), await engine.recipe(id)];"""
    data, recipe = ask(engine, script, sent(pair), {"size": 64, "iterations": 5})
    made = tmp_path / "made.png"
    made.write_bytes(base64.b64decode(data))
    with Image.open(made) as opened:
        assert opened.size == (64, 48)
    found = read_recipe(made)
    assert found.options == Options(size=64, iterations=5)
    assert found.evaluations == 5
    assert [each.path for each in found.paintings] == ["painting.png"]
    assert json.loads(read_chunk(made, "stylize") or "") == recipe


def test_a_stopped_picture_stays_and_goes_on(engine: Chrome, pair: list[Path]) -> None:
    options = {"size": 64, "iterations": 2000, "scales": "1"}
    script = f"""{START} await until(id, ({{type}}) => type === "progress");
    await engine.stop(id);
    const {{job}} = await until(id, ended);
    const url = await engine.pictureUrl(id);
    return [id, job, (await (await fetch(url)).blob()).size];"""
    id_, stopped, size = ask(engine, script, sent(pair), options)
    assert (stopped["state"], stopped["resumable"], stopped["picture"]) == ("stopped", True, True)
    assert size > 1000
    before = stopped["progress"]["iteration"]

    script = """const [id] = given;
    await engine.resume(id);
    const {progress} = await until(id, ({type}) => type === "progress");
    await engine.stop(id);
    const {job} = await until(id, (change) => ended(change) && change.job.progress.iteration > 0);
    const files = [await engine.photoUrl(id), await engine.paintingUrl(id, 0)];
    await engine.remove(id);
    return [progress, job, (await engine.jobs()).map((each) => each.id), files];"""
    progress, again, ids, _ = ask(engine, script, id_)
    assert progress["iteration"] > before
    assert progress["seconds"] > stopped["progress"]["seconds"]
    assert [loss for _, loss in progress["losses"]][: len(stopped["progress"]["losses"])] == [
        loss for _, loss in stopped["progress"]["losses"]
    ]
    assert again["resumable"]
    assert id_ not in ids


def test_a_closed_page_leaves_pictures_that_can_go_on(
    chromium: Visitor, engine: Chrome, pair: list[Path]
) -> None:
    options = {"size": 64, "iterations": 3000, "scales": "1"}
    script = f"""{START} const next = await engine.start({{photo, paintings, options}});
    await until(id, ({{type}}) => type === "progress");
    return [id, next, (await engine.job(next)).position];"""
    *ids, position = ask(engine, script, sent(pair), options)
    assert position == 1
    chromium.open(f"{chromium.address}")
    script = "return [(await until(given[0], ended)).job, (await until(given[1], ended)).job];"
    for job in ask(engine, script, *ids):
        assert (job["state"], job["resumable"]) == ("stopped", True)
    ask(engine, "for (const id of given[0]) await engine.remove(id);", ids)


def test_what_is_no_picture_is_refused(engine: Chrome, pair: list[Path], tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear")
    with pytest.raises(AssertionError, match=r"The photo 'letter\.png' is no picture"):
        ask(engine, START, sent([tmp_path / "letter.png", pair[1]]), {})
    with pytest.raises(AssertionError, match="There is no option 'sizes' here"):
        ask(engine, START, sent(pair), {"sizes": 48})
    with pytest.raises(AssertionError, match=r"Size is 40000; it must be \d+ or less"):
        ask(engine, START, sent(pair), {"size": 40000})


def test_visitor_paints_by_the_page(chromium: Visitor, address: str, pair: list[Path]) -> None:
    chromium.open(f"{address}?provider=wasm")
    chromium.drop("#photo-frame", pair[0])
    chromium.drop("#paintings-frame", pair[1])
    chromium.write(size=64, iterations=8)
    chromium.press("Start")
    chromium.until_read("#job-state", "Done in")
    assert chromium.complaints() == []


def test_page_works_offline_after_the_first_visit(
    chromium: Visitor, folder: Path, pair: list[Path]
) -> None:
    with served(folder) as (address, end):
        chromium.open(f"{address}?provider=wasm")
        kept = """const told = await (await fetch("config.json")).json();
        const {runtime, models: [{folder, files}]} = told;
        const needed = [...runtime.wasm, ...files.map((name) => `${folder}/${name}`)];
        for (const path of needed) {
            while (!(await caches.match(new URL(path, location)))) {
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
        }"""
        ask(chromium.driver, kept)
        end()
        chromium.open(f"{address}?provider=wasm")
        assert len(losses(chromium.driver, pair, {"size": 48, "iterations": 3})) == 3
        assert chromium.driver.execute_script("return crossOriginIsolated")


def test_pictures_are_made_smaller_and_larger_as_by_pillow(engine: Chrome) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    script = """const {LANCZOS, BICUBIC, resized} = await import("./engines/browser/resampling.js");
    const [data, width, height, levels, box] = given;
    const channel = {data, width: 60, height: 40, stride: 1, offset: 0};
    const found = resized(channel, width, height, levels ? LANCZOS : BICUBIC, levels, box);
    return [...found];"""
    box = (5.5, 1.25, 54.5, 38.75)
    found = ask(engine, script, levels.ravel().tolist(), 17, 31, True, box)
    smaller = Image.fromarray(levels).resize((17, 31), Image.Resampling.LANCZOS, box)
    assert np.abs(np.reshape(found, (31, 17)) - np.asarray(smaller, float)).max() <= 1
    floats = levels.astype(np.float32) / 255 - 0.5
    found = ask(engine, script, floats.ravel().tolist(), 128, 83, False, None)
    larger = Image.fromarray(floats).resize((128, 83), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(np.reshape(found, (83, 128)), np.asarray(larger), atol=2e-6)


@pytest.mark.webgpu
def test_webgpu_agrees_with_the_cpu(
    browsers: Callable[..., AbstractContextManager[Visitor]], address: str, pair: list[Path]
) -> None:
    """By SwiftShader, a GPU in software that Chromium brings."""
    flags = ("enable-unsafe-webgpu", "use-webgpu-adapter=swiftshader")
    with browsers(*flags) as visitor:
        visitor.open(f"{address}?provider=webgpu")
        if not visitor.driver.execute_async_script(ADAPTER):
            pytest.skip("needs a browser with WebGPU, if by SwiftShader")
        found = losses(visitor.driver, pair, {"size": 48, "iterations": 3})
        assert ask(visitor.driver, "return engine.about()")["provider"] == "webgpu"
    assert found == pytest.approx(expected(pair, Options(size=48, iterations=3)), rel=1e-2)
