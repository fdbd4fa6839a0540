"""What killed runs leave in shared memory, and that the next run removes it, and nothing else."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from abm.experiment import leftovers
from abm.experiment.leftovers import NOTE, SHARED_MEMORY, remove_leftovers
from abm.experiment.workers import run_tasks

pytestmark = pytest.mark.skipif(
    not SHARED_MEMORY.is_dir(), reason="shared memory is no folder of this system"
)
GONE = "4194305"  # one more than the largest number of a process
KILLED = """
from time import sleep
from abm.experiment.workers import run_tasks

def work(_):
    sleep(60)

if __name__ == "__main__":
    import threading
    threading.Timer(1.0, print, ["at work"], {"flush": True}).start()
    list(run_tasks(work, range(4), 2))
"""


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let a folder stand for shared memory."""
    monkeypatch.setattr(leftovers, "SHARED_MEMORY", tmp_path)
    yield tmp_path
    (tmp_path / note_of(os.getpid())).touch()  # which the end of this process removes


def note_of(process: int | str) -> str:
    return f"{NOTE}{Path('/proc/self/ns/pid').stat().st_ino}-{process}"


def test_semaphores_of_a_run_that_is_gone_are_removed_with_its_note(memory: Path) -> None:
    for name in (f"sem.loky-{GONE}-a", f"sem.loky-{GONE}-b", note_of(GONE)):
        (memory / name).touch()
    remove_leftovers()
    assert [path.name for path in memory.iterdir()] == [note_of(os.getpid())]


def test_nothing_of_others_is_removed(memory: Path) -> None:
    """Without a note, of a process that lives, of another namespace, with no process's number."""
    kept = {
        f"sem.loky-{GONE}-a", f"sem.loky-{GONE}1-a", note_of(os.getppid()),
        f"sem.loky-{os.getppid()}-a", f"{NOTE}1-{GONE}", note_of("*"), note_of(f"{GONE}.."),
        "sem.mine", f"joblib_memmapping_folder_{GONE}_a",
    }  # fmt: skip
    for name in kept:
        (memory / name).touch()
    remove_leftovers()
    assert {path.name for path in memory.iterdir()} == kept | {note_of(os.getpid())}


def test_a_note_of_another_user_is_not_believed(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (f"sem.loky-{GONE}-a", note_of(GONE)):
        (memory / name).touch()
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    remove_leftovers()
    assert len(list(memory.iterdir())) == 3


def test_a_system_without_such_a_folder_has_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "SHARED_MEMORY", tmp_path / "none")
    remove_leftovers()
    assert list(tmp_path.iterdir()) == []


def list_shared(process: int) -> list[str]:
    """Return what is in shared memory by the number of a process."""
    names = (path.name for path in SHARED_MEMORY.iterdir())
    return [name for name in names if f"-{process}-" in f"{name}-" or f"_{process}_" in name]


def test_a_run_that_was_killed_with_its_workers_leaves_nothing_once_the_next_one_has_begun(
    tmp_path: Path,
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    with Popen([sys.executable, str(script)], stdout=PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
    assert any(name.startswith("sem.loky-") for name in list_shared(process.pid))
    assert list(run_tasks(abs, [-1], 2)) == [1]
    assert list_shared(process.pid) == []


def test_workers_have_no_folder_in_shared_memory() -> None:
    assert sorted(run_tasks(abs, [-1, -2], 2)) == [1, 2]
    assert not list(SHARED_MEMORY.glob(f"joblib_memmapping_folder_{os.getpid()}_*"))
    assert (SHARED_MEMORY / note_of(os.getpid())).exists()
