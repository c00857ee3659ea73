"""``stylize batch``: every pair, each picture made once, whatever happens on the way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.making import batch as batching
from stylize.cli.making import saving
from stylize.cli.making.batch_worker import Batch, work
from stylize.models.errors import ImageError
from stylize.runtime.batches.claims import Claims
from stylize.runtime.batches.keeping import KeepingModel
from stylize.runtime.batches.pairs import Pair
from stylize.runtime.batches.record import FILE, Entry, Record
from stylize.runtime.engine.machine import Machine
from stylize.runtime.engine.program import Program
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.plans import checkpoint
from stylize.runtime.plans.checkpoint import read_checkpoint
from stylize.runtime.plans.recipe import read_recipe
from stylize.runtime.providers.hardware import usable_cpus

SUCCESS, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130
SHORT = ("--size", "24", "--iterations", "2")
OUT = Path("out")
BATCH = ("batch", "photos/a.png", "--paintings", "paintings", "-o", str(OUT))
NAMES = ["a-p.png", "a-夜 q.png"]
CPU = ("--provider", "cpu")
KILLS = int(os.environ.get("STYLIZE_KILLS", "1"))


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two photos and two paintings in folders."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    Path("photos").mkdir()
    Path("paintings").mkdir()
    for seed, name in enumerate(("photos/a.png", "photos/b.png")):
        picture(name, seed=seed)
    for seed, name in enumerate(("paintings/p.png", "paintings/夜 q.png")):
        picture(name, (32, 40), seed=seed + 2)


def stylize(*arguments: str, code: int = SUCCESS) -> Result:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == code, result.output
    return result


def made() -> dict[str, int]:
    """The pictures that are there, and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in OUT.glob("*.png")}


def entries() -> list[Entry]:
    with closing(Claims(OUT)) as claims:
        return Record(OUT, claims).news()


def outcomes() -> list[str]:
    return [entry.outcome for entry in entries()]


def test_makes_what_run_makes_of_every_pair() -> None:
    result = stylize(*BATCH, *SHORT)
    assert sorted(made()) == sorted(NAMES)
    assert "2 pictures: 2 made. The record is " in result.stderr
    stylize("run", "photos/a.png", "paintings/夜 q.png", *SHORT, "-o", "alone.png")
    assert (OUT / "a-夜 q.png").read_bytes() == Path("alone.png").read_bytes()
    last = entries()[-1]
    assert (last.outcome, last.photo, last.painting) == (
        "made",
        str(Path("photos/a.png")),
        str(Path("paintings/夜 q.png")),
    )
    assert (last.output, last.iterations) == (str(OUT / "a-夜 q.png"), 2)


def test_looks_at_each_painting_once_and_loads_each_graph_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    loaded: list[str] = []
    targets, load = Model.targets, Program.__init__

    def look(model: Model, image: object, layers: object) -> object:
        looked.append("content" if layers.content else "style")  # type: ignore[attr-defined]
        return targets(model, image, layers)  # type: ignore[arg-type]

    def count(program: Program, folder: object, graph: object, *rest: object) -> None:
        loaded.append(graph.file)  # type: ignore[attr-defined]
        load(program, folder, graph, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "targets", look)
    monkeypatch.setattr(Program, "__init__", count)
    stylize(*BATCH, "photos/b.png", *SHORT)
    assert sorted(looked) == 4 * ["content"] + 2 * ["style"]
    assert len(loaded) == len(set(loaded))


