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
        every = (moments for period in periods for moments in period.values())
        flat = (part for m in every for part in (m.count, m.mean, m.squares))
        shape = (len(periods), len(series), 3)
        count, mean, squares = np.moveaxis(np.fromiter(flat, np.float64).reshape(shape), -1, 0)
        return cls(series, Moments(count.astype(np.int64), mean, squares))

    def columns(self) -> dict[str, NDArray[Any] | pd.Categorical]:
        """Return one row a period and series, by the columns of `abm.runs.schema.SUMMARY`."""
        periods, width = self.moments.count.shape
        makers, metrics = zip(*self.series, strict=True) if self.series else ((), ())
        return {
            "period": np.repeat(np.arange(periods), width),
            "maker": _tile_names(makers, periods),
            "metric": _tile_names(metrics, periods),
            "count": self.moments.count.ravel(),
            "mean": self.moments.mean.ravel(),
            "variance": self.moments.variance.ravel(),
        }

    def frame(self) -> pd.DataFrame:
        """Return the same as a table."""
        return pd.DataFrame(self.columns()).astype(
            {column.name: column.dtype for column in SUMMARY}
        )


def _tile_names(names: Sequence[str | None], times: int) -> pd.Categorical:
    known = sorted({name for name in names if name is not None})
    codes = np.array([known.index(name) if name is not None else -1 for name in names], np.int8)
    return pd.Categorical.from_codes(np.tile(codes, times), pd.Index(known, dtype="str"))
