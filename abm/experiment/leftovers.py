"""What the workers of killed runs left in shared memory: removed when the next run has workers.

Processes share semaphores, which loky names after the process that starts the workers, and whose
removal is left to another process of its own. Where all of these are killed at once, as the system
does with a group, nobody is left to remove them. So a run with workers leaves a note beside them as
long as it lives: a note whose process is gone is of a killed run. Without one nothing is removed.

On Linux alone, where shared memory is a folder.
"""

import atexit
import os
from functools import cache
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
PROCESSES = Path("/proc")  # a folder for each that is alive
NOTE = "market-shock-"


def remove_leftovers() -> None:
    """Remove what killed runs left, and note that this process has workers."""
    if not (SHARED_MEMORY.is_dir() and (PROCESSES / "self").exists()):
        return
    prefix = _note_prefix()
    for note in SHARED_MEMORY.glob(f"{prefix}*"):
        process = note.name.removeprefix(prefix)
        if process.isdigit() and not (PROCESSES / process).exists() and _is_own(note):
            for left in [*SHARED_MEMORY.glob(f"sem.loky-{process}-*"), note]:
                if _is_own(left):
                    left.unlink(missing_ok=True)
    _leave_note(SHARED_MEMORY / f"{prefix}{os.getpid()}")


def _note_prefix() -> str:
    """Return how notes begin; numbers of processes are those of one namespace."""
    return f"{NOTE}{(PROCESSES / 'self/ns/pid').stat().st_ino}-"


@cache
def _leave_note(note: Path) -> None:
    note.touch()
    atexit.register(note.unlink, missing_ok=True)


def _is_own(file: Path) -> bool:
    """Return whether a file is there, and this user's."""
    try:
        return file.lstat().st_uid == os.getuid()
    except FileNotFoundError:  # another run was faster
        return False