class TestWhatIsThere:
    def test_is_kept_and_what_is_missing_is_made(self) -> None:
        stylize(*BATCH, *SHORT)
        before = made()
        (OUT / NAMES[1]).unlink()
        result = stylize(*BATCH, *SHORT)
        assert "2 pictures: 1 made, 1 there already." in result.stderr
        assert [name for name, when in made().items() if before[name] != when] == [NAMES[1]]
        assert outcomes() == 3 * ["made"]

    def test_of_other_settings_is_kept_beside(self) -> None:
        stylize(*BATCH, *SHORT)
        before = made()
        stylize(*BATCH, *SHORT, "--style-weight", "7")
        assert before.items() < made().items()
        assert len(made()) == 4
        assert read_recipe(OUT / "a-p-2.png").options.style_weight == 7
        assert "0 made, 2 there" in stylize(*BATCH, *SHORT, "--style-weight", "7").stderr

    def test_of_another_photo_of_that_name_is_kept_beside(
        self, picture: Callable[..., Path]
    ) -> None:
        Path("more").mkdir()
        picture("more/a.png", seed=9)
        both = ("batch", "photos/a.png", "more/a.png", "--paintings", "paintings/p.png")
        stylize(*both, "-o", str(OUT), *SHORT)
        assert sorted(made()) == ["a-p-2.png", "a-p.png"]
        assert "0 made, 2 there" in stylize(*both, "-o", str(OUT), *SHORT).stderr

    def test_is_recorded_if_it_was_not(self) -> None:
        stylize(*BATCH, *SHORT)
        (OUT / FILE).unlink()
        stylize(*BATCH, *SHORT)
        stylize(*BATCH, *SHORT)
        assert outcomes() == 2 * ["there"]


def test_files_are_written_as_run_writes_them() -> None:
    form = ("--bits", "16", "--keep-metadata", "none")
    stylize(*BATCH, *SHORT, *form)
    stylize("run", "photos/a.png", "paintings/p.png", *SHORT, *form, "-o", "alone.png")
    assert (OUT / "a-p.png").read_bytes() == Path("alone.png").read_bytes()
    assert Path("alone.png").read_bytes()[24] == 16  # the bits that a PNG's header tells
    assert "2 there already" in stylize(*BATCH, *SHORT, *form).stderr


class TestCluster:
    def test_workers_paint_the_same_pictures(self) -> None:
        pytest.importorskip("distributed", reason="its workers paint")
        both = ("batch", "photos", "--paintings", "paintings", *CPU, *SHORT)
        Path("photos/c.png").write_text("no picture")
        result = stylize(*both, "-o", "shared", "--cluster", "2", code=FAILURE)
        assert "6 pictures: 4 made, 2 failed." in result.stderr, result.stderr
        stylize(*both, "-o", "alone", code=FAILURE)
        for path in Path("alone").glob("*.png"):
            shared, alone = (
                np.asarray(load_image(Path(folder, path.name))).astype(int)
                for folder in ("shared", "alone")
            )
            assert np.abs(shared - alone).max() <= 1
            assert not read_recipe(path).differences(read_recipe(Path("shared", path.name)))
        assert "4 there already" in stylize(*both, "-o", "alone", code=FAILURE).stderr

    def test_who_cannot_paint_leaves_the_pictures_to_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("distributed", reason="has workers")
        from stylize.runtime.batches.distant import Studio, StudioError

        def gathered(_: Studio) -> None:
            raise StudioError("no provider there")

        monkeypatch.setattr(Studio, "_gathered", gathered)
        OUT.mkdir()
        pairs = [Pair(Path("photos/a.png"), Path("paintings/p.png"))]
        model = KeepingModel.open("compact", "cpu")
        batch = Batch(pairs, OUT, Options(size=24, iterations=2), Machine())
        with pytest.raises(StudioError, match="no provider there"):
            work(batch, model, lambda _: None, Studio(None, 0, model))  # type: ignore[arg-type]
        assert not outcomes()

    def test_a_profile_that_is_none_is_refused_at_once(self) -> None:
        Path("p.icc").write_text("none")
        assert "p.icc" in stylize(*BATCH, *SHORT, "--profile", "p.icc", code=USAGE).stderr
        assert not OUT.exists()

    def test_a_file_to_start_from_is_refused(self) -> None:
        refused = stylize(*BATCH, *SHORT, "--cluster", "2", "--init", "photos/b.png", code=USAGE)
        assert "the workers of a cluster are sent only the photo" in refused.stderr


