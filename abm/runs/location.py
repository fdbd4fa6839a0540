"""Where a run is made and where it ends up.

On this machine a run is made in a hidden folder, ".NAME.partial", and takes its place by a rename
when it is whole; a lock keeps a second run away. Behind a URL, where folders cannot be renamed at
once, it is made in place, and the file run.json appears last.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from abm.runs.schema import RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store


class FolderTakenError(FileExistsError):
    """The output folder holds something that this run may not replace."""


class Place:
    """A folder to be filled.

    Parameters
    ----------
    out : str or path
        A path, or a URL that fsspec knows.

    Attributes
    ----------
    home : Store
        Where the run is to be.
    work : Store
        Where it is made.
    """

    def __init__(self, out: str | Path) -> None:
        self.home = self.work = Store(out)
        if self.home.local:
            self._path = Path(self.home.path()).resolve()
            self.home = Store(self._path)
            self.work = Store(self._beside("partial"))
            self._lock = FileLock(self._beside("lock"))

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{what}")

    def claim(self) -> None:
        """Keep other runs away, and mend what a kill left.

        Raises
        ------
        FolderTakenError
            If another run is at work here.
        OSError
            If the folder cannot be written.
        """
        if not self.home.local:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise FolderTakenError(
                f"{self._path} is being written by another run: wait for its end, or choose "
                f"another folder (--out)"
            ) from None
        except OSError as error:
            raise OSError(
                f"{self._path} cannot be written ({error.strerror}): "
                f"give --out a folder that can be"
            ) from error
        self._mend()

    def _mend(self) -> None:
        """Complete what a kill amid renames and removals left undone."""
        replaced = self._beside("replaced")
        if self.work.holds(RUN_FILE) and not self.work.holds(UNFINISHED_FILE):
            self._take()
        elif not self.work.holds(UNFINISHED_FILE):
            self.work.remove()
        if replaced.exists() and not self._path.exists():
            replaced.rename(self._path)
        shutil.rmtree(replaced, ignore_errors=True)

    def release(self) -> None:
        """Let other runs in."""
        if self.home.local:
            with suppress(PermissionError):  # Windows keeps files that are open
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def begin(self, description: bytes) -> None:
        """Start with an empty folder."""
        self.work.remove(RUN_FILE)  # first: what is half removed must not look whole
        self.work.remove()
        if self.home.local:
            Path(self.work.path()).mkdir()
        self.work.write(UNFINISHED_FILE, description)

    def finish(self, description: bytes) -> None:
        """Make the run whole, and let it stand where it was asked for."""
        self.work.write(RUN_FILE, description)
        self.work.remove(UNFINISHED_FILE)
        if self.home.local:
            self._take()

    def _take(self) -> None:
        """Stand where the run was asked for, instead of an earlier one."""
        replaced = self._beside("replaced")
        if self._path.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            self._path.rename(replaced)
        Path(self.work.path()).rename(self._path)
        shutil.rmtree(replaced, ignore_errors=True)

    def reopen(self) -> None:
        """Take a run that was whole back to where it is made."""
        if self.home.local:
            self._path.rename(self.work.path())
        self.work.write(UNFINISHED_FILE, self.work.read(RUN_FILE))
        self.work.remove(RUN_FILE)
