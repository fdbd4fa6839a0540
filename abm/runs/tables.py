"""The tables of a run folder while they are written, a Parquet file each."""

from __future__ import annotations

from contextlib import ExitStack

import pyarrow as pa
from pyarrow import parquet

from abm.runs.parquet import open_writer
from abm.runs.store import Store


class TableFiles:
    """The open Parquet files of a run folder.

    Parameters
    ----------
    store : Store
        Where they are written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writers: dict[str, parquet.ParquetWriter] = {}
        self._open = ExitStack()

    def append(self, table: str, rows: pa.Table) -> None:
        """Append rows to the file `table`.parquet; the first rows fix its schema."""
        if table not in self._writers:
            file = self._open.enter_context(self._store.open(f"{table}.parquet", "wb"))
            self._writers[table] = self._open.enter_context(open_writer(file, rows.schema))
        self._writers[table].write_table(rows)

    def close(self) -> None:
        """Write the footers."""
        self._open.close()