class TestShares:
    """Several processes on a machine do not each plan with all of its memory."""

    BATCH = Batch([], OUT, Options(), Machine(model="compact", provider="cpu"))

    def test_of_jobs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as free:
            free.setattr(Model, "memory_to_spare", lambda *_: 3_000_000)
            shared = batching._shared(self.BATCH, KeepingModel.open("compact", "cpu"), 3)
        assert batching._model(shared).memory_to_spare() == 1_000_000
        scene = Scene(batching._model(shared), "photos/a.png", "paintings/p.png")
        assert scene.plan(Options(size=512)).tile

    def test_what_is_given_is_for_each(self) -> None:
        machine = replace(self.BATCH.machine, memory=10**9, threads=2)
        batch = replace(self.BATCH, machine=machine)
        shared = batching._shared(batch, batching._model(batch), 3)
        assert shared.machine == machine

    @pytest.mark.parametrize(("memory", "spare"), [("cpu", 5), ("cuda", None)])
    def test_of_workers(
        self, memory: str, spare: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They tell beforehand what each can spare."""
        pytest.importorskip("distributed", reason="has workers")
        from stylize.runtime.batches.distant import Studio
        from stylize.runtime.batches.painter import Painter
        from stylize.runtime.cluster import extra

        class Workers:
            address, count, memory_to_spare = "tcp://a:1", 2, staticmethod(lambda: 5)

            def on_each(self, do: object) -> None: ...

        given: list[Batch] = []
        monkeypatch.setattr(extra, "connect", lambda _: Workers())
        monkeypatch.setattr(batching, "_work_in_processes", lambda batch, *_: given.append(batch))
        batch = replace(self.BATCH, machine=replace(self.BATCH.machine, cluster="2"))
        model = KeepingModel.open("compact", "cpu")
        model.provider = replace(model.provider, memory=memory)  # type: ignore[arg-type]
        batching._work_on_workers(batch, model, lambda _: None)
        assert given[0].spare == spare

        easel = Studio(None, 0, batching._model(given[0]))._easel  # type: ignore[arg-type]
        painter = Painter.__new__(Painter)
        painter._worker = SimpleNamespace(state=SimpleNamespace(nthreads=1))  # type: ignore[assignment]
        monkeypatch.setattr(Painter, "model", lambda *_: model.folder)
        painter.set_up(easel)
        assert painter._model
        assert painter._model.budget.spare == spare


class TestFailures:
    def test_a_bad_file_stops_no_other(self) -> None:
        Path("photos/aa.jpg").write_text("no picture")
        result = stylize(*BATCH, "photos/aa.jpg", "--paintings", "gone.jpg", *SHORT, code=FAILURE)
        assert sorted(made()) == sorted(NAMES)
        assert "6 pictures: 2 made, 4 failed." in result.stderr
        told = [line for line in result.stderr.splitlines() if line.startswith("Failed: ")]
        assert len(told) == 2
        assert "There is no picture 'gone.jpg'. Check the path. (2 pictures)" in told[0] + told[1]
        assert sorted(outcomes()) == 4 * ["failed"] + 2 * ["made"]
        quiet = stylize(*BATCH, "photos/aa.jpg", *SHORT, "--quiet", code=FAILURE).stderr
        assert quiet.startswith("Failed: ")

    def test_a_full_disk_ends_it_and_what_is_made_stays(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from stylize.runtime.pictures import saving as files

        check = files.check_output

        is_full = True

        def full(path: Path, long_side: int = 0, bits: int = 8) -> None:
            if is_full and len(made()) == 1:
                raise ImageError(f"'{path}' cannot be written: No space left on device.")
            check(path, long_side, bits)

        monkeypatch.setattr(files, "check_output", full)
        result = stylize(*BATCH, *SHORT, code=FAILURE)
        assert len(made()) == 1
        assert "2 pictures: 1 made, 1 left" in result.stderr
        assert "No space left on device" in result.stderr.splitlines()[-1]
        is_full = False
        assert "1 made, 1 there already" in stylize(*BATCH, *SHORT).stderr

    def test_a_picture_that_cannot_be_saved_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write = saving._write

        def fail_once(*given: object) -> Path:
            monkeypatch.setattr(saving, "_write", write)
            raise ImageError("It cannot be written. The picture is in 'elsewhere.png' instead.")

        monkeypatch.setattr(saving, "_write", fail_once)
        result = stylize(*BATCH, *SHORT, code=FAILURE)
        assert "'elsewhere.png' instead" in result.stderr
        assert len(made()) == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("photos",), "Name photos and paintings: stylize batch PHOTO... --paintings"),
            (("photos", "--pairs", "list.csv"), "--pairs names all pictures."),
            (("--pairs", "gone.csv"), "'gone.csv' cannot be read"),
            (("photos", "--paintings", "paintings", "--shard", "3/2"), "--shard is '3/2'"),
            (
                ("photos", "--paintings", "paintings", "--jobs", "2", "--cluster", "2"),
                "--jobs and --cluster both make several processes.",
            ),
        ],
    )
    def test_usage(self, arguments: tuple[str, ...], message: str) -> None:
        result = stylize("batch", *arguments, "-o", str(OUT), code=USAGE)
        assert message in result.stderr
        assert not OUT.exists()


def test_ctrl_c_saves_the_picture_so_far_and_the_record_tells(
    interrupted_at: Callable[[int], None],
) -> None:
    interrupted_at(6)
    result = stylize(*BATCH, "--size", "24", "--iterations", "3", code=INTERRUPTED)
    assert "2 pictures: 1 made, 1 interrupted." in result.stderr
    assert outcomes() == ["made", "interrupted"]
    assert not read_recipe(OUT / NAMES[1]).finished
    assert "1 made, 1 there" in stylize(*BATCH, "--size", "24", "--iterations", "3").stderr
    assert all(read_recipe(OUT / name).finished for name in made())
    assert sorted(made()) == sorted(NAMES)


def test_a_folder_called_as_a_picture_stops_no_other() -> None:
    (OUT / NAMES[0]).mkdir(parents=True)
    stylize(*BATCH, *SHORT)
    assert all(read_recipe(OUT / name).finished for name in ("a-p-2.png", NAMES[1]))
    assert "2 there" in stylize(*BATCH, *SHORT).stderr


def test_a_list_of_pairs_and_its_parts() -> None:
    lines = ["photo,painting", "photos/a.png,paintings/p.png", "photos/b.png,paintings/夜 q.png"]
    Path("pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    for part in (1, 2):
        stylize("batch", "--pairs", "pairs.csv", "-o", str(OUT), *SHORT, "--shard", f"{part}/2")
        assert len(made()) == part
    assert sorted(made()) == ["a-p.png", "b-夜 q.png"]


@pytest.mark.parametrize("dies", [True, False])
def test_what_another_process_makes_is_tried_again_at_the_end(
    dies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    claim = Claims.claimed

    @contextmanager
    def claimed(claims: Claims, what: str) -> Iterator[bool]:
        asked.append(what.partition(".")[0])
        if asked[-1] == "a-p" and not (dies and asked.count("a-p") > 1):
            yield False
        else:
            with claim(claims, what) as got:
                yield got

    monkeypatch.setattr(Claims, "claimed", claimed)
    result = stylize(*BATCH, *SHORT)
    assert asked[:2] == ["a-p", "a-夜 q"]
    assert asked[2:] == ["a-p"]
    told = "2 made. " if dies else "1 made, 1 left, or made by another process. "
    assert f"2 pictures: {told}" in result.stderr


def command(*more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "stylize",
        *BATCH,
        "--size",
        "24",
        "--iterations",
        "8",
        *CPU,
        *more,
    ]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX has SIGKILL")
def test_killed_at_random_and_started_again_nothing_is_lost() -> None:
    """``STYLIZE_KILLS=50`` kills so many times; each time after another moment's work."""
    chance = random.Random(0)
    before: dict[str, int] = {}
    for _ in range(KILLS):
        with subprocess.Popen(command("--quiet")) as process:
            known = len(made())
            while process.poll() is None and len(made()) in (known, 0):
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.1))
            process.kill()
        assert before.items() <= made().items()
        assert all(read_recipe(OUT / name).finished for name in made())
        before = made()
    stylize(*command()[3:])
    assert before.items() <= made().items()
    assert sorted(made()) == sorted(NAMES)
    found = {entry.output for entry in entries() if entry.outcome in ("made", "there")}
    assert found == {str(OUT / name) for name in NAMES}


