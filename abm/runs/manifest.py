"""The manifest: a log with a line of JSON for each block that was finished or failed.

Lines are only appended, so a kill can cut off the last one at most. A block whose file is whole but
whose line is lost counts as finished, because files are written atomically.
"""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from abm.runs.integrity import Stamp, find_faults, read_block_stamp
from abm.runs.schema import BLOCKS, MANIFEST_FILE
from abm.runs.store import Store


class DamageWarning(UserWarning):
    """A file of an earlier run is damaged, and is made again."""


@dataclass(frozen=True)
class Finished:
    """A block whose file is written."""

    block: str
    stamp: Stamp
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A block that raised an error, and the parameters of its point."""

    block: str
    point: dict[str, Any]
    seed: int
    error: str
    traceback: str


def block_file(block: str) -> str:
    """Return the name of a block's file."""
    return f"{BLOCKS}/{block}.parquet"


class Manifest:
    """The outcome of each block, in memory and in a run's folder."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.finished: dict[str, Stamp] = {}
        self.failed: dict[str, Failed] = {}
        if store.holds(MANIFEST_FILE):
            for line in store.read(MANIFEST_FILE).splitlines():
                self._read(line)

    def _read(self, line: bytes) -> None:
        """Note the outcome in one line; a line that a kill cut off is skipped."""
        with suppress(ValueError, TypeError, KeyError):
            entry = json.loads(line)
            if "stamp" in entry:
                self._note(Finished(entry["block"], Stamp(*entry["stamp"]), entry["seconds"]))
            else:
                self._note(Failed(**{name: entry[name] for name in Failed.__dataclass_fields__}))

    def _note(self, outcome: Finished | Failed) -> None:
        if isinstance(outcome, Finished):
            self.finished[outcome.block] = outcome.stamp
            self.failed.pop(outcome.block, None)
        else:
            self.failed[outcome.block] = outcome
            self.finished.pop(outcome.block, None)

    def add(self, outcome: Finished | Failed) -> None:
        """Note the outcome of a block, and append it to the file."""
        self._note(outcome)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._store.append(MANIFEST_FILE, json.dumps(asdict(outcome) | {"at": now}))

    @property
    def status(self) -> str:
        """How many blocks are finished, for the message of a run that stops."""
        return f"{len(self.finished)} blocks are finished and kept"

    @property
    def stamps(self) -> dict[str, Stamp]:
        """Stamps of the files of finished blocks, by name and in order."""
        return {block_file(block): self.finished[block] for block in sorted(self.finished)}

    def _recover(self, file: PurePosixPath) -> None:
        """Note a block file that has no line; remove it if it is damaged."""
        stamp = read_block_stamp(file.stem, self._store.read(str(file)))
        if stamp:
            self.add(Finished(file.stem, stamp, 0.0))
        else:
            self._store.remove(str(file))

    def restore(self, *, every_byte: bool) -> None:
        """Drop blocks whose files are damaged, and recover those whose lines are lost.

        Partly written files are removed.
        """
        self._store.remove_partial_files()
        self._store.append(MANIFEST_FILE, "")
        for name, fault in find_faults(self._store, self.stamps, every_byte=every_byte).items():
            warning = f"{self._store.path(name)} {fault}: its block is made again"
            warnings.warn(warning, DamageWarning, stacklevel=2)
            del self.finished[PurePosixPath(name).stem]
            self._store.remove(name)
        for name in self._store.sizes().keys() - self.stamps.keys():
            file = PurePosixPath(name)
            if str(file.parent) == BLOCKS:
                self._recover(file)
