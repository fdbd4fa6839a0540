"""What a tape says of all replications together: moments of every metric in every period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.numerics.moments import Moments
from abm.runs.schema import SUMMARY

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
        """Return one row a period and series, by the columns of `abm.runs.schema.SUMMARY`."""
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
