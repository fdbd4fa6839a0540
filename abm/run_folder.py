"""A run's folder: Parquet tables and run.json, all there or not there at all.

Everything is written to a hidden folder beside the one asked for, which takes its place by a
rename once the run is complete. What a stopped run leaves is named ".NAME.partial-..."; nothing
half-done has the name of a run.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from abm.schema import FORMAT, RUN_FILE, Column

LIBRARIES = ("market-shock", "mesa", "numpy", "scipy", "pandas", "pyarrow")
PARTIAL, REPLACED = "partial", "replaced"

Parameters = dict[str, Any]


class FolderTakenError(FileExistsError):
    """The output folder holds something that this run may not replace."""


class RunFolder:
    """Collects what a run leaves behind, as a context manager.

    On leaving the context without an error the folder takes its place, over an earlier run of
    the same scenario with the same parameters; on an error nothing of it remains.

    Parameters
    ----------
    out : path
        Where the folder is to be.
    scenario : str
    parameters : dict
        What the run depends on, the seed included; numbers, strings and lists of them.

    Raises
    ------
    TypeError
        If a parameter does not fit into JSON.
    FolderTakenError
        If the folder holds another run, or files that no run wrote.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> with RunFolder("runs/mine", "mine", {"seed": 1}) as folder:  # doctest: +SKIP
    ...     folder.write("makers", market.tape.makers, MAKERS)
    """

    def __init__(self, out: str | Path, scenario: str, parameters: Parameters) -> None:
        self._out = Path(out).resolve()
        parameters = _as_json(parameters)
        self._run = {"format": FORMAT, "scenario": scenario, "parameters": parameters}
        self._tables: dict[str, parquet.ParquetWriter] = {}
        self._recover()
        _refuse_if_taken(self._out, scenario, parameters)

    def __enter__(self) -> Self:
        try:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            hidden = tempfile.mkdtemp(prefix=f".{self._out.name}.{PARTIAL}-", dir=self._out.parent)
        except OSError as error:
            raise OSError(
                f"{self._out} cannot be written ({error.strerror}): give --out a folder that can be"
            ) from error
        self.path = Path(hidden)
        self.path.chmod(0o755)
        return self

    def write(self, table: str, frame: pd.DataFrame, columns: tuple[Column, ...]) -> None:
        """Append rows to a table, the file `table`.parquet."""
        typed = frame[[column.name for column in columns]]
        typed = typed.astype({column.name: column.dtype for column in columns})
        rows = pa.Table.from_pandas(typed, schema=_arrow_schema(columns), preserve_index=False)
        if table not in self._tables:
            path = self.path / f"{table}.parquet"
            self._tables[table] = parquet.ParquetWriter(path, rows.schema, compression="zstd")
        self._tables[table].write_table(rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.seal()
                self._take_place()
            else:
                self._close()
        finally:
            shutil.rmtree(self.path, ignore_errors=True)

    def seal(self) -> None:
        """Complete the tables and describe what is there, so that `analysis.load` reads it."""
        self._close()
        found = sorted(path for path in self.path.iterdir() if path.name != RUN_FILE)
        versions = {"python": platform.python_version()} | {
            name: version(name) for name in LIBRARIES
        }
        files = {path.name: path.stat().st_size for path in found}
        run = self._run | {"versions": versions, "files": files}
        (self.path / RUN_FILE).write_text(json.dumps(run, indent=2) + "\n")

    def _close(self) -> None:
        for writer in self._tables.values():
            writer.close()

    def _take_place(self) -> None:
        """Stand where the run was asked for, instead of an earlier one."""
        if self._out.exists():
            shutil.rmtree(self._replaced, ignore_errors=True)
            self._out.rename(self._replaced)
        self.path.rename(self._out)
        shutil.rmtree(self._replaced, ignore_errors=True)

    @property
    def _replaced(self) -> Path:
        return self._out.with_name(f".{self._out.name}.{REPLACED}")

    def _recover(self) -> None:
        """Put back the earlier run if one was killed between the two renames."""
        if self._replaced.exists() and not self._out.exists():
            self._replaced.rename(self._out)


def _as_json(parameters: Parameters) -> Parameters:
    """Return the parameters as run.json will hold them, or raise TypeError if it cannot."""
    try:
        as_json: Parameters = json.loads(json.dumps(parameters))
    except TypeError as error:
        raise TypeError(
            f"parameters are {parameters}, but must fit into {RUN_FILE} ({error}): "
            f"give numbers, strings, and lists of them"
        ) from None
    return as_json


def _refuse_if_taken(out: Path, scenario: str, parameters: Parameters) -> None:
    """Raise unless `out` is free or holds an earlier run like this one."""
    if not out.exists():
        return
    if not out.is_dir():
        raise FolderTakenError(f"{out} is a file, but must be a folder: choose another (--out)")
    found = {path.name for path in out.iterdir()}
    if not found:
        return
    mend = "choose another folder (--out), or remove this one"
    try:
        earlier = json.loads((out / RUN_FILE).read_text())
        mine = {RUN_FILE, *earlier["files"]}
        there = {"scenario": earlier["scenario"]} | earlier["parameters"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FolderTakenError(f"{out} holds files, but no run's {RUN_FILE}: {mend}") from None
    here = {"scenario": scenario} | parameters
    if there != here:
        raise FolderTakenError(f"{out} holds another run ({_difference(there, here)}): {mend}")
    if foreign := found - mine:
        raise FolderTakenError(
            f"{out} holds {', '.join(sorted(foreign))}, which the run there did not write and "
            f"which would be lost: move it away, or choose another folder (--out)"
        )


def _difference(there: Parameters, here: Parameters) -> str:
    """Return where two sets of parameters differ, in words."""
    both = [
        (name, there.get(name, "absent"), here.get(name, "absent")) for name in {**there, **here}
    ]
    return "; ".join(f"{name} is {old} there, {new} here" for name, old, new in both if old != new)


def _arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """Return the Parquet schema, each column's unit and meaning in its metadata."""
    return pa.schema(
        [
            pa.field(
                column.name,
                pa.dictionary(pa.int8(), pa.string())
                if column.dtype == "category"
                else pa.type_for_alias(column.dtype),
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in columns
        ]
    )
