"""Where models are looked for, in which order, and when a name is a path."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stylize.models import catalog
from stylize.models.catalog import (
    embedded_folder,
    find_model,
    foreign_folders,
    hidden_by,
    is_model,
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


OURS = '{\n  "format": 2'
"""How our manifests begin; this one is damaged further on."""
THEIRS = {
    "TensorFlow.js": '{"format": "layers-model", "generatedBy": "keras v2.1.6"}',
    "empty object": "{}",
    "empty": "",
    "list": "[2]",
    "text": "format: 2",
    "bytes": "\x00\x01\x02",
}


def users() -> Path:
    """The user's folder, which there is in tests."""
    folder = user_folder()
    assert folder
    return folder


def add_model(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "model.json").write_text(OURS)
    return path


def test_the_users_folder_is_in_the_users_data(tmp_path: Path) -> None:
    assert users().is_relative_to(tmp_path)
    assert users().parts[-2:] == ("stylize", "models")
    assert not users().exists()


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
    own = add_model(users(), "users")
    second = add_model(named[1], "second")
    later, earlier = add_model(named[0], "b"), add_model(named[0], "a")
    here = add_model(Path("models"), "here")
    (named[0] / "no-model").mkdir()
    add_model(named[0] / "no-model", "too-deep")
    (named[0] / "model.json").write_text(OURS)
    assert list(model_folders()) == [earlier, later, second, here, own, embedded_folder()]


def test_the_first_of_a_name_is_found(named: list[Path]) -> None:
    places = [users(), Path("models"), named[1], named[0]]
    for place in places:
        added = add_model(place, "mine")
        assert find_model("mine") == added
    for place in reversed(places):
        assert find_model("mine") == place / "mine"
        shutil.rmtree(place / "mine")


def test_vgg19_is_preferred_when_nothing_is_named() -> None:
    add_model(users(), "another")
    assert find_model() == embedded_folder()
    vgg19 = add_model(users(), "vgg19")
    assert find_model() == vgg19
    assert find_model("compact") == embedded_folder()


def test_an_own_model_called_compact_hides_the_embedded_one() -> None:
    own = add_model(users(), "compact")
    assert find_model("compact") == own
    assert find_model() == embedded_folder()


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = add_model(tmp_path / "elsewhere", "mine")
    assert find_model(str(path)) == path
    assert find_model("elsewhere/mine") == Path("elsewhere/mine")
    assert path not in list(model_folders())


def test_a_folder_goes_before_a_name() -> None:
    found = add_model(users(), "mine")
    assert find_model("mine") == found
    add_model(Path(), "mine")
    assert find_model("mine") == Path("mine")


def test_a_name_that_is_a_file_here_is_still_a_name() -> None:
    found = add_model(users(), "mine")
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
    add_model(users(), "vgg19")
    with pytest.raises(ModelError, match="There is no model"):
        find_model(model)


@pytest.mark.parametrize("content", THEIRS.values(), ids=THEIRS)
def test_another_programs_model_is_passed_over(content: str) -> None:
    path = Path("models", "vgg19")
    path.mkdir(parents=True)
    (path / "model.json").write_text(content)
    assert find_model() == embedded_folder()
    assert list(model_folders()) == [embedded_folder()]
    assert list(foreign_folders()) == [path]
    mine = add_model(users(), "vgg19")
    assert find_model() == find_model("vgg19") == mine


def test_another_programs_model_is_taken_by_its_path() -> None:
    """And whoever opens it says what is wrong."""
    path = Path("models", "vgg19")
    path.mkdir(parents=True)
    (path / "model.json").write_text(THEIRS["TensorFlow.js"])
    assert find_model("models/vgg19") == path
    with pytest.raises(ModelError, match=r"model\.json' is damaged"):
        open_folder(path)


def test_a_folder_without_a_model_does_not_hide_one_of_its_name() -> None:
    mine = add_model(users(), "mine")
    Path("mine").mkdir()
    assert find_model("mine") == mine
    assert find_model("./mine/") == Path("mine")


def test_a_manifest_may_be_written_in_other_ways() -> None:
    for number, text in enumerate(('{"format":2}', ' {"format" : 3,', '\n\t{\n"format":\t1')):
        path = add_model(users(), f"model{number}")
        (path / "model.json").write_text(text)
        assert is_model(path)


def test_what_cannot_be_read_is_passed_over(
    named: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another user's home, but for root, who may read everything."""
    locked = add_model(named[0], "locked")
    add_model(named[1], "inside")
    real = {"open": Path.open, "iterdir": Path.iterdir}

    def refuse(name: str) -> Callable[..., object]:
        def call(path: Path, *rest: object) -> object:
            if path == locked / "model.json" or path == named[1]:
                raise PermissionError(13, "Permission denied")
            return real[name](path, *rest)

        return call

    for name in real:
        monkeypatch.setattr(Path, name, refuse(name))
    assert list(model_folders()) == [embedded_folder()]
    assert list(foreign_folders()) == [locked]
    assert find_model() == embedded_folder()


@pytest.mark.parametrize("model", ["a\0b", "x" * 300, "~", "\udcff"])
def test_a_name_that_no_file_can_have_is_not_found(model: str) -> None:
    with pytest.raises(ModelError, match="There is no model"):
        find_model(model)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows homes otherwise")
def test_without_a_home_the_embedded_model_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user without an entry in the system's list, such as a container's number."""

    def nobody(*_: object) -> object:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for variable in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert user_folder() is None
    assert search_folders() == [Path("models")]
    assert find_model() == embedded_folder()


def test_a_home_that_cannot_be_told_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_data_path", fail)
    assert user_folder() is None


class TestHidden:
    """What the working folder's models hide."""

    def test_the_users_model(self) -> None:
        mine = add_model(users(), "vgg19")
        here = add_model(Path("models"), "vgg19")
        assert find_model() == find_model("vgg19") == here
        assert hidden_by(here) == hidden_by(here, "vgg19") == mine

    def test_the_embedded_model(self) -> None:
        here = add_model(Path("models"), "vgg19")
        assert hidden_by(here) == embedded_folder()
        assert hidden_by(here, "vgg19") is None
        assert hidden_by(add_model(Path("models"), "compact"), "compact") == embedded_folder()

    def test_by_a_folder_of_the_models_name(self) -> None:
        mine = add_model(users(), "mine")
        assert hidden_by(add_model(Path(), "mine"), "mine") == mine

    def test_nothing_by_the_users_model(self) -> None:
        mine = add_model(users(), "vgg19")
        assert hidden_by(mine) is None
        assert hidden_by(mine, "vgg19") is None
        assert hidden_by(embedded_folder(), "compact") is None

    def test_nothing_by_a_path(self) -> None:
        add_model(users(), "mine")
        add_model(Path("models"), "mine")
        assert hidden_by(find_model("models/mine"), "models/mine") is None
        assert hidden_by(find_model("./models/mine"), "./models/mine") is None
