"""Whether files are what was written: by size and footer, or by every byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

from pyarrow import ArrowException, parquet

from abm.runs.store import Store
from abm.runs.parquet import described

UNREADABLE = (ArrowException, OSError, ValueError)  # what pyarrow raises of damaged files


class Stamp(NamedTuple):
    """What a file is known by.

    Parameters
    ----------
    size : int
        In bytes.
    sha256 : str
        Of its content, in hexadecimal digits.
    tables : list of str
        Of a block's file, the tables in it.
    """

    size: int
    sha256: str
    tables: Sequence[str] = ()

    @classmethod
    def of(cls, content: bytes, tables: Sequence[str] = ()) -> Stamp:
        """Return the stamp of this content."""
        return cls(len(content), sha256(content).hexdigest(), list(tables))


def faults(store: Store, stamps: Mapping[str, Stamp], *, every_byte: bool) -> dict[str, str]:
    """Return what is wrong with each file that is not as it was written.

    Sizes are compared and Parquet footers read; if `every_byte`, hashes are compared too.
    """
    sizes = store.sizes()
    found = {
        name: _fault(store, name, stamp, sizes.get(name), every_byte)
        for name, stamp in stamps.items()
    }
    return {name: fault for name, fault in found.items() if fault}


def _fault(store: Store, name: str, stamp: Stamp, size: int | None, every_byte: bool) -> str:
    """Return what is wrong with a file, or nothing."""
    if size is None:
        return "is missing"
    if size != stamp.size:
        return f"has {size} bytes, but the run wrote {stamp.size}"
    if name.endswith(".parquet") and not _has_footer(store, name):
        return "cannot be read as Parquet"
    if every_byte and Stamp.of(store.read(name)).sha256 != stamp.sha256:
        return "has other bytes than the run wrote"
    return ""


def _has_footer(store: Store, name: str) -> bool:
    try:
        with store.open(name) as file:
            parquet.read_metadata(file)
    except UNREADABLE:
        return False
    return True


def stamp_of_block(block: str, content: bytes) -> Stamp | None:
    """Return the stamp of this block's file, or None unless every page of it is intact."""
    try:
        file = parquet.ParquetFile(BytesIO(content), page_checksum_verification=True)
        file.read()
        about = described(file.schema_arrow)
        return Stamp.of(content, list(about["tables"])) if about["unit"] == block else None
    except (*UNREADABLE, KeyError):
        return None
