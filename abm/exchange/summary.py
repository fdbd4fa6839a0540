"""What a tape says of all replications together: moments of every metric in every period."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.numerics.moments import Moments
from abm.runs.schema import PERIOD

Series = tuple[str | None, str]
"""A maker and a metric; without a maker, of the whole market."""


def tabulate_summary(periods: Sequence[Mapping[Series, Moments]]) -> pd.DataFrame:
    """Return one row a period and series (columns: `abm.runs.schema.SUMMARY`).

    All periods hold the same series.
    """
    series = list(periods[0]) if periods else []
    moments = Moments.stack(sample for period in periods for sample in period.values())
    columns = {
        "period": np.repeat(np.arange(len(periods), dtype=PERIOD.dtype), len(series)),
        "maker": repeat_names([maker for maker, _ in series], len(periods)),
        "metric": repeat_names([metric for _, metric in series], len(periods)),
        "count": moments.count,
        "mean": moments.mean,
        "variance": moments.variance,
    }
    return pd.DataFrame(columns)


def repeat_names(names: Sequence[Any], times: int) -> pd.Categorical:
    """Return names, None among them, in their order so many times over."""
    once = pd.Categorical(names)
    return pd.Categorical.from_codes(np.tile(once.codes, times), once.categories)
