"""The API from end to end: a real server, asked by a real client."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from open_studio import opened
from PIL import Image
from studio_client import Client, form, picture, usual
from studio_painter import DIES, FAILS, STUMBLES, WAITS

from stylize.runtime.plans.recipe import read_recipe
from stylize.studio.painting import USUAL_COMMAND

Open = Callable[..., Client]
SMALL = {"size": 48, "iterations": 6, "scales": 1}


class TestPaintedByTheCommandLine:
    def test_a_job_from_the_form_to_the_picture(self, studio: Open, tmp_path: Path) -> None:
        client = studio(command=USUAL_COMMAND)
        name = client.start(colors="photo", **SMALL)
        told = [*client.events(name)]
        kinds = [kind for kind, _ in told]
        assert (kinds[0], kinds[-1]) == ("job", "job")
        assert {*kinds} <= {"job", "progress", "preview"}
        job = client.job(name)
        assert told[-1][1]["state"] == job["state"] == "done"
        assert job["options"] == {"colors": "photo", **SMALL, "scales": "1"}
        progress = job["progress"]
        assert (progress["iteration"], progress["iterations"], progress["left"]) == (6, 6, 0)
        assert [iteration for iteration, _ in progress["losses"]] == [1, 2, 3, 4, 5, 6]
        assert progress["losses"][-1][1] == progress["loss"] < progress["losses"][0][1]
        answer = client.get(f"/api/jobs/{name}/picture?download=1")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-disposition"].endswith("''photo-painting.png")
        with Image.open(BytesIO(answer.body)) as image:
            assert image.size == (48, 32)
        (tmp_path / "made.png").write_bytes(answer.body)
        recipe = read_recipe(tmp_path / "made.png")
        assert (recipe.options.colors, recipe.evaluations, recipe.finished) == ("photo", 6, True)
        assert recipe.photo
        assert recipe.photo.path == "photo.png", "it tells no folder of this machine"
        assert client.get(f"/api/jobs/{name}/recipe").told["options"]["iterations"] == 6

    def test_one_that_is_stopped_is_kept_and_gone_on_with(self, studio: Open) -> None:
        client = studio(command=USUAL_COMMAND)
        name = client.start(**{**SMALL, "iterations": 5000, "size": 64})
        client.begun(name)
        assert client.ask("POST", f"/api/jobs/{name}/stop").status == 202
        job = client.ended(name)
        assert (job["state"], job["resumable"], job["picture"]) == ("stopped", True, True)
        before = job["progress"]["iteration"]
        assert 0 < before < 5000
        assert client.get(f"/api/jobs/{name}/recipe").told["evaluations"] >= before
        assert client.ask("POST", f"/api/jobs/{name}/resume").status == 202
        job = client.wait(name, lambda job: job["progress"]["iteration"] > before)
        assert job["state"] == "running"
        curve = [iteration for iteration, _ in job["progress"]["losses"]]
        assert curve[0] <= 16, "the curve has what was before"
        assert curve == sorted({*curve})
        client.ask("POST", f"/api/jobs/{name}/stop")
        assert client.ended(name)["progress"]["iteration"] > before

    def test_an_error_of_its_own_is_told(self, tmp_path: Path) -> None:
        with opened(tmp_path, workers=0) as client:
            name = client.start(**SMALL)
        photo = tmp_path / "jobs" / name / "photo.png"
        photo.write_bytes(photo.read_bytes()[:200])
        with opened(tmp_path, command=USUAL_COMMAND) as client:
            job = client.ended(name)
        assert job["state"] == "failed"
        assert job["error"].startswith("'photo.png' cannot be read: image file is truncated.")


class TestJobs:
    def test_wait_in_their_order_and_tell_their_places(self, studio: Open) -> None:
        client = studio(workers=0)
        names = [client.start() for _ in range(3)]
        listed = client.get("/api/jobs").told["jobs"]
        assert [job["id"] for job in listed] == names[::-1]
        assert [job["position"] for job in listed] == [3, 2, 1]
        assert client.ask("DELETE", f"/api/jobs/{names[0]}").status == 204
        assert [client.job(name)["position"] for name in names[1:]] == [1, 2]

    def test_are_listed_by_pages(self, studio: Open) -> None:
        client = studio(workers=0)
        names = [client.start() for _ in range(3)]
        found = client.get(f"/api/jobs?limit=1&before={names[2]}").told["jobs"]
        assert [job["id"] for job in found] == [names[1]]
        assert client.get("/api/jobs?limit=0").status == 400
        assert client.get("/api/jobs?limit=x").status == 400
        assert client.get(f"/api/jobs?before={'0' * 32}").status == 404

    def test_tell_what_was_uploaded_and_give_it_back(self, studio: Open) -> None:
        client = studio(workers=0)
        photo = picture(size=(60, 40), kind="JPEG")
        posted = client.post(
            ("photo", "a/../Ferien ü.JPG", photo),
            ("painting", "", picture(1)),
            ("painting", "zwei.png", picture(2, (40, 64))),
        )
        name = posted.told["id"]
        assert posted.headers["location"] == f"/api/jobs/{name}"
        job = client.job(name)
        assert job["photo"] == {"name": "Ferien ü.JPG", "width": 60, "height": 40}
        assert [each["name"] for each in job["paintings"]] == ["painting-1", "zwei.png"]
        answer = client.get(f"/api/jobs/{name}/photo")
        assert (answer.headers["content-type"], answer.body) == ("image/jpeg", photo)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get(f"/api/jobs/{name}/paintings/1").body == picture(2, (40, 64))
        for number in ("2", "-1", "0x1", "photo.jpg"):
            assert client.get(f"/api/jobs/{name}/paintings/{number}").status == 404

    def test_that_wait_can_be_stopped_and_put_back(self, studio: Open) -> None:
        client = studio(workers=0)
        first, second = client.start(), client.start()
        assert client.ask("POST", f"/api/jobs/{first}/stop").status == 202
        job = client.job(first)
        assert (job["state"], job["picture"], job["resumable"]) == ("stopped", False, True)
        assert client.get(f"/api/jobs/{first}/picture").status == 404
        again = client.ask("POST", f"/api/jobs/{first}/stop")
        assert (again.status, again.told["error"][:20]) == (409, "The job is stopped a")
        assert client.ask("POST", f"/api/jobs/{first}/resume").status == 202
        assert client.ask("POST", f"/api/jobs/{first}/resume").status == 409
        assert [client.job(name)["position"] for name in (second, first)] == [1, 2]

    def test_go_on_from_their_checkpoint(self, studio: Open, tmp_path: Path) -> None:
        client = studio()
        name = client.start(seed=WAITS)
        job = client.wait(name, lambda job: job["picture"])
        assert job["state"] == "running"
        so_far = f"/api/jobs/{name}/picture?version={job['preview_version']}"
        assert "immutable" in client.get(so_far).headers["cache-control"]
        other = client.get(f"/api/jobs/{name}/picture?version=1")
        assert (other.status, other.headers["cache-control"]) == (200, "no-cache")
        client.ask("POST", f"/api/jobs/{name}/stop")
        assert client.ended(name)["state"] == "stopped"
        client.ask("POST", f"/api/jobs/{name}/resume")
        assert client.ended(name)["state"] == "done"
        assert not (tmp_path / "gallery" / "jobs" / name / "preview.png").exists()

    def test_that_are_painted_can_be_removed(self, studio: Open, tmp_path: Path) -> None:
        client = studio()
        name, other = client.start(seed=WAITS), client.start()
        client.begun(name)
        assert client.ask("DELETE", f"/api/jobs/{name}").status == 204
        assert client.get(f"/api/jobs/{name}").status == 404
        assert client.ask("DELETE", f"/api/jobs/{name}").status == 404
        assert client.ended(other)["state"] == "done", "the worker goes on"
        assert not [*(tmp_path / "gallery").glob(f"*/{name}")]

    @pytest.mark.parametrize(
        ("seed", "error"),
        [
            (FAILS, "The paint has run out. Use a smaller --painting-size."),
            (DIES, "The process that painted was killed by signal 9, "),
            (STUMBLES, "The process that painted ended with exit code 7 "),
        ],
    )
    def test_that_fail_say_why_and_stop_nobody_else(
        self, studio: Open, seed: int, error: str
    ) -> None:
        client = studio()
        failing, good = client.start(seed=seed), client.start()
        job = client.ended(failing)
        assert job["state"] == "failed"
        assert job["error"].startswith(error)
        assert job["resumable"]
        assert client.ended(good)["state"] == "done"

    def test_fail_where_nothing_can_be_started(self, studio: Open) -> None:
        client = studio(command=("/no/such/program",))
        job = client.ended(client.start())
        assert job["error"] == "It could not be painted: No such file or directory. Try it again."


class TestEvents:
    def test_tell_of_places_and_end_with_the_job(self, studio: Open) -> None:
        client = studio()
        first, second = client.start(seed=WAITS), client.start()
        client.begun(first)
        events = client.events(second)
        assert next(events)[1]["position"] == 1
        client.ask("POST", f"/api/jobs/{first}/stop")
        told = [*events]
        assert [job["state"] for kind, job in told if kind == "job"][-1] == "done"

    def test_of_a_job_that_is_removed_end(self, studio: Open) -> None:
        client = studio(workers=0)
        name = client.start()
        events = client.events(name)
        next(events)
        client.ask("DELETE", f"/api/jobs/{name}")
        assert [*events] == []

    def test_have_the_picture_so_far(self, studio: Open) -> None:
        client = studio()
        name = client.start(seed=WAITS)
        events = client.events(name)
        seen = []
        for kind, told in events:
            seen.append(kind)
            if kind == "preview" or told.get("picture"):
                break
        client.ask("POST", f"/api/jobs/{name}/stop")
        assert [*events][-1][1]["state"] == "stopped"


BAD_FORMS: dict[str, tuple[list[Any], int, str]] = {
    "no photo": (usual()[1:], 400, "The job has no photo."),
    "no painting": (usual()[:1], 400, "The job has no painting."),
    "no picture": (usual(b"<svg>"), 400, "'photo.png' is SVG. Export it"),
    "an empty file": (usual(b""), 400, "'photo.png' cannot be read: it is empty."),
    "cut short": (usual(picture()[:20]), 400, "'photo.png' cannot be read: it is"),
    "two photos": ([*usual(), usual()[0]], 400, "The form has a file 'photo' too many."),
    "nine paintings": (usual() + usual()[1:] * 8, 400, "The form has a file 'painting' too"),
    "another file": ([*usual(), ("init", "a.png", b"")], 400, "The form has a file 'init' too"),
    "a file to start from": (usual(init="/etc/passwd"), 400, "The init is '/etc/passwd'; it"),
    "a model": (usual(model="/tmp/evil"), 400, "There is no option 'model' here."),
    "a value": (usual(size="huge"), 400, "The size is 'huge'; write 512"),
    "a large one": (usual(size=100), 400, "The size is 100; here it is 64 or less."),
    "a large side": (usual(size=60, side="short"), 400, "The picture would have 90x60 pixels"),
    "a large scale": (usual(size=48, scales="32,128"), 400, "A scale has 128 pixels; here it"),
    "too small": (usual(size=16, iterations=1), 400, "At size 16, "),
    "a long text": (usual(scales="1," * 400), 400, "The choice of scales is too long"),
    "longer still": (usual(scales="1," * 4000), 400, "The field 'scales' is too long."),
    "many pixels": (usual(picture(size=(1100, 1000))), 413, "'photo.png' has 1100x1000 pixels"),
    "many fields": ([(f"f{n}", None, b"") for n in range(99)], 400, "The form has too many"),
    "one field many times": ([("size", None, b"48")] * 99, 400, "The form has too many"),
}


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    """A studio with narrow bounds, and its gallery; no test leaves anything there."""
    folder = tmp_path_factory.mktemp("gallery")
    with opened(folder, limits={"largest": 64, "pixels": 1}, workers=0) as client:
        yield client, folder


class TestRefused:
    @pytest.mark.parametrize(("parts", "status", "error"), BAD_FORMS.values(), ids=BAD_FORMS.keys())
    def test_forms(self, bounded: tuple[Client, Path], parts: Any, status: int, error: str) -> None:
        client, folder = bounded
        answer = client.post(*parts)
        assert (answer.status, answer.told["error"][: len(error)]) == (status, error)
        assert str(folder) not in answer.told["error"]
        assert client.get("/api/jobs").told["jobs"] == []
        assert [*(folder / "incoming").iterdir()] == []

    @pytest.mark.parametrize(
        ("type_", "body", "status"),
        [
            ("application/json", b"{}", 415),
            ("", b"", 415),
            ("multipart/form-data", b"", 415),
            ("multipart/form-data; boundary=other", form(*usual()), 400),
            ("multipart/form-data; boundary=frontier", form(*usual())[:-9], 400),
            ("multipart/form-data; boundary=frontier", b"nonsense", 400),
        ],
    )
    def test_what_is_no_form(
        self, bounded: tuple[Client, Path], type_: str, body: bytes, status: int
    ) -> None:
        client, folder = bounded
        answer = client.ask("POST", "/api/jobs", body, {"Content-Type": type_})
        assert answer.status == status, answer.body
        assert answer.told["error"]
        assert [*(folder / "incoming").iterdir()] == []

    @pytest.mark.parametrize(
        "name", ["..", "..%2f..%2fetc", "%2e%2e", "x" * 32, "0" * 31, "A" * 32, "0" * 33, "*"]
    )
    def test_ids_that_are_none(self, bounded: tuple[Client, Path], name: str) -> None:
        client, _ = bounded
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/stop"),
            ("POST", "/resume"),
            ("GET", "/events"),
            ("GET", "/picture"),
            ("GET", "/photo"),
            ("GET", "/paintings/0"),
            ("GET", "/recipe"),
        ):
            answer = client.ask(method, f"/api/jobs/{name}{path}")
            assert answer.status in (404, 405), (method, path)
            assert answer.told["error"]

    def test_addresses_and_methods(self, bounded: tuple[Client, Path]) -> None:
        client, _ = bounded
        assert client.get("/").status == 404
        assert client.get("/api").told == {"error": "There is nothing at this address."}
        answer = client.ask("PUT", "/api/jobs", b"")
        assert (answer.status, answer.told["error"]) == (405, "PUT is not for this address.")

    def test_questions(self, bounded: tuple[Client, Path]) -> None:
        client, _ = bounded
        for question, status in (
            (b"{", 400),
            (b"[]", 400),
            (b'{"photo": [0, 1], "paintings": [[1, 1]]}', 400),
            (b'{"photo": [64, 64], "paintings": []}', 400),
            (b'{"photo": [1, 9' + b"9" * 400 + b'], "paintings": [[1, 1]]}', 400),
            (b'{"photo": [1, 1000000], "paintings": [[1, 1]]}', 400),
            (b'{"photo": [64, 64], "paintings": [[64, 64]], "options": {"model": "x"}}', 400),
            (b'{"photo": [64, 64], "paintings": [[64, 64]], "options": {"size": 999}}', 400),
            (b" " * 70_000, 413),
        ):
            answer = client.ask("POST", "/api/plan", question)
            assert (answer.status, [*answer.told]) == (status, ["error"]), question


class TestBounds:
    def test_a_form_that_is_too_large_is_refused_before_it_is_read(
        self, studio: Open, tmp_path: Path
    ) -> None:
        client = studio(limits={"upload": 20_000})
        (tmp_path / "gallery" / "incoming").rmdir()  # nothing could be written there
        answer = client.post(*usual(bytes(30_000)))
        assert (answer.status, answer.told["error"][:30]) == (413, "The pictures have more than 0 ")

    def test_and_while_it_comes_if_it_does_not_say(self, studio: Open, tmp_path: Path) -> None:
        client = studio(limits={"upload": 20_000})

        def endless() -> Any:
            yield form(("photo", "a.png", b""))[:-16]
            sent = 0
            while sent < 50_000_000:
                yield bytes(10_000)
                sent += 10_000

        told = {"Content-Type": "multipart/form-data; boundary=frontier"}
        try:
            answer = client.ask("POST", "/api/jobs", endless(), told)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it had hung up before all was sent
        else:
            assert answer.status == 413
        assert [*(tmp_path / "gallery" / "incoming").iterdir()] == []
        assert client.get("/api/jobs").told["jobs"] == []

    def test_a_full_queue(self, studio: Open) -> None:
        client = studio(limits={"queue": 2}, workers=0)
        first, _ = client.start(), client.start()
        answer = client.post(*usual())
        assert (answer.status, answer.told["error"][:15]) == (503, "2 pictures wait")
        client.ask("DELETE", f"/api/jobs/{first}")
        client.start()

    def test_a_job_that_cannot_be_kept_takes_no_place(self, studio: Open, tmp_path: Path) -> None:
        client = studio(limits={"queue": 1}, workers=0)
        incoming = tmp_path / "gallery" / "incoming"
        incoming.rmdir()
        assert client.post(*usual()).status == 500
        incoming.mkdir()
        client.start()

    def test_a_full_gallery(self, studio: Open) -> None:
        client = studio(limits={"disk": 1_000_000}, workers=0)
        photo = picture(size=(500, 400))
        client.start(photo)
        answer = client.post(*usual(photo))
        assert (answer.status, answer.told["error"][:26]) == (507, "The gallery has 0.001 GB, ")

    def test_a_disk_that_is_nearly_full(
        self, studio: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from stylize.studio import desk

        monkeypatch.setattr(desk, "FREE", 10**18)
        assert studio(workers=0).post(*usual()).status == 507


class TestPlans:
    def test_tell_size_and_memory_and_after_a_picture_the_time(self, studio: Open) -> None:
        client = studio()
        question = {
            "photo": [4000, 3000],
            "paintings": [[800, 600]],
            "options": {"size": 256, "iterations": "100", "painting_size": None},
        }
        body = json.dumps(question).encode()
        plan = client.ask("POST", "/api/plan", body).told
        assert (plan["width"], plan["height"], plan["provider"]) == (256, 192, "cpu")
        assert plan["memory_bytes"] > 10_000_000
        assert plan["seconds"] is None
        client.ended(client.start(size=48, scales=1))  # a second for each of its steps
        plan = client.ask("POST", "/api/plan", body).told
        assert plan["seconds"] == pytest.approx(expected(), rel=1e-6)


def expected() -> float:
    """A hundred steps in two scales, where 48x32 pixels take a second."""
    return 50 * (128 * 96 + 256 * 192) / (48 * 32)


def test_health_tells_what_is_here(studio: Open) -> None:
    client = studio(workers=0)
    client.start()
    health = client.get("/api/health").told
    assert (health["status"], health["model"], health["provider"]) == ("ok", "compact", "cpu")
    assert (health["device"], health["queued"], health["running"]) == ("CPU, 1 thread", 1, 0)
    assert client.get("/config.json").told == {"engine": "server"}


def test_the_page_is_served_where_there_is_one(
    studio: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stylize.studio import serving

    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>")
    (page / "main.js").write_text("export {}")
    (tmp_path / "secret").write_text("no")
    monkeypatch.setattr(serving, "PAGE", page)
    client = studio(page=True)
    assert client.get("/").headers["content-type"].startswith("text/html")
    assert client.get("/main.js").headers["content-type"].startswith("text/javascript")
    for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret"):
        answer = client.get(path)
        assert (answer.status, answer.told["error"]) == (404, "There is nothing at this address.")
    assert client.get("/api/health").status == 200
