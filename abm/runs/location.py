"""The location of a run: where it is written, and where it is once it is whole.

On this machine a run is written to a hidden folder, ".NAME.partial", which is renamed to NAME when
the run is whole; a lock excludes a second run. Behind a URL, where folders cannot be renamed
atomically, it is written in place, and the file run.json appears last.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from abm.runs.description import Description
from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.out import check_out
from abm.runs.removal import refuse_foreign, refuse_strange, remove_run
from abm.runs.schema import RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store


class Location:
    """The folder `work`, where a run is written, and `home`, where it is once it is whole.

    A link that is given as the folder stands for what it leads to; there are no others.

    Parameters
    ----------
    out : str or path
        A path, or a URL that fsspec knows.
    """

    def __init__(self, out: str | Path) -> None:
        check_out(out)
        self.home = self.work = Store(out)
        self._refusal: OSError | None = None
        if self.home.local:
            self._path = Path(self.home.path()).resolve()
            self.home = Store(self._path)
            self.work = Store(self._hidden_path("partial"))
            self._replaced = Store(self._hidden_path("replaced"))
            self._lock = FileLock(self._hidden_path("lock"))

    def _hidden_path(self, what: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{what}")

    def acquire(self) -> None:
        """Take the lock; a whole run can be looked at without it where nothing can be written.

        Raises
        ------
        FolderTakenError
            If another run holds the lock, or a link or a file of another is in its place.
        OSError
            If the folder cannot be written.
        """
        if not self.home.local:
            return
        try:
            self._refuse_strange_neighbours()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._hidden_path("lock").touch()  # where it cannot be made, `acquire` would wait
            self._lock.acquire(timeout=0)
        except Timeout:
            raise FolderTakenError(
                f"{self._path} is being written by another run: wait until it ends, or choose "
                f"another folder (--out)"
            ) from None
        except FolderTakenError:
            raise
        except OSError as error:
            self._refusal = OSError(
                f"{self._path} cannot be written ({error.strerror}): "
                f"give --out a folder that can be"
            )
            if not self.home.holds(RUN_FILE) or not self.work.gone:
                raise self._refusal from error

    def _refuse_strange_neighbours(self) -> None:
        """Raise FolderTakenError unless the hidden files beside the folder are a run's own."""
        for what in ("partial", "replaced", "lock"):
            hidden = self._hidden_path(what)
            strange = "a link" if hidden.is_symlink() else ""
            if hidden.exists() and hidden.is_dir() == (what == "lock"):
                strange = strange or "of another kind"
            if what == "lock" and hidden.is_file() and hidden.stat().st_size:
                strange = strange or "not empty"
            if strange:
                raise FolderTakenError(
                    f"{hidden} is {strange}, so that no run wrote it: move it away, or choose "
                    f"another folder (--out)"
                )

    def recover(self) -> None:
        """Complete renames and removals that a kill interrupted.

        Raises
        ------
        FolderTakenError
            If there are links, or files in a hidden folder that no run wrote.
        """
        refuse_strange(self.home)
        if not self.home.local and self.work.holds(UNFINISHED_FILE):
            refuse_foreign(self.work)
        if not self.home.local or self._refusal:  # if it was refused, there is no hidden folder
            return
        for hidden in (self.work, self._replaced):
            refuse_strange(hidden)
            refuse_foreign(hidden)
        self._refuse_misplaced()
        if not self.work.holds(UNFINISHED_FILE):
            if self.work.holds(RUN_FILE):
                self._publish()
            else:
                remove_run(self.work)
        if self._replaced.holds(RUN_FILE) and not self._path.exists():
            Path(self._replaced.path()).rename(self._path)
        remove_run(self._replaced)

    def _refuse_misplaced(self) -> None:
        """Raise FolderTakenError if an unfinished run has the name of a whole one."""
        if self.home.holds(UNFINISHED_FILE) and not self.home.holds(RUN_FILE):
            raise FolderTakenError(
                f"{self._path} holds an unfinished run, whose place is {self.work.path()}: rename "
                f"it so and continue with --resume, or choose another folder (--out)"
            )

    def release(self) -> None:
        """Release the lock."""
        if self.home.local and not self._refusal:
            with suppress(PermissionError):  # Windows does not remove open files
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def begin(self, description: bytes) -> None:
        """Start with an empty folder."""
        self._require_lock()
        self.clear()
        if self.home.local:
            Path(self.work.path()).mkdir()
        self.work.write(UNFINISHED_FILE, description)

    def clear(self) -> None:
        """Remove what is written of a run that is not whole."""
        remove_run(self.work)

    def finish(self, description: bytes) -> None:
        """Write run.json, and give the folder its name.

        A worker of a cluster that died while it wrote has left a part of a file, which is removed.
        """
        self.work.remove_partial_files()
        self.work.write(RUN_FILE, description)
        self.work.remove(UNFINISHED_FILE)
        if self.home.local:
            self._publish()

    def _publish(self) -> None:
        """Rename the hidden folder, in place of an earlier run of the same."""
        if self._path.exists():
            there = Description.read(self.work, RUN_FILE)
            there.require_free(self.home)
            remove_run(self._replaced)
            self._path.rename(self._replaced.path())
        Path(self.work.path()).rename(self._path)

    def remove_replaced(self) -> None:
        """Remove the earlier run in whose place the run has come; warn if that cannot be."""
        if self.home.local:
            try:
                remove_run(self._replaced)
            except OSError as error:
                warnings.warn(
                    f"the run is whole, but the earlier one in whose place it came cannot be "
                    f"removed ({error}): remove {self._replaced.path()}",
                    DamageWarning,
                    stacklevel=2,
                )

    def reopen(self) -> None:
        """Make a whole run unfinished again, so that its damaged files can be rewritten."""
        self._require_lock()
        if self.home.local:
            self._path.rename(self.work.path())
        self.work.write(UNFINISHED_FILE, self.work.read(RUN_FILE))
        self.work.remove(RUN_FILE)

    def _require_lock(self) -> None:
        """Raise OSError if the folder cannot be written."""
        if self._refusal:
            raise self._refusal
