"""Intervals as tests expect them, by SciPy's distributions."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

ROUNDING = 1e-12  # relative; what a standard error of numbers that are all alike may come to


def expect_interval(mean: Any, se: Any, count: Any, confidence: float = 0.95) -> pd.DataFrame:
    """Return mean, se, count, low and high, by Student's t; no ends where all are alike."""
    table = pd.DataFrame(np.atleast_1d(mean, se, count), ["mean", "se", "count"]).T
    table["se"] = table["se"].where(table["se"] > ROUNDING * table["mean"].abs(), 0.0)
    half = stats.t.ppf(0.5 + confidence / 2, table["count"] - 1) * table["se"]
    half = half.where(table["se"] > 0)
    return table.assign(low=table["mean"] - half, high=table["mean"] + half)
