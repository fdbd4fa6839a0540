"""What Mesa's data collector keeps of every period: means over the replications."""

from functools import partial
from typing import Any

from mesa import DataCollector

from abm.numerics.moments import mean_of
from abm.runs.metrics import OF_MARKET, list_headlines


def make_collector() -> DataCollector:
    """Return a collector of the market's headlines, for Mesa's own plots and `mesa.batch_run`.

    Beside them stands how many traders have arrived, because `batch_run` runs one period more than
    its `max_steps` before Mesa 3.5, and numbers them otherwise.
    """
    averages = {name: partial(average_metric, metric=name) for name in list_headlines(OF_MARKET)}
    return DataCollector(model_reporters={"arrived": "period"} | averages)


def average_metric(market: Any, metric: str) -> float:
    """Return the mean of a metric of the last period over the replications that have it."""
    return mean_of(market.clearing.metrics[metric])
