"""What is installed is known, also where an installation is damaged."""

import json
import sys
from pathlib import Path

import pytest

import stylize
from stylize import installation
from stylize.installation import export_command, install_command, installed, release, rivals
from stylize.shell import in_turn


def install(
    site: Path, name: str, version: str = "1.0", command: str = "", origin: object = None
) -> Path:
    """Make what an installer leaves of a distribution; return its folder."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    if command:
        (folder / "entry_points.txt").write_text(f"[console_scripts]\n{command} = a:b\n")
    if origin:
        (folder / "direct_url.json").write_text(json.dumps(origin))
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with nothing in it."""
    install_command("cpu")  # which imports what would not be found then
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    return tmp_path / "site"


class TestRelease:
    def test_is_the_one_of_the_package(self) -> None:
        assert release() == stylize.__version__
        assert release()[0].isdigit()

    def test_of_a_damaged_installation_is_unknown(self, site: Path) -> None:
        assert release() == "unknown"
        folder = install(site, "stylize_onnx")
        (folder / "METADATA").unlink()
        assert release() == "unknown"

    def test_other_names_of_the_package_are_none(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'version'"):
            _ = stylize.version


class TestInstallCommand:
    @pytest.mark.parametrize(
        ("origin", "command"),
        [
            (None, "pip install '.[cpu]'"),
            ({"url": "file:///gone"}, "pip install '.[cpu]'"),
            (
                {"url": "https://host/stylize.git"},
                "pip install 'stylize-onnx[cpu] @ https://host/stylize.git'",
            ),
            ("no object", "pip install '.[cpu]'"),
        ],
    )
    def test_tells_where_stylize_came_from(self, site: Path, origin: object, command: str) -> None:
        install(site, "stylize_onnx", origin=origin)
        assert install_command("cpu") == command

    @pytest.mark.parametrize(("editable", "option"), [(False, ""), (True, "-e ")])
    def test_names_a_folder(self, site: Path, tmp_path: Path, editable: bool, option: str) -> None:
        source = tmp_path / "my source"
        source.mkdir()
        found = {"url": source.as_uri(), "dir_info": {"editable": editable}}
        install(site, "stylize_onnx", origin=found)
        assert install_command("cuda") == f"pip install {option}'{source}[cuda]'"

    def test_names_a_file(self, site: Path, tmp_path: Path) -> None:
        wheel = tmp_path / "stylize.whl"
        wheel.touch()
        install(site, "stylize_onnx", origin={"url": wheel.as_uri()})
        assert install_command("cpu") == f"pip install 'stylize-onnx[cpu] @ {wheel.as_uri()}'"


@pytest.mark.parametrize("there", [True, False])
def test_the_extra_is_installed_before_an_export_only_if_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(installation, "find_spec", lambda name: name if there else None)
    before = "" if there else in_turn(install_command("export"), "")
    assert export_command() == f"{before}stylize export vgg19"


class TestDistributions:
    def test_half_removed_ones_are_known_by_their_folders(self, site: Path) -> None:
        (install(site, "onnxruntime_gpu", "1.31.1") / "METADATA").unlink()
        (site / "nothing-2.dist-info").mkdir()
        found = {each.name: each.version for each in installed()}
        assert found == {"onnxruntime-gpu": "1.31.1", "nothing": "2"}

    def test_another_program_of_our_name(self, site: Path) -> None:
        install(site, "stylize_onnx", command="stylize")
        install(site, "other", command="different")
        install(site, "formatter", command="stylize")
        install(site, "Stylize", "3.2")
        assert {each.name for each in rivals()} == {"formatter", "stylize"}

    def test_our_command_is_no_rival(self, site: Path) -> None:
        install(site, "stylize_onnx", command="stylize")
        install(site, "other", command="different")
        assert list(rivals()) == []

    def test_those_here_have_names(self) -> None:
        assert installation.DISTRIBUTION in {each.name for each in installed()}
