"""What Mesa's data collector keeps of every period: means over the replications."""

from functools import partial
from typing import Any

from mesa import DataCollector

from abm.numerics.moments import mean_of

METRICS = ("spread", "profit", "no_trade", "pricing_error")  # of `Clearing.metrics`


def make_collector() -> DataCollector:
    """Return a collector of METRICS, for Mesa's own plots and `mesa.batch_run`.

    Beside them stands how many traders have arrived, because `batch_run` runs one period more than
    its `max_steps` before Mesa 3.5, and numbers them otherwise.
    """
    averages = {metric: partial(average_metric, metric=metric) for metric in METRICS}
    return DataCollector(model_reporters={"arrived": "period"} | averages)


def average_metric(market: Any, metric: str) -> float:
    """Return the mean of a metric of the last period over the replications that have it."""
    return mean_of(market.clearing.metrics[metric])
