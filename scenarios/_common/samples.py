"""What a study says of its samples where intervals of means are not to be trusted."""

from analysis import Run
from analysis.skewness import describe_skewed, measure_skewness

FEW = 200  # markets, below which intervals of skewed metrics are too narrow
SKEWED = (
    "{} markets are few: 95 % intervals of skewed metrics hold the mean in fewer samples, from 80 "
    "to 93 % where it was tried (give --replications {} or more)"
)


def describe_samples(log: Run, replications: int) -> str:
    """Return that markets are few at some point, or which metrics are too skewed for so many.

    Parameters
    ----------
    log : Run
        If it holds totals, how many markets a point has is counted there.
    replications : int
        How many markets each point has otherwise.

    Returns
    -------
    str
        A sentence, or "" if there is nothing to say.
    """
    fewest, warning = replications, ""
    if "totals" in log.tables:
        skewness = measure_skewness(log)
        points = [name for name in skewness if name not in {"metric", "skewness", "count"}]
        fewest = int(skewness.groupby(points, observed=True)["count"].max().min())
        warning = describe_skewed(skewness)
    return SKEWED.format(fewest, FEW) if fewest < FEW else warning
