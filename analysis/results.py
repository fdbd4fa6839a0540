"""Results of an experiment: every metric at every point, and paired differences of makers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from abm.numerics.intervals import find_fraction_ends
from abm.numerics.moments import Moments
from abm.runs.metrics import OF_TOTALS, TOTALS, list_headlines
from analysis import metrics
from analysis.columns import drop_repeated_labels
from analysis.summaries import pool_blocks

if TYPE_CHECKING:
    from analysis.load import Run

Table = pd.DataFrame

ESTIMATE_COLUMNS = ("mean", "se", "count", "low", "high")
ROUNDING = 1e-12  # relative half-width that rounding alone can make
SKEW = 0.1  # of the longer half of an interval: a larger difference of its halves is shown
MOST_DECIMALS = 6  # in a formatted table
HEADLINES = tuple(list_headlines(TOTALS))
KNOWN = [total.name for total in TOTALS if total.mean] + [metric.name for metric in OF_TOTALS]
METRICS = tuple(dict.fromkeys([*HEADLINES, *KNOWN]))


def point_labels(run: Run) -> list[str]:
    """Return the columns that label the points of a run, or its exchanges if it has no points."""
    return run.varying_parameters if run.points else ["exchange"]


def totals(run: Run, by: Sequence[str]) -> Iterator[Table]:
    """Yield totals in pieces where `by` is constant, so that one block at a time is in memory.

    They come from the blocks of an experiment (`abm.runs.schema.TOTALS`), or from a record of
    makers; LogError if the run holds neither.
    """
    if "totals" in run.tables and run.points:
        yield from map(with_derived_columns, run.walk("totals", by))
        return
    makers = run.table("makers")
    makers = makers.assign(spread=metrics.spread(makers), block=0)
    makers = makers if "exchange" in makers else makers.assign(exchange=makers["maker"])
    groups = makers.groupby(["exchange", "block", "maker", "replication"], observed=True)
    yield groups.agg(
        profit=("profit", "sum"), spread=("spread", "mean"), trades=("filled", "sum")
    ).reset_index()  # fmt: skip


def with_derived_columns(piece: Table) -> Table:
    """Return totals with columns of `abm.runs.metrics.OF_TOTALS`; a record of makers has none."""
    if not {total.name for total in TOTALS} <= set(piece):
        return piece
    return piece.assign(**{metric.name: metric.measure(piece) for metric in OF_TOTALS})


def with_point_parameters(table: Table, run: Run, keys: Sequence[str]) -> Table:
    """Return a table of a run with these parameters of its points as columns, names as str."""
    constant = {key: run.points[0][key] for key in keys if key not in table}
    names = table.select_dtypes("category").columns
    return table.assign(**constant).astype(dict.fromkeys(names, "str"))


def records(run: Run, keys: Sequence[str]) -> Table:
    """Return the totals of all replications in one table, with these parameters of their points."""
    return with_point_parameters(pd.concat(totals(run, ["block"]), ignore_index=True), run, keys)


def totals_by_block(run: Run) -> Table:
    """Return a summary of the totals by block; keys: point labels, block, maker, metric."""
    keys = [*point_labels(run), "block"]
    return summarise(totals(run, keys), [*keys, "maker"])


def results(run: Run) -> Table:
    """Return each metric's mean with its 95 % confidence interval, at each point and maker.

    Returns
    -------
    DataFrame
        The point labels, then maker, metric, mean, se, count, low, high.

    Examples
    --------
    >>> from abm.experiment import Experiment, grid
    >>> from analysis import load
    >>> points = grid(makers=["optimal", "myopic"])
    >>> Experiment(points, replications=500, periods=5).run("runs/small")
    >>> table = results(load("runs/small")).query("metric == 'profit'")
    >>> print(table[["maker", "mean", "low", "high"]].round(2).to_string(index=False))
      maker  mean  low  high
    optimal  0.92 0.83  1.00
     myopic  0.89 0.80  0.97
    """
    return estimate_all_metrics(totals_by_block(run), [*point_labels(run), "maker"])


def comparisons(run: Run) -> Table:
    """Return paired differences: the first maker less each other one, by replication.

    Makers are compared at points that differ in makers alone, in the replications of both.

    Returns
    -------
    DataFrame
        The point labels but for makers, then first, second, metric, and mean, se, count, low, high
        of first less second. Empty if there is one maker.

    Examples
    --------
    >>> from abm.experiment import Experiment, grid
    >>> from analysis import load
    >>> points = grid(makers=["optimal", "myopic"])
    >>> Experiment(points, replications=500, periods=5).run("runs/small")
    >>> table = comparisons(load("runs/small")).query("metric == 'profit'")
    >>> print(table[["first", "second", "mean", "low", "high"]].round(2).to_string(index=False))
      first second  mean   low  high
    optimal myopic  0.03 -0.01  0.07
    """
    where = [key for key in point_labels(run) if key not in ("makers", "exchange")]
    gaps = summarise_groups(_walk_differences(run, where), [*where, "block", "first", "second"])
    estimates = estimate_all_metrics(gaps, [*where, "first", "second"])
    return metrics.add_interval(estimates)  # a difference of fractions is no fraction


def summarise(pieces: Iterable[Table], by: Sequence[str]) -> Table:
    """Return count, mean and variance of every metric in each group of each piece."""
    groups = (group for piece in pieces for group in piece.groupby(list(by), observed=True))
    return summarise_groups(groups, by)


def summarise_groups(groups: Iterable[tuple[Any, Table]], by: Sequence[str]) -> Table:
    """Return count, mean and variance of every metric in groups, each with its labels and rows."""
    labels, samples = [], []
    for names, rows in groups:
        known = [metric for metric in METRICS if metric in rows]
        labels += [(*names, metric) for metric in known]
        samples += [Moments.of(column) for column in rows[known].to_numpy(float).T]
    found = Moments.stack(samples)
    table = pd.DataFrame(labels, columns=[*by, "metric"])
    return table.assign(count=found.count, mean=found.mean, variance=found.variance)


def _walk_differences(run: Run, where: Sequence[str]) -> Iterator[tuple[Any, Table]]:
    """Yield the differences between the first maker and each other one, with their labels.

    The labels are `where`, the block, and the names of both makers.
    """
    firsts: dict[tuple[object, ...], str] = {}
    for piece in totals(run, [*where, "block"]):
        makers = _group_by_maker(piece)
        *at, block = (piece[key].iloc[0] for key in (*where, "block"))
        first = firsts.setdefault(tuple(at), next(iter(makers)))
        for second in [name for name in makers if name != first] if first in makers else []:
            known = [metric for metric in METRICS if metric in makers[first]]
            gaps = (makers[first][known] - makers[second][known]).dropna(how="all")
            if len(gaps):
                yield (*at, block, first, second), gaps


def _group_by_maker(piece: Table) -> dict[str, Table]:
    """Return each maker's rows by replication; rivals in her exchange are part of her name."""
    keys = [key for key in ("maker", "makers", "exchange") if key in piece]
    groups = piece.set_index("replication").groupby(keys, observed=True, sort=False)
    return {" in ".join(dict.fromkeys(map(str, names))): rows for names, rows in groups}


