"""A run's folder: Parquet tables and run.json, all there or not there at all.

A run of many blocks that was stopped can be gone on with; nothing half-done has the name of a run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from abm.runs.description import KEPT, Description, Parameters, versions
from abm.runs.integrity import Stamp, faults
from abm.runs.manifest import DamageWarning, Manifest
from abm.runs.location import FolderTakenError, Place
from abm.runs.schema import RUN_FILE, UNFINISHED_FILE, Column
from abm.runs.store import Store
from abm.runs.parquet import typed, writer


class RunFolder:
    """Collects what a run leaves behind, as a context manager.

    On leaving the context without an error the folder takes its place, over an earlier run of
    the same scenario with the same parameters. On an error nothing of it remains, unless blocks
    were finished: these are kept, and `resume` goes on with them.

    Parameters
    ----------
    out : str or path
        Where the folder is to be: a path, or a URL that fsspec knows.
    scenario : str
    parameters : dict
        What the run depends on, the seed included; numbers, strings and lists of them.
    points : sequence of dict
        Of an experiment, the parameters of each of its points.
    command : str
        How to repeat the run, for its report.
    code : mapping of str to str, optional
        Hashes of code that results depend on, besides versions of libraries.
    resume : bool
        Whether to go on with what an earlier run left.
    verify : bool
        Whether to compare every byte of what it left, rather than sizes and footers.

    Attributes
    ----------
    store : Store
        Where files are written.
    manifest : Manifest
        Which blocks are there.
    entered : bool
        Whether the context was entered, so that the others are there.
    finished : bool
        Whether an earlier run had finished, and all its files are whole: nothing is to be done.

    Raises
    ------
    TypeError
        If a parameter does not fit into JSON.
    FolderTakenError
        If the folder holds another run, an unfinished one that is not to be resumed, or files
        that no run wrote; or if another run is at work there.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> with RunFolder("runs/mine", "mine", {"seed": 1}) as folder:  # doctest: +SKIP
    ...     folder.write("makers", market.tape.makers, MAKERS)
    """

    store: Store
    manifest: Manifest

    def __init__(
        self,
        out: str | Path,
        scenario: str,
        parameters: Parameters,
        points: Sequence[Parameters] = (),
        *,
        command: str = "",
        code: Mapping[str, str] | None = None,
        resume: bool = False,
        verify: bool = False,
    ) -> None:
        self._place = Place(out)
        self.description = Description(
            scenario, parameters, list(points), command, versions=versions() | dict(code or {})
        )
        self._resume = resume
        self._verify = verify
        self._tables: dict[str, parquet.ParquetWriter] = {}
        self._open = ExitStack()
        self._new = False
        self.entered = False
        self.finished = False

    def __enter__(self) -> Self:
        self._place.claim()
        try:
            self._prepare()
        except BaseException:
            self._place.release()
            raise
        self.entered = True
        return self

    def _prepare(self) -> None:
        """Begin anew, or go on with what is there."""
        home, work = self._place.home, self._place.work
        self.description.require_free(home)
        self.store, self.manifest = work, Manifest(work)
        if work.holds(UNFINISHED_FILE):
            self._go_on()
        elif home.holds(RUN_FILE) and self._resume:
            self._check_whole()
        else:
            self._begin()

    def _begin(self) -> None:
        if not self._place.home.local and self._place.home.holds(RUN_FILE):
            raise FolderTakenError(
                f"{self._place.home.path()} holds this run already: --resume checks it, or choose "
                f"another folder (--out)"
            )
        self._place.begin(self.description.to_json())
        self.manifest = Manifest(self.store)
        self._new = True

    def _go_on(self) -> None:
        """Go on with an unfinished run."""
        where, finished = self.store.path(), len(self.manifest.finished)
        there = Description.read(self.store, UNFINISHED_FILE)
        if not (self._resume or finished):
            self._begin()
            return
        self.description.require_same_run(there, where)
        if not self._resume:
            raise FolderTakenError(
                f"{where} holds this run, unfinished: {finished} blocks are there. "
                f"--resume goes on with it; to start anew, remove it"
            )
        self.description.require_same_versions(there, where)
        self.store.remove(RUN_FILE)
        self.manifest.restore(every_byte=self._verify)

    def _check_whole(self) -> None:
        """Leave a finished run as it is, or reopen it if a file is damaged."""
        home = self._place.home
        there = Description.read(home, RUN_FILE)
        self.description.require_same_versions(there, home.path())
        found = faults(home, there.files, every_byte=self._verify)
        self.finished = not found
        if self.finished:
            self.store, self.manifest = home, Manifest(home)
            return
        self._place.reopen()
        self.manifest = Manifest(self.store)
        blocks = self.manifest.stamps
        for name, fault in found.items():
            if name not in blocks:
                said = f"{home.path(name)} {fault}: it is made again"
                warnings.warn(said, DamageWarning, stacklevel=2)
        self.manifest.restore(every_byte=self._verify)

    def write(self, table: str, frame: pd.DataFrame, columns: Sequence[Column]) -> None:
        """Append rows to a table, the file `table`.parquet."""
        self.append(table, typed(frame, columns))

    def append(self, table: str, rows: pa.Table) -> None:
        """Append typed rows to a table."""
        with self.writing():
            if table not in self._tables:
                file = self._open.enter_context(self.store.open(f"{table}.parquet", "wb"))
                self._tables[table] = self._open.enter_context(writer(file, rows.schema))
            self._tables[table].write_table(rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn an error of the file system into one that says what is kept, and what to do."""
        try:
            yield
        except OSError as error:
            raise OSError(
                f"{self.store.path()} cannot be written ({error.strerror or error}). "
                f"{self.manifest.kept}: make room there, then go on with --resume"
            ) from error

    def seal(self) -> None:
        """Complete the tables and describe what is there, so that `analysis` can read it."""
        self._open.close()
        blocks = self.manifest.stamps
        own = sorted(self.store.sizes().keys() - KEPT - blocks.keys())
        stamps = {name: Stamp.of(self.store.read(name)) for name in own}
        self.description = replace(self.description, files=stamps | blocks)
        self.store.write(UNFINISHED_FILE, self.description.to_json())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.finished:
                return
            if kind is None:
                with self.writing():
                    self.seal()
                    self._place.finish(self.description.to_json())
            else:
                with suppress(OSError):
                    self._open.close()
                if self._new and not (self.manifest.finished or self.manifest.failed):
                    self.store.remove()
        finally:
            self._place.release()
