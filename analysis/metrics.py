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


def surplus(market: Table) -> "pd.Series[float]":
    """Return what each row's trader gained by her own valuation, 0 if she did not trade.

    It is her valuation less the ask, or the bid less her valuation, in units of price. Measured
    by the value, which is common to all, her gain is what the makers lose.
    """
    bought, sold = market["valuation"] - market["ask"], market["bid"] - market["valuation"]
    return bought.where(market["side"] > 0, 0.0) + sold.where(market["side"] < 0, 0.0)


def no_trade(market: Table) -> "pd.Series[float]":
    """Return 1.0 for each row without a trade, else 0.0; its mean is a probability."""
    return (market["side"] == 0).astype(float)


def estimates(frame: Table, metric: str, by: Sequence[str]) -> Table:
    """Return mean, standard error and count of a metric, one row a group.

    Parameters
    ----------
    frame : DataFrame
        Records, one row an independent observation within each group, of which those with NaN are
        left out; or a summary (`abm.runs.schema.SUMMARY`), of all replications or by blocks.
    metric : str
        The column to estimate, or the metric of a summary.
    by : sequence of str
        Columns that form the groups.

    Returns
    -------
    DataFrame
        The columns of `by`, then mean, se (NaN below two observations) and count.

    Raises
    ------
    ValueError
        If a summary lacks the metric, or rows of it that are not different blocks would be put
        together.
    """
    if is_summary(frame):
        return _merge_blocks(select_metric(frame, metric), by)
    groups = frame.groupby(list(by), observed=True, dropna=False)[metric]
    return groups.agg(mean="mean", se="sem", count="count").reset_index()


def is_summary(frame: Table) -> bool:
    """Whether a table holds counts, means and variances rather than records."""
    return {"metric", "count", "mean", "variance"} <= set(frame.columns)


def select_metric(summary: Table, metric: str) -> Table:
    """Return the rows of a summary that are of a metric, or raise ValueError if none is."""
    rows = summary[summary["metric"] == metric]
    if rows.empty and len(summary):
        known = ", ".join(map(str, summary["metric"].unique()))
        raise ValueError(f"the summary has no metric {metric!r}: it has {known}")
    return rows


def _merge_blocks(summary: Table, by: Sequence[str]) -> Table:
    """Return the estimates of groups of rows that summarise different blocks."""
    keys = list(by)
    unit = [*keys, "block"] if "block" in summary else keys
    if summary.duplicated(unit).any():
        raise ValueError(
            f"the summary has several rows for one {', '.join(unit)}, whose moments must not be "
            f"put together: name all columns that tell its rows apart"
        )
    count = summary["count"].astype(float)
    parts = summary[keys].assign(
        count=count, sum=count * summary["mean"].where(count > 0, 0.0),
        within=summary["variance"].where(count > 1, 0.0) * (count - 1),
    )  # fmt: skip
    groups = parts.groupby(keys, observed=True, dropna=False, sort=False)
    mean = groups["sum"].transform("sum") / groups["count"].transform("sum")
    gap = summary["mean"].where(count > 0, 0.0) - mean
    parts["squares"] = parts["within"] + count * gap * gap
    groups = parts.groupby(keys, observed=True, dropna=False, sort=False)
    table = groups[["count", "sum", "squares"]].sum()
    some = table["count"].where(table["count"] > 0)
    mean = table["sum"] / some
    se = np.sqrt(table["squares"] / (some - 1).where(some > 1) / some)
    found = pd.DataFrame({"mean": mean, "se": se, "count": table["count"].astype(int)})
    return found.reset_index()


def by_period(frame: Table, metric: str, by: Sequence[str] = ()) -> Table:
    """Return the estimates of a metric for each period, apart for each exchange and maker.

    Parameters
    ----------
    frame, metric
        As of `estimates`.
    by : sequence of str
        Further columns that form the groups, as parameters of points.
    """
    keys = [key for key in ("exchange", "maker") if key in frame]
    return estimates(frame, metric, [*by, *keys, "period"])


def discounted_profit(makers: Table, discount: float) -> Table:
    """Return the sum of discount^period * profit, one row a maker and replication.

    Parameters
    ----------
    makers : DataFrame
        Rows of `abm.runs.schema.MAKERS`, with or without the column `exchange`.
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
    """Return the estimates of `first` less `second`, paired by replication or by block.

    Blocks at different points face the same draws as replications do: their means pair.

    Parameters
    ----------
    frame : DataFrame
        One row a replication in each group, for both of the compared; or a summary by blocks.
    metric : str
        The column to compare, or the metric of a summary.
    first, second : str
        Two entries of the column `between`.
    between : str
        Who is compared: "maker", "exchange" or a parameter of points.
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
    unit = "replication"
    if is_summary(frame):
        unit = "block"
        frame = select_metric(frame, metric).rename(columns={"mean": metric})
        if unit not in frame:
            raise ValueError(
                "the summary is over all blocks, but a paired comparison needs each block's: "
                'give run.blocks("summary")'
            )
    keys = [*by, unit]
    one, other = (
        frame.loc[frame[between] == name].set_index(keys)[metric] for name in (first, second)
    )
    alike = one.index.sort_values().equals(other.index.sort_values())
    if first == second or one.empty or one.index.has_duplicates or not alike:
        raise ValueError(
            f"{first} has {len(one)} rows and {second} has {len(other)}, but a paired comparison "
            f"needs two, once each, in the same {unit}s: compare runs of one seed and size"
        )
    differences = (one - other).rename("difference").reset_index()
    if by:
        return estimates(differences, "difference", by)
    return estimates(differences.assign(all=0), "difference", ["all"]).drop(columns="all")
