"""What the logs say: spread, profit, liquidity and pricing error, each with its standard error.

A replication is one independent observation. Means are taken over replications, and a standard
error is the sample's standard deviation over the square root of their number. Makers that faced
the same draws are compared replication by replication, which removes what they have in common.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

Table = pd.DataFrame


def spread(frame: Table) -> "pd.Series[float]":
    """Return ask - bid of each row, in units of price; NaN where a side is declined."""
    width = frame["ask"] - frame["bid"]
    return width.where(np.isfinite(width))


def pricing_error(market: Table) -> "pd.Series[float]":
    """Return |mid - value| of each row, in units of price; NaN where a side is declined."""
    error = (0.5 * (market["ask"] + market["bid"]) - market["value"]).abs()
    return error.where(np.isfinite(error))


def no_trade(market: Table) -> "pd.Series[float]":
    """Return 1.0 for each row without a trade, else 0.0; its mean is a probability."""
    return (market["side"] == 0).astype(float)


def estimates(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return mean, standard error and count of a column, one row a group.

    Parameters
    ----------
    frame : DataFrame
        One row an independent observation within each group; NaN rows are left out.
    metric : str
        The column to estimate.
    by : sequence of str
        Columns that form the groups.

    Returns
    -------
    DataFrame
        The columns of `by`, then mean, se (NaN below two observations) and count.
    """
    groups = frame.groupby(list(by), observed=True)[metric]
    table = groups.agg(mean="mean", se="sem", count="count")
    return table.reset_index()


def by_period(frame: Table, metric: str) -> Table:
    """Return the estimates of a column for each period, apart for each exchange and maker."""
    keys = [key for key in ("exchange", "maker") if key in frame]
    return estimates(frame, metric, [*keys, "period"])


def from_summary(summary: Table, metric: str) -> Table:
    """Return the same estimates from a tape's summary (columns: `abm.schema.SUMMARY`)."""
    table = summary[summary["metric"] == metric].drop(columns="metric")
    table = table.assign(se=np.sqrt(table["variance"] / table["count"]))
    return table.drop(columns="variance").reset_index(drop=True)


def discounted_profit(makers: Table, discount: float) -> Table:
    """Return the sum of discount^period * profit, one row a maker and replication.

    Parameters
    ----------
    makers : DataFrame
        Rows of `abm.schema.MAKERS`, with or without the column `exchange`.
    discount : float
        Per period.

    Raises
    ------
    ValueError
        If two rows share maker, replication and period (and exchange).
    """
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
    """Return the estimates of `first` less `second`, paired by replication.

    Parameters
    ----------
    frame : DataFrame
        One row a replication in each group, for both of the compared.
    metric : str
        The column to compare.
    first, second : str
        Two entries of the column `between`.
    between : str
        Who is compared: "maker" or "exchange".
    by : sequence of str
        Columns within which to compare, as "period"; none for one comparison.

    Returns
    -------
    DataFrame
        The columns of `by`, then mean, se and count of the differences.

    Raises
    ------
    ValueError
        If one of the two is not in the frame, has several rows for a replication, or does not
        face the same replications as the other.
    """
    keys = [*by, "replication"]
    one, other = (
        frame.loc[frame[between] == name].set_index(keys)[metric] for name in (first, second)
    )
    alike = one.index.sort_values().equals(other.index.sort_values())
    if first == second or one.empty or one.index.has_duplicates or not alike:
        raise ValueError(
            f"{first} has {len(one)} rows and {second} has {len(other)}, but a paired comparison "
            f"needs two, once each, in the same replications: compare runs of one seed and size"
        )
    differences = (one - other).rename("difference").reset_index()
    if by:
        return estimates(differences, "difference", by)
    return estimates(differences.assign(all=0), "difference", ["all"]).drop(columns="all")
