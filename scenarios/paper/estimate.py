"""How a claim of the scenario `paper` is made of estimates."""

import numpy as np
import pandas as pd

from analysis import metrics
from analysis.claims import Claim

SHOCK = 3.0  # the size of shock that the logs hold in full


def compare(
    exhibit: str, says: str, frame: pd.DataFrame, metric: str, other: str, **bounds: float
) -> Claim:
    """Return a claim on by how much more the optimal maker has of a metric than another one."""
    gap = metrics.paired_difference(frame, metric, "optimal", other)
    return make_claim(exhibit, says, gap, **bounds)


def make_claim(
    exhibit: str, says: str, estimate: pd.DataFrame, low: float = -np.inf, high: float = np.inf
) -> Claim:
    """Return a claim measured by a table of one row, with mean, se and count."""
    (row,) = estimate[["mean", "se", "count"]].to_numpy(dtype=float)
    return Claim(exhibit, says, float(row[0]), float(row[1]), int(row[2]), low, high)
