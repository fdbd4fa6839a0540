"""Columns of tables: what a given one lacks, what makes one that has it, and which say it twice."""

from collections.abc import Hashable, Iterable
from typing import Any

import pandas as pd

from abm.numerics.checks import require_one_of

MARKET = 'run.table("market"), or market.tape.market'  # what makes a table, for messages
MAKERS = 'run.table("makers"), or market.tape.makers'
ANY = f'{MAKERS}, or run.table("summary")'


def require_columns(name: str, table: object, columns: Iterable[str], source: str) -> None:
    """Raise unless a table has these columns.

    Parameters
    ----------
    name : str
        What the caller names it.
    table : object
        What was given for it.
    columns : iterable of str
        What it must have.
    source : str
        What makes such a table, for the message.

    Raises
    ------
    TypeError
        If it is not a DataFrame.
    ValueError
        If columns are missing; the message names them.
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{name} is of type {type(table).__name__}, but must be a DataFrame: give {source}"
        )
    if missing := [column for column in dict.fromkeys(columns) if column not in table]:
        raise ValueError(
            f"{name} has the columns {', '.join(map(str, table.columns))}, but must also have "
            f"{', '.join(missing)}: give {source}"
        )


def require_rows(name: str, table: pd.DataFrame, columns: Iterable[str], source: str) -> None:
    """Raise as `require_columns` does, and ValueError if a table has no row to draw."""
    require_columns(name, table, columns, source)
    if table.empty:
        raise ValueError(
            f"{name} has no rows, but a figure needs some: see what was selected, or give {source}"
        )


def require_keys(frame: pd.DataFrame, by: Iterable[str]) -> None:
    """Raise unless a table has the columns that its rows are to be grouped by."""
    require_columns("frame", frame, [], ANY)
    for key in by:
        require_one_of("by", key, map(str, frame.columns))


def drop_repeated_labels(table: pd.DataFrame, keys: Iterable[Hashable]) -> list[Any]:
    """Return the keys without labels of exchanges that say what the column `maker` says."""
    return [
        key
        for key in keys
        if key not in {"makers", "exchange"}
        or (table[key].astype(str) != table["maker"].astype(str)).any()
    ]
