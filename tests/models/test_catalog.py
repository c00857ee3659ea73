"""Where models are looked for, in which order, and when a name is a path."""

import os
import shutil
from pathlib import Path

import pytest

from stylize.models import catalog
from stylize.models.catalog import (
    embedded_folder,
    find_model,
    model_folders,
    search_folders,
    user_folder,
)
from stylize.models.errors import ModelError
from stylize.models.folder import open_folder


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders that $STYLIZE_MODELS names."""
    folders = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setenv("STYLIZE_MODELS", os.pathsep.join(map(str, folders)))
    return folders


def add_model(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "model.json").write_text("{}")
    return path


def test_the_users_folder_is_in_the_users_data(tmp_path: Path) -> None:
    assert user_folder().is_relative_to(tmp_path)
    assert user_folder().parts[-2:] == ("stylize", "models")
    assert not user_folder().exists()


def test_the_embedded_model_is_whole() -> None:
    assert embedded_folder() == Path(catalog.__file__).parent / "compact"
    assert open_folder(embedded_folder()).manifest.name == "compact"


def test_the_order_of_search(named: list[Path]) -> None:
    assert search_folders() == [*named, Path("models"), user_folder()]


@pytest.mark.parametrize("value", [None, "", os.pathsep, os.pathsep * 3])
def test_an_empty_variable_adds_no_folder(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("STYLIZE_MODELS", value)
    assert search_folders() == [Path("models"), user_folder()]


def test_only_the_embedded_model_is_there_at_first() -> None:
    assert list(model_folders()) == [embedded_folder()]
    assert find_model() == embedded_folder()
    assert find_model("compact") == embedded_folder()


def test_folders_with_a_manifest_are_models_in_order_of_search(named: list[Path]) -> None:
    users = add_model(user_folder(), "users")
    second = add_model(named[1], "second")
    later, earlier = add_model(named[0], "b"), add_model(named[0], "a")
    here = add_model(Path("models"), "here")
    (named[0] / "no-model").mkdir()
    add_model(named[0] / "no-model", "too-deep")
    (named[0] / "model.json").write_text("{}")
    assert list(model_folders()) == [earlier, later, second, here, users, embedded_folder()]


def test_the_first_of_a_name_is_found(named: list[Path]) -> None:
    places = [user_folder(), Path("models"), named[1], named[0]]
    for place in places:
        added = add_model(place, "mine")
        assert find_model("mine") == added
    for place in reversed(places):
        assert find_model("mine") == place / "mine"
        shutil.rmtree(place / "mine")


def test_vgg19_is_preferred_when_nothing_is_named() -> None:
    add_model(user_folder(), "another")
    assert find_model() == embedded_folder()
    vgg19 = add_model(user_folder(), "vgg19")
    assert find_model() == vgg19
    assert find_model("compact") == embedded_folder()


def test_an_own_model_called_compact_hides_the_embedded_one() -> None:
    own = add_model(user_folder(), "compact")
    assert find_model("compact") == own
    assert find_model() == embedded_folder()


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = add_model(tmp_path / "elsewhere", "mine")
    assert find_model(str(path)) == path
    assert find_model("elsewhere/mine") == Path("elsewhere/mine")
    assert path not in list(model_folders())


def test_a_folder_goes_before_a_name() -> None:
    found = add_model(user_folder(), "mine")
    assert find_model("mine") == found
    add_model(Path(), "mine")
    assert find_model("mine") == Path("mine")


def test_a_name_that_is_a_file_here_is_still_a_name() -> None:
    found = add_model(user_folder(), "mine")
    Path("mine").write_text("no folder")
    assert find_model("mine") == found


def test_an_unknown_model_lists_what_there_is(named: list[Path]) -> None:
    add_model(named[0], "mine")
    add_model(named[1], "mine")
    with pytest.raises(ModelError, match="There is no model 'yours'") as caught:
        find_model("yours")
    message = str(caught.value)
    assert "Models found: mine, compact." in message
    for folder in search_folders():
        assert f"'{folder}'" in message
    assert "'stylize export vgg19'" in message


@pytest.mark.parametrize("model", ["none/vgg19", "vgg19/", "../vgg19", "VGG 19", "*"])
def test_what_is_no_name_is_not_found(model: str) -> None:
    add_model(user_folder(), "vgg19")
    with pytest.raises(ModelError, match="There is no model"):
        find_model(model)
