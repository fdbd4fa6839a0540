"""Checks that files are as they were written: by size and footer, or by every byte."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple, Self

from pyarrow import ArrowException, parquet

from abm.runs.names import find_block, find_point
from abm.runs.parquet import read_metadata
from abm.runs.schema import BLOCK_TASK, ORIGIN
from abm.runs.store import Store

Origins = Sequence[Mapping[str, Any]]
UNREADABLE = (ArrowException, OSError, ValueError)  # pyarrow's, for damaged files


class Stamp(NamedTuple):
    """Size in bytes and hash of a file; of a block file, the tables in it."""

    size: int
    sha256: str
    tables: Sequence[str] = ()

    @classmethod
    def of(cls, content: bytes, tables: Sequence[str] = ()) -> Self:
        """Return the stamp of this content."""
        return cls(len(content), sha256(content).hexdigest(), list(tables))


def find_faults(
    store: Store, stamps: Mapping[str, Stamp], origins: Origins = (), *, every_byte: bool
) -> dict[str, str]:
    """Return the fault of each file that is not as it was written, by the file's name.

    Sizes are compared and Parquet footers read; if `every_byte`, hashes are compared too.

    Parameters
    ----------
    store : Store
    stamps : dict of Stamp
        By name.
    origins : sequence of dict
        What a block's file must say that it is of, for each point; not compared if there are none.
    every_byte : bool
    """
    sizes, faults = store.sizes(), {}
    for name, stamp in stamps.items():
        fault = _find_fault(store, name, stamp, sizes.get(name), origins)
        if not fault and every_byte and Stamp.of(store.read(name)).sha256 != stamp.sha256:
            fault = "has other bytes than the run wrote"
        if fault:
            faults[name] = fault
    return faults


def _find_fault(store: Store, name: str, stamp: Stamp, size: int | None, origins: Origins) -> str:
    """Return what is wrong with the size or the footer of a file; empty if nothing is."""
    if size is None:
        return "is missing"
    if size != stamp.size:
        return f"has {size} bytes, but the run wrote {stamp.size}"
    return _find_fault_in_footer(store, name, stamp, origins) if name.endswith(".parquet") else ""


def _find_fault_in_footer(store: Store, name: str, stamp: Stamp, origins: Origins) -> str:
    """Return what is wrong with the footer of a Parquet file; empty if nothing is."""
    try:
        with store.open(name) as file:
            description = read_metadata(parquet.read_metadata(file))
        tables, task = list(description.get("tables", ())), description.get(BLOCK_TASK)
    except (*UNREADABLE, TypeError, AttributeError):
        return "cannot be read as Parquet"
    block = find_block(name)
    if block and (task, tables) != (block, list(stamp.tables)):
        return "is of another block, or has other tables"
    if block and not is_of(description, block, origins):
        return "is a block of another run, or of another point"
    return ""


def is_of(description: Mapping[str, Any], block: str, origins: Origins) -> bool:
    """Whether the metadata of a block's file are of the run with these points, and of its point."""
    expected = origins[find_point(block) :][:1]
    return not origins or [description.get(ORIGIN)] == list(expected)


def read_block_stamp(block: str, content: bytes, origins: Origins = ()) -> Stamp | None:
    """Return the stamp of a block's file; None if it is another block's, or a page is damaged.

    `origins` is as in `find_faults`.
    """
    try:
        file = parquet.ParquetFile(BytesIO(content), page_checksum_verification=True)
        file.read()
        metadata = read_metadata(file.schema_arrow)
        tables = list(metadata["tables"])
        own = metadata[BLOCK_TASK] == block and is_of(metadata, block, origins)
        return Stamp.of(content, tables) if own else None
    except (*UNREADABLE, KeyError, TypeError):
        return None
