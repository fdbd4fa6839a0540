"""Two runs compared: their settings by name, their results in standard errors."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis import metrics
from analysis.load import LogError, Run
from analysis.results import (
    METRICS,
    summarise,
    totals,
    totals_by_block,
    with_derived_columns,
    with_point_parameters,
)

Table = pd.DataFrame

ROUNDING = 1e-12  # relative difference that another order of summation can make
CHANCE = 0.05  # of calling equal runs different, over all results (Bonferroni)


class Comparison(NamedTuple):
    """Two runs, side by side.

    Parameters
    ----------
    settings : DataFrame
        Parameters, versions and code that differ: name, first, second.
    results : DataFrame
        The point labels, maker, metric, first, second, difference (second less first), se and z,
        the difference in standard errors; in descending order of its size.
    paired : bool
        Whether the seed is the same, so that differences are taken by replication.
    """

    settings: Table
    results: Table
    paired: bool

    @property
    def identical(self) -> int:
        """Number of results that are the same to the last digit."""
        return int((self.results["difference"] == 0).sum())

    @property
    def limit(self) -> float:
        """The z that some result of equal runs exceeds with probability CHANCE."""
        return float(norm.isf(CHANCE / 2 / max(1, len(self.results))))

    @property
    def differ(self) -> bool:
        """Whether some difference is significant."""
        return bool((self.results["z"].abs() > self.limit).any())


def compare(first: Run, second: Run) -> Comparison:
    """Return what differs between two runs, at the points that both have.

    Raises
    ------
    LogError
        If they have no point in common, or hold neither totals nor records.
    """
    seeds = {run.parameters.get("seed") for run in (first, second)}
    paired = len(seeds) == 1 and None not in seeds and bool(first.points and second.points)
    keys = _shared_labels(first, second)
    by = [*keys, "maker"]
    one = with_point_parameters(totals_by_block(first), first, keys)
    other = with_point_parameters(totals_by_block(second), second, keys)
    both = set(one["metric"]) & set(other["metric"])
    known = [metric for metric in METRICS if metric in both]
    results = pd.concat(
        [_compare_means(one, other, metric, by) for metric in known], ignore_index=True
    )
    if results.empty:
        raise LogError(
            f"{first.folder} and {second.folder} have no point and maker in common: compare runs "
            f"that share some"
        )
    if paired:
        pairs = _pair_replications(first, second, keys)
        paired_means = [metrics.estimates(pairs, name, by).assign(metric=name) for name in known]
        differences = pd.concat(paired_means).rename(columns={"mean": "difference"})
        results = results.drop(columns=["difference", "se"])
        results = results.merge(differences.drop(columns="count"), on=[*by, "metric"])
    size = results[["first", "second"]].abs().max(axis=1)
    same = results["difference"].abs() <= ROUNDING * size
    z = (results["difference"] / results["se"]).where(~same, 0.0)
    order = z.abs().sort_values(ascending=False, kind="stable").index
    results = results.assign(z=z).loc[order].reset_index(drop=True)
    return Comparison(_list_settings(first, second), results, paired)


def _list_settings(first: Run, second: Run) -> Table:
    """Return the parameters, versions and code that differ."""
    one, other = (
        {"scenario": run.scenario} | run.parameters | run.versions | run.code
        for run in (first, second)
    )
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    rows = [(name, *(str(run.get(name, "absent")) for run in (one, other))) for name in names]
    return pd.DataFrame(rows, columns=["name", "first", "second"])


def _shared_labels(first: Run, second: Run) -> list[str]:
    """Return the parameters that all points of both runs have, and in which some differ."""
    if not (first.points or second.points):
        return ["exchange"]
    points = [*first.points, *second.points]
    common = [name for name in points[0] if all(name in point for point in points)]
    for run in (first, second):
        if alone := set(run.varying_parameters or ["points"] * (not run.points)) - set(common):
            raise LogError(
                f"{first.folder} and {second.folder} cannot be compared: only {run.folder} has "
                f"{', '.join(sorted(alone))}"
            )
    return [name for name in common if len({point[name] for point in points}) > 1]


def _compare_means(one: Table, other: Table, metric: str, by: list[str]) -> Table:
    """Return the means of a metric in two summaries, and their difference if independent."""
    both = metrics.estimates(one, metric, by).merge(metrics.estimates(other, metric, by), on=by)
    return both[by].assign(
        metric=metric, first=both["mean_x"], second=both["mean_y"],
        difference=both["mean_y"] - both["mean_x"], se=np.hypot(both["se_x"], both["se_y"]),
    )  # fmt: skip


def _pair_replications(first: Run, second: Run, keys: list[str]) -> Table:
    """Return a summary by block of second less first, in the replications of both."""
    by = [*keys, "block", "maker"]
    tables = []
    for piece in totals(first, [*first.varying_parameters, "block"]):
        one = with_point_parameters(piece, first, keys)
        here = {key: one[key].iloc[0] for key in (*keys, "block")}
        other = _read_piece(second, here)
        if other is not None:
            both = one.merge(with_point_parameters(other, second, keys), on=[*by, "replication"])
            known = [name for name in METRICS if name in one and name in other]
            gaps = {name: both[f"{name}_y"] - both[f"{name}_x"] for name in known}
            tables.append(summarise(both[by].assign(**gaps), by))
    return pd.concat(tables, ignore_index=True)


def _read_piece(run: Run, here: dict[str, Any]) -> Table | None:
    """Return a run's totals of one block at one point, or None if it has none."""
    wanted = {
        key: value for key, value in here.items() if key in (*run.varying_parameters, "block")
    }
    if any(run.points[0][key] != here[key] for key in here.keys() - wanted.keys()):
        return None
    table = run.blocks("totals", **wanted)
    return None if table.empty else with_derived_columns(table)
