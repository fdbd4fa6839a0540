"""What a study says of its samples where intervals of means are not to be trusted."""

from collections.abc import Iterator

from analysis import Run
from analysis.skewness import describe_skewed, measure_skewness

FEW = 200  # markets, below which intervals of skewed metrics are too narrow
SKEWED = (
    "{} markets are few: 95 % intervals of skewed metrics hold the mean in fewer samples, from 80 "
    "to 93 % where it was tried (give --replications {} or more)"
)


def describe_samples(log: Run, replications: int) -> Iterator[str]:
    """Yield that markets are few at some point, and which metrics are too skewed for so many.

    Parameters
    ----------
    log : Run
        If it holds totals, how many markets a point has is counted there.
    replications : int
        How many markets each point has otherwise.
    """
    fewest, warning = replications, ""
    if "totals" in log.tables:
        skewness = measure_skewness(log)
        points = [name for name in skewness if name not in {"metric", "skewness", "count"}]
        fewest = int(skewness.groupby(points, observed=True)["count"].max().min())
        warning = describe_skewed(skewness)
    if fewest < FEW:
        yield SKEWED.format(fewest, FEW)
    if warning:
        yield warning
