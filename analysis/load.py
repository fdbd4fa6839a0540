"""A run folder, read into pandas."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from abm.numerics.describe import describe
from abm.runs.manifest import block_file
from abm.runs.schema import RUN_FILE, UNFINISHED_FILE
from analysis.description import read_description
from analysis.display import describe_run, make_run_html
from analysis.files import Cell, Content, LogError, read_block_table, read_file, read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.canvas import Ax

Labels = Mapping[str, Mapping[str, Cell]]
"""By block file, what the columns in front of its rows say."""

__all__ = ["LogError", "Run", "load", "load_unfinished"]


@dataclass(frozen=True)
class Run:
    """A run, as its folder describes it; tables are read when asked for.

    Parameters
    ----------
    folder : str or path
        Or a URL that fsspec knows.
    scenario : str
    parameters : dict
        What the run depended on, the seed included.
    command : str
    versions : dict
        Of Python and the libraries that made it.
    code : dict
        Hashes of source files outside this package that made it.
    points : list of dict
        Of an experiment, the parameters of each of its points.
    views : dict of dict
        Of each table that is made of blocks' rows, its blocks, and with each the texts that the
        columns in front of theirs have there.
    files : dict of dict
        Of every file its size in bytes, its sha256, and for a block file its tables.

    Examples
    --------
    >>> from abm.experiment import Experiment, grid
    >>> Experiment(grid(makers=["optimal"]), replications=100, periods=5).run("runs/small")
    >>> load("runs/small").tables
    ['summary', 'totals']
    """

    folder: str | Path
    scenario: str
    parameters: dict[str, Any]
    command: str
    versions: dict[str, str]
    code: dict[str, str]
    points: list[dict[str, Any]]
    views: dict[str, dict[str, dict[str, str]]]
    files: dict[str, dict[str, Any]]

    def __repr__(self) -> str:
        return describe(self, self.scenario, *describe_run(self).values(), str(self.folder))

    def _repr_html_(self) -> str:
        return make_run_html(self)

    @property
    def tables(self) -> list[str]:
        """Names of the run's tables, those in its blocks included."""
        own = {Path(file).stem for file in self.files if re.fullmatch(r"[^/]+\.parquet", file)}
        return sorted(own.union(*(stamp["tables"] for stamp in self.files.values())))

    @property
    def varying_parameters(self) -> list[str]:
        """Names of the parameters in which the points of an experiment differ."""
        names = self.points[0] if self.points else {}
        return [name for name in names if len({point[name] for point in self.points}) > 1]

    def table(self, name: str, columns: Sequence[str] | None = None, **equal: Cell) -> pd.DataFrame:
        """Return one table, or some of its columns and rows.

        A table in an experiment's blocks is read as by `blocks`, unless the run has a view of them.

        Parameters
        ----------
        name : str
            As in `tables`.
        columns : sequence of str, optional
            All unless given.
        **equal : str or number
            Only rows with this value in the column of this name.

        Raises
        ------
        LogError
            If the run has no such table, or its file is missing, truncated or foreign.
        """
        file = f"{name}.parquet"
        if name in self.views:
            view = {block_file(block): labels for block, labels in self.views[name].items()}
            return self._read_blocks(name, view, columns, equal)
        if file not in self.files:
            return self.blocks(name, columns, **equal)
        read = partial(read_table, name=name, columns=columns, equal=equal)
        return self._read(file, read).to_pandas()

    def blocks(
        self, name: str, columns: Sequence[str] | None = None, **equal: Cell
    ) -> pd.DataFrame:
        """Return one table of an experiment's blocks, concatenated; arguments as in `table`.

        Its first columns, by which rows can be asked for too, are the parameters in which points
        differ, and `block`.
        """
        if name not in self.tables:
            raise LogError(f"{self.folder} has no table {name!r}: it has {', '.join(self.tables)}")
        if not (blocks := self._label_blocks(name)):
            raise LogError(f"{self.folder} has {name!r} in no block: read .table({name!r})")
        return self._read_blocks(name, blocks, columns, equal)

    def walk(self, name: str, by: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield a table of the blocks in pieces, one for each value of `by`, keys of `blocks`."""
        groups: dict[tuple[Cell, ...], dict[str, Mapping[str, Cell]]] = {}
        for file, labels in self._label_blocks(name).items():
            groups.setdefault(tuple(labels[key] for key in by), {})[file] = labels
        for blocks in groups.values():
            yield self._concatenate(name, blocks, None, {})

    def content(self, file: str) -> bytes:
        """Return the bytes of a file; LogError unless they are those that the run wrote."""
        if file not in self.files:
            raise LogError(f"{self.folder} has no file {file}: it has {', '.join(self.files)}")
        content = self._read(file, lambda source: source.read())
        if sha256(content).hexdigest() != self.files[file]["sha256"]:
            raise LogError(
                f"{self.folder}/{file} has other bytes than the run wrote: it was replaced; "
                f"repeat the run"
            )
        return content

    def plot(self, metric: str, by: str = "period", ax: "Ax" = None) -> "Figure":
        """Draw a metric of every maker, with 95 % confidence intervals.

        Other parameters in which points differ have a panel for each of their values, six at most.
        ValueError if the run has no such metric, or its points do not differ in `by`.

        Parameters
        ----------
        metric : str
            By period, one of the run's summary, and else one of its totals.
        by : str
            "period", or a parameter in which points differ.
        ax : Axes or sequence of Axes, optional
            Axes of matplotlib to draw on, one for each panel.
        """
        from analysis.overview import draw_run

        return draw_run(self, metric, by, ax)

    def _label_blocks(self, name: str) -> Labels:
        """Return varying parameters and number of each block that holds a table, by its file."""
        blocks = self._block_labels.items()
        return {file: labels for file, labels in blocks if name in self.files[file]["tables"]}

    @cached_property
    def _block_labels(self) -> Labels:
        """Varying parameters of the point and number of the block, by block file."""
        blocks: dict[str, dict[str, Cell]] = {}
        for file, stamp in self.files.items():
            if stamp["tables"]:
                point, block = map(int, PurePosixPath(file).stem.split("-"))
                parameters = {key: self.points[point][key] for key in self.varying_parameters}
                blocks[file] = parameters | {"block": block}
        return blocks

    def _read_blocks(
        self, name: str, blocks: Labels, columns: Sequence[str] | None, equal: dict[str, Cell]
    ) -> pd.DataFrame:
        """Return one table of those blocks whose labels have these values, in rows that do."""
        keys = next(iter(blocks.values())).keys()
        chosen = {
            file: labels
            for file, labels in blocks.items()
            if all(labels[key] == equal[key] for key in keys if key in equal)
        }
        inside = {column: value for column, value in equal.items() if column not in keys}
        if chosen:
            return self._concatenate(name, chosen, columns, inside)
        first = dict([next(iter(blocks.items()))])
        return self._concatenate(name, first, columns, inside).head(0)

    def _concatenate(
        self, name: str, blocks: Labels, columns: Sequence[str] | None, equal: dict[str, Cell]
    ) -> pd.DataFrame:
        """Return one table of these blocks, concatenated."""
        read = partial(read_block_table, name=name, columns=columns, equal=equal)
        parts = [self._read(file, partial(read, at=labels)) for file, labels in blocks.items()]
        frame: pd.DataFrame = pa.concat_tables(parts).unify_dictionaries().to_pandas()
        return frame

    def _read(self, file: str, read: Callable[[IO[bytes]], Content]) -> Content:
        return read_file(self.folder, file, self.files[file]["size"], read)


def load(folder: str | Path) -> Run:
    """Return the run that a folder, or a URL that fsspec knows, holds.

    Raises
    ------
    LogError
        If it holds no whole run, or one of another format.

    Examples
    --------
    >>> from abm.experiment import Experiment, grid
    >>> Experiment(grid(makers=["optimal"]), replications=100, periods=5).run("runs/small")
    >>> len(load("runs/small").table("totals"))  # a row for each market and maker
    100
    """
    return Run(folder, **read_description(folder, RUN_FILE))


def load_unfinished(folder: str | Path) -> Run:
    """Return a run that has not ended, but whose tables are complete."""
    return Run(folder, **read_description(folder, UNFINISHED_FILE))