class TestCheckpoints:
    """What was begun is gone on with, by the same command, to the same bit."""

    SLOW = (*("batch", "photos", "--paintings", "paintings/p.png", "-o", str(OUT)), *CPU)
    SLOW += ("--model", "compact", "--size", "48", "--scales", "32,48", "--iterations", "24")
    SLOW += ("--content-weight", "0", "--style-layer", "conv1_1", "--checkpoint", "1", "-q")
    FILES = (OUT / "a-p.png.checkpoint", OUT / "b-p.png.checkpoint")

    @pytest.fixture
    def whole(self) -> dict[str, bytes]:
        """What a batch makes that nothing ends."""
        stylize(*self.SLOW)
        found = {path.name: path.read_bytes() for path in OUT.iterdir() if path.suffix == ".png"}
        shutil.rmtree(OUT)
        return found

    @pytest.fixture
    def gone_on(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """How many iterations each picture has behind it when it is begun."""
        render, begun = Scene.render, list[int]()

        def rendered(scene: Scene, *given: Any, resumed: Any = None, **more: Any) -> Any:
            begun.append(resumed.standing.made if resumed else 0)
            return render(scene, *given, resumed=resumed, **more)

        monkeypatch.setattr(Scene, "render", rendered)
        return begun

    def made_as(self, whole: dict[str, bytes]) -> bool:
        """Tell whether these pictures are there, and no checkpoint beside them."""
        assert not list(OUT.glob("*.checkpoint"))
        return {path.name: path.read_bytes() for path in OUT.glob("*.png")} == whole

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX has SIGKILL")
    @pytest.mark.parametrize("number", range(KILLS))
    def test_after_sigkill_at_any_moment(
        self, number: int, whole: dict[str, bytes], gone_on: list[int]
    ) -> None:
        chance = random.Random(number)
        file, awaited = chance.choice(self.FILES), chance.randint(2, 22)
        with subprocess.Popen([sys.executable, "-m", "stylize", *self.SLOW]) as process:
            while process.poll() is None and not (
                file.exists() and read_checkpoint(file)[0].standing.made >= awaited
            ):
                time.sleep(0.001)
            process.kill()
        left = read_checkpoint(file)[0].standing.made
        stylize(*self.SLOW)
        assert gone_on[0] == left
        assert self.made_as(whole)

    def interrupted(self, interrupted_at: Callable[[int], None], at: int = 9) -> bytes:
        """Let Ctrl-C end a batch; return the checkpoint."""
        interrupted_at(at)
        told = stylize(*self.SLOW, code=INTERRUPTED).stderr
        assert f"The same command goes on from '{self.FILES[0]}'." in told
        return self.FILES[0].read_bytes()

    def test_after_ctrl_c(
        self, whole: dict[str, bytes], interrupted_at: Callable[[int], None], gone_on: list[int]
    ) -> None:
        self.interrupted(interrupted_at)
        stylize(*self.SLOW)
        assert gone_on == [0, 8, 0]
        assert self.made_as(whole)

    def test_with_less_memory_free_than_then(
        self,
        whole: dict[str, bytes],
        interrupted_at: Callable[[int], None],
        gone_on: list[int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The plan of a picture that is begun now would be another."""
        self.interrupted(interrupted_at)
        monkeypatch.setattr(Model, "memory_to_spare", lambda *_: 1)
        stylize(*self.SLOW)
        assert gone_on == [0, 8, 0]
        assert (OUT / "a-p.png").read_bytes() == whole["a-p.png"]
        assert (OUT / "b-p.png").read_bytes() != whole["b-p.png"]

    def test_resume_goes_on_with_one_of_them(
        self, whole: dict[str, bytes], interrupted_at: Callable[[int], None]
    ) -> None:
        self.interrupted(interrupted_at)
        stylize("resume", str(self.FILES[0]), "--model", "compact", "-q")
        assert (OUT / "a-p.png").read_bytes() == whole["a-p.png"]

    def test_one_of_other_settings_stays(
        self, whole: dict[str, bytes], interrupted_at: Callable[[int], None], gone_on: list[int]
    ) -> None:
        first, other = self.FILES[0], OUT / "a-p.png-2.checkpoint"
        left = self.interrupted(interrupted_at)
        told = stylize(*self.SLOW[:-1], "--style-weight", "7").stderr
        assert told.count(f"'{first}' is of another picture of this name, or of other set") == 1
        assert gone_on == [0, 0, 0]
        assert first.read_bytes() == left
        assert not other.exists()
        stylize(*self.SLOW)
        assert gone_on[3:] == [8, 0]

    def test_one_of_no_use_beside_it_changes_nothing(
        self, interrupted_at: Callable[[int], None], gone_on: list[int]
    ) -> None:
        self.interrupted(interrupted_at)
        (OUT / "a-p.png-2.checkpoint").write_bytes(b"none")
        assert "begun anew" not in stylize(*self.SLOW[:-1]).stderr
        assert gone_on == [0, 8, 0]

    def test_tells_what_may_round_otherwise(
        self, interrupted_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as then:
            then.setattr(checkpoint, "onnxruntime_release", lambda: "0.1")
            left = self.interrupted(interrupted_at)
        told = stylize(*self.SLOW[:-1], "--threads", str(usable_cpus() + 1)).stderr
        assert told.count(f"Going on from '{self.FILES[0]}'. ") == 2
        assert "begun with ONNX Runtime 0.1, and this is" in told
        assert f"and this process has {usable_cpus() + 1}: the end may differ a little." in told
        (OUT / "a-p.png").unlink()
        self.FILES[0].write_bytes(left)
        assert "process has" not in stylize(*self.SLOW[:-1], "--threads", str(usable_cpus())).stderr

    def test_the_picture_tells_how_it_was_written_now(
        self, interrupted_at: Callable[[int], None], gone_on: list[int]
    ) -> None:
        self.interrupted(interrupted_at)
        stylize(*self.SLOW, "--keep-metadata", "none")
        assert gone_on == [0, 8, 0]
        assert read_recipe(OUT / "a-p.png").files.keep_metadata == "none"

    @pytest.mark.skipif(os.name != "posix", reason="only POSIX sends such signals")
    def test_of_several_processes_it_is_told_what_was_interrupted(self) -> None:
        given = *self.SLOW, "--jobs", "2", "--iterations", "100000", "--json"
        command = [sys.executable, "-m", "stylize", *given]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            while process.poll() is None and not all(file.exists() for file in self.FILES):
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            report = json.loads(process.communicate()[0])
        assert (report["state"], report["interrupted"], report["left"]) == ("stopped", 2, 0)
        assert outcomes() == 2 * ["interrupted"]

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda text: text.replace(b'"version":"0', b'"version":"9'), "was written by stylize"),
            (lambda text: b"none", "is no checkpoint"),
        ],
    )
    def test_one_that_is_of_no_use_stays(
        self,
        change: Callable[[bytes], bytes],
        told: str,
        whole: dict[str, bytes],
        interrupted_at: Callable[[int], None],
        gone_on: list[int],
    ) -> None:
        file = self.FILES[0]
        file.write_bytes(left := change(self.interrupted(interrupted_at)))
        lines = stylize(*self.SLOW[:-1]).stderr.splitlines()
        assert [told in line for line in lines if "begun anew" in line] == [True]
        assert gone_on == [0, 0, 0]
        assert file.read_bytes() == left
        file.unlink()
        assert self.made_as(whole)

    def test_one_of_a_picture_that_is_there_is_removed(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        """Its process was killed between the two."""
        left = self.interrupted(interrupted_at)
        stylize(*self.SLOW)
        self.FILES[0].write_bytes(left)
        stylize(*self.SLOW, "--quiet")
        assert not self.FILES[0].exists()

    def test_none_is_promised_on_a_cluster(self) -> None:
        assert "write no checkpoints" in stylize(*self.SLOW, "--cluster", "2", code=USAGE).stderr


def test_what_is_claimed_does_not_depend_on_the_memory_that_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two processes, one of which would take Adam for lack of memory, only one may make it."""
    claimed: list[str] = []
    claim = Claims.claimed

    def watched(claims: Claims, what: str) -> Any:
        claimed.append(what)
        return claim(claims, what)

    monkeypatch.setattr(Claims, "claimed", watched)
    for spare in (None, 1):
        monkeypatch.setattr(Model, "memory_to_spare", lambda *_, spare=spare: spare)
        stylize(*BATCH, *SHORT)
    assert claimed[:2] == claimed[2:]
    assert {read_recipe(OUT / name).options.optimizer for name in made()} == {"lbfgs", "adam"}


def test_several_processes_share_it() -> None:
    result = subprocess.run(command("--jobs", "2"), capture_output=True, text=True, check=False)
    assert result.returncode == SUCCESS, result.stderr
    assert "2 pictures: 2 made. " in result.stderr
    assert sorted(made()) == sorted(NAMES)
    assert outcomes() == 2 * ["made"]
    assert not np.array_equal(load_image(OUT / NAMES[0]), load_image(OUT / NAMES[1]))
