"""Counts, means and variances that merge over blocks of replications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.numerics.arrays import Array

Counts = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]

SMALL = 1_000  # up to so many, calling costs more than reading
ROUNDING = 1e-14  # relative difference of values that are alike but for the order of operations


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean (NaN if empty) and sum of squared deviations of samples, one for each element."""

    count: Counts
    mean: Array
    squares: Array

    @classmethod
    def of(cls, sample: Array) -> Moments:
        """Return the moments of what is not NaN, of shape (); with no rounding if all are alike."""
        numbers = sample.ravel()
        mean = _find_mean(numbers)
        if isnan(mean):
            numbers = _drop_missing(numbers)
            mean = _find_mean(numbers)
        if numbers.size and numbers[0] == numbers[-1] and (numbers == numbers[0]).all():
            mean = float(numbers[0])
        gap = numbers - mean
        squares = np.add.reduce(np.square(gap, out=gap))
        return cls(np.asarray(numbers.size), np.asarray(mean), np.asarray(squares))

    @classmethod
    def of_each(cls, samples: Sequence[Array]) -> Moments:
        """Return the moments of n samples of one size, shape (R,), in arrays of shape (n,).

        Each has the bytes that `of` gives it. Small ones are taken as the rows of one array; of
        others one that is given twice is taken once.
        """
        size = samples[0].size
        if size > SMALL:
            distinct = {id(sample): sample for sample in samples}
            moments = {key: cls.of(sample) for key, sample in distinct.items()}
            return cls.stack(moments[id(sample)] for sample in samples)
        rows = np.array(samples)
        count, mean = np.full(len(rows), size), np.add.reduce(rows, axis=-1) / size
        alike = (rows == rows[:, :1]).all(axis=-1)
        np.copyto(mean, rows[:, 0], where=alike)
        squares = np.add.reduce(np.square(rows - mean[:, np.newaxis]), axis=-1)
        for row in np.flatnonzero(np.isnan(mean)):
            alone = cls.of(rows[row])
            count[row], mean[row], squares[row] = alone.count, alone.mean, alone.squares
        return cls(count, mean, squares)

    @classmethod
    def stack(cls, samples: Iterable[Moments]) -> Moments:
        """Return the moments of n samples, each of shape (), in arrays of shape (n,)."""
        parts = [(sample.count, sample.mean, sample.squares) for sample in samples]
        count, mean, squares = np.array(parts, float).reshape(-1, 3).T
        return cls(count.astype(np.int64), mean, squares)

    @classmethod
    def concatenate(cls, parts: Sequence[Moments]) -> Moments:
        """Return the moments of all samples, shape (n,), of at least one array of them each."""
        arrays = zip(*((part.count, part.mean, part.squares) for part in parts), strict=True)
        return cls(*map(np.concatenate, arrays))

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
        """The standard error of the mean; NaN below two values, 0 if they differ by rounding."""
        return drop_rounding(np.sqrt(self.variance / np.maximum(self.count, 1)), self.mean)

    def pool(self, group: Labels, groups: int) -> Moments:
        """Return the moments of the samples of each group taken as one.

        Deviations are taken from the mean of a group's first sample, so that a group of one sample
        keeps every digit (Chan, Golub and LeVeque 1983).

        Parameters
        ----------
        group : ndarray of int, shape (n,)
            To which of the `groups` groups each of n samples belongs.
        """
        count = np.bincount(group, self.count, groups)
        some = self.count > 0
        first = np.full(groups, np.nan)
        first[group[some][::-1]] = self.mean[some][::-1]
        shift = self._weigh(group, groups, np.where(some, self.mean - first[group], 0.0))
        mean = first + shift / np.maximum(count, 1)
        gap = np.where(some, self.mean - mean[group], 0.0)
        squares = np.bincount(group, self.squares, groups) + self._weigh(group, groups, gap * gap)
        return Moments(count.astype(np.int64), mean, squares)

    def accumulate(self) -> Moments:
        """Return the moments of the first, the first two, ... of n samples taken as one."""
        some = self.count > 0
        centre = np.average(self.mean[some], weights=self.count[some]) if some.any() else np.nan
        gap = np.where(some, self.mean - centre, 0.0)  # deviations from the mean lose no digits
        count, shift = np.cumsum(self.count), np.cumsum(self.count * gap)
        size = np.maximum(count, 1)
        squares = np.cumsum(self.squares + self.count * gap * gap) - shift * shift / size
        mean = np.where(count > 0, centre + shift / size, np.nan)
        return Moments(count, mean, np.maximum(squares, 0.0))

    def _weigh(self, group: Labels, groups: int, values: Array) -> Array:
        """Return the sum of a value of each sample over its observations, by group."""
        return np.asarray(np.bincount(group, self.count * values, groups), np.float64)


def drop_rounding(se: Array, mean: Array) -> Array:
    """Return standard errors, 0 where they are what rounding makes of values that are alike."""
    return np.where(np.asarray(se) <= ROUNDING * np.abs(mean), 0.0, se)


def mean_of(sample: Array) -> float:
    """Return the mean of the values that are not NaN, or NaN if there is none."""
    mean = _find_mean(sample)
    return _find_mean(_drop_missing(sample)) if isnan(mean) else mean


def _find_mean(sample: Array) -> float:
    """Return the mean as `sample.mean()` does, which takes thrice as long where numbers are few."""
    return float(np.add.reduce(sample, axis=None) / sample.size) if sample.size else nan


def _drop_missing(sample: Array) -> Array:
    missing = np.isnan(sample)
    return sample[~missing] if missing.any() else sample
