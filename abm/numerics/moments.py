"""Counts, means and variances that merge over blocks of replications."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abm.numerics.arrays import Array

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean (NaN if empty) and sum of squared deviations of samples, one for each element."""

    count: Counts
    mean: Array
    squares: Array

    @classmethod
    def of(cls, sample: Array) -> Moments:
        """Return the moments of the values that are not NaN, of shape ()."""
        numbers = _drop_missing(sample)
        mean = mean_of(numbers)
        squares = np.square(numbers - mean).sum()
        return cls(np.asarray(numbers.size), np.asarray(mean), np.asarray(squares))

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

    def merge(self, other: Moments) -> Moments:
        """Return the moments of the two samples taken as one (Chan, Golub and LeVeque 1983)."""
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
        numbers = _drop_missing(sample)
        mean = numbers.mean() if numbers.size else np.nan
    return float(mean)


def _drop_missing(sample: Array) -> Array:
    missing = np.isnan(sample)
    return sample[~missing] if missing.any() else sample
