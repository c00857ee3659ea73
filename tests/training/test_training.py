"""The training's formulas, its pictures, and that a run goes on as if it had not stopped."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", minversion="2.9", reason="training needs torch 2.9")
pytest.importorskip("onnx", reason="the network is exported with onnx")
safetensors_numpy = pytest.importorskip("safetensors.numpy", reason="weights are safetensors")

from conftest import REPOSITORY
from PIL import Image
from typer.testing import CliRunner

from stylize.export.network.architecture import vgg19
from stylize.export.writing.compact import compact_network, write_compact
from stylize.models.errors import OptionError
from stylize.runtime import Model

TRAINING = REPOSITORY / "training"
SMALL = {
    "steps": 4,
    "side": 32,
    "details_per_step": 2,
    "iterates_per_step": 2,
    "chains": 3,
    "first_iterates": 1,
    "rate": 0.01,
    "warm_up": 1,
    "fitted_on": 2,
    "held_out": 2,
}
"""Settings of a training that takes a second."""


@pytest.fixture(scope="module")
def training() -> Iterator[SimpleNamespace]:
    """The modules, which lie in no package; torch has one thread, whatever else is computing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TRAINING)
        names = sorted(path.stem for path in TRAINING.glob("*.py"))
        yield SimpleNamespace(**{name: import_module(name) for name in names})
    torch.set_num_threads(threads)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def teacher(training: SimpleNamespace) -> dict[str, Any]:
    """VGG-19 with random weights."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=generator) * (2 / (9 * shape[1])) ** 0.5
        if len(shape) == 4
        else torch.zeros(shape)
        for name, shape in training.networks.TEACHER.parameters.items()
    }


@pytest.fixture(scope="module")
def collection(training: SimpleNamespace) -> Any:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 3, 40, 50), np.uint8)
    return training.pictures.Pictures(list(torch.from_numpy(pixels)))


@pytest.fixture(scope="module")
def new_distiller(
    training: SimpleNamespace, teacher: dict[str, Any], collection: Any
) -> Callable[[], Any]:
    """Return small distillers before their first step; they are alike."""
    settings = training.distiller.Settings(**SMALL)
    first = training.distiller.Distiller(settings, teacher, [collection])
    return lambda: deepcopy(first)


def test_errors_are_the_shares_that_are_missed(
    training: SimpleNamespace, rng: np.random.Generator
) -> None:
    theirs, ours = (torch.from_numpy(rng.random((3, 50, count))) for count in (12, 3))
    theirs *= torch.tensor([1.0, 2.0, 0.1]).reshape(3, 1, 1)
    readout = torch.from_numpy(rng.random((12, 3)))
    of = training.distillation.Grams(
        theirs.transpose(1, 2) @ theirs / 50,
        ours.transpose(1, 2) @ ours / 50,
        ours.transpose(1, 2) @ theirs / 50,
    )
    found = training.distillation.errors({"layer": of}, {"layer": readout})
    predicted = ours @ readout.T
    assert float(found.responses["layer"]) == pytest.approx(missed(predicted, theirs))
    grams = (maps.transpose(1, 2) @ maps for maps in (predicted, theirs))
    assert float(found.grams["layer"]) == pytest.approx(missed(*grams))


def missed(predicted: torch.Tensor, true: torch.Tensor) -> float:
    """Mean over a batch of what is missed over what there is, faint pictures held up."""
    errors = [float(((one - two) ** 2).sum()) for one, two in zip(predicted, true, strict=True)]
    wholes = [float((one**2).sum()) for one in true]
    mean = sum(wholes) / len(wholes)
    return float(np.mean([e / (0.5 * (w + mean)) for e, w in zip(errors, wholes, strict=True)]))


def test_least_squares_finds_a_readout_that_is_there(
    training: SimpleNamespace, rng: np.random.Generator
) -> None:
    ours, readout = torch.from_numpy(rng.random((4, 50, 3))), rng.random((12, 3))
    theirs = ours @ torch.from_numpy(readout).T
    of = training.distillation.Grams(
        theirs.transpose(1, 2) @ theirs, ours.transpose(1, 2) @ ours, ours.transpose(1, 2) @ theirs
    )
    np.testing.assert_allclose(training.distillation.least_squares(of), readout, atol=5e-3)


def test_chosen_channels_predict_the_others(
    training: SimpleNamespace, rng: np.random.Generator
) -> None:
    basis, mixture = rng.random((4, 200)), rng.random((20, 4))
    rows = np.concatenate([basis, mixture @ basis])
    chosen = training.pruning.select_channels(torch.from_numpy(rows @ rows.T), 4)
    span = rows[chosen.numpy()]
    rest = rows - rows @ np.linalg.pinv(span) @ span
    assert np.linalg.norm(rest) < 1e-6 * np.linalg.norm(rows)


def test_a_fit_finds_the_convolution_that_is_there(training: SimpleNamespace) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = (3, 4, 20, 20), (5, 4, 3, 3), (5,)
    inputs, kernel, bias = (torch.randn(shape, generator=generator) for shape in shapes)
    sums = torch.nn.functional.conv2d(inputs, kernel, bias, padding=1)
    found, offset = training.pruning._fit(inputs, sums, generator)
    np.testing.assert_allclose(found, kernel, atol=0.02)
    np.testing.assert_allclose(offset, bias, atol=0.02)


def test_drawn_pictures_are_rgb_and_seeded(training: SimpleNamespace) -> None:
    for kind in ("strokes", "cloud", "gratings", "gradient", "noise"):
        draw = getattr(training.procedural, kind)
        for seed in range(5):
            first, again = (draw(32, random.Random(seed)) for _ in range(2))
            assert first.shape == (3, 32, 32)
            assert 0 <= float(first.min()) <= float(first.max()) <= 1
            assert torch.equal(first, again)
        assert not torch.equal(draw(32, random.Random(7)), draw(32, random.Random(8)))


def test_details_are_squares_of_pictures(training: SimpleNamespace, collection: Any) -> None:
    details = training.pictures.Details([collection], 32, seed=0)
    batch = details.batch(8)
    assert batch.shape == (8, 3, 32, 32)
    assert 0 <= float(batch.min()) <= float(batch.max()) <= 1
    learnt, kept = collection.split(2)
    assert (len(learnt.images), len(kept.images)) == (5, 1)


def test_optimisations_go_down(
    training: SimpleNamespace, teacher: dict[str, Any], collection: Any
) -> None:
    """What an iterate's chain minimises falls while the student stays as it is."""
    images = training.pictures.Details([collection], 32, seed=0).batch(2)
    student = training.pruning.pruned(teacher, images, seed=0)
    metrics = {
        layer: torch.eye(training.networks.STUDENT.layer(layer).channels)
        for layer in training.distillation.LAYERS
    }
    pool = training.iterates.Iterates(training.pictures.Details([collection], 32, seed=1), 2)
    pool.batch(student, metrics, count=2, steps=1)
    for chain in pool.chains:
        chain.life = 1000

    def totals() -> torch.Tensor:
        aims = training.iterates._aims(pool.chains, student)
        return training.iterates._totals(pool.chains, pool.pictures(), aims, student, metrics)

    before = totals()
    pool.batch(student, metrics, count=2, steps=20)
    assert (totals() < 0.8 * before).all()


