"""Tables in Parquet files: typed, several to a file, and any damage to a page is noticed."""

from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ArrowException, parquet

from abm.runs.parquet import (
    Tables,
    list_columns,
    make_table,
    open_writer,
    pack_tables,
    read_metadata,
    unpack_table,
)
from abm.runs.schema import MAKER, PERIOD, REPLICATION, TABLE, Column

PROFIT = Column("profit", "float64", "price", "of the period")
FILLED = Column("filled", "bool", "", "whether the trade was hers")
COUNT = Column("count", "int64", "1", "of replications")
TOTALS = (REPLICATION, MAKER, PROFIT)
SUMMARY = (PERIOD, MAKER, FILLED, COUNT)
SCHEMAS = {"totals": TOTALS, "summary": SUMMARY, "alone": (PROFIT,)}
ABOUT = {"block_task": "0000-00003", "seed": 7}


def tables(rows: int = 50) -> Tables:
    rng = np.random.default_rng(1)
    totals = {
        "replication": np.arange(rows),
        "maker": pd.Categorical.from_codes(np.arange(rows) % 2, pd.Index(["zoe", "ann"])),
        "profit": np.where(np.arange(rows) == 3, np.nan, rng.normal(size=rows)),
    }
    summary = {
        "period": np.array([0, 0, 32767]),
        "maker": pd.Categorical(["ann", None, "bob"]),
        "filled": np.array([1.0, 0.0, 1.0]),
        "count": np.array([1, 2**62, -1]),
    }
    columns: dict[str, dict[str, Any]] = {
        "totals": totals,
        "summary": summary,
        "alone": {"profit": np.array([np.inf, -np.inf])},
    }
    return {name: make_table(columns[name], schema) for name, schema in SCHEMAS.items()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_table_has_the_types_units_and_meanings_of_its_schema(name: str) -> None:
    schema, table = SCHEMAS[name], tables()[name]
    frame = table.to_pandas()
    assert list(frame.dtypes.astype(str).items()) == [(one.name, one.dtype) for one in schema]
    for column in schema:
        carried = table.schema.field(column.name).metadata
        assert carried == {b"unit": column.unit.encode(), b"meaning": column.meaning.encode()}


def test_a_frame_and_a_dict_of_arrays_make_one_table() -> None:
    table = tables()["summary"]
    frame = table.to_pandas().iloc[::-1].assign(more="ignored")
    mixed = frame[["more", "filled", "count", "maker", "period"]]
    assert make_table(mixed, SUMMARY).equals(table.take([2, 1, 0]))


def test_missing_numbers_are_nan_and_missing_names_are_null() -> None:
    assert tables()["totals"]["profit"].null_count == 0
    assert np.isnan(tables()["totals"]["profit"][3].as_py())
    assert tables()["summary"]["maker"].to_pylist() == ["ann", None, "bob"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_several_tables_in_one_file_come_back_as_they_were(name: str) -> None:
    before, file = tables(), pack_tables(tables(), ABOUT)
    after = unpack_table(BytesIO(file), name)
    assert list_columns(BytesIO(file), name) == [column.name for column in SCHEMAS[name]]
    assert after.column_names == before[name].column_names
    for column in SCHEMAS[name]:
        assert after.schema.field(column.name).equals(
            before[name].schema.field(column.name), check_metadata=True
        )
    pd.testing.assert_frame_equal(after.to_pandas(), before[name].to_pandas(), check_exact=True)


@pytest.mark.parametrize("columns", [["count", "period"], ["maker"], []])
def test_a_part_of_a_table_has_the_columns_asked_for_in_that_order(columns: list[str]) -> None:
    part = unpack_table(BytesIO(pack_tables(tables(), ABOUT)), "summary", columns)
    assert part.column_names == columns
    assert part.num_rows == 3


def test_a_table_of_more_rows_than_a_row_group_comes_back_whole() -> None:
    rows = 2**20 + 5
    long = make_table({"replication": np.arange(rows)}, (REPLICATION,))
    short = tables()["alone"]
    file = pack_tables({"short": short, "long": long, "end": short.slice(1)}, ABOUT)
    assert parquet.ParquetFile(BytesIO(file)).num_row_groups == 4
    assert unpack_table(BytesIO(file), "long").equals(long)
    assert unpack_table(BytesIO(file), "end").num_rows == 1


def test_a_table_without_rows_comes_back_empty() -> None:
    file = pack_tables(tables(rows=0), ABOUT)
    assert unpack_table(BytesIO(file), "totals").column_names == ["replication", "maker", "profit"]
    assert unpack_table(BytesIO(file), "totals").num_rows == 0
    assert unpack_table(BytesIO(file), "summary").num_rows == 3


def test_any_reader_of_parquet_finds_the_tables_by_name_and_nulls_in_other_columns() -> None:
    frame = pd.read_parquet(BytesIO(pack_tables(tables(), ABOUT)))
    assert frame[TABLE].value_counts().to_dict() == {"totals": 50, "summary": 3, "alone": 2}
    totals = frame[frame[TABLE] == "totals"]
    assert totals[["period", "filled", "count"]].isna().all(axis=None)
    assert totals["replication"].tolist() == list(range(50))


def test_a_file_says_what_it_is_and_others_say_nothing() -> None:
    said = read_metadata(parquet.read_schema(BytesIO(pack_tables(tables(), ABOUT))))
    names = {name: [column.name for column in schema] for name, schema in SCHEMAS.items()}
    assert said == ABOUT | {"tables": names, "rows": {name: name for name in SCHEMAS}}
    assert read_metadata(pa.schema([])) == {}


BID = Column("bid", "float64", "price", "the best bid")
SIDE = Column("side", "int8", "1", "of the trader")
QUOTES = np.array([-0.0, np.nan, -np.inf, 0.1, 5e-324, 1.0])
MARKET, MAKERS = (REPLICATION, BID, SIDE), (REPLICATION, MAKER, BID, FILLED)


def market_and_makers(bid: Any = QUOTES, makers: int = 1) -> Tables:
    numbers = np.arange(len(QUOTES))
    market = {"replication": numbers, "bid": QUOTES, "side": numbers % 3 - 1}
    hers = {
        "replication": np.repeat(numbers, makers),
        "maker": np.tile(["ann", "zoe"][:makers], len(QUOTES)),
        "bid": np.repeat(bid, makers),
        "filled": np.repeat(numbers % 2, makers),
    }
    parts = {"market": make_table(market, MARKET), "makers": make_table(hers, MAKERS)}
    return {"alone": tables()["alone"]} | parts | {"totals": tables()["totals"]}


def test_tables_of_the_same_rows_have_their_common_columns_once_in_a_file() -> None:
    before, file = market_and_makers(), pack_tables(market_and_makers(), ABOUT)
    frame = pd.read_parquet(BytesIO(file))
    assert frame[TABLE].value_counts().to_dict() == {"totals": 50, "market": 6, "alone": 2}
    market = frame[frame[TABLE] == "market"]
    assert market["maker"].tolist() == ["ann"] * 6
    assert read_metadata(parquet.read_schema(BytesIO(file)))["rows"]["makers"] == "market"
    for name, table in before.items():
        after = unpack_table(BytesIO(file), name)
        assert after.schema.equals(table.schema)
        pd.testing.assert_frame_equal(after.to_pandas(), table.to_pandas(), check_exact=True)
    bits = unpack_table(BytesIO(file), "makers", ["bid"])["bid"].to_numpy().view(np.int64)
    np.testing.assert_array_equal(bits, QUOTES.view(np.int64))


@pytest.mark.parametrize(
    "other",
    [
        {"bid": np.array([0.0, np.nan, -np.inf, 0.1, 5e-324, 1.0])},
        {"bid": np.array([-0.0, np.nan, -np.inf, np.nextafter(0.1, 1), 5e-324, 1.0])},
        {"bid": np.array([-0.0, -np.nan, -np.inf, 0.1, 5e-324, 1.0])},
        {"makers": 2},
    ],
    ids=["another-zero", "another-last-digit", "another-nan", "two-makers"],
)
def test_tables_that_differ_in_a_bit_are_kept_apart(other: dict[str, Any]) -> None:
    before = market_and_makers(**other)
    file = pack_tables(before, ABOUT)
    assert set(pd.read_parquet(BytesIO(file))[TABLE]) == set(before)
    for name in ("market", "makers"):
        bits = unpack_table(BytesIO(file), name)["bid"].to_numpy().view(np.int64)
        np.testing.assert_array_equal(bits, before[name]["bid"].to_numpy().view(np.int64))


def test_tables_without_a_common_column_are_kept_apart() -> None:
    market = market_and_makers()["market"]
    apart = {"market": market.select(["bid"]), "makers": market.select(["side"])}
    assert set(pd.read_parquet(BytesIO(pack_tables(apart, ABOUT)))[TABLE]) == set(apart)


def test_tables_in_several_pieces_are_compared_as_wholes() -> None:
    before = market_and_makers()
    pieces = pa.concat_tables([before["makers"].slice(0, 2), before["makers"].slice(2)])
    file = pack_tables(before | {"makers": pieces}, ABOUT)
    assert "makers" not in set(pd.read_parquet(BytesIO(file))[TABLE])
    after = unpack_table(BytesIO(file), "makers").to_pandas()
    pd.testing.assert_frame_equal(after, pieces.to_pandas(), check_exact=True)


def test_equal_tables_give_equal_bytes_and_others_do_not() -> None:
    file = pack_tables(tables(), ABOUT)
    assert pack_tables(tables(), ABOUT) == file
    assert pack_tables(tables(), ABOUT | {"seed": 8}) != file
    assert pack_tables(tables(rows=51), ABOUT) != file


def test_a_flipped_byte_in_a_page_is_noticed_wherever_it_is() -> None:
    file = pack_tables(tables(rows=2000), ABOUT)
    assert unpack_table(BytesIO(file), "totals").num_rows == 2000
    totals = parquet.ParquetFile(BytesIO(file)).metadata.row_group(0)
    chunks = [totals.column(place) for place in range(totals.num_columns)]
    (profit,) = (one for one in chunks if one.path_in_schema == "profit")
    end = profit.data_page_offset + profit.total_compressed_size
    assert profit.total_compressed_size > 10_000
    for place in range(end - 10_000, end, 97):
        flipped = bytearray(file)
        flipped[place] ^= 1
        with pytest.raises((ArrowException, OSError)):
            unpack_table(BytesIO(flipped), "totals")


def test_a_file_written_bit_by_bit_has_checksums_too() -> None:
    table, file = tables(rows=2000)["totals"], BytesIO()
    with open_writer(file, table.schema) as parts:
        for start in (0, 1000):
            parts.write_table(table.slice(start, 1000))
    content = bytearray(file.getvalue())
    read = {"page_checksum_verification": True}
    assert parquet.read_table(BytesIO(content), **read).num_rows == 2000
    content[len(content) // 2] ^= 1
    with pytest.raises((ArrowException, OSError)):
        parquet.read_table(BytesIO(content), **read)
