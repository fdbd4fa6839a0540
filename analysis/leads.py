"""Who is ahead, and when: paired differences in every period, put into words."""

import numpy as np
import pandas as pd

from analysis.metrics import paired_difference
from analysis.precision import CONFIDENCE, interval

Table = pd.DataFrame

NEGLIGIBLE = 1e-6  # noise sds, or probability: about what the solver's last digits make


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


def describe_leads(found: Table, first: str, second: str) -> str:
    """Say in which periods the first is lower, and in which the second: "optimal 0-8".

    Periods that decide nothing, since their intervals hold zero or the difference is negligible,
    do not end a reign, but are counted: "optimal 0-8 (2 undecided)".

    Parameters
    ----------
    found : DataFrame
        Columns period, mean, low, high, in order of periods.
    first, second : str
        What the two are called.
    """
    ahead = np.where(found["high"] < 0, first, np.where(found["low"] > 0, second, ""))
    ahead = np.where(found["mean"].abs() > NEGLIGIBLE, ahead, "")
    decided = found.assign(ahead=ahead)[ahead != ""]
    reigns = decided.groupby((decided["ahead"] != decided["ahead"].shift()).cumsum())
    said = [_describe_lead(found, one["ahead"].iloc[0], one["period"]) for _, one in reigns]
    return ", ".join(said) or "undecided"


def _describe_lead(found: Table, who: str, decided: "pd.Series[int]") -> str:
    first, last = decided.iloc[0], decided.iloc[-1]
    gaps = int(found["period"].between(first, last).sum()) - len(decided)
    span = str(first) if first == last else f"{first}-{last}"
    return f"{who} {span}" + (f" ({gaps} undecided)" if gaps else "")
