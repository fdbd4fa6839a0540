"""A run folder: Parquet tables and run.json, complete or absent.

A stopped run of many blocks can be resumed. Until a run is whole, it has a hidden name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from abm.numerics.describe import describe
from abm.runs.description import Description, Parameters, View, as_json
from abm.runs.earlier import check_whole_run, explain_failure, restore_blocks, warn_of_faults
from abm.runs.errors import FolderTakenError
from abm.runs.integrity import Stamp
from abm.runs.interrupts import Interrupts
from abm.runs.location import Location
from abm.runs.manifest import Manifest
from abm.runs.names import BOOKKEEPING, find_block, require_listed
from abm.runs.parquet import make_table
from abm.runs.schema import RUN_FILE, UNFINISHED_FILE, Column
from abm.runs.store import Store
from abm.runs.tables import OpenTables


class RunFolder:
    """Collects the files of a run, as a context manager.

    When the context ends without an error, the folder gets its name, in place of an earlier run of
    the same scenario with the same parameters. After an error nothing of it remains, unless blocks
    were finished: these are kept for `resume`.

    Parameters
    ----------
    out : str or path
        A path, or a URL that fsspec knows.
    scenario, parameters, points, command, code
        As in `abm.runs.description.Description`.
    origins : sequence of dict
        What the blocks of each point depend on, which their files are to say; in the types of JSON.
    resume : bool
        Whether to keep the finished blocks of an earlier run of the same.
    verify : bool
        Whether to compare every byte of its files, rather than sizes and footers.

    Attributes
    ----------
    store : Store
        Where files are written.
    manifest : Manifest
        Which blocks are finished.
    interrupts : Interrupts
        Whether a Ctrl-C has come; heard from entering to leaving.
    entered : bool
        Whether the context was entered, so that the others are set.
    finished : bool
        Whether an earlier run is whole, so that nothing is left to do.

    Raises
    ------
    TypeError
        If a parameter does not fit into JSON.
    ValueError
        If every byte is to be compared but nothing resumed.
    FolderTakenError
        If the folder holds another run, one of another format, an unfinished one that is not to
        be resumed, or files that no run wrote; or if another run is writing there.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> columns = [Column("ask", "float64", "price", "the best ask")]
    >>> with RunFolder("runs/mine", "mine", {"seed": 1}) as folder:
    ...     folder.write("asks", pd.DataFrame({"ask": [1.0, 2.0]}), columns)
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
        origins: Sequence[Parameters] = (),
        command: str = "",
        code: Mapping[str, str] | None = None,
        resume: bool = False,
        verify: bool = False,
    ) -> None:
        if verify and not resume:
            raise ValueError("verify has no effect on a new run: give --resume with it")
        self._location = Location(out)
        self.description = Description.of(scenario, parameters, points, command, code or {})
        self.origins = [as_json("origin of a block", origin) for origin in origins]
        self._resume = resume
        self._verify = verify
        self.interrupts = Interrupts()
        self._tables = OpenTables()
        self._new = self.entered = self.finished = False

    def __repr__(self) -> str:
        state = "finished" if self.finished else "open" if self.entered else "not opened yet"
        return describe(self, self.description.scenario, state, str(self._location.home.url))

    def __enter__(self) -> Self:
        with ExitStack() as held:
            held.enter_context(self.interrupts)
            self._location.acquire()
            held.callback(self._location.release)
            self._prepare()
            self._held = held.pop_all()
        self.entered = True
        return self

    def _prepare(self) -> None:
        """Begin anew, resume, or find that nothing is left to do."""
        self._location.recover()
        home, work = self._location.home, self._location.work
        self.description.require_free(home)
        self.store, self.manifest = work, Manifest(work)
        if work.holds(UNFINISHED_FILE):
            self._continue()
        elif home.holds(RUN_FILE) and self._resume:
            self._check_whole()
        else:
            self._begin()

    def _begin(self) -> None:
        home = self._location.home
        if not home.local and home.holds(RUN_FILE):
            raise FolderTakenError(
                f"{home.path()} holds this run already: --resume checks it, or choose another "
                f"folder (--out)"
            )
        self._location.begin(self.description.to_json())
        self.manifest = Manifest(self.store)
        self._new = True

    def _continue(self) -> None:
        """Resume an unfinished run; begin anew if no block of it is finished."""
        where, finished = self.store.path(), len([*filter(find_block, self.store.sizes())])
        there = Description.read(self.store, UNFINISHED_FILE)
        if not (self._resume or finished):
            self._begin()
            return
        self.description.require_same_run(there, where)
        if not self._resume:
            raise FolderTakenError(
                f"{where} holds this run, unfinished, with {finished} finished blocks: continue "
                f"with --resume, or remove it to start anew"
            )
        self.description.require_same_versions(there, where)
        self.store.remove(RUN_FILE)
        self._restore_blocks()

    def _restore_blocks(self) -> None:
        restore_blocks(self.manifest, self.description, self.origins, every_byte=self._verify)

    def _check_whole(self) -> None:
        """Leave a finished run as it is, or reopen it if a file is damaged."""
        home = self._location.home
        faults = check_whole_run(home, self.description, self.origins, every_byte=self._verify)
        self.finished = not faults
        if self.finished:
            self.store, self.manifest = home, Manifest(home)
            return
        self._location.reopen()
        self.manifest = Manifest(self.store)
        warn_of_faults(faults, home, self.manifest)
        self._restore_blocks()

    def write(self, table: str, frame: pd.DataFrame, columns: Sequence[Column]) -> None:
        """Append rows to the file `table`.parquet; the first rows fix its schema.

        ValueError if no file of a run has such a name.
        """
        require_listed(f"{table}.parquet")
        rows = make_table(frame, columns)
        with self.explain_errors():
            self._tables.write(self.store, table, rows)
        self.interrupts.check()

    def add_view(self, table: str, blocks: View) -> None:
        """Let a table be made of blocks' rows when it is read, rather than be a file of its own.

        Parameters
        ----------
        table : str
            Its name, in the blocks and in the run.
        blocks : dict of dict
            By the blocks' names, in order, what the columns in front of theirs say there.
        """
        views = self.description.views | {table: blocks}
        self.description = replace(self.description, views=views)

    @contextmanager
    def explain_errors(self) -> Iterator[None]:
        """Re-raise an OSError as one that says which blocks are kept, and what to do."""
        try:
            yield
        except FolderTakenError:
            raise
        except OSError as error:
            message = explain_failure(self.store, self.manifest, error)
            raise OSError(message) from error

    def complete_tables(self) -> None:
        """Close the tables and list the files, so that `analysis` can load the unfinished run."""
        self._tables.close()
        files, blocks = self.store.sizes().keys(), self.manifest.stamps
        if lost := sorted(blocks.keys() - files):
            raise FolderTakenError(
                f"{self.store.path(lost[0])} is gone: it was removed while the run wrote beside "
                f"it; put it back or continue with --resume, which makes it again"
            )
        own = sorted(files - BOOKKEEPING - blocks.keys())
        for name in own:
            require_listed(name)
        stamps = {name: Stamp.of(self.store.read(name)) for name in own}
        self.description = replace(self.description, files=stamps | blocks)
        self.store.write(UNFINISHED_FILE, self.description.to_json())

    def __exit__(self, kind: type[BaseException] | None, *details: Any) -> None:
        with self._held:
            if self.finished:
                return
            if kind is None:
                with self.explain_errors():
                    self.complete_tables()
                    self._location.finish(self.description.to_json())
                self.store = self.manifest.store = self._location.home
                self._location.remove_replaced()
            else:
                self._tables.discard(kind, *details)
                if self._new and not (self.manifest.finished or self.manifest.failed):
                    with suppress(OSError):  # what no run wrote is left where it is
                        self._location.clear()
