"""A run's folder, read back into pandas."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import ArrowException, parquet

from abm.schema import FORMAT, RUN_FILE


class LogError(ValueError):
    """A folder or file is not the log of a whole run."""


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Parameters
    ----------
    folder : Path
    scenario : str
    parameters : dict
        What the run depended on, the seed included.
    versions : dict
        Of Python and the libraries that made it.
    files : dict
        Name and size in bytes of every file.
    """

    folder: Path
    scenario: str
    parameters: dict[str, Any]
    versions: dict[str, str]
    files: dict[str, int]

    @property
    def tables(self) -> list[str]:
        """Names of the run's tables."""
        return [Path(name).stem for name in self.files if name.endswith(".parquet")]

    def table(
        self, name: str, columns: Sequence[str] | None = None, **equal: str | float
    ) -> pd.DataFrame:
        """Return one table, or the part of it that is asked for.

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
        if name not in self.tables:
            raise LogError(f"{self.folder} has no table {name!r}: it has {', '.join(self.tables)}")
        path = self.folder / f"{name}.parquet"
        found, whole = path.stat().st_size if path.exists() else None, self.files[path.name]
        if found != whole:
            state = "is missing" if found is None else f"has {found} bytes"
            raise LogError(
                f"{path} {state}, but the run wrote {whole} bytes: it was cut off or replaced; "
                f"repeat the run"
            )
        rows = [(column, "==", value) for column, value in equal.items()] or None
        try:
            known = parquet.read_schema(path).names
            unknown = {*(columns or ()), *equal} - set(known)
            if not unknown:
                wanted = list(columns) if columns else None
                return pd.read_parquet(path, columns=wanted, filters=rows)
        except (ArrowException, OSError, ValueError) as error:
            raise LogError(
                f"{path} cannot be read as Parquet ({error}): repeat the run, or ask for values "
                f"of the column's type"
            ) from error
        raise LogError(
            f"{name} has no column {', '.join(sorted(unknown))}: it has {', '.join(known)}"
        )

    @property
    def market(self) -> pd.DataFrame:
        """One row a replication and period (columns: `abm.schema.MARKET`)."""
        return self.table("market")

    @property
    def makers(self) -> pd.DataFrame:
        """One row a replication, period and maker (columns: `abm.schema.MAKERS`)."""
        return self.table("makers")


def load(folder: str | Path) -> Run:
    """Return the run that a folder holds.

    Raises
    ------
    LogError
        If it holds no whole run, or one written in another format.
    """
    folder = Path(folder)
    try:
        run = json.loads((folder / RUN_FILE).read_text())
        written = run.pop("format")
        found = Run(folder, **run) if written == FORMAT else None
    except OSError:
        raise LogError(
            f"{folder} holds no {RUN_FILE}, so no whole run: give the folder of a finished run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LogError(
            f"{folder / RUN_FILE} is not a run's description: give the folder of a finished run"
        ) from None
    if found is None:
        raise LogError(
            f"{folder} is in format {written}, but this version reads format {FORMAT}: "
            f"read it with the version in its {RUN_FILE}, or repeat the run"
        )
    return found
