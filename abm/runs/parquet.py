"""Tables in Parquet: with the schema's types, units and meanings, one or several to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from abm.runs.schema import DESCRIPTION, TABLE, Column

Tables = dict[str, pa.Table]
NAMES = pa.dictionary(pa.int8(), pa.string())


def make_table(columns: Mapping[str, Any] | pd.DataFrame, schema: Sequence[Column]) -> pa.Table:
    """Return a table in the schema's types, with units and meanings in its metadata."""
    arrays = [_make_array(columns[column.name], column.dtype) for column in schema]
    fields = [
        pa.field(column.name, array.type, metadata={"unit": column.unit, "meaning": column.meaning})
        for column, array in zip(schema, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _make_array(values: Any, dtype: str) -> pa.Array:
    if dtype == "category":
        return pa.array(pd.Categorical(values), NAMES)
    return pa.array(np.asarray(values, dtype), from_pandas=False)


def open_writer(
    where: Any, schema: pa.Schema, statistics: bool | list[str] = True
) -> parquet.ParquetWriter:
    """Return a writer of tables, with a checksum on every page, and dictionaries of names alone.

    `statistics` are the columns of whose row groups least and largest value are told, or all.
    """
    names = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    return parquet.ParquetWriter(
        where, schema, compression="zstd", use_dictionary=names, write_page_checksum=True,
        write_statistics=statistics,
    )  # fmt: skip


def pack_tables(tables: Tables, description: Mapping[str, Any]) -> bytes:
    """Return one Parquet file that holds several tables.

    Tables with the same rows are stored side by side, and the columns that they have in common
    once, as those of the market and of its one maker: see `share_rows`. The column `table` names
    the first table of each row; columns of other tables are null there.

    Parameters
    ----------
    tables : dict of pyarrow.Table
        By name; columns of one name have one type.
    description : dict
        Metadata of the file, kept as JSON.
    """
    parts, rows = share_rows(tables)
    fields = {field.name: field for part in parts.values() for field in part.schema}
    columns = {name: table.column_names for name, table in tables.items()}
    metadata = json.dumps({**description, "tables": columns, "rows": rows})
    schema = pa.schema([pa.field(TABLE, NAMES), *fields.values()], {DESCRIPTION: metadata})
    file = BytesIO()
    with open_writer(file, schema, statistics=[TABLE]) as writer:
        for name, part in parts.items():
            writer.write_table(_pad_table(name, part, schema))
    return file.getvalue()


def share_rows(tables: Tables) -> tuple[Tables, dict[str, str]]:
    """Return tables of which some may be parts of one, and the name of that of which each is.

    A table joins an earlier one of as many rows if they have columns in common, and these are the
    same to the last bit.
    """
    parts: Tables = {}
    rows: dict[str, str] = {}
    for name, table in tables.items():
        rows[name] = next((first for first in parts if _have_same_rows(parts[first], table)), name)
        whole = parts.get(rows[name], table)
        for field, column in zip(table.schema, table.columns, strict=True):
            if field.name not in whole.column_names:
                whole = whole.append_column(field, column)
        parts[rows[name]] = whole
    return parts, rows


def _have_same_rows(first: pa.Table, second: pa.Table) -> bool:
    """Whether two tables have columns in common, and in each of them the same bits."""
    common = [name for name in second.column_names if name in first.column_names]
    return (
        len(first) == len(second)
        and bool(common)
        and all(_show_bits(first[name]).equals(_show_bits(second[name])) for name in common)
    )


def _show_bits(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, floats as whole numbers: -0.0 is not 0.0, and NaN is NaN."""
    whole = column.combine_chunks()
    return whole.view(pa.int64()) if whole.type == pa.float64() else whole


def _pad_table(name: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with its name as first column, and null in columns that it lacks."""
    rows = len(table)
    label = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), [name])
    own = dict(zip(table.column_names, table.columns, strict=True)) | {TABLE: label}
    missing = {field.type for field in schema if field.name not in own}
    nulls = {kind: pa.nulls(rows, kind) for kind in missing}
    arrays = [own[field.name] if field.name in own else nulls[field.type] for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def list_columns(file: Any, name: str) -> list[str]:
    """Return the columns of one table of a file of several."""
    return list(read_metadata(parquet.read_schema(file))["tables"][name])


def unpack_table(file: Any, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one table of a file of several, with all its columns or the given ones."""
    source = parquet.ParquetFile(file, page_checksum_verification=True)
    metadata = read_metadata(source.schema_arrow)
    wanted = list(metadata["tables"][name] if columns is None else columns)
    labels = _list_group_labels(source)
    groups = [number for number, label in enumerate(labels) if label == metadata["rows"][name]]
    return source.read_row_groups(groups, columns=wanted).select(wanted)


def _list_group_labels(source: parquet.ParquetFile) -> list[str]:
    """Return what the column `table` says of each row group."""
    groups = (source.metadata.row_group(number) for number in range(source.num_row_groups))
    return [group.column(0).statistics.min if group.num_rows else "" for group in groups]


def read_metadata(of: pa.Schema | parquet.FileMetaData) -> dict[str, Any]:
    """Return the description that `pack_tables` put into a file; empty for other files."""
    return dict(json.loads((of.metadata or {}).get(DESCRIPTION.encode(), b"{}")))
