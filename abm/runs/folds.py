"""Folds: what becomes of a metric over periods, one period after the other."""

from __future__ import annotations

import numpy as np

from abm.numerics.arrays import Array, Flags

LEARNT = 0.5  # information disadvantage below which a maker has learnt the value


class Sum:
    """The sum over periods; what the others are, too: fed with each period, then asked.

    Parameters
    ----------
    discount : float
        Per period.
    noise_sd : float
        In units of price.
    """

    def __init__(self, discount: float, noise_sd: float) -> None:
        self.discount, self.noise_sd = discount, noise_sd
        self.total: Array | float = 0.0

    def add(self, sample: Array) -> None:
        """Take in one period."""
        if isinstance(self.total, float):
            self.total = self.total + sample
        else:
            self.total += sample  # in place: new memory for each period costs more than the sum

    def finish(self, last: Array) -> Array:  # noqa: ARG002, a sum needs no more than periods
        """Return the result, given the sd of a maker's belief after the last trade."""
        return np.array(self.total)


class Loss(Sum):
    """What was lost over all periods."""

    def finish(self, last: Array) -> Array:
        """Return the sum with its sign turned."""
        return -super().finish(last)


class DiscountedSum(Sum):
    """The sum of discount^period times the metric."""

    weight = 1.0
    weighted: Array | None = None

    def add(self, sample: Array) -> None:
        """Take in one period, by its weight."""
        self.weighted = np.multiply(self.weight, sample, out=self.weighted)
        super().add(self.weighted)
        self.weight *= self.discount


class Average(Sum):
    """The mean over the periods in which the metric is defined; NaN if there is none."""

    count: Array | int = 0

    def add(self, sample: Array) -> None:
        """Take in one period; NaN where the metric is missing."""
        missing = np.isnan(sample)
        if missing.any():
            sample = np.where(missing, 0.0, sample)
            self.count = self.count + ~missing
        else:
            self.count = self.count + 1
        super().add(sample)

    def finish(self, last: Array) -> Array:  # noqa: ARG002, nor does a mean
        """Return the means."""
        return self.total / np.where(np.asarray(self.count) > 0, self.count, np.nan)


class Last(Sum):
    """The sd of her belief after the last trade."""

    def add(self, sample: Array) -> None:
        """Pass over a period."""

    def finish(self, last: Array) -> Array:
        """Return the sd by now."""
        return last


class LearningTime(Sum):
    """How many periods a maker starts before her information disadvantage is below LEARNT."""

    learning: Flags | bool = True

    def add(self, sample: Array) -> None:
        """Take in the sd of her belief at the start of a period."""
        self.learning = self.learning & ~(sample < LEARNT * self.noise_sd)
        self.total = np.add(self.total, self.learning)

    def finish(self, last: Array) -> Array:
        """Return the numbers of periods, NaN where she has not learnt by now."""
        never = self.learning & ~(last < LEARNT * self.noise_sd)
        return np.where(never, np.nan, self.total)
