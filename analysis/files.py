"""The files of a run; a file that is not what the run wrote is an error."""

import json
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import IO, Any, TypeVar

import pyarrow as pa
from fsspec.core import url_to_fs
from pyarrow import ArrowException, compute, parquet

from abm.numerics.describe import show_value
from abm.runs.parquet import list_columns, unpack_table
from abm.runs.schema import explain_format

Cell = str | float
Columns = Sequence[str] | None
Content = TypeVar("Content")

FIELDS = ("scenario", "parameters", "command", "versions", "code", "points", "files")


class LogError(ValueError):
    """A folder or file is not the log of a whole run."""


def read_description(folder: str | Path, file: str) -> dict[str, Any]:
    """Return the description of a run, by the names in FIELDS.

    Raises
    ------
    LogError
        If this is not a run's description, or one in another format.
    TypeError
        If the folder is neither a path nor a URL.
    """
    if not isinstance(folder, str | PathLike):
        raise TypeError(
            f"folder is {show_value(folder)}, but must be a path or a URL: give the folder of a "
            f'finished run, as "runs/paper"'
        )
    try:
        fs, root = url_to_fs(str(folder))
    except (ImportError, ValueError) as error:
        raise LogError(
            f"{folder} is not a folder that can be reached ({error}): give a path, or a URL of a "
            f"file system that fsspec knows and whose package is installed"
        ) from None
    try:
        content = json.loads(fs.cat_file(f"{root}/{file}"))
        refusal = explain_format(folder, content)
        if not refusal:
            return {name: content[name] for name in FIELDS}
    except OSError:
        raise LogError(
            f"{folder} holds no {file}, so no whole run: give the folder of a finished run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LogError(
            f"{folder}/{file} is not a run's description: give the folder of a finished run"
        ) from None
    raise LogError(refusal)


def read_file(
    folder: str | Path, file: str, size: int, read: Callable[[IO[bytes]], Content]
) -> Content:
    """Return what `read` returns for the opened file.

    Raises
    ------
    LogError
        If its size in bytes is not the one it was written with, or it cannot be read.
    """
    fs, root = url_to_fs(str(folder))
    path = f"{root}/{file}"
    present = fs.size(path) if fs.exists(path) else None
    if present != size:
        state = "is missing" if present is None else f"has {present} bytes"
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
        cells = pa.array([value] * len(table), pa.scalar(value).type)
        encoded = cells.dictionary_encode() if isinstance(value, str) else cells
        table = table.add_column(index, column, encoded)
    return table.select(list(columns)) if columns else table


def require_columns(table: str, wanted: set[str], known: Sequence[str]) -> None:
    """Raise LogError unless a table has these columns."""
    if unknown := wanted - set(known):
        raise LogError(
            f"{table} has no column {', '.join(sorted(unknown))}: it has {', '.join(known)}"
        )
