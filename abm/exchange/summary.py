"""What a tape says of all replications together: moments of every metric in every period."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.exchange.clearing import Clearing
from abm.numerics.moments import Moments
from abm.runs.schema import PERIOD

Series = tuple[str | None, str]
"""A maker and a metric; without a maker, of the whole market."""


def summarise(clearing: Clearing) -> Moments:
    """Return the moments of a period's metrics: of the market, then of each maker."""
    metrics = [clearing.metrics, *(dealing.metrics for dealing in clearing.dealings)]
    return Moments.of_each([sample for of_one in metrics for sample in of_one.values()])


def tabulate_summary(series: Sequence[Series], periods: Sequence[Moments]) -> pd.DataFrame:
    """Return one row a period and series (columns: `abm.runs.schema.SUMMARY`).

    Each period has the moments of all series, in their order.
    """
    moments = Moments.concatenate([Moments.stack([]), *periods])
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
