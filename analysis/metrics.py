"""Metrics from logs: spread, profit, liquidity and pricing error, with standard errors.

A replication is one independent observation. Means are taken over replications, and a standard
error is the sample's standard deviation over the square root of their number. Makers that face the
same draws are compared by replication, which removes the variance that they have in common.
"""

from collections.abc import Sequence

import pandas as pd

from abm.numerics.checks import discount_factor
from abm.numerics.intervals import CONFIDENCE, find_fraction_ends, find_half_width
from abm.numerics.moments import drop_rounding
from abm.numerics.names import describe_unknown
from abm.runs.metrics import OF_MAKER, OF_MARKET, OF_TOTALS
from analysis.columns import ANY, MAKERS, require_columns, require_keys
from analysis.rows import belief_error as belief_error
from analysis.rows import no_trade as no_trade
from analysis.rows import pricing_error as pricing_error
from analysis.rows import require_metric
from analysis.rows import spread as spread
from analysis.rows import surplus as surplus
from analysis.summaries import is_summary, pool_blocks, select_metric

FRACTIONS_OF_PERIODS = [metric.name for metric in (*OF_MARKET, *OF_MAKER) if metric.fraction]
FRACTIONS = [metric.name for metric in OF_TOTALS if metric.fraction]

Table = pd.DataFrame


