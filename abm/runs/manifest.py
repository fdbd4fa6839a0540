"""The manifest: a log with a line of JSON for each block that was finished or failed.

Lines are only ever added, so a kill at any moment can cut off the last one at most. A block whose
file is whole but whose line is lost counts as finished: files appear as a whole.
"""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from abm.runs.integrity import Stamp, faults, stamp_of_block
from abm.runs.schema import BLOCKS, MANIFEST_FILE
from abm.runs.store import Store


class DamageWarning(UserWarning):
    """A file of an earlier run is not what was written, and is made again."""


@dataclass(frozen=True)
class Finished:
    """A block whose file is there."""

    block: str
    stamp: Stamp
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A block that raised an error.

    Parameters
    ----------
    block : str
        Its name, POINT-BLOCK.
    point : dict
        The parameters that it was to be simulated with.
    seed : int
    error, traceback : str
    """

    block: str
    point: dict[str, Any]
    seed: int
    error: str
    traceback: str


def block_file(block: str) -> str:
    """Return the name of a block's file."""
    return f"{BLOCKS}/{block}.parquet"


class Manifest:
    """What has become of each block, in memory and on disk.

    Parameters
    ----------
    store : Store
        The folder that it is kept in.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.finished: dict[str, Stamp] = {}
        self.failed: dict[str, Failed] = {}
        if store.holds(MANIFEST_FILE):
            for line in store.read(MANIFEST_FILE).splitlines():
                self._take(line)

    def _take(self, line: bytes) -> None:
        """Take one line into memory; a line cut off by a kill says nothing."""
        with suppress(ValueError, TypeError, KeyError):
            said = json.loads(line)
            if "stamp" in said:
                self._note(Finished(said["block"], Stamp(*said["stamp"]), said["seconds"]))
            else:
                self._note(Failed(**{name: said[name] for name in Failed.__dataclass_fields__}))

    def _note(self, outcome: Finished | Failed) -> None:
        if isinstance(outcome, Finished):
            self.finished[outcome.block] = outcome.stamp
            self.failed.pop(outcome.block, None)
        else:
            self.failed[outcome.block] = outcome
            self.finished.pop(outcome.block, None)

    def add(self, outcome: Finished | Failed) -> None:
        """Write down what has become of a block."""
        self._note(outcome)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._store.append(MANIFEST_FILE, json.dumps(asdict(outcome) | {"at": now}))

    @property
    def kept(self) -> str:
        """What a run that stops has to say of its finished blocks."""
        return f"{len(self.finished)} blocks are finished and kept"

    @property
    def stamps(self) -> dict[str, Stamp]:
        """The files of finished blocks, in order."""
        return {block_file(block): self.finished[block] for block in sorted(self.finished)}

    def _take_in(self, file: PurePosixPath) -> None:
        """List a block's file, or remove it if it is damaged."""
        stamp = stamp_of_block(file.stem, self._store.read(str(file)))
        if stamp:
            self.add(Finished(file.stem, stamp, 0.0))
        else:
            self._store.remove(str(file))

    def restore(self, *, every_byte: bool) -> None:
        """Forget blocks whose files are damaged, and take in those whose lines are lost.

        What a kill left of files that were being written is removed.
        """
        self._store.sweep()
        self._store.append(MANIFEST_FILE, "")
        for name, fault in faults(self._store, self.stamps, every_byte=every_byte).items():
            said = f"{self._store.path(name)} {fault}: its block is made again"
            warnings.warn(said, DamageWarning, stacklevel=2)
            del self.finished[PurePosixPath(name).stem]
            self._store.remove(name)
        for name in self._store.sizes().keys() - self.stamps.keys():
            file = PurePosixPath(name)
            if str(file.parent) == BLOCKS:
                self._take_in(file)
