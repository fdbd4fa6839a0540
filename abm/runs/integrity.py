"""Checks that files are as they were written: by size and footer, or by every byte."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple, Self

from pyarrow import ArrowException, parquet

from abm.runs.names import find_block
from abm.runs.parquet import read_metadata
from abm.runs.schema import BLOCK_TASK
from abm.runs.store import Store

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


def find_faults(store: Store, stamps: Mapping[str, Stamp], *, every_byte: bool) -> dict[str, str]:
    """Return the fault of each file that is not as it was written, by the file's name.

    Sizes are compared and Parquet footers read; if `every_byte`, hashes are compared too.
    """
    sizes = store.sizes()
    faults = {
        name: _find_fault(store, name, stamp, sizes.get(name), every_byte)
        for name, stamp in stamps.items()
    }
    return {name: fault for name, fault in faults.items() if fault}


def _find_fault(store: Store, name: str, stamp: Stamp, size: int | None, every_byte: bool) -> str:
    """Return what is wrong with a file; empty if nothing is."""
    if size is None:
        return "is missing"
    if size != stamp.size:
        return f"has {size} bytes, but the run wrote {stamp.size}"
    if name.endswith(".parquet") and (fault := _find_fault_in_footer(store, name, stamp)):
        return fault
    if every_byte and Stamp.of(store.read(name)).sha256 != stamp.sha256:
        return "has other bytes than the run wrote"
    return ""


def _find_fault_in_footer(store: Store, name: str, stamp: Stamp) -> str:
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
    return ""


def read_block_stamp(block: str, content: bytes) -> Stamp | None:
    """Return the stamp of a block's file; None if it is another block's, or a page is damaged."""
    try:
        file = parquet.ParquetFile(BytesIO(content), page_checksum_verification=True)
        file.read()
        metadata = read_metadata(file.schema_arrow)
        tables = list(metadata["tables"])
        return Stamp.of(content, tables) if metadata[BLOCK_TASK] == block else None
    except (*UNREADABLE, KeyError, TypeError):
        return None
