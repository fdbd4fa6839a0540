"""What Mesa's data collector keeps of every period: means over the replications."""

from functools import partial
from typing import Any

from mesa import DataCollector

from abm.numerics.moments import mean_of

METRICS = ("spread", "profit", "no_trade", "pricing_error")  # of `Clearing.metrics`


def make_collector() -> DataCollector:
    """Return a collector of METRICS, for Mesa's own plots and `mesa.batch_run`."""
    return DataCollector(
        model_reporters={metric: partial(average_metric, metric=metric) for metric in METRICS}
    )


def average_metric(market: Any, metric: str) -> float:
    """Return the mean of a metric of the last period over the replications that have it."""
    return mean_of(market.clearing.metrics[metric])
