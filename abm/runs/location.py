"""The location of a run: where it is written, and where it is once it is whole.

On this machine a run is written to a hidden folder, ".NAME.partial", which is renamed to NAME when
the run is whole; a lock excludes a second run. Behind a URL, where folders cannot be renamed
atomically, it is written in place, and the file run.json appears last.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from abm.runs.schema import RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store


class FolderTakenError(FileExistsError):
    """The output folder holds something that this run must not replace."""


class Location:
    """The folder `work`, where a run is written, and `home`, where it is once it is whole.

    Parameters
    ----------
    out : str or path
        A path, or a URL that fsspec knows.
    """

    def __init__(self, out: str | Path) -> None:
        self.home = self.work = Store(out)
        if self.home.local:
            self._path = Path(self.home.path()).resolve()
            self.home = Store(self._path)
            self.work = Store(self._hidden_path("partial"))
            self._replaced = self._hidden_path("replaced")
            self._lock = FileLock(self._hidden_path("lock"))

    def _hidden_path(self, what: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{what}")

    def acquire(self) -> None:
        """Take the lock and recover from a kill.

        Raises
        ------
        FolderTakenError
            If another run holds the lock.
        OSError
            If the folder cannot be written.
        """
        if not self.home.local:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._hidden_path("lock").touch()  # where it cannot be made, `acquire` would wait
            self._lock.acquire(timeout=0)
        except Timeout:
            raise FolderTakenError(
                f"{self._path} is being written by another run: wait until it ends, or choose "
                f"another folder (--out)"
            ) from None
        except OSError as error:
            raise OSError(
                f"{self._path} cannot be written ({error.strerror}): "
                f"give --out a folder that can be"
            ) from error
        self._recover()

    def _recover(self) -> None:
        """Complete renames and removals that a kill interrupted."""
        if not self.work.holds(UNFINISHED_FILE):
            if self.work.holds(RUN_FILE):
                self._publish()
            else:
                self.work.remove()
        if self._replaced.exists() and not self._path.exists():
            self._replaced.rename(self._path)
        shutil.rmtree(self._replaced, ignore_errors=True)

    def release(self) -> None:
        """Release the lock."""
        if self.home.local:
            with suppress(PermissionError):  # Windows does not remove open files
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def begin(self, description: bytes) -> None:
        """Start with an empty folder."""
        self.work.remove(RUN_FILE)  # first: a half-removed run must not look whole
        self.work.remove()
        if self.home.local:
            Path(self.work.path()).mkdir()
        self.work.write(UNFINISHED_FILE, description)

    def finish(self, description: bytes) -> None:
        """Write run.json, and give the folder its name."""
        self.work.write(RUN_FILE, description)
        self.work.remove(UNFINISHED_FILE)
        if self.home.local:
            self._publish()

    def _publish(self) -> None:
        """Rename the hidden folder, in place of an earlier run."""
        if self._path.exists():
            shutil.rmtree(self._replaced, ignore_errors=True)
            self._path.rename(self._replaced)
        Path(self.work.path()).rename(self._path)
        shutil.rmtree(self._replaced, ignore_errors=True)

    def reopen(self) -> None:
        """Make a whole run unfinished again, so that its damaged files can be rewritten."""
        if self.home.local:
            self._path.rename(self.work.path())
        self.work.write(UNFINISHED_FILE, self.work.read(RUN_FILE))
        self.work.remove(RUN_FILE)
