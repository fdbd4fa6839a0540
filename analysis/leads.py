"""Which of two exchanges is lower, and in which periods: paired differences, in words."""

import numpy as np
import pandas as pd

from abm.numerics.intervals import CONFIDENCE, find_chance_of_agreement
from analysis.metrics import add_interval, paired_difference

Table = pd.DataFrame

NEGLIGIBLE = 1e-6  # noise sds, or probability: about the error of the solver


def differences(blocks: Table, metric: str, first: str, second: str, *, family: int = 1) -> Table:
    """Return the paired differences of two exchanges in every period, with their intervals.

    All intervals of `family` such tables hold jointly with 95 % confidence (Bonferroni's
    correction). Where all blocks differ by one amount, as at the first quotes, which no trader has
    yet changed, that is the difference if so many seldom agree by chance; with fewer blocks there
    is no interval.

    Parameters
    ----------
    blocks : DataFrame
        The summary of the whole market by block; its column `makers` names exchanges, as `first`
        and `second` do.

    Returns
    -------
    DataFrame
        Columns period, mean, se, count (of blocks), low, high.
    """
    table = paired_difference(blocks, metric, first, second, between="makers", by=["period"])
    chance = (1.0 - CONFIDENCE) / (family * max(1, len(table)))
    table = add_interval(table, 1.0 - chance)
    sure = (table["se"] == 0) & (find_chance_of_agreement(table["count"]) <= chance)
    ends = {end: table[end].mask(sure, table["mean"]) for end in ("low", "high")}
    return table.assign(**ends)


def describe_leads(table: Table, first: str, second: str) -> str:
    """Return the periods in which the first is lower, and the second, in words: "optimal 0-8".

    Undecided periods, whose interval contains zero or whose difference is negligible, do not end a
    span of periods led by one exchange, but are counted: "optimal 0-8 (2 undecided)".

    The table has the columns period, mean, low and high, in order of periods.
    """
    lower = np.where(table["high"] < 0, first, np.where(table["low"] > 0, second, ""))
    lower = np.where(table["mean"].abs() > NEGLIGIBLE, lower, "")
    decided = table.assign(lower=lower)[lower != ""]
    spans = decided.groupby((decided["lower"] != decided["lower"].shift()).cumsum())
    words = [_describe_lead(table, span["lower"].iloc[0], span["period"]) for _, span in spans]
    return ", ".join(words) or "undecided"


def _describe_lead(table: Table, name: str, decided: "pd.Series[int]") -> str:
    first, last = decided.iloc[0], decided.iloc[-1]
    gaps = int(table["period"].between(first, last).sum()) - len(decided)
    span = str(first) if first == last else f"{first}-{last}"
    return f"{name} {span}" + (f" ({gaps} undecided)" if gaps else "")
