"""The manifest: what it says of blocks survives kills and damage, and so do the blocks."""

import json
import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from uuid import uuid4

import numpy as np
import pytest
from fsspec.core import url_to_fs

from abm.runs.errors import DamageWarning
from abm.runs.integrity import Stamp
from abm.runs.manifest import Failed, Finished, Manifest, block_file
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import MANIFEST_FILE, REPLICATION
from abm.runs.store import Store

ONE, TWO, THREE = BLOCKS = "0000-00000", "0000-00001", "0012-00345"
FAILED = Failed(TWO, {"makers": "optimal", "prior_sd": 3.0}, 7, 'KeyError: "ü"', "Trace\n  back\n")


def content(block: str) -> bytes:
    rows = make_table({"replication": np.arange(500) + int(block[-5:])}, (REPLICATION,))
    return pack_tables({"totals": rows, "summary": rows}, {"block_task": block})


def written(store: Store, block: str) -> Finished:
    store.write(block_file(block), content(block))
    return Finished(block, Stamp.of(content(block), ["totals", "summary"]), 0.25)


def filled(store: Store, *blocks: str) -> Manifest:
    manifest = Manifest(store)
    for block in blocks:
        manifest.add(written(store, block))
    return manifest


def restored(store: Store, *, every_byte: bool = False) -> Manifest:
    manifest = Manifest(store)
    manifest.restore(every_byte=every_byte)
    return manifest


def flipped(whole: bytes) -> bytes:
    place = len(whole) // 4
    return whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]


def readable(whole: bytes) -> bytes:
    return whole.replace(b"parquet-cpp-arrow version", b"parquet-cpp-arroW version")


def test_a_manifest_is_empty_where_there_is_none(store: Store) -> None:
    manifest = Manifest(store)
    assert (manifest.finished, manifest.failed, manifest.stamps) == ({}, {}, {})
    assert store.sizes() == {}


def test_what_was_written_down_is_read_back(store: Store) -> None:
    manifest = filled(store, ONE, THREE)
    manifest.add(FAILED)
    again = Manifest(store)
    expected = {block: Stamp.of(content(block), ["totals", "summary"]) for block in (ONE, THREE)}
    assert manifest.finished == again.finished == expected
    assert manifest.failed == again.failed == {TWO: FAILED}


def test_every_outcome_is_a_line_of_json_with_its_time(store: Store) -> None:
    filled(store, ONE).add(FAILED)
    lines = [json.loads(line) for line in store.read(MANIFEST_FILE).splitlines()]
    assert [line["block"] for line in lines] == [ONE, TWO]
    assert lines[0]["seconds"] == 0.25
    assert lines[1]["traceback"] == FAILED.traceback
    ages = [datetime.now(UTC) - datetime.fromisoformat(line["at"]) for line in lines]
    assert all(timedelta() <= age < timedelta(minutes=1) for age in ages)


def test_lines_are_only_ever_added(store: Store) -> None:
    filled(store, ONE)
    before = store.read(MANIFEST_FILE)
    restored(store).add(FAILED)
    assert store.read(MANIFEST_FILE).startswith(before)


def test_the_last_word_on_a_block_counts(store: Store) -> None:
    manifest = Manifest(store)
    manifest.add(FAILED)
    manifest.add(written(store, TWO))
    for one in (manifest, Manifest(store)):
        assert set(one.finished) == {TWO}
        assert one.failed == {}
    manifest.add(FAILED)
    for one in (manifest, Manifest(store)):
        assert one.finished == {}
        assert set(one.failed) == {TWO}


def test_stamps_are_in_order_whatever_the_order_of_time(store: Store) -> None:
    manifest = filled(store, THREE, ONE, TWO)
    assert list(manifest.stamps) == [f"blocks/{block}.parquet" for block in BLOCKS]


def test_a_log_cut_off_anywhere_loses_the_line_that_was_cut_alone(tmp_path: Path) -> None:
    store = Store(f"memory://{tmp_path}")
    filled(store, ONE).add(FAILED)
    filled(store, THREE)
    log = store.read(MANIFEST_FILE)
    ends = [place for place, byte in enumerate(log) if byte == ord("\n")]
    assert len(ends) == 3
    for length in range(len(log) + 1):
        store.write(MANIFEST_FILE, log[:length])
        cut = Manifest(store)
        whole = sum(end <= length for end in ends)
        assert [*cut.finished, *cut.failed] == [[], [ONE], [ONE, TWO], [ONE, THREE, TWO]][whole]


