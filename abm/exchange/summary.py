"""What a tape says of all replications together: moments of every metric in every period."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from abm.numerics.moments import Moments
from abm.runs.schema import SUMMARY

Series = tuple[str | None, str]
"""A maker and a metric; without a maker, of the whole market."""


def tabulate_summary(periods: Sequence[Mapping[Series, Moments]]) -> pd.DataFrame:
    """Return one row a period and series (columns: `abm.runs.schema.SUMMARY`).

    All periods hold the same series.
    """
    series = list(periods[0]) if periods else []
    samples = [sample for period in periods for sample in period.values()]
    moments = Moments.stack(samples)
    columns = {
        "period": np.repeat(np.arange(len(periods)), len(series)),
        "maker": [maker for maker, _ in series] * len(periods),
        "metric": [metric for _, metric in series] * len(periods),
        "count": moments.count,
        "mean": moments.mean,
        "variance": moments.variance,
    }
    return pd.DataFrame(columns).astype({column.name: column.dtype for column in SUMMARY})
