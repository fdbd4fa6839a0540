"""Counts, means and variances that merge over blocks of replications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.arrays import Array
from abm.schema import SUMMARY

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and sum of squared deviations of samples, one for each element.

    Parameters
    ----------
    count : ndarray of int
    mean : ndarray
        NaN where the sample is empty.
    squares : ndarray
        Sum of squared deviations from the mean.
    """

    count: Counts
    mean: Array
    squares: Array

    @classmethod
    def of(cls, sample: Array) -> Moments:
        """Return the moments of the values that are not NaN, of shape ()."""
        known = _known(sample)
        mean = mean_of(known)
        squares = np.square(known - mean).sum()
        return cls(np.asarray(known.size), np.asarray(mean), np.asarray(squares))

    @classmethod
    def of_variance(cls, count: Counts, mean: Array, variance: Array) -> Moments:
        """Return the moments of samples of this count, mean and unbiased variance."""
        return cls(count, mean, np.where(count > 1, variance * (count - 1.0), 0.0))

    @property
    def variance(self) -> Array:
        """The unbiased variance; NaN below two values."""
        freedom = np.where(self.count > 1, self.count - 1.0, np.nan)
        return np.asarray(self.squares / freedom)

    @property
    def se(self) -> Array:
        """The standard error of the mean; NaN below two values."""
        return np.sqrt(self.variance / np.maximum(self.count, 1))

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both samples together (Chan, Golub and LeVeque 1983)."""
        count = self.count + other.count
        both = (self.count > 0) & (other.count > 0)
        gap = np.where(both, other.mean - self.mean, 0.0)
        size = np.maximum(count, 1)
        mean = np.where(self.count > 0, self.mean, other.mean) + gap * other.count / size
        between = gap * gap * self.count * other.count / size
        return Moments(count, mean, self.squares + other.squares + between)


def mean_of(sample: Array) -> float:
    """Return the mean of the values that are not NaN, or NaN if there is none."""
    mean = sample.mean() if sample.size else np.nan
    if np.isnan(mean):
        known = _known(sample)
        mean = known.mean() if known.size else np.nan
    return float(mean)


def _known(sample: Array) -> Array:
    missing = np.isnan(sample)
    return sample[~missing] if missing.any() else sample


Series = tuple[str | None, str]
"""A maker and a metric; without a maker, of the whole market."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What a tape says of all replications together.

    Parameters
    ----------
    series : tuple of (maker, metric)
        What is summarised.
    moments : Moments, shape (periods, series)
    """

    series: tuple[Series, ...]
    moments: Moments

    @classmethod
    def of(cls, periods: Sequence[Mapping[Series, Moments]]) -> Summary:
        """Return the summary of periods that hold the same series."""
        series = tuple(periods[0]) if periods else ()
        every = (moments for one in periods for moments in one.values())
        flat = (part for one in every for part in (one.count, one.mean, one.squares))
        shape = (len(periods), len(series), 3)
        count, mean, squares = np.moveaxis(np.fromiter(flat, np.float64).reshape(shape), -1, 0)
        return cls(series, Moments(count.astype(np.int64), mean, squares))

    def columns(self) -> dict[str, NDArray[Any] | pd.Categorical]:
        """Return one row a period and series, by the columns of `abm.schema.SUMMARY`."""
        periods, width = self.moments.count.shape
        makers, metrics = zip(*self.series, strict=True) if self.series else ((), ())
        return {
            "period": np.repeat(np.arange(periods), width),
            "maker": _tiled(makers, periods),
            "metric": _tiled(metrics, periods),
            "count": self.moments.count.ravel(),
            "mean": self.moments.mean.ravel(),
            "variance": self.moments.variance.ravel(),
        }

    def frame(self) -> pd.DataFrame:
        """Return the same as a table."""
        return pd.DataFrame(self.columns()).astype({one.name: one.dtype for one in SUMMARY})


def _tiled(names: Sequence[str | None], times: int) -> pd.Categorical:
    known = sorted({name for name in names if name is not None})
    codes = np.array([known.index(name) if name is not None else -1 for name in names], np.int8)
    return pd.Categorical.from_codes(np.tile(codes, times), pd.Index(known, dtype="str"))
