"""The files of a run; a file that is not what the run wrote is an error."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import pyarrow as pa
from pyarrow import compute, parquet

from abm.runs.parquet import list_columns, unpack_table
from abm.runs.store import find_file_system

Cell = str | float
Columns = Sequence[str] | None
Content = TypeVar("Content")


class LogError(ValueError):
    """A folder or file is not the log of a whole run."""


def find_run(folder: str | Path) -> tuple[Any, str]:
    """Return the file system of a run's folder, and its path there; LogError if there is none."""
    try:
        return find_file_system(str(folder))
    except ValueError as error:
        raise LogError(error) from None


def read_file(
    folder: str | Path, file: str, size: int, read: Callable[[IO[bytes]], Content]
) -> Content:
    """Return what `read` returns for the opened file.

    Raises
    ------
    LogError
        If its size in bytes is not the one it was written with, or it cannot be read, or it is a
        link.
    """
    system, root = find_run(folder)
    path, above = f"{root}/{file}", file.rpartition("/")[0]
    for place in [f"{root}/{above}", path] if above else [path]:
        if system.exists(place) and system.info(place).get("islink"):
            raise LogError(
                f"{place} is a link, but the files of a run are its own: put the file itself in "
                f"its place"
            )
    present = system.size(path) if system.isfile(path) else None
    if present != size:
        state = "is missing" if present is None else f"has {present} bytes"
        raise LogError(
            f"{path} {state}, but the run wrote {size} bytes: it was cut off or replaced; "
            f"repeat the run"
        )
    try:
        with system.open(path) as source:
            return read(source)
    except LogError:
        raise
    except Exception as error:  # whatever libraries raise for damaged files
        raise LogError(
            f"{path} cannot be read as Parquet ({' '.join(str(error).split())}): repeat the run, "
            f"or ask for values of the column's type"
        ) from error


def read_table(
    source: IO[bytes], name: str, columns: Columns, equal: Mapping[str, Cell]
) -> pa.Table:
    """Return the given columns of a file with one table, in the rows with these values."""
    require_columns(name, {*(columns or ()), *equal}, parquet.read_schema(source).names)
    return parquet.read_table(
        source, columns=list(columns) if columns else None, page_checksum_verification=True,
        filters=[(column, "==", value) for column, value in equal.items()] or None,
    )  # fmt: skip


def read_block_table(
    source: IO[bytes],
    name: str,
    at: Mapping[str, Cell],
    columns: Columns,
    equal: Mapping[str, Cell],
) -> pa.Table:
    """Return the given columns of a table in a block file, in the rows with these values.

    The columns `at` come first: they say which block it is.
    """
    own = {*(columns or ()), *equal} - at.keys()
    require_columns(name, own, [*at, *list_columns(source, name)])
    table = unpack_table(source, name, sorted(own) if columns else None)
    for column, value in equal.items():
        table = table.filter(compute.equal(table[column], value))
    for index, (column, value) in enumerate(at.items()):
        table = table.add_column(index, column, _repeat(value, len(table)))
    return table.select(list(columns)) if columns else table


def _repeat(value: Cell, rows: int) -> pa.Array:
    """Return a column that says the same in every row."""
    if isinstance(value, str):
        return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), [value])
    return pa.repeat(value, rows)


def require_columns(table: str, wanted: set[str], known: Sequence[str]) -> None:
    """Raise LogError unless a table has these columns."""
    if unknown := wanted - set(known):
        raise LogError(
            f"{table} has no column {', '.join(sorted(unknown))}: it has {', '.join(known)}"
        )
