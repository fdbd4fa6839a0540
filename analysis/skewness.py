"""Skewness: which samples are too skewed for the intervals of their means to be trusted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.numerics.arrays import Array
from abm.numerics.intervals import is_skewed
from analysis.columns import drop_repeated_labels
from analysis.load import Run
from analysis.metrics import FRACTIONS
from analysis.results import HEADLINES, point_labels, totals

Table = pd.DataFrame

MOST = 3  # groups of samples that a warning names


def measure_skewness(run: Run) -> Table:
    """Return the skewness of the totals of all replications, at each point and maker.

    Metrics are those of `analysis.results.HEADLINES` that are no fractions, whose intervals hold
    whatever their skewness. One block at a time is in memory.

    Returns
    -------
    DataFrame
        The point labels, then maker, metric, skewness, count.
    """
    labels = [*point_labels(run), "maker"]
    sums: dict[Any, tuple[Array, Array]] = {}
    for piece in totals(run, [*labels[:-1], "block"]):
        known = [name for name in HEADLINES if name in piece and name not in FRACTIONS]
        for names, rows in piece.groupby(labels, observed=True, sort=False):
            sample = rows[known].to_numpy(float)
            sample = np.where(np.isfinite(sample), sample, np.nan)
            centre, before = sums.get(names, (np.nan_to_num(sample[0]), np.zeros((4, len(known)))))
            gaps = sample - centre
            squares = gaps * gaps
            powers = [np.nansum(power, axis=0) for power in (gaps, squares, squares * gaps)]
            powers = [np.isfinite(gaps).sum(axis=0).astype(float), *powers]
            sums[names] = centre, np.add(before, powers)
    parts = [
        pd.DataFrame({"metric": known, "skewness": _find_skewness(powers), "count": powers[0]})
        .assign(**dict(zip(labels, names, strict=True)))
        for names, (_, powers) in sums.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)[[*labels, "metric", "skewness", "count"]]


def _find_skewness(sums: Array) -> Array:
    """Return skewness from the count, and the sums of three powers of deviations; NaN if none."""
    count, first, second, third = sums
    size = np.where(count > 2, count, np.nan)
    mean, square, cube = first / size, second / size, third / size
    variance = square - mean**2
    spread = np.where(variance > 1e-12 * square, variance, np.nan)
    central = (cube - 3 * mean * square + 2 * mean**3) / spread**1.5
    return np.asarray(central * np.sqrt(size * (size - 1)) / (size - 2))


def skewness_of(markets: Table, metric: str, keys: Sequence[str]) -> Table:
    """Return the skewness and the count of a metric's sample: `keys`, metric, skewness, count."""
    groups = markets.groupby(list(keys), observed=True)[metric]
    table = groups.agg(skewness="skew", count="count").reset_index()
    return table.assign(metric=metric)[[*keys, "metric", "skewness", "count"]]


def describe_skewed(skewness: Table) -> str:
    """Return a warning that names the samples which are too skewed for an interval, or "".

    Parameters
    ----------
    skewness : DataFrame
        Columns skewness and count, and others that tell the samples apart.

    Examples
    --------
    >>> table = pd.DataFrame({"maker": ["optimal"], "prior_sd": [3.0], "metric": ["profit"]})
    >>> warning = describe_skewed(table.assign(skewness=-9.5, count=1000))
    >>> warning.partition("1977): ")[2]
    'optimal, profit at prior_sd 3 (skewness -9.5)'
    """
    rows = skewness[is_skewed(skewness["skewness"], skewness["count"])]
    labels = [name for name in rows if name not in {"skewness", "count", "prior_sd"}]
    keys = drop_repeated_labels(skewness, labels)
    said = []
    for names, group in rows.groupby(keys, observed=True, sort=False):
        shocks = group.get("prior_sd", pd.Series(np.nan, group.index))
        at = [
            f"{'' if np.isnan(shock) else f'{shock:g} '}(skewness {value:.3g})"
            for shock, value in zip(shocks, group["skewness"], strict=True)
        ]
        where = " at prior_sd" if "prior_sd" in group else ""
        words = [
            name if isinstance(name, str) else f"{key} {name}"
            for key, name in zip(keys, names, strict=True)
        ]
        said.append(f"{', '.join(words)}{where} {', '.join(at)}")
    if not said:
        return ""
    more = f"; and {len(said) - MOST} more" if len(said) > MOST else ""
    return (
        f"Do not trust these intervals, whose samples are too skewed for so few markets "
        f"(below 25 skewness^2, Cochran 1977): {'; '.join(said[:MOST])}{more}"
    )
