"""A run's folder, read back into pandas."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar

import pandas as pd
import pyarrow as pa
from fsspec.core import url_to_fs
from pyarrow import ArrowException, compute, parquet

from abm.schema import FORMAT, RUN_FILE, UNFINISHED_FILE
from abm.tables import columns_of, unpacked

Cell = str | float
Made = TypeVar("Made")


class LogError(ValueError):
    """A folder or file is not the log of a whole run."""


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Parameters
    ----------
    folder : str or path
        Or a URL that fsspec knows.
    scenario : str
    parameters : dict
        What the run depended on, the seed included.
    command : str
        How to repeat it, or nothing.
    versions : dict
        Of Python and the libraries that made it.
    points : list of dict
        Of an experiment, the parameters of each of its points.
    files : dict of dict
        What every file is known by: size in bytes, sha256, and of a block's file its tables.
    """

    folder: str | Path
    scenario: str
    parameters: dict[str, Any]
    command: str
    versions: dict[str, str]
    points: list[dict[str, Any]]
    files: dict[str, dict[str, Any]]

    @property
    def tables(self) -> list[str]:
        """Names of the run's tables, those in its blocks included."""
        own = {Path(file).stem for file in self.files if re.fullmatch(r"[^/]+\.parquet", file)}
        return sorted(own.union(*(about["tables"] for about in self.files.values())))

    @property
    def varied(self) -> list[str]:
        """Names of the parameters in which the points of an experiment differ."""
        names = self.points[0] if self.points else {}
        return [name for name in names if len({point[name] for point in self.points}) > 1]

    @property
    def market(self) -> pd.DataFrame:
        """One row a replication and period (columns: `abm.schema.MARKET`)."""
        return self.table("market")

    @property
    def makers(self) -> pd.DataFrame:
        """One row a replication, period and maker (columns: `abm.schema.MAKERS`)."""
        return self.table("makers")

    def table(self, name: str, columns: Sequence[str] | None = None, **equal: Cell) -> pd.DataFrame:
        """Return one table, or the part of it that is asked for.

        A table that is kept in an experiment's blocks is read from them, as `blocks` does.

        Parameters
        ----------
        name : str
            As in `tables`.
        columns : sequence of str, optional
            Which columns; all unless given.
        **equal : str or number
            Which rows: those where the column of this name has this value.

        Raises
        ------
        LogError
            If the run has no such table, or its file is missing, truncated or foreign.
        """
        file = f"{name}.parquet"
        if file not in self.files:
            return self.blocks(name, columns, **equal)
        rows = [(column, "==", value) for column, value in equal.items()] or None

        def read(source: IO[bytes]) -> pa.Table:
            known = parquet.read_schema(source).names
            _require_columns(name, {*(columns or ()), *equal}, known)
            return parquet.read_table(
                source, columns=list(columns) if columns else None, filters=rows,
                page_checksum_verification=True,
            )  # fmt: skip

        return self._read(file, read).to_pandas()

    def blocks(
        self, name: str, columns: Sequence[str] | None = None, **equal: Cell
    ) -> pd.DataFrame:
        """Return one table of an experiment's blocks, one below the other.

        Before its own columns stand the parameters in which points differ, and `block`.

        Parameters
        ----------
        name, columns, **equal
            As of `table`; what stands before the table's own columns may be among them.

        Raises
        ------
        LogError
            As `table` does.
        """
        if name not in self.tables:
            raise LogError(f"{self.folder} has no table {name!r}: it has {', '.join(self.tables)}")
        keys = [*self.varied, "block"]
        files = [
            file
            for file, at in self._block_files(name).items()
            if all(at[key] == equal[key] for key in keys if key in equal)
        ]
        if not files:
            return pd.DataFrame(columns=list(columns or keys))
        inside = {column: value for column, value in equal.items() if column not in keys}
        return self._joined(name, files, columns, inside)

    def walk(self, name: str, by: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield a table of the blocks, one piece for each combination of values in `by`.

        Parameters
        ----------
        name : str
            As of `blocks`.
        by : sequence of str
            Columns that stand before the table's own, as `block`.
        """
        groups: dict[tuple[Cell, ...], list[str]] = {}
        for file, at in self._block_files(name).items():
            groups.setdefault(tuple(at[key] for key in by), []).append(file)
        for files in groups.values():
            yield self._joined(name, files, None, {})

    def content(self, file: str) -> bytes:
        """Return the bytes of a file, if there are as many as the run wrote."""
        return self._read(file, lambda source: source.read())

    def csv(self, file: str) -> pd.DataFrame:
        """Return a table that the run wrote as text."""
        return pd.read_csv(BytesIO(self.content(file)))

    @cached_property
    def _places(self) -> dict[str, dict[str, Cell]]:
        """Of each block's file, the varied parameters of its point and its number."""
        found: dict[str, dict[str, Cell]] = {}
        for file, about in self.files.items():
            if about["tables"]:
                point, block = map(int, PurePosixPath(file).stem.split("-"))
                here = {key: self.points[point][key] for key in self.varied}
                found[file] = here | {"block": block}
        return found

    def _block_files(self, name: str) -> dict[str, dict[str, Cell]]:
        """Return where the blocks with this table are."""
        return {file: at for file, at in self._places.items() if name in self.files[file]["tables"]}

    def _joined(
        self, name: str, files: list[str], columns: Sequence[str] | None, equal: dict[str, Cell]
    ) -> pd.DataFrame:
        """Return one table of these blocks, with the columns that say which block it is."""
        keys = [*self.varied, "block"]
        asked = {*(columns or ()), *equal} - set(keys)

        def read(source: IO[bytes]) -> pa.Table:
            known = columns_of(source, name)
            _require_columns(name, asked, [*keys, *known])
            table = unpacked(source, name, sorted(asked) if columns else None)
            for column, value in equal.items():
                table = table.filter(compute.equal(table[column], value))
            return table

        parts = [_placed(self._read(file, read), self._places[file], columns) for file in files]
        frame: pd.DataFrame = pa.concat_tables(parts).unify_dictionaries().to_pandas()
        return frame

    def _read(self, file: str, read: Callable[[IO[bytes]], Made]) -> Made:
        """Return what `read` makes of a file, if it has the size that it was written with."""
        fs, root = url_to_fs(str(self.folder))
        path, whole = f"{root}/{file}", self.files[file]["size"]
        found = fs.size(path) if fs.exists(path) else None
        if found != whole:
            state = "is missing" if found is None else f"has {found} bytes"
            raise LogError(
                f"{path} {state}, but the run wrote {whole} bytes: it was cut off or replaced; "
                f"repeat the run"
            )
        try:
            with fs.open(path) as source:
                return read(source)
        except (ArrowException, OSError) as error:
            raise LogError(
                f"{path} cannot be read as Parquet ({error}): repeat the run, or ask for values "
                f"of the column's type"
            ) from error


def _placed(table: pa.Table, at: dict[str, Cell], columns: Sequence[str] | None) -> pa.Table:
    """Return a block's table with the columns that say which block it is in front."""
    for place, (name, value) in enumerate(at.items()):
        cells = pa.array([value] * len(table))
        named = cells.dictionary_encode() if isinstance(value, str) else cells
        table = table.add_column(place, name, named)
    return table.select(list(columns)) if columns else table


def _require_columns(table: str, wanted: set[str], known: Sequence[str]) -> None:
    if unknown := wanted - set(known):
        raise LogError(
            f"{table} has no column {', '.join(sorted(unknown))}: it has {', '.join(known)}"
        )


def load(folder: str | Path) -> Run:
    """Return the run that a folder, or a URL that fsspec knows, holds.

    Raises
    ------
    LogError
        If it holds no whole run, or one written in another format.
    """
    return _described(folder, RUN_FILE)


def load_unfinished(folder: str | Path) -> Run:
    """Return a run whose tables are complete, but which has not ended yet."""
    return _described(folder, UNFINISHED_FILE)


def _described(folder: str | Path, file: str) -> Run:
    fs, root = url_to_fs(str(folder))
    try:
        run = json.loads(fs.cat_file(f"{root}/{file}"))
        written = run.pop("format")
        found = Run(folder, **run) if written == FORMAT else None
    except OSError:
        raise LogError(
            f"{folder} holds no {file}, so no whole run: give the folder of a finished run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LogError(
            f"{folder}/{file} is not a run's description: give the folder of a finished run"
        ) from None
    if found is None:
        raise LogError(
            f"{folder} is in format {written}, but this version reads format {FORMAT}: "
            f"read it with the version in its {RUN_FILE}, or repeat the run"
        )
    return found
