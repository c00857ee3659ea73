"""``stylize web``: what a site holds, what it refuses, and what it says where npm fails."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import REPOSITORY
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.models.catalog import embedded_folder
from stylize.models.errors import ExtraError, ModelError, OptionError, StylizeError
from stylize.models.folder import ModelFolder, open_folder
from stylize.runtime.method.options import Options
from stylize.studio.site import building, onnxruntime_web
from stylize.studio.site.building import build_site
from stylize.studio.site.onnxruntime_web import CHECKSUMS, cached_runtime, gather_runtime
from stylize.studio.site.telling import OFFERED

NPM = REPOSITORY / "studio" / "site" / "npm"


@pytest.fixture(scope="module")
def compact() -> ModelFolder:
    return open_folder(embedded_folder())


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small files in the place of ONNX Runtime's, with their checksums."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in CHECKSUMS:
        (folder / name).write_text(f"// {name}")
        known = sha256((folder / name).read_bytes()).hexdigest()
        monkeypatch.setitem(onnxruntime_web.CHECKSUMS, name, known)
    return folder


@pytest.fixture
def site(tmp_path: Path, runtime: Path, compact: ModelFolder) -> Path:
    return build_site(tmp_path / "site", [compact], runtime).path


def files(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in paths}


def told(site: Path) -> Any:
    return json.loads((site / "config.json").read_text("utf-8"))


def kept(site: Path) -> Any:
    line = (site / "service-worker.js").read_text("utf-8").splitlines()[0]
    return json.loads(line.removeprefix("globalThis.PRECACHE = ").removesuffix(";"))


def test_every_file_is_kept_for_a_visit_offline(site: Path) -> None:
    listed = kept(site)
    page, later = set(listed["page"]), set(listed["later"])
    assert page | later == files(site) - {"service-worker.js"}
    assert not page & later
    assert {"index.html", "config.json", "engines/browser/worker.js"} <= page
    assert later == {name for name in files(site) if name.startswith(("runtime/", "models/"))}


def test_page_is_told_of_files_that_are_there(site: Path) -> None:
    config = told(site)
    (model,) = config["models"]
    graphs = [model[name] for name in ("gradient", "content_targets", "style_targets", "variation")]
    graphs += model["optimizers"].values()
    assert {graph["file"] for graph in graphs} | {model["weights"]} == set(model["files"])
    named = {f"{model['folder']}/{name}" for name in model["files"]}
    named |= {*config["runtime"]["wasm"], *config["runtime"]["webgpu"]}
    assert named <= files(site)
    assert (site / model["folder"] / "weights.safetensors").read_bytes() == (
        embedded_folder() / "weights.safetensors"
    ).read_bytes()


def test_options_are_those_of_run(site: Path) -> None:
    config = told(site)
    assert {field["name"] for field in config["fields"]} == set(OFFERED)
    assert config["defaults"]["style_weight"] == Options().style_weight
    for field in config["fields"]:
        default = getattr(Options(), field["name"])
        assert field["default"] == (default if field["kind"] != "text" else str(default))


def test_a_change_of_any_file_is_another_version(
    site: Path, runtime: Path, compact: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(site)["version"]
    assert kept(build_site(site, [compact], runtime).path)["version"] == before
    monkeypatch.setattr(building, "_licences", lambda models: "others")
    assert kept(build_site(site, [compact], runtime).path)["version"] != before


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    texts = [path for path in site.rglob("*") if path.suffix in (".js", ".html", ".css", ".json")]
    assert len(texts) > 20
    for path in texts:
        found = re.findall(
            r"""["'(=]\s*((?:https?:)?//[a-z][^"') ]*|/[a-z][^"') ]*\.\w+)""",
            path.read_text("utf-8"),
        )
        found = [each for each in found if not each.startswith("http://www.w3.org/")]
        assert not found, f"{path.name}: {found}"


def test_earlier_site_is_replaced(site: Path, runtime: Path, compact: ModelFolder) -> None:
    (site / "engines" / "browser" / "worker.js").write_text("old")
    assert build_site(site, [compact], runtime).files == tuple(sorted(files(site)))
    assert (site / "engines" / "browser" / "worker.js").read_text("utf-8") != "old"


def test_foreign_files_are_not_replaced(site: Path, runtime: Path, compact: ModelFolder) -> None:
    (site / "CNAME").write_text("example.org")
    with pytest.raises(OptionError, match=r"holds 'CNAME', which is no file of a site"):
        build_site(site, [compact], runtime)
    assert (site / "CNAME").read_text() == "example.org"


def test_foreign_folder_is_not_replaced(
    tmp_path: Path, runtime: Path, compact: ModelFolder
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "config.json").write_text('{"engine": "server", "files": ["config.json"]}')
    with pytest.raises(OptionError, match=r"holds 'config.json'"):
        build_site(folder, [compact], runtime)
    assert files(folder) == {"config.json"}


def test_a_file_is_not_replaced(tmp_path: Path, runtime: Path, compact: ModelFolder) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(OptionError, match="is a file"):
        build_site(tmp_path / "site", [compact], runtime)


def test_what_fails_half_way_leaves_the_earlier_site(
    site: Path, runtime: Path, compact: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: (site / name).read_bytes() for name in files(site)}

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building, "_write_worker", fail)
    with pytest.raises(StylizeError, match="No space left on device"):
        build_site(site, [compact], runtime)
    assert {name: (site / name).read_bytes() for name in files(site)} == before
    assert [path.name for path in site.parent.iterdir() if path.name.startswith(".")] == []


def test_two_models_have_a_choice(tmp_path: Path, runtime: Path, compact: ModelFolder) -> None:
    shutil.copytree(embedded_folder(), tmp_path / "mine")
    mine = open_folder(tmp_path / "mine")
    config = told(build_site(tmp_path / "site", [compact, mine], runtime).path)
    (choice,) = [field for field in config["fields"] if field["name"] == "model"]
    assert (choice["choices"], choice["default"]) == (["compact", "mine"], "compact")
    with pytest.raises(OptionError, match="one name"):
        build_site(tmp_path / "site", [compact, compact], runtime)


def test_a_name_that_addresses_cannot_have_is_refused(tmp_path: Path, runtime: Path) -> None:
    shutil.copytree(embedded_folder(), tmp_path / "my model #1")
    with pytest.raises(OptionError, match="Rename it"):
        build_site(tmp_path / "site", [open_folder(tmp_path / "my model #1")], runtime)


def test_models_of_earlier_releases_are_refused(
    tmp_path: Path, runtime: Path, compact: ModelFolder
) -> None:
    older = replace(compact, manifest=replace(compact.manifest, format=5))
    with pytest.raises(ModelError, match="Export it again"):
        build_site(tmp_path / "site", [older], runtime)


def test_lock_file_pins_everything_and_names_no_address() -> None:
    lock = json.loads((NPM / "package-lock.json").read_text("utf-8"))
    wanted = json.loads((NPM / "package.json").read_text("utf-8"))["dependencies"]
    assert wanted == {onnxruntime_web.PACKAGE: onnxruntime_web.VERSION}
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages["node_modules/onnxruntime-web"]["version"] == onnxruntime_web.VERSION
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "://" not in (NPM / "package-lock.json").read_text("utf-8")


def npm(monkeypatch: pytest.MonkeyPatch, version: str, install: Callable[[Path], str]) -> None:
    """Let something stand for npm: `install` is given the folder, and returns what is printed."""

    def run(command: list[str], place: Path | None = None) -> "subprocess.CompletedProcess[str]":
        if place is None:
            return subprocess.CompletedProcess(command, 0, f"{version}\n", "")
        printed = install(place)
        return subprocess.CompletedProcess(command, int(bool(printed)), "", printed)

    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(onnxruntime_web, "_run", run)


def lay(source: Path) -> Callable[[Path], str]:
    """Return what installs the files of a folder as the package."""

    def install(place: Path) -> str:
        assert json.loads((place / "package-lock.json").read_text("utf-8"))["lockfileVersion"] == 3
        shutil.copytree(source, place / "node_modules" / "onnxruntime-web" / "dist")
        return ""

    return install


def test_npm_is_asked_once(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(monkeypatch, "10.2.0", lay(runtime))
    folder = gather_runtime()
    assert files(folder) == set(CHECKSUMS)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert gather_runtime() == folder


def test_a_damaged_cache_is_gathered_again(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(monkeypatch, "10.2.0", lay(runtime))
    damaged = gather_runtime() / next(iter(CHECKSUMS))
    damaged.write_text("something else")
    assert gather_runtime() == damaged.parent
    assert damaged.read_text() == f"// {damaged.name}"


def test_missing_npm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ExtraError, match=r"npm is not here\. Install Node\.js"):
        gather_runtime()


def test_old_npm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    npm(monkeypatch, "6.14.18", lambda place: "never asked")
    with pytest.raises(ExtraError, match=r"version 6\.14\.18; 7 or newer"):
        gather_runtime()


def test_what_npm_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "npm error code ENOTFOUND\nnpm error request to the registry failed.\n"
    npm(monkeypatch, "10.2.0", lambda place: printed)
    with pytest.raises(StylizeError, match=r"1\.30\.0: request to the registry failed\. It is"):
        gather_runtime()
    assert not cached_runtime().exists()


def test_other_files_than_were_published_are_refused(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runtime / next(iter(CHECKSUMS))).write_text("tampered with")
    npm(monkeypatch, "10.2.0", lay(runtime))
    with pytest.raises(StylizeError, match="not what was published"):
        gather_runtime()
    assert not cached_runtime().exists()


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_command_tells_what_it_made(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(monkeypatch, "10.2.0", lay(runtime))
    result = stylize("web", "-o", "place/site")
    assert result.exit_code == 0, result.output
    assert "MB" in result.stderr
    assert "python -m http.server --directory" in result.stderr
    assert told(Path("place/site"))["models"][0]["name"] == "compact"


def test_report_is_of_the_schema(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(monkeypatch, "10.2.0", lay(runtime))
    report = json.loads(stylize("web", "--json", "-q").stdout)
    schema = json.loads((resources("stylize.cli") / "reports.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)
    assert (report["report"], report["models"]) == ("site", ["compact"])
    assert set(report["files"]) == files(Path(report["folder"]))
    assert report["bytes"] == sum((Path("site") / name).stat().st_size for name in report["files"])


def test_command_refuses_before_anything_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: pytest.fail("npm was looked for"))
    Path("mine").mkdir()
    Path("mine", "letter.txt").write_text("Dear")
    result = stylize("web", "-o", "mine")
    assert result.exit_code == 2
    assert "letter.txt" in result.stderr
