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


def open_writer(where: Any, schema: pa.Schema) -> parquet.ParquetWriter:
    """Return a writer of tables, with a checksum on every page, and dictionaries of names alone."""
    names = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    return parquet.ParquetWriter(
        where, schema, compression="zstd", use_dictionary=names, write_page_checksum=True
    )


def pack_tables(tables: Tables, description: Mapping[str, Any]) -> bytes:
    """Return one Parquet file that holds several tables.

    The column `table` names the table of each row; columns of other tables are null there.

    Parameters
    ----------
    tables : dict of pyarrow.Table
        By name; columns of one name have one type.
    description : dict
        Metadata of the file, kept as JSON.
    """
    fields = {field.name: field for table in tables.values() for field in table.schema}
    columns = {name: table.column_names for name, table in tables.items()}
    metadata = json.dumps({**description, "tables": columns})
    schema = pa.schema([pa.field(TABLE, NAMES), *fields.values()], {DESCRIPTION: metadata})
    file = BytesIO()
    with open_writer(file, schema) as parts:
        for name, table in tables.items():
            parts.write_table(_pad_table(name, table, schema))
    return file.getvalue()


def _pad_table(name: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with its name as first column, and null in columns that it lacks."""
    rows = len(table)
    label = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), [name])
    own = dict(zip(table.column_names, table.columns, strict=True)) | {TABLE: label}
    arrays = [own.get(field.name, pa.nulls(rows, field.type)) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def list_columns(file: Any, name: str) -> list[str]:
    """Return the columns of one table of a file of several."""
    return list(read_metadata(parquet.read_schema(file))["tables"][name])


def unpack_table(file: Any, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one table of a file of several, with all its columns or the given ones."""
    source = parquet.ParquetFile(file, page_checksum_verification=True)
    if columns is None:
        columns = read_metadata(source.schema_arrow)["tables"][name]
    groups = [number for number, group in enumerate(_list_group_tables(source)) if group == name]
    return source.read_row_groups(groups, columns=list(columns)).select(list(columns))


def _list_group_tables(source: parquet.ParquetFile) -> list[str]:
    """Return the name of each row group's table."""
    groups = (source.metadata.row_group(number) for number in range(source.num_row_groups))
    return [group.column(0).statistics.min if group.num_rows else "" for group in groups]


def read_metadata(of: pa.Schema | parquet.FileMetaData) -> dict[str, Any]:
    """Return the description that `pack_tables` put into a file; empty for other files."""
    return dict(json.loads((of.metadata or {}).get(DESCRIPTION.encode(), b"{}")))
