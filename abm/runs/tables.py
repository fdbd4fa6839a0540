"""Tables of a run that are written piece by piece, and appear as a whole when they are closed."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from abm.runs.parquet import open_writer
from abm.runs.store import Store


class OpenTables:
    """The tables that are being written into a folder."""

    def __init__(self) -> None:
        self._writers: dict[str, parquet.ParquetWriter] = {}
        self._files = ExitStack()

    def write(self, store: Store, table: str, rows: pa.Table) -> None:
        """Append rows to the file `table`.parquet; the first rows fix its schema."""
        if table not in self._writers:
            file = self._files.enter_context(store.create(f"{table}.parquet"))
            self._writers[table] = self._files.enter_context(open_writer(file, rows.schema))
        self._writers[table].write_table(rows)

    def close(self) -> None:
        """Let the tables appear."""
        self._files.close()

    def discard(self, *error: Any) -> None:
        """Leave nothing of tables that are open; takes what a context's `__exit__` is given."""
        with suppress(OSError):
            self._files.__exit__(*error)