@pytest.mark.parametrize("length", [0, 1, 200, -200, -2, -1])
def test_a_block_whose_line_was_lost_or_cut_off_is_taken_in(store: Store, length: int) -> None:
    before = filled(store, ONE, THREE).finished
    store.write(MANIFEST_FILE, store.read(MANIFEST_FILE)[:length])
    manifest = restored(store, every_byte=True)
    assert manifest.finished == before
    manifest.add(FAILED)
    again = Manifest(store)
    assert again.finished == before
    assert set(again.failed) == {TWO}


@pytest.mark.parametrize(
    ("found", "every_byte", "fault"),
    [
        (None, False, "is missing"),
        (b"", False, r"has 0 bytes, but the run wrote \d+"),
        (content(TWO)[:-7], False, r"has \d+ bytes, but the run wrote \d+"),
        (bytes(len(content(TWO))), False, "cannot be read as Parquet"),
        (flipped(content(TWO)), True, "has other bytes than the run wrote"),
        (readable(content(TWO)), True, "has other bytes than the run wrote"),
    ],
    ids=["missing", "empty", "truncated", "foreign", "flipped", "flipped but readable"],
)
def test_a_damaged_block_is_forgotten_for_good_and_others_are_kept(
    store: Store, found: bytes | None, every_byte: bool, fault: str
) -> None:
    whole = filled(store, *BLOCKS).finished
    name = block_file(TWO)
    store.remove(name)
    if found is not None:
        store.write(name, found)
    with pytest.warns(DamageWarning) as warned:
        manifest = restored(store, every_byte=every_byte)
    (said,) = (str(one.message) for one in warned)
    assert re.fullmatch(rf"{re.escape(store.path(name))} {fault}: its block is made again", said)
    assert manifest.finished == {block: whole[block] for block in (ONE, THREE)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamageWarning)
        assert set(restored(store).finished) == {ONE, THREE}


def test_a_damaged_block_that_was_made_again_is_whole(store: Store) -> None:
    before = filled(store, ONE, TWO).finished
    store.write(block_file(TWO), b"damaged")
    with pytest.warns(DamageWarning):
        restored(store).add(written(store, TWO))
    assert restored(store, every_byte=True).finished == before


def test_a_flipped_byte_goes_unnoticed_unless_every_byte_is_compared(store: Store) -> None:
    before = filled(store, *BLOCKS).finished
    store.write(block_file(TWO), flipped(content(TWO)))
    assert restored(store).finished == before


@pytest.mark.parametrize(
    "found",
    [b"", content(TWO)[:-7], flipped(content(TWO)), content(THREE)],
    ids=["empty", "truncated", "flipped", "of another block"],
)
def test_a_damaged_block_without_a_line_is_removed(store: Store, found: bytes) -> None:
    before = filled(store, ONE).finished
    store.write(block_file(TWO), found)
    with pytest.warns(DamageWarning, match=rf"{TWO}\.parquet is no block of this run: it is made"):
        assert restored(store).finished == before
    assert set(store.sizes()) == {MANIFEST_FILE, block_file(ONE)}


def test_what_a_killed_write_left_is_removed_and_other_files_are_not(store: Store) -> None:
    before = filled(store, ONE).finished
    for name in (block_file(TWO), block_file(THREE), "run.json"):
        hidden = PurePosixPath(name).with_name(
            f".{PurePosixPath(name).name}.{uuid4().hex}.market-shock"
        )
        store.write(str(hidden), content(TWO))
    for other in ("summary.parquet", "run.json", "notes.txt"):
        store.write(other, b"x")
    assert restored(store).finished == before
    fs, root = url_to_fs(store.url)
    left = {str(PurePosixPath(file).relative_to(root)) for file in fs.find(root)}
    assert left == {MANIFEST_FILE, block_file(ONE), "summary.parquet", "run.json", "notes.txt"}
