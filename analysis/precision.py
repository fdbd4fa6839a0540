"""Precision: medians with their intervals, and how standard errors fall with more replications."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from abm.numerics.arrays import Array
from abm.numerics.intervals import find_median_ends
from abm.numerics.moments import Moments
from abm.runs.schema import MOMENTS
from analysis.summaries import is_summary

Table = pd.DataFrame

STEPS = 40  # of a convergence table, evenly spaced in the logarithm of their size


def median(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return the median of a metric in each group, with a 95 % confidence interval.

    The interval is that of `abm.numerics.intervals.find_median_ends`.

    Parameters
    ----------
    frame : DataFrame
        Records, one row a replication in each group; values may be infinite.
    metric : str
        The column of the metric.
    by : sequence of str
        Columns that form the groups.

    Returns
    -------
    DataFrame
        The columns of `by`, then median, low, high, count.
    """
    known = frame.dropna(subset=[metric])
    if known.empty:
        return pd.DataFrame(columns=[*by, "median", "low", "high", "count"])
    groups = known.groupby(list(by), observed=True)[metric]
    return groups.apply(_median).unstack().astype({"count": int}).reset_index()


def _median(sample: "pd.Series[float]") -> "pd.Series[float]":
    ordered: Array = np.sort(sample.to_numpy(float))
    size = len(ordered)
    middle = ordered[[(size - 1) // 2, size // 2]]
    centre = middle[0] if middle[0] == middle[1] else middle.mean()
    low, high = find_median_ends(ordered)
    return pd.Series({"median": centre, "low": low, "high": high, "count": size})


def convergence(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return the estimates from the first replications, or the first blocks, of a run.

    The arguments are as in `metrics.estimates`, but a summary must be one by block. The table has
    the columns of `by`, then count, mean, se; up to STEPS rows a group.
    """
    if is_summary(frame):
        order = "block"
        rows = frame[(frame["metric"] == metric) & (frame["count"] > 0)]
    else:
        order = "replication"
        rows = frame.dropna(subset=[metric])
        rows = rows.assign(count=1, mean=rows[metric], variance=np.nan)
    if rows.empty:
        return pd.DataFrame(columns=[*by, "count", "mean", "se"])
    groups = rows.groupby(list(by), observed=True, sort=False)
    tables = {names: _accumulate(group.sort_values(order)) for names, group in groups}
    return pd.concat(tables, names=list(by)).reset_index(level=list(by)).reset_index(drop=True)


def _accumulate(rows: Table) -> Table:
    """Return count, mean and se of the first n rows, for up to STEPS values of n."""
    parts = Moments.of_variance(*(rows[name].to_numpy(float) for name in MOMENTS)).accumulate()
    last = np.unique(np.geomspace(1, len(rows), STEPS).round().astype(int)) - 1
    table = pd.DataFrame({"count": parts.count, "mean": parts.mean, "se": parts.se}).iloc[last]
    return table[table["count"] > 1].astype({"count": int})