def test_a_run_goes_on_as_if_it_had_not_stopped(
    new_distiller: Callable[[], Any], tmp_path: Path
) -> None:
    whole, stopped, resumed = (new_distiller() for _ in range(3))
    for _ in range(4):
        whole.advance()
    for _ in range(2):
        stopped.advance()
    torch.save(stopped.state(), tmp_path / "checkpoint.pt")
    resumed.restore(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    for _ in range(2):
        resumed.advance()
    assert resumed.step == 4
    assert resumed.iterates.turn == whole.iterates.turn
    assert resumed.details.state() == whole.details.state()
    ages = [[chain.age for chain in one.iterates.chains] for one in (whole, resumed)]
    assert ages[0] == ages[1]
    torch.testing.assert_close(resumed.iterates.pictures(), whole.iterates.pictures())
    for name, value in whole.parameters.items():
        torch.testing.assert_close(resumed.parameters[name], value)
        assert not torch.equal(value, stopped.parameters[name])


def test_a_run_with_other_settings_or_pictures_is_not_gone_on_with(
    training: SimpleNamespace,
    teacher: dict[str, Any],
    collection: Any,
    new_distiller: Callable[[], Any],
) -> None:
    begun = new_distiller()
    state, settings = begun.state(), begun.settings
    other = training.distiller.Distiller(replace(settings, seed=9), teacher, [collection])
    with pytest.raises(OptionError, match="begun with seed = 0, which now is 9"):
        other.restore(state)
    other = training.distiller.Distiller(settings, teacher, [collection, collection])
    with pytest.raises(OptionError, match="Give the same --pictures again"):
        other.restore(state)


def test_finished_weights_measure_what_was_trained(
    training: SimpleNamespace, new_distiller: Callable[[], Any], tmp_path: Path
) -> None:
    """The exported model's Gram matrices are R g Rᵀ, in VGG-19's units."""
    distiller = new_distiller()
    distiller.advance()
    arrays = distiller.finished()
    assert {name: array.shape for name, array in arrays.items()} == compact_network().parameters
    safetensors_numpy.save_file(arrays, tmp_path / "compact.safetensors")
    write_compact(str(tmp_path / "compact.safetensors"), tmp_path / "compact")
    model = Model.open(tmp_path / "compact", "cpu")
    image = distiller.details.batch(1)
    features = model.features(image.numpy())
    readouts = distiller._readouts(distiller.averages)
    found = training.networks.responses(
        training.networks.STUDENT, distiller.averages, image, readouts, torch.float32
    )
    for layer, readout in readouts.items():
        gram = training.distillation.gram(found[layer], found[layer])[0]
        expected = torch.linalg.norm(readout @ gram @ readout.T).item()
        assert np.linalg.norm(features[f"gram.{layer}"]) == pytest.approx(expected, rel=0.01)


def test_the_command_trains_goes_on_and_writes_weights(
    training: SimpleNamespace,
    teacher: dict[str, Any],
    rng: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = training.distiller.Settings(**SMALL)
    monkeypatch.setattr(training.train, "Settings", lambda: settings)
    monkeypatch.setattr(training.train, "keep_memory", lambda: None)  # for all that follows
    (tmp_path / "pictures").mkdir()
    for index in range(20):
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{index}.png")
    whole = {
        name: teacher[name].numpy() if name in teacher else np.zeros(shape, np.float32)
        for name, shape in vgg19().parameters.items()
    }
    safetensors_numpy.save_file(whole, tmp_path / "vgg19.safetensors")
    arguments = ("--weights", "vgg19.safetensors", "--side", "32")
    arguments += ("--pictures", "pictures", "--output", "run")
    first, again = (
        CliRunner().invoke(training.train.app, [*arguments, "--steps", steps]) for steps in "12"
    )
    assert first.exit_code == 0, first.output
    assert again.exit_code == 0, again.output
    assert "going on from step 1" in again.stdout
    assert "step 2 of 2" in again.stdout
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {"log.jsonl", "checkpoint.pt", "compact.safetensors"}
    log = (tmp_path / "run" / "log.jsonl").read_text()
    steps = [json.loads(line)["step"] for line in log.splitlines()]
    assert steps == [1, 2]


def test_a_folder_without_pictures_ends_in_one_clear_line(tmp_path: Path) -> None:
    command = [sys.executable, str(TRAINING / "train.py"), "--weights", "none", "--pictures", "."]
    command += ["--output", "run"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "Error: '.' holds no pictures (.jpeg, .jpg, .png, .webp)" in " ".join(
        done.stderr.split()
    )
    assert not (tmp_path / "run").exists()
