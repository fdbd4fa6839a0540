"""Counts, means and variances that merge over blocks of replications."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from abm.arrays import Array
from abm.schema import SUMMARY


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of a sample.

    Parameters
    ----------
    count : int
    mean : float
        NaN if the sample is empty.
    squares : float
        Sum of squared deviations from the mean.
    """

    count: int
    mean: float
    squares: float

    @classmethod
    def of(cls, sample: Array) -> Moments:
        """Return the moments of the values that are not NaN."""
        known = _known(sample)
        mean = mean_of(known)
        return cls(known.size, mean, float(np.square(known - mean).sum()))

    @property
    def variance(self) -> float:
        """The unbiased variance; NaN below two values."""
        return self.squares / (self.count - 1) if self.count > 1 else np.nan

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both samples together (Chan, Golub and LeVeque 1983)."""
        if not (self.count and other.count):
            return other if other.count else self
        count = self.count + other.count
        gap = other.mean - self.mean
        return Moments(
            count,
            self.mean + gap * other.count / count,
            self.squares + other.squares + gap * gap * self.count * other.count / count,
        )


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


Summary = list[dict[tuple[str | None, str], Moments]]
"""For each period, the moments of each (maker, metric); without a maker, of the market."""


def merged(first: Summary, second: Summary) -> Summary:
    """Return the summary of two blocks of replications together."""
    return [
        {key: moments.merged(other[key]) for key, moments in one.items()}
        for one, other in zip(first, second, strict=True)
    ]


def summary_frame(summary: Summary) -> pd.DataFrame:
    """Return a summary as a table (columns: `abm.schema.SUMMARY`)."""
    rows = [
        (period, maker, metric, moments.count, moments.mean, moments.variance)
        for period, of_period in enumerate(summary)
        for (maker, metric), moments in of_period.items()
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in SUMMARY])
    return frame.astype({column.name: column.dtype for column in SUMMARY})
