"""What differs between two runs: what was asked, and what came of it in standard errors."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis import metrics
from analysis.load import LogError, Run
from analysis.results import METRICS, totals

Table = pd.DataFrame

CHANCE = 0.05  # of calling equal runs different, over all results together


class Comparison(NamedTuple):
    """Two runs, side by side.

    Parameters
    ----------
    asked : DataFrame
        Parameters and versions that differ: name, first, second.
    results : DataFrame
        What tells points apart, maker, metric, first, second, difference (second less first), se
        and z, the difference in standard errors; the farthest apart first.
    paired : bool
        Whether the seed is the same, so that replications were compared one by one.
    """

    asked: Table
    results: Table
    paired: bool

    @property
    def identical(self) -> int:
        """How many results are the same to the last digit."""
        return int((self.results["difference"] == 0).sum())

    @property
    def limit(self) -> float:
        """The z that the largest of so many results reaches by chance with probability CHANCE."""
        return float(norm.isf(CHANCE / 2 / max(1, len(self.results))))

    @property
    def differ(self) -> bool:
        """Whether some result differs by more than chance explains."""
        return bool((self.results["z"].abs() > self.limit).any())


def compare(first: Run, second: Run) -> Comparison:
    """Return what differs between two runs, at the points that both have.

    Raises
    ------
    LogError
        If they have no point in common, or hold neither totals nor records.
    """
    asked = _differences(first, second)
    keys = _keys(first, second)
    one, other = _placed(first, keys), _placed(second, keys)
    seeds = {run.parameters.get("seed") for run in (first, second)}
    paired = len(seeds) == 1 and None not in seeds
    tables = [
        _paired(one, other, metric, keys) if paired else _apart(one, other, metric, keys)
        for metric in METRICS
        if metric in one and metric in other
    ]
    results = pd.concat(tables, ignore_index=True)
    if results.empty:
        raise LogError(
            f"{first.folder} and {second.folder} have no point in common: compare runs that share "
            f"parameters {', '.join(keys)}"
        )
    exact = results["difference"] == 0
    results["z"] = (results["difference"] / results["se"]).where(~exact, 0.0)
    order = results["z"].abs().sort_values(ascending=False, kind="stable").index
    return Comparison(asked, results.loc[order].reset_index(drop=True), paired)


def _differences(first: Run, second: Run) -> Table:
    asked = [{"scenario": run.scenario} | run.parameters | run.versions for run in (first, second)]
    names = [name for name in {**asked[0], **asked[1]} if asked[0].get(name) != asked[1].get(name)]
    rows = [(name, *(str(one.get(name, "absent")) for one in asked)) for name in names]
    return pd.DataFrame(rows, columns=["name", "first", "second"])


def _keys(first: Run, second: Run) -> list[str]:
    """Return the parameters that tell points of either run apart, and that points of both have."""
    common = [name for name in (first.points or [{}])[0] if name in (second.points or [{}])[0]]
    return [
        name
        for name in common
        if len({str(point[name]) for point in (*first.points, *second.points)}) > 1
    ]


def _placed(run: Run, keys: list[str]) -> Table:
    """Return a run's totals with the parameters of its points."""
    frame = totals(run)
    alike = {name: run.points[0][name] for name in keys if name not in frame}
    frame = frame.assign(**alike)
    names = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(names, "str"))


def _paired(one: Table, other: Table, metric: str, keys: list[str]) -> Table:
    unit = [*keys, "maker", "replication"]
    both = one[[*unit, metric]].merge(other[[*unit, metric]], on=unit)
    both["difference"] = both[f"{metric}_y"] - both[f"{metric}_x"]
    columns = {"first": f"{metric}_x", "second": f"{metric}_y", "difference": "difference"}
    by = [*keys, "maker"]
    means = {name: metrics.estimates(both, column, by) for name, column in columns.items()}
    table = means["difference"].rename(columns={"mean": "difference"}).drop(columns="count")
    first, second = (means[name]["mean"] for name in ("first", "second"))
    table = table.assign(metric=metric, first=first, second=second)
    return table[[*by, "metric", "first", "second", "difference", "se"]]


def _apart(one: Table, other: Table, metric: str, keys: list[str]) -> Table:
    by = [*keys, "maker"]
    both = metrics.estimates(one, metric, by).merge(metrics.estimates(other, metric, by), on=by)
    return both[by].assign(
        metric=metric, first=both["mean_x"], second=both["mean_y"],
        difference=both["mean_y"] - both["mean_x"], se=np.hypot(both["se_x"], both["se_y"]),
    )  # fmt: skip
