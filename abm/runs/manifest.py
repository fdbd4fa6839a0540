"""The manifest: a log with a line of JSON for each block that was finished or failed.

Lines are only appended, so a kill can cut off the last one at most. A block whose file is whole but
whose line is lost counts as finished, because files are written atomically. Any other line that is
not what a run writes is left out, with a warning.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from abm.runs.content import is_stamp, parse_json
from abm.runs.errors import DamageWarning
from abm.runs.integrity import Origins, Stamp, find_faults, read_block_stamp
from abm.runs.names import find_block, is_block
from abm.runs.schema import BLOCKS, MANIFEST_FILE
from abm.runs.store import Store


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
        self.store = store
        self.finished: dict[str, Stamp] = {}
        self.failed: dict[str, Failed] = {}
        self._lines: list[bytes] = []
        if store.holds(MANIFEST_FILE):
            self._lines = store.read(MANIFEST_FILE).split(b"\n")
        for line in self._lines:
            if outcome := read_outcome(line):
                self._note(outcome)

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
        self.store.append(MANIFEST_FILE, json.dumps(asdict(outcome) | {"at": now}))

    @property
    def status(self) -> str:
        """How many blocks are finished, for the message of a run that stops."""
        lost = self.finished and self.store.gone
        kept = "were finished, and are gone" if lost else "are finished and kept"
        return f"{len(self.finished)} blocks {kept}"

    @property
    def stamps(self) -> dict[str, Stamp]:
        """Stamps of the files of finished blocks, by name and in order."""
        return {block_file(block): self.finished[block] for block in sorted(self.finished)}

    def restore(self, origins: Origins = (), *, every_byte: bool) -> None:
        """Drop blocks whose files are damaged, and recover those whose lines are lost.

        Partly written files are removed. `origins` is as in `abm.runs.integrity.find_faults`.
        """
        self.store.remove_partial_files()
        self._restore_lines()
        faults = find_faults(self.store, self.stamps, origins, every_byte=every_byte)
        for name, fault in faults.items():
            self._warn(f"{self.store.path(name)} {fault}: its block is made again")
            del self.finished[find_block(name)]
            self.store.remove(name)
        for name in self.store.sizes().keys() - self.stamps.keys():
            if find_block(name):
                self._recover(name, origins)

    def _restore_lines(self) -> None:
        """Leave out the lines that no run wrote, and the last one if a kill cut it off."""
        for number, line in enumerate(self._lines[:-1], start=1):
            if line.strip() and not read_outcome(line):
                self._warn(
                    f"line {number} of {self.store.path(MANIFEST_FILE)} is not what a run writes: "
                    f"it is left out"
                )
        if self._lines:  # also a file that is as it should be may have another name elsewhere
            kept = [line + b"\n" for line in self._lines if read_outcome(line)]
            self.store.write(MANIFEST_FILE, b"".join(kept))

    def _recover(self, name: str, origins: Origins) -> None:
        """Note a block file that has no line; remove it if it is damaged, or of another run."""
        block = find_block(name)
        if stamp := read_block_stamp(block, self.store.read(name), origins):
            self.add(Finished(block, stamp, 0.0))
        else:
            self._warn(f"{self.store.path(name)} is no block of this run: it is made again")
            self.store.remove(name)

    @staticmethod
    def _warn(message: str) -> None:
        warnings.warn(message, DamageWarning, stacklevel=4)


def read_outcome(line: bytes) -> Finished | Failed | None:
    """Return the outcome of a block in a line; None if the line is not what a run writes."""
    try:
        entry = parse_json(line)
        return _read_finished(entry) if "stamp" in entry else _read_failed(entry)
    except (ValueError, TypeError, KeyError):
        return None


def _read_finished(entry: Mapping[str, Any]) -> Finished | None:
    block, stamp, seconds = entry["block"], entry["stamp"], entry["seconds"]
    right = is_block(block) and is_stamp(*stamp) and isinstance(seconds, float | int)
    return Finished(block, Stamp(*stamp), seconds) if right else None


def _read_failed(entry: Mapping[str, Any]) -> Failed | None:
    failed = Failed(**{name: entry[name] for name in Failed.__dataclass_fields__})
    texts = isinstance(failed.error, str) and isinstance(failed.traceback, str)
    right = is_block(failed.block) and isinstance(failed.point, dict) and texts
    return failed if right and isinstance(failed.seed, int) else None
