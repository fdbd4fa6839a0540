"""Two runs compared: their settings by name, their results in standard errors."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from abm.numerics.intervals import find_chance_of_agreement, find_half_width
from analysis.consistency import require_points_of_data
from analysis.load import LogError, Run
from analysis.results import (
    METRICS,
    estimate_all_metrics,
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
        The point labels, maker, metric, first, second, difference (second less first), se, z (the
        difference in standard errors) and limit, the z that any result of equal runs exceeds with
        probability CHANCE; in descending order of z / limit.
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
    def differ(self) -> bool:
        """Whether some difference is significant."""
        return bool((self.results["z"].abs() > self.results["limit"]).any())


def compare(first: Run, second: Run) -> Comparison:
    """Return what differs between two runs, at the points that both have.

    Raises
    ------
    LogError
        If they have no point in common, hold neither totals nor records, or have points that are
        not those of their data.
    """
    for run in (first, second):
        require_points_of_data(run)
    keys = _shared_labels(first, second)
    results = _compare_means(first, second, keys)
    if results.empty:
        raise LogError(
            f"{first.folder} and {second.folder} have no point and maker in common: compare runs "
            f"that share some"
        )
    seeds = [run.parameters.get("seed") for run in (first, second)]
    seeded = seeds[0] == seeds[1] and seeds[0] is not None
    paired = seeded and bool(first.points and second.points)
    if paired:
        differences = _compare_replications(first, second, keys)
        results = results.drop(columns=["difference", "se", "count", "number"])
        results = results.merge(differences, on=[*keys, "maker", "metric"])
    return Comparison(_list_settings(first, second), _judge(results), paired)


def _list_settings(first: Run, second: Run) -> Table:
    """Return the parameters, versions and code that differ."""
    before, after = (
        {"scenario": run.scenario} | run.parameters | run.versions | run.code
        for run in (first, second)
    )
    rows = [
        (name, str(before.get(name, "absent")), str(after.get(name, "absent")))
        for name in before | after
        if before.get(name) != after.get(name)
    ]
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


def _compare_means(first: Run, second: Run, keys: list[str]) -> Table:
    """Return every metric's mean in each run, and their difference as if independent."""
    summaries = [with_point_parameters(totals_by_block(run), run, keys) for run in (first, second)]
    means = [estimate_all_metrics(summary, [*keys, "maker"]) for summary in summaries]
    by = [*keys, "maker", "metric"]
    both = means[0].merge(means[1], on=by)
    return both[by].assign(
        first=both["mean_x"], second=both["mean_y"],
        difference=both["mean_y"] - both["mean_x"], se=np.hypot(both["se_x"], both["se_y"]),
        count=both[["count_x", "count_y"]].min(axis=1), number=both["count_x"] + both["count_y"],
    )  # fmt: skip


def _compare_replications(first: Run, second: Run, keys: list[str]) -> Table:
    """Return the mean of second less first with its se, in the replications of both."""
    summary = summarise(_walk_differences(first, second, keys), [*keys, "block", "maker"])
    means = estimate_all_metrics(summary, [*keys, "maker"])
    means = means.assign(number=means["count"])
    return means.drop(columns=["low", "high"]).rename(columns={"mean": "difference"})


def _walk_differences(first: Run, second: Run, keys: list[str]) -> Iterator[Table]:
    """Yield second less first, by replication, of each piece that both have."""
    by = [*keys, "block", "maker"]
    for piece in totals(first, [*first.varying_parameters, "block"]):
        rows = with_point_parameters(piece, first, keys)
        other_piece = _read_piece(second, {key: rows[key].iloc[0] for key in (*keys, "block")})
        if other_piece is not None:
            other_rows = with_point_parameters(other_piece, second, keys)
            both = rows.merge(other_rows, on=[*by, "replication"])
            known = [metric for metric in METRICS if metric in rows and metric in other_rows]
            gaps = {metric: both[f"{metric}_y"] - both[f"{metric}_x"] for metric in known}
            yield both[by].assign(**gaps)


def _read_piece(run: Run, labels: dict[str, Any]) -> Table | None:
    """Return a run's totals of one block at one point, or None if it has none."""
    own = {key: labels[key] for key in labels if key in (*run.varying_parameters, "block")}
    if any(run.points[0][key] != labels[key] for key in labels.keys() - own.keys()):
        return None
    table = run.blocks("totals", **own)
    return None if table.empty else with_derived_columns(table)


def _judge(results: Table) -> Table:
    """Return the results with z and its limit, in descending order of z / limit.

    The limit is Student's, with the degrees of freedom of the smaller run, which is on the safe
    side of Welch's. Where all observations differ by one amount, without any standard error, it is
    infinite while that is likely by chance.
    """
    size = results[["first", "second"]].abs().max(axis=1)
    same = results["difference"].abs() <= ROUNDING * size
    z = (results["difference"] / results["se"]).where(~same, 0.0)
    chance = CHANCE / len(results)
    limit = find_half_width(1.0, results["count"], 1 - chance)
    by_chance = (results["se"] == 0) & (find_chance_of_agreement(results["number"]) > chance)
    limit = np.where(by_chance, np.inf, limit)
    order = (z.abs() / limit).sort_values(ascending=False, kind="stable").index
    return (
        results.drop(columns=["count", "number"])
        .assign(z=z, limit=limit)
        .loc[order]
        .reset_index(drop=True)
    )
