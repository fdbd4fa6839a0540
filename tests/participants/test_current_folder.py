"""The current folder: nothing of it runs because a command is given there, but for module:Class."""

import sys
from pathlib import Path

import pytest

from abm.participants import current_folder
from abm.participants.registry import MAKER_TYPES
from tests.commands import CONSOLE, Call, read_error, run_python
from tests.files import ROOT

TRAP = """
from pathlib import Path

Path(__file__).with_name("it-ran").touch()

from abm.makers import MarketMaker

class Evil(MarketMaker):
    name = "evil"

    def quote(self):
        raise NotImplementedError
"""
GROUPS = (
    "market_shock.makers", "market_shock.traders", "fsspec.specs", "networkx.backends",
    "networkx.backend_info",
)  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Write what looks like an installed package into a folder; return what it makes if it runs."""
    metadata = tmp_path / "evil-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    offers = "".join(f"[{group}]\nevil = evil:Evil\n" for group in GROUPS)
    (metadata / "entry_points.txt").write_text(offers)
    (tmp_path / "evil.py").write_text(TRAP)
    return tmp_path / "it-ran"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder, with a path of modules that may be changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    return tmp_path


@pytest.mark.parametrize("words", [CONSOLE, ["-m", "scenarios"]], ids=["console", "module"])
def test_a_list_runs_nothing_of_the_current_folder(
    words: list[str], trap: Path, tmp_path: Path
) -> None:
    done = run_python([*words, "list"], tmp_path, ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "evil" not in done.stdout
    assert "zero-profit" in done.stdout
    assert not trap.exists()


@pytest.mark.parametrize("entry", ["", ".", "itself"])
def test_a_name_is_not_looked_for_in_the_current_folder(entry: str, trap: Path, here: Path) -> None:
    sys.path.insert(0, entry.replace("itself", str(here)))
    assert "evil" not in MAKER_TYPES.list_names()
    with pytest.raises(ValueError, match="maker is 'evil', which is unknown"):
        MAKER_TYPES.find("evil")
    assert not trap.exists()


@pytest.mark.usefixtures("trap")
def test_a_package_installed_beside_this_one_is_found_from_there_too(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_folder, "_HOME", str(here))
    sys.path.insert(0, str(here))
    assert MAKER_TYPES.find("evil").__module__ == "evil"


def test_a_class_of_the_current_folder_goes_by_its_module(trap: Path, here: Path) -> None:
    assert str(here) not in sys.path
    assert MAKER_TYPES.find("evil:Evil").name == "evil"
    assert trap.exists()
    assert sys.path[-1] == str(here)  # whatever its name, it hides no module of another place


def test_the_command_finds_a_class_of_the_current_folder_and_says_where_it_looked(
    call: Call, trap: Path, tmp_path: Path
) -> None:
    sys.modules.pop("evil", None)
    call("check", "evil:Evil")
    assert trap.exists()
    line = read_error(call("check", "nowhere:Evil"))
    assert "nowhere does not import (ModuleNotFoundError: No module named 'nowhere')" in line
    assert f"the current folder is {tmp_path}: run where it is, install it, or repair it" in line


def test_help_says_that_a_class_may_be_of_the_current_folder(call: Call) -> None:
    assert "module:Class (of the current folder, too)" in call("check", "--help").out
