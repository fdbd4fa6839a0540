"""Market shares: one maker's fraction of all trades, with its standard error."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from abm.numerics.intervals import find_fraction_ends, linearise_ratio
from analysis.summaries import select_metric

Table = pd.DataFrame


def ratio(frame: Table, part: str, whole: str, by: Sequence[str]) -> "pd.Series[float]":
    """Return values whose mean in each group is the ratio of two columns' means there.

    Their standard error is that of the ratio estimator (Cochran 1977, section 6.3); they can be
    estimated and paired like any metric.

    Parameters
    ----------
    frame : DataFrame
        Records, one row an independent observation within each group.
    part, whole : str
        Columns, as the trades of a maker and those of her market.
    by : sequence of str
        Columns that form the groups.
    """
    means = frame.groupby(list(by), observed=True)[[part, whole]].transform("mean")
    observed, expected = (table[[part, whole]].to_numpy(float).T for table in (frame, means))
    return pd.Series(linearise_ratio(*observed, *expected), frame.index)


def market_share(summary: Table, by: Sequence[str] = ()) -> Table:
    """Return each maker's share of the trades in each period, with its confidence interval.

    Her trades are a binomial count among the replications with a trade.

    Parameters
    ----------
    summary : DataFrame
        Columns of `abm.runs.schema.SUMMARY`, over all replications, and of `by`.
    by : sequence of str
        Further columns that label exchanges.

    Returns
    -------
    DataFrame
        The columns of `by`, then maker, period, mean, se, count (of replications with a trade),
        low, high.
    """
    keys = [*by, "period"]
    idle = select_metric(summary, "no_trade")[[*keys, "mean", "count"]]
    filled = select_metric(summary, "filled")[[*keys, "maker", "mean"]]
    both = filled.merge(idle, on=keys, suffixes=("_filled", "_idle"))
    traded = 1.0 - both["mean_idle"]
    count = both["count"] * traded
    share = both["mean_filled"] / traded.where(traded > 0)
    se = np.sqrt(np.maximum(share * (1.0 - share), 0.0) / count)  # below 0 by rounding
    low, high = find_fraction_ends(share, count.round())
    table = both[[*by, "maker", "period"]]
    return table.assign(mean=share, se=se, count=count.round().astype(int), low=low, high=high)
