"""The files of a run, read with care: a file that is not what the run wrote is an error."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import pyarrow as pa
from fsspec.core import url_to_fs
from pyarrow import ArrowException, compute, parquet

from abm.runs.parquet import list_columns, unpack_table
from abm.runs.schema import FORMAT, RUN_FILE

Cell = str | float
Columns = Sequence[str] | None
Made = TypeVar("Made")

FIELDS = ("scenario", "parameters", "command", "versions", "points", "files")


class LogError(ValueError):
    """A folder or file is not the log of a whole run."""


def read_description(folder: str | Path, file: str) -> dict[str, Any]:
    """Return what a run says of itself.

    Raises
    ------
    LogError
        If this is not a run's description, or one in another format.
    """
    try:
        fs, root = url_to_fs(str(folder))
    except (ImportError, ValueError) as error:
        raise LogError(
            f"{folder} is not a folder that can be reached ({error}): give a path, or a URL of a "
            f"file system that fsspec knows and whose package is installed"
        ) from None
    try:
        said = json.loads(fs.cat_file(f"{root}/{file}"))
        written = said.pop("format")
        if written == FORMAT:
            return {name: said[name] for name in FIELDS}
    except OSError:
        raise LogError(
            f"{folder} holds no {file}, so no whole run: give the folder of a finished run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LogError(
            f"{folder}/{file} is not a run's description: give the folder of a finished run"
        ) from None
    raise LogError(
        f"{folder} is in format {written}, but this version reads format {FORMAT}: "
        f"read it with the version in its {RUN_FILE}, or repeat the run"
    )


def read_file(folder: str | Path, file: str, size: int, read: Callable[[IO[bytes]], Made]) -> Made:
    """Return what `read` makes of a file.

    Raises
    ------
    LogError
        If it has not the size in bytes that it was written with, or cannot be read.
    """
    fs, root = url_to_fs(str(folder))
    path = f"{root}/{file}"
    found = fs.size(path) if fs.exists(path) else None
    if found != size:
        state = "is missing" if found is None else f"has {found} bytes"
        raise LogError(
            f"{path} {state}, but the run wrote {size} bytes: it was cut off or replaced; "
            f"repeat the run"
        )
    try:
        with fs.open(path) as source:
            return read(source)
    except (ArrowException, OSError) as error:
        raise LogError(
            f"{path} cannot be read as Parquet ({error}): repeat the run, or ask for values of "
            f"the column's type"
        ) from error


def read_table(
    source: IO[bytes], name: str, columns: Columns, equal: Mapping[str, Cell]
) -> pa.Table:
    """Return the part that is asked for of a file with one table."""
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
    """Return the part that is asked for of a table in a block, after the columns that `at` names.

    These say which block it is, and may be among those asked for.
    """
    asked = {*(columns or ()), *equal} - at.keys()
    require_columns(name, asked, [*at, *list_columns(source, name)])
    table = unpack_table(source, name, sorted(asked) if columns else None)
    for column, value in equal.items():
        table = table.filter(compute.equal(table[column], value))
    for place, (column, value) in enumerate(at.items()):
        cells = pa.array([value] * len(table), pa.scalar(value).type)
        named = cells.dictionary_encode() if isinstance(value, str) else cells
        table = table.add_column(place, column, named)
    return table.select(list(columns)) if columns else table


def require_columns(table: str, wanted: set[str], known: Sequence[str]) -> None:
    """Raise LogError unless a table has all columns that are wanted."""
    if unknown := wanted - set(known):
        raise LogError(
            f"{table} has no column {', '.join(sorted(unknown))}: it has {', '.join(known)}"
        )
