"""Who is ahead, and when: paired differences in every period, put into words."""

import numpy as np
import pandas as pd

from analysis.metrics import paired_difference
from analysis.precision import CONFIDENCE, interval

Table = pd.DataFrame


def differences(blocks: Table, metric: str, first: str, second: str, *, family: int = 1) -> Table:
    """Return the paired differences of two exchanges in every period, with their intervals.

    All intervals, those of `family` such tables, hold together with 95 % confidence (Bonferroni's
    correction).

    Parameters
    ----------
    blocks : DataFrame
        The summary of the whole market by blocks, for exchanges told apart by `makers`.
    metric : str
    first, second : str
        Two entries of the column `makers`.
    family : int
        How many such tables are to be read together.

    Returns
    -------
    DataFrame
        Columns period, mean, se, count (of blocks), low, high.
    """
    found = paired_difference(blocks, metric, first, second, between="makers", by=["period"])
    return interval(found, 1.0 - (1.0 - CONFIDENCE) / (family * max(1, len(found))))


def lower(found: Table, first: str, second: str) -> str:
    """Say in which periods the first is lower, and in which the second: "optimal 0-8".

    Periods whose intervals hold zero belong to neither, and do not end a reign.

    Parameters
    ----------
    found : DataFrame
        Columns period, low, high, in order of periods.
    first, second : str
        What the two are called.
    """
    ahead = np.where(found["high"] < 0, first, np.where(found["low"] > 0, second, ""))
    decided = found.assign(ahead=ahead)[ahead != ""]
    reigns = decided.groupby((decided["ahead"] != decided["ahead"].shift()).cumsum())
    said = [f"{one['ahead'].iloc[0]} {_span(one['period'])}" for _, one in reigns]
    return ", ".join(said) or "undecided"


def _span(periods: "pd.Series[int]") -> str:
    first, last = periods.iloc[0], periods.iloc[-1]
    return str(first) if first == last else f"{first}-{last}"
