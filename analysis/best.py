"""Which of several choices is the best, and which might be: multiple comparisons with the best."""

from collections.abc import Sequence

import pandas as pd

from abm.numerics.intervals import CONFIDENCE, find_half_width

Table = pd.DataFrame


def find_best(
    frame: Table, metric: str, choice: str, by: Sequence[str] = (), *, least: bool = False
) -> Table:
    """Return the choice with the best mean in each group, and those that might be as good.

    Choices face the same draws, and are compared by replication. The set holds the best with at
    least 95 % confidence (Hsu 1984, by Bonferroni's inequality): left out is a choice whose paired
    difference from the best of the sample is beyond its one-sided interval, at 5 % over the number
    of others.

    Parameters
    ----------
    frame : DataFrame
        Records, one row a replication and choice in each group.
    metric, choice : str
        Columns of what is measured, and of what was chosen.
    by : sequence of str
        Columns that form the groups.
    least : bool
        Whether the smallest mean is the best.

    Returns
    -------
    DataFrame
        One row a group and choice: the columns of `by`, then choice, mean, behind (the best's mean
        less its own, or the reverse), se (of that), best and candidate (bool).

    Examples
    --------
    >>> frame = pd.DataFrame({"replication": [0, 1, 2] * 2, "length": [1] * 3 + [2] * 3})
    >>> find_best(frame.assign(gain=[1.0, 2.0, 3.0, 2.0, 3.1, 3.9]), "gain", "length")[
    ...     ["length", "behind", "best", "candidate"]
    ... ].round(3)
       length  behind   best  candidate
    0       1     1.0  False      False
    1       2     0.0   True       True
    """
    if not by:
        return _compare(frame, metric, choice, least=least)
    groups = frame.groupby(list(by), observed=True, sort=False)
    parts = {key: _compare(rows, metric, choice, least=least) for key, rows in groups}
    return pd.concat(parts, names=list(by)).reset_index(level=list(by)).reset_index(drop=True)


def _compare(rows: Table, metric: str, choice: str, *, least: bool) -> Table:
    """Return every choice of a group beside the best."""
    wide = rows.pivot(index="replication", columns=choice, values=metric)[rows[choice].unique()]
    mean = wide.mean()
    best = mean.idxmin() if least else mean.idxmax()
    behind = (wide.sub(wide[best], axis=0) if least else wide.rsub(wide[best], axis=0)).agg(
        ["mean", "sem"]
    )
    level = 1 - 2 * (1 - CONFIDENCE) / max(1, len(mean) - 1)
    reach = find_half_width(behind.loc["sem"], wide.count(), level)
    return pd.DataFrame(
        {
            choice: mean.index,
            "mean": mean.to_numpy(),
            "behind": behind.loc["mean"].to_numpy(),
            "se": behind.loc["sem"].to_numpy(),
            "best": mean.index == best,
            "candidate": ~(behind.loc["mean"].to_numpy() > reach),  # where nothing decides, too
        }
    )
