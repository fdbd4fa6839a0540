"""What came of an experiment, in tables: every metric at every point, and between makers."""

from collections.abc import Iterator, Sequence
from math import floor, isfinite, log10

import pandas as pd

from analysis import metrics
from analysis.load import Run
from analysis.precision import interval

Table = pd.DataFrame

MEASURED = ("mean", "se", "count", "low", "high")
MOST_DECIMALS = 6  # in a table that is to be read
METRICS = ("discounted_profit", "profit", "spread", "no_trade", "pricing_error", "trades",
           "belief_sd")  # fmt: skip


def totals(run: Run) -> Table:
    """Return one row a replication and maker, after the parameters in which points differ.

    From the blocks of an experiment (columns: `abm.schema.TOTALS`), or from a record of makers.

    Raises
    ------
    LogError
        If the run holds neither.
    """
    if "totals" in run.tables and run.points:
        return run.blocks("totals")
    makers = run.makers.assign(spread=lambda rows: metrics.spread(rows))
    keys = [key for key in ("exchange", "maker", "replication") if key in makers]
    groups = makers.groupby(keys, observed=True)
    return groups.agg(
        profit=("profit", "sum"), spread=("spread", "mean"), trades=("filled", "sum")
    ).reset_index()  # fmt: skip


def apart(run: Run, frame: Table) -> list[str]:
    """Return the columns that tell the points of a run, or its exchanges, apart."""
    return [key for key in (*run.varied, "exchange") if key in frame]


def results(run: Run, frame: Table) -> Table:
    """Return each metric's mean with its 95 % confidence interval, at each point and maker.

    Parameters
    ----------
    run : Run
    frame : DataFrame
        What `totals` returns.

    Returns
    -------
    DataFrame
        What tells points apart, then maker, metric, mean, se, count, low, high.
    """
    keys = [*apart(run, frame), "maker"]
    tables = [
        interval(metrics.estimates(frame, metric, keys)).assign(metric=metric)
        for metric in METRICS
        if metric in frame
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[[*keys, "metric", "mean", "se", "count", "low", "high"]]


def comparisons(run: Run, frame: Table) -> Table:
    """Return the paired differences of all makers from the first, market by market.

    Makers are compared where all other parameters are the same, in the replications that both
    have faced.

    Parameters
    ----------
    run, frame
        As of `results`.

    Returns
    -------
    DataFrame
        What tells points apart but for makers, then first, second, metric, and mean, se, count,
        low, high of first less second. Empty if there is one maker.
    """
    keys = apart(run, frame)
    who = [key for key in ("makers", "exchange") if key in keys]
    where = [key for key in keys if key not in who]
    frame = frame.assign(contestant=_contestants(frame, who))
    tables = [
        interval(table).assign(first=first, second=second, metric=metric)
        for first, second, pair in _pairs(frame, where)
        for metric in METRICS
        if metric in frame
        for table in [metrics.paired_difference(
            pair, metric, first, second, between="contestant", by=where)]
    ]  # fmt: skip
    columns = [*where, "first", "second", "metric", "mean", "se", "count", "low", "high"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else Table(columns=columns)


def _contestants(frame: Table, who: Sequence[str]) -> "pd.Series[str]":
    """Return each row's maker, and with whom she shares her exchange, if with anybody."""
    maker = frame["maker"].astype(str)
    if not who:
        return maker
    among = frame[who[0]].astype(str)
    return maker.where(among == maker, maker + " in " + among)


def _pairs(frame: Table, where: Sequence[str]) -> Iterator[tuple[str, str, Table]]:
    """Yield the first contestant with each other one, and the rows of both that pair."""
    contestants = frame["contestant"].unique()
    for other in contestants[1:]:
        pair = frame[frame["contestant"].isin([contestants[0], other])]
        both = pair.groupby([*where, "replication"], observed=True)["contestant"].transform("size")
        yield str(contestants[0]), str(other), pair[both == 2]


def quoted(table: Table) -> Table:
    """Return a table of results or comparisons to be read: a column a metric, mean ± half-width.

    The half-width of the 95 % confidence interval has two digits, and the mean as many decimals.
    """
    keys = [key for key in table if key not in {*MEASURED, "metric"}]
    if {"makers", "maker"} <= set(keys) and (table["makers"].astype(str) == table["maker"]).all():
        keys.remove("maker")
    cells = [_cell(mean, high - mean) for mean, high in zip(table["mean"], table["high"],
             strict=True)]  # fmt: skip
    text = table[[*keys, "metric"]].assign(cell=cells).astype({"metric": str})
    wide = text.pivot(index=keys, columns="metric", values="cell") if keys else text
    order = [metric for metric in METRICS if metric in wide]
    return wide[order].reset_index().rename_axis(columns=None)


def _cell(mean: float, half: float) -> str:
    if not (isfinite(mean) and isfinite(half)):
        return f"{mean:.4g}"
    if half == 0:
        return f"{mean:.6g}"
    decimals = min(max(0, 1 - floor(log10(half))), MOST_DECIMALS)
    return f"{mean:.{decimals}f} ± {half:.{decimals}f}"
