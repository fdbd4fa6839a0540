"""Damage to files: what is found by size and footer, what by every byte, and what is said of it."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from abm.runs.integrity import Stamp, find_faults, read_block_stamp
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import REPLICATION, Column
from abm.runs.store import Store

PROFIT = Column("profit", "float64", "price", "of the period")
TASK = "0000-00000"
NAME = f"blocks/{TASK}.parquet"


def block(rows: int = 400) -> bytes:
    totals = {"replication": np.arange(rows), "profit": np.random.default_rng(1).normal(size=rows)}
    tables = {
        "totals": make_table(totals, (REPLICATION, PROFIT)),
        "summary": make_table(totals, (PROFIT,)),
    }
    return pack_tables(tables, {"block_task": TASK})


BLOCK = block()
STAMP = Stamp.of(BLOCK, ["totals", "summary"])
FOREIGN = "is of another block, or has other tables"
FOOTER = len(BLOCK) - 8 - int.from_bytes(BLOCK[-8:-4], "little")
PROFITS = parquet.read_metadata(BytesIO(BLOCK)).row_group(0).column(2)
PAGE = PROFITS.data_page_offset + PROFITS.total_compressed_size - np.arange(1, 3000, 31)


def flipped(place: int, mask: int = 0xFF) -> bytes:
    return BLOCK[:place] + bytes([BLOCK[place] ^ mask]) + BLOCK[place + 1 :]


def test_a_stamp_is_size_hash_and_tables() -> None:
    assert Stamp.of(b"abc", ("one", "two")) == (3, sha256(b"abc").hexdigest(), ["one", "two"])
    assert Stamp.of(b"") == (0, sha256().hexdigest(), [])


@pytest.mark.parametrize("every_byte", [False, True])
def test_whole_files_have_no_fault_and_other_files_are_not_asked_for(
    store: Store, every_byte: bool
) -> None:
    contents = {NAME: BLOCK, "notes.txt": b"some notes", "empty.txt": b""}
    for name, content in (contents | {"other.parquet": b"x"}).items():
        store.write(name, content)
    stamps = {name: Stamp.of(content) for name, content in contents.items()} | {NAME: STAMP}
    assert find_faults(store, stamps, every_byte=every_byte) == {}


@pytest.mark.parametrize("every_byte", [False, True])
@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (None, "is missing"),
        (b"", f"has 0 bytes, but the run wrote {len(BLOCK)}"),
        (BLOCK[:-1], f"has {len(BLOCK) - 1} bytes, but the run wrote {len(BLOCK)}"),
        (BLOCK + b"x", f"has {len(BLOCK) + 1} bytes, but the run wrote {len(BLOCK)}"),
        (bytes(len(BLOCK)), "cannot be read as Parquet"),
        (BLOCK[:FOOTER] + bytes(len(BLOCK) - FOOTER), "cannot be read as Parquet"),
    ],
    ids=["missing", "empty", "shorter", "longer", "foreign", "footer"],
)
def test_a_damaged_file_is_found_and_its_fault_told(
    store: Store, found: bytes | None, fault: str, every_byte: bool
) -> None:
    store.write("whole.txt", b"whole")
    if found is not None:
        store.write(NAME, found)
    stamps = {NAME: STAMP, "whole.txt": Stamp.of(b"whole")}
    assert find_faults(store, stamps, every_byte=every_byte) == {NAME: fault}


@pytest.mark.parametrize(
    ("name", "stamp", "found"),
    [(NAME, STAMP, flipped(PAGE[0])), ("a.txt", Stamp.of(b"notes"), b"nOtes")],
    ids=["block", "text"],
)
def test_a_flipped_byte_is_found_only_where_every_byte_is_compared(
    store: Store, name: str, stamp: Stamp, found: bytes
) -> None:
    store.write(name, found)
    stamps = {name: stamp}
    assert find_faults(store, stamps, every_byte=False) == {}
    assert find_faults(store, stamps, every_byte=True) == {
        name: "has other bytes than the run wrote"
    }


@pytest.mark.parametrize(
    ("name", "tables"),
    [("blocks/0000-00001.parquet", ["totals", "summary"]), (NAME, ["totals"]), (NAME, [])],
)
def test_a_block_in_the_place_of_another_is_found_by_its_footer(
    store: Store, name: str, tables: list[str]
) -> None:
    store.write(name, BLOCK)
    stamps = {name: Stamp.of(BLOCK, tables)}
    assert find_faults(store, stamps, every_byte=False) == {name: FOREIGN}


def test_a_flipped_byte_of_a_footer_is_a_fault_and_no_error(tmp_path: Path) -> None:
    store = Store(f"memory://{tmp_path}")
    said = set()
    for place in range(FOOTER, len(BLOCK), 3):
        store.write(NAME, flipped(place))
        said |= set(find_faults(store, {NAME: STAMP}, every_byte=True).items())
    faulty = {"cannot be read as Parquet", "has other bytes than the run wrote", FOREIGN}
    assert said == {(NAME, fault) for fault in faulty}


def test_a_whole_block_has_the_stamp_that_it_was_written_with() -> None:
    assert read_block_stamp(TASK, BLOCK) == STAMP


def cut(length: int) -> bytes:
    return BLOCK[:length]


@pytest.mark.parametrize(
    ("damage", "places"),
    [(cut, range(0, len(BLOCK), 61)), (flipped, PAGE)],
    ids=["cut off", "flipped in a page"],
)
def test_a_damaged_block_has_no_stamp(
    damage: Callable[[int], bytes], places: Sequence[int]
) -> None:
    assert len(places) > 90
    assert [place for place in places if read_block_stamp(TASK, damage(place))] == []


def test_a_block_with_a_flipped_byte_in_its_footer_has_its_own_stamp_or_none() -> None:
    contents = [flipped(place) for place in range(FOOTER, len(BLOCK))]
    found = [read_block_stamp(TASK, content) for content in contents]
    assert None in found
    assert all(
        stamp is None or stamp.sha256 == sha256(content).hexdigest()
        for stamp, content in zip(found, contents, strict=True)
    )


def test_another_block_is_not_this_one() -> None:
    assert read_block_stamp("0000-00001", BLOCK) is None


def test_parquet_of_other_origin_is_no_block() -> None:
    file = BytesIO()
    pd.DataFrame({"profit": [1.0]}).to_parquet(file)
    assert read_block_stamp(TASK, file.getvalue()) is None
