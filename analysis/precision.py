"""Precision: confidence intervals, and how standard errors fall with more replications."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, t

from analysis.metrics import is_summary

Table = pd.DataFrame

CONFIDENCE = 0.95
STEPS = 40  # of a convergence table, evenly spaced in the logarithm of their size


def interval(estimates: Table, confidence: float = CONFIDENCE) -> Table:
    """Return estimates (mean, se, count) with columns low and high, a confidence interval.

    Student's t with count - 1 degrees of freedom, which matters where blocks are few.
    """
    freedom = (estimates["count"] - 1).where(estimates["count"] > 1)
    half = t.ppf(0.5 + confidence / 2, freedom) * estimates["se"]
    return estimates.assign(low=estimates["mean"] - half, high=estimates["mean"] + half)


def median(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return the median of a metric in each group, with a 95 % confidence interval.

    The interval is between two order statistics, for any distribution (David and Nagaraja 2003,
    section 7.1). Below six values it is their range, which has less than 95 % confidence.

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
    ordered, size = np.sort(sample.to_numpy(float)), len(sample)
    below = int(binom.ppf((1 - CONFIDENCE) / 2, size, 0.5))
    middle = ordered[[(size - 1) // 2, size // 2]]
    centre = middle[0] if middle[0] == middle[1] else middle.mean()
    ends = {"low": ordered[max(below - 1, 0)], "high": ordered[min(size - below, size - 1)]}
    return pd.Series({"median": centre} | ends | {"count": size})


def convergence(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return the estimates from the first replications, or the first blocks, of a run.

    The arguments are as in `metrics.estimates`, but a summary must be one by block. The table has
    the columns of `by`, then count, mean, se; up to STEPS rows a group.
    """
    if is_summary(frame):
        order = "block"
        rows = frame[(frame["metric"] == metric) & (frame["count"] > 0)]
        squares = rows["variance"].where(rows["count"] > 1, 0.0) * (rows["count"] - 1)
        rows = rows.assign(squares=squares)
    else:
        order = "replication"
        rows = frame.dropna(subset=[metric])
        rows = rows.assign(count=1, mean=rows[metric], squares=0.0)
    if rows.empty:
        return pd.DataFrame(columns=[*by, "count", "mean", "se"])
    groups = rows.groupby(list(by), observed=True, sort=False)
    tables = {names: _accumulate(group.sort_values(order)) for names, group in groups}
    return pd.concat(tables, names=list(by)).reset_index(level=list(by)).reset_index(drop=True)


def _accumulate(rows: Table) -> Table:
    """Return count, mean and se of the first n rows, for up to STEPS values of n."""
    count, mean = rows["count"].to_numpy(float), rows["mean"].to_numpy(float)
    centre = np.average(mean, weights=count)  # deviations from it lose no digits
    total, shift = np.cumsum(count), np.cumsum(count * (mean - centre))
    squares = np.cumsum(rows["squares"].to_numpy(float) + count * (mean - centre) ** 2)
    last = np.unique(np.geomspace(1, len(rows), STEPS).round().astype(int)) - 1
    last = last[total[last] > 1]
    total, shift, squares = total[last], shift[last], squares[last]
    variance = np.maximum(squares - shift**2 / total, 0.0) / (total - 1)
    table = {"count": total.astype(int), "mean": centre + shift / total}
    return pd.DataFrame(table | {"se": np.sqrt(variance / total)})
