"""Where a run may not be written: each is refused before anything is."""

from pathlib import Path
from typing import Any

import pytest

from abm.experiment import Experiment, grid
from abm.runs.errors import FolderTakenError
from abm.runs.out import check_out

SMALL = Experiment(grid(makers=["myopic"]), replications=10, periods=2)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder below another."""
    (tmp_path / "study" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "study" / "below")
    return tmp_path


@pytest.mark.parametrize("out", [".", "..", "./", "../../study/below", "file://.", "/"])
def test_the_current_folder_and_those_above_are_refused(out: str, here: Path) -> None:
    with pytest.raises(ValueError, match="is or holds the current folder") as caught:
        SMALL.run(out)
    assert str(caught.value).endswith(f"give one below, as {out.rstrip('/')}/mine")
    assert [path.name for path in here.rglob("*")] == ["study", "below"]


def test_a_link_to_the_current_folder_is_refused(here: Path) -> None:
    (here / "link").symlink_to(here / "study" / "below")
    with pytest.raises(ValueError, match="is or holds the current folder"):
        check_out(here / "link")


@pytest.mark.parametrize("out", ["", "a\0b", "\ud800x"])
def test_a_path_that_no_folder_can_have_is_refused(out: str) -> None:
    with pytest.raises(
        ValueError, match="must be the path of a folder, of text without NUL: give one"
    ):
        SMALL.run(out)


@pytest.mark.parametrize(
    "out",
    ["simplecache::memory://mine", "dir::memory://mine", "simplecache::file:///tmp/mine",
     "zip://x::/tmp/mine.zip"],
)  # fmt: skip
def test_a_chain_of_urls_that_ends_on_this_machine_is_refused(out: str) -> None:
    with pytest.raises(ValueError, match="is written to a plain folder: give its path without"):
        SMALL.run(out)


def test_a_link_to_itself_is_refused(here: Path) -> None:
    (here / "loop").symlink_to(here / "loop")
    with pytest.raises(ValueError, match="a link that leads back to itself: give a folder"):
        SMALL.run(here / "loop")


@pytest.mark.parametrize("size", [248, 252])
def test_a_name_that_is_too_long_is_a_clear_error(size: int, here: Path) -> None:
    with pytest.raises(
        OSError, match=r"cannot be written \(File name too long\): give --out a fold"
    ):
        SMALL.run(here / ("n" * size))


def test_a_device_is_no_folder() -> None:
    with pytest.raises(FolderTakenError, match="/dev/null is a file, but must be a folder: choose"):
        SMALL.run("/dev/null")


@pytest.mark.parametrize("out", [None, 3, ["runs"], b"runs"])
def test_what_is_no_path_is_refused(out: Any, here: Path) -> None:
    with pytest.raises(TypeError, match="must be a path or a URL: give a folder") as caught:
        SMALL.run(out)
    assert str(caught.value).startswith(f"out is {out!r}, ")
    assert [path.name for path in here.rglob("*")] == ["study", "below"]


@pytest.mark.parametrize("out", ["mine", "../beside", "memory://mine", "nope://mine", "../belo"])
def test_other_folders_and_urls_are_left_to_others(out: str, here: Path) -> None:
    check_out(out)
    check_out(here / "study" / "mine")