def estimates(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return mean, standard error, count and 95 % confidence interval of a metric, one row a group.

    Parameters
    ----------
    frame : DataFrame
        Records, one row an independent observation within each group, NaN left out; or a summary
        (`abm.runs.schema.SUMMARY`), of all replications or by block.
    metric : str
        The column to estimate, or the metric of a summary.
    by : sequence of str
        Columns that form the groups.

    Returns
    -------
    DataFrame
        The columns of `by`, then mean, se (NaN below two observations), count, low, high.

    Raises
    ------
    ValueError
        If the frame lacks a column, or a summary has several rows a group and block.

    Examples
    --------
    >>> frame = pd.DataFrame({"maker": ["optimal"] * 3, "profit": [1.0, 2.0, 3.0]})
    >>> print(estimates(frame, "profit", ["maker"]).round(2))
         maker  mean    se  count   low  high
    0  optimal   2.0  0.58      3 -0.48  4.48
    """
    require_keys(frame, by)
    if is_summary(frame):
        table = pool_blocks(select_metric(frame, metric), by)
    else:
        require_metric(frame, metric)
        groups = frame.groupby(list(by), observed=True, dropna=False)[metric]
        table = groups.agg(mean="mean", se="sem", count="count").reset_index()
        table["se"] = drop_rounding(table["se"].to_numpy(), table["mean"].to_numpy())
    if metric in (FRACTIONS_OF_PERIODS if "period" in frame else FRACTIONS):
        low, high = find_fraction_ends(table["mean"], table["count"])
        return table.assign(low=low, high=high)
    return add_interval(table)


def add_interval(estimates: Table, confidence: float = CONFIDENCE) -> Table:
    """Return estimates (mean, se, count) with columns low and high, by Student's t."""
    half = find_half_width(estimates["se"], estimates["count"], confidence)
    return estimates.assign(low=estimates["mean"] - half, high=estimates["mean"] + half)


def by_period(frame: Table, metric: str, by: Sequence[str] = ()) -> Table:
    """Return the `estimates` of a metric by period, exchange, maker and the columns `by`.

    Examples
    --------
    >>> log = pd.DataFrame({"maker": "optimal", "period": [0, 0, 1, 1], "profit": [-2, 0, 1, 2]})
    >>> by_period(log, "profit")[["maker", "period", "mean", "count"]]
         maker  period  mean  count
    0  optimal       0  -1.0      2
    1  optimal       1   1.5      2
    """
    require_columns("frame", frame, ["period"], ANY)
    keys = [key for key in ("exchange", "maker") if key in frame]
    return estimates(frame, metric, [*by, *keys, "period"])


def discounted_profit(makers: Table, discount: float) -> Table:
    """Return the sum of discount^period * profit, one row a maker and replication.

    ValueError if two rows share maker, replication and period (and exchange).

    Parameters
    ----------
    makers : DataFrame
        Rows of `abm.runs.schema.MAKERS`, with or without the column `exchange`.
    discount : float
        Per period.

    Examples
    --------
    >>> log = pd.DataFrame({"maker": "optimal", "period": [0, 1, 2], "profit": [-1.0, 2.0, 2.0]})
    >>> discounted_profit(log.assign(replication=0), discount=0.5)
         maker  replication  discounted_profit
    0  optimal            0                0.5
    """
    require_columns("makers", makers, ["maker", "replication", "period", "profit"], MAKERS)
    discount = discount_factor(discount)
    keys = [key for key in ("exchange", "maker", "replication") if key in makers]
    discounted = makers["profit"] * discount ** makers["period"].astype(float)
    table = makers[keys].assign(discounted_profit=discounted)
    groups = table.groupby(keys, observed=True)["discounted_profit"]
    if len(makers) and groups.size().max() > makers["period"].nunique():
        raise ValueError(
            f"there are several rows for one {', '.join(keys)} and period, but their profits must "
            f"not be added up: tell exchanges apart by a column `exchange`"
        )
    return groups.sum().reset_index()


def paired_difference(
    frame: Table,
    metric: str,
    first: str,
    second: str,
    *,
    between: str = "maker",
    by: Sequence[str] = (),
) -> Table:
    """Return the estimates of `first` less `second`, paired by replication or by block.

    Blocks of one number face the same draws at all points, so that their means pair too.

    Parameters
    ----------
    frame : DataFrame
        One row a replication in each group, for both; or a summary by block.
    metric : str
        The column to compare, or the metric of a summary.
    first, second : str
        Two entries of the column `between`.
    between : str
        What is compared: "maker", "exchange" or a parameter of points.
    by : sequence of str
        Columns within which to compare, as "period".

    Returns
    -------
    DataFrame
        The columns of `by`, then mean, se, count, low and high of the differences.

    Raises
    ------
    ValueError
        Unless both have one row for each of the same replications.

    Examples
    --------
    >>> log = pd.DataFrame({"maker": ["optimal", "myopic"] * 3, "replication": [0, 0, 1, 1, 2, 2]})
    >>> profits = log.assign(profit=[3.0, 1.0, 5.0, 3.0, 4.0, 3.0])
    >>> print(paired_difference(profits, "profit", "optimal", "myopic").round(2))
       mean    se  count   low  high
    0  1.67  0.33      3  0.23   3.1
    """
    require_keys(frame, [between, *by])
    pair = "replication"
    if is_summary(frame):
        pair = "block"
        frame = select_metric(frame, metric).rename(columns={"mean": metric})
        if pair not in frame:
            raise ValueError(
                "the summary is over all blocks, but a paired comparison needs each block's: "
                'give run.blocks("summary")'
            )
    else:
        require_columns("frame", frame, [pair], MAKERS)
        require_metric(frame, metric)
    known = list(frame[between].unique())
    for name in (first, second):
        if name not in known:
            raise ValueError(describe_unknown(between, name, map(str, known)))
    keys = [*by, pair]
    firsts, seconds = (
        frame.loc[frame[between] == name].set_index(keys)[metric] for name in (first, second)
    )
    alike = firsts.index.sort_values().equals(seconds.index.sort_values())
    if first == second or firsts.index.has_duplicates or not alike:
        raise ValueError(
            f"{first} has {len(firsts)} rows and {second} has {len(seconds)}, but a paired "
            f"comparison needs the same {pair}s of both: compare runs of one seed and size"
        )
    differences = (firsts - seconds).rename("difference").reset_index()
    table = estimates(differences.assign(all=0), "difference", [*by, "all"])
    return table.drop(columns="all")
