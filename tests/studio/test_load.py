"""Many clients at once: nothing is lost, nothing is done twice, and the queue keeps its order."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from open_studio import opened
from studio_client import Client, picture, usual

from stylize.studio import workshop
from stylize.studio.gallery import Gallery

CLIENTS, EACH, WORKERS = 8, 6, 3


def test_jobs_posted_at_once_are_each_done_once(
    studio: Callable[..., Client], tmp_path: Path
) -> None:
    client = studio(workers=WORKERS)
    photos = [picture(seed) for seed in range(CLIENTS)]

    def post(number: int) -> list[tuple[str, int]]:
        return [(client.start(photos[number], seed=100 + number), number) for _ in range(EACH)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        posted = [each for found in pool.map(post, range(CLIENTS)) for each in found]
    names = [name for name, _ in posted]
    assert len({*names}) == CLIENTS * EACH
    for name, number in posted:
        assert client.ended(name)["state"] == "done"
        assert client.job(name)["options"] == {"seed": 100 + number}
        assert client.get(f"/api/jobs/{name}/picture").body == photos[number], "nobody else's"
    painted = (tmp_path / "gallery" / "painted.txt").read_text().split()
    assert sorted(painted) == sorted(names)


def test_what_became_of_a_job_is_written_when_the_disk_has_room_again(
    studio: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = [sqlite3.OperationalError("database or disk is full")] * 2

    def finish(gallery: Gallery, *given: Any) -> None:
        if tries:
            raise tries.pop()
        usual_finish(gallery, *given)

    usual_finish = Gallery.finish
    monkeypatch.setattr(Gallery, "finish", finish)
    monkeypatch.setattr(workshop, "PAUSE", 0.01)
    client = studio()
    assert client.ended(client.start())["state"] == "done"
    assert not tries


def test_what_waits_outlives_the_studio_in_its_order(tmp_path: Path) -> None:
    with opened(tmp_path, workers=0) as client:
        names = [client.start() for _ in range(5)]
    with opened(tmp_path) as client:
        for name in names:
            assert client.ended(name)["state"] == "done"
    assert (tmp_path / "painted.txt").read_text().split() == names


def test_a_queue_that_is_full_takes_no_more_of_many_than_of_few(
    studio: Callable[..., Client],
) -> None:
    client = studio(workers=0, limits={"queue": 10})
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [*pool.map(lambda _: client.post(*usual()), range(30))]
    taken = [answer.told["id"] for answer in answers if answer.status == 202]
    assert {answer.status for answer in answers} == {202, 503}
    assert client.get("/api/health").told["queued"] == len(taken) <= 10
    listed = {job["id"] for job in client.get("/api/jobs").told["jobs"]}
    assert listed == {*taken}