def estimate_all_metrics(summary: Table, keys: list[str]) -> Table:
    """Return the estimates of every metric of a summary by block, with intervals."""
    if summary.empty:
        return pd.DataFrame(columns=[*keys, "metric", *ESTIMATE_COLUMNS])
    rank = summary["metric"].map({metric: rank for rank, metric in enumerate(METRICS)})
    known = summary.loc[rank.dropna().sort_values(kind="stable").index]
    table = metrics.add_interval(pool_blocks(known, ["metric", *keys]))
    fractions = table["metric"].isin(metrics.FRACTIONS)
    ends = find_fraction_ends(*(table.loc[fractions, name] for name in ("mean", "count")))
    table.loc[fractions, "low"], table.loc[fractions, "high"] = ends
    return table[[*keys, "metric", *ESTIMATE_COLUMNS]]


def estimate_metrics(frame: Table, wanted: Sequence[str], keys: Sequence[str]) -> Table:
    """Return several metrics' estimates with intervals: `keys`, metric and ESTIMATE_COLUMNS."""
    tables = [metrics.estimates(frame, metric, keys).assign(metric=metric) for metric in wanted]
    return pd.concat(tables, ignore_index=True)[[*keys, "metric", *ESTIMATE_COLUMNS]]


def format_estimates(table: Table, wanted: Sequence[str] = HEADLINES) -> Table:
    """Return results or comparisons as text, a column a metric: mean ± half-width.

    The half-width of the 95 % confidence interval has two digits, and the mean as many decimals; an
    interval that is not symmetric is given by its ends. What was the same in all markets has none,
    and is "all alike"; one market has none either. The column `markets` is the number of
    replications.

    Examples
    --------
    >>> row = {"maker": "optimal", "metric": "profit", "mean": 1.6012, "low": 1.55, "high": 1.6524}
    >>> print(format_estimates(pd.DataFrame([row | {"count": 2000}])).to_string(index=False))
      maker  markets        profit
    optimal     2000 1.601 ± 0.051
    """
    labels = [name for name in table if name not in {*ESTIMATE_COLUMNS, "metric"}]
    keys = drop_repeated_labels(table, labels)
    ends = table.reindex(columns=["mean", "low", "high", "se"]).itertuples(index=False)
    cells = [_format_cell(*row) for row in ends]
    markets = table.groupby(keys, observed=True)["count"].transform("max")
    text = table[[*keys, "metric"]].assign(cell=cells, markets=markets)
    text = text.astype({key: "str" for key in text if not is_numeric_dtype(text[key])})
    wide = text.pivot(index=[*keys, "markets"], columns="metric", values="cell")
    wide = wide.reset_index().rename_axis(columns=None)
    known = [metric for metric in wanted if metric in wide]
    return text[keys].drop_duplicates().merge(wide, on=keys)[[*keys, "markets", *known]]


def _format_cell(mean: float, low: float, high: float, se: float) -> str:
    half = max(high - mean, mean - low)
    if se == 0 and isnan(half):
        return f"{mean + 0.0:.6g} (all alike)"
    if not isfinite(half):
        return f"{mean:.4g}" + (" (no interval)" if isfinite(mean) else "")
    if half <= ROUNDING * abs(mean):
        return f"{mean + 0.0:.6g}"
    decimals = max(0, 1 - int(f"{half:.1e}".partition("e")[2]))
    if decimals > MOST_DECIMALS:
        return f"{mean:.{MOST_DECIMALS}f} ± {half:.0e}"
    if abs(high - 2 * mean + low) > SKEW * half:
        return f"{mean:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"
    return f"{round(mean, decimals) + 0.0:.{decimals}f} ± {half:.{decimals}f}"  # + 0: not -0
