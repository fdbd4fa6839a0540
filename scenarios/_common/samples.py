"""What a study says of its samples where intervals of means are not to be trusted."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis import Run
from analysis.results import point_labels
from analysis.skewness import describe_skewed, measure_skewness

FEW = 200  # markets, below which intervals of skewed metrics are too narrow
SKEWED = (
    "{} markets are few: 95 % intervals of skewed metrics hold the mean in fewer samples, from 80 "
    "to 93 % where it was tried (give --replications {} or more)"
)


def describe_samples(log: Run, tables: Mapping[str, pd.DataFrame], replications: int) -> str:
    """Return that markets are few at some point, or which metrics are too skewed for so many.

    Parameters
    ----------
    log : Run
        If it holds totals, how many markets a point has is counted there.
    tables : dict of DataFrame
        What the study found; if some have a column `metric`, of other metrics nothing is said.
    replications : int
        How many markets each point has otherwise.

    Returns
    -------
    str
        A sentence, or "" if there is nothing to say.
    """
    if "totals" not in log.tables:
        return SKEWED.format(replications, FEW) if replications < FEW else ""
    skewness = measure_skewness(log)
    fewest = _count_fewest(skewness, [*point_labels(log), "maker"])
    if fewest < FEW:
        return SKEWED.format(fewest, FEW)
    shown = {name for table in tables.values() if "metric" in table for name in table["metric"]}
    return describe_skewed(skewness[skewness["metric"].isin(shown)] if shown else skewness)


def _count_fewest(skewness: pd.DataFrame, labels: Sequence[str]) -> int:
    """Return how many markets there are at the point that has the fewest; all have a profit."""
    return int(skewness.groupby(list(labels), observed=True)["count"].max().min())
