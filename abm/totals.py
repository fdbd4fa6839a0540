"""Totals: what each maker made of each replication, over all periods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from abm.arrays import Array, Index
from abm.clearing import Clearing
from abm.makers.base import MarketMaker
from abm.schema import TOTALS
from abm.tables import typed


class Totals:
    """Sums and means over the periods so far.

    Parameters
    ----------
    makers : sequence of MarketMaker
        Those who quote.
    discount : float
        Of profits, per period.
    """

    def __init__(self, makers: Sequence[MarketMaker], discount: float) -> None:
        self._makers = list(makers)
        self._accounts = [Account() for _ in self._makers]
        self._discount = discount
        self._weight = 1.0
        self._no_trade, self._pricing_error = Average(), Average()

    def add(self, clearing: Clearing) -> None:
        """Take in one period."""
        self._no_trade.add(clearing.metrics["no_trade"])
        self._pricing_error.add(clearing.metrics["pricing_error"])
        for account, dealing in zip(self._accounts, clearing.dealings, strict=True):
            account.add(dealing.metrics, self._weight)
        self._weight *= self._discount

    def table(self, replication: Index) -> pa.Table:
        """Return one row a replication and maker (columns: `abm.schema.TOTALS`)."""
        of_market = {
            "no_trade": self._no_trade.mean(),
            "pricing_error": self._pricing_error.mean(),
        }
        hers = [
            account.columns() | of_market | {"belief_sd": maker.belief.sd}
            for account, maker in zip(self._accounts, self._makers, strict=True)
        ]
        labels = pd.Index([maker.label for maker in self._makers], dtype="str")
        seats = np.tile(np.arange(len(labels)), len(replication))
        columns = {name: np.stack([one[name] for one in hers], axis=-1).ravel() for name in hers[0]}
        keys = {
            "replication": np.repeat(replication, len(labels)),
            "maker": pd.Categorical.from_codes(seats, labels),
        }
        return typed(keys | columns, TOTALS)


class Account:
    """One maker's totals."""

    def __init__(self) -> None:
        self._discounted: Array | float = 0.0
        self._profit: Array | float = 0.0
        self._trades: Array | float = 0.0
        self._spread = Average()

    def add(self, metrics: dict[str, Array], weight: float) -> None:
        """Take in one period, whose profit is discounted by this weight."""
        self._discounted = self._discounted + weight * metrics["profit"]
        self._profit = self._profit + metrics["profit"]
        self._trades = self._trades + metrics["filled"]
        self._spread.add(metrics["spread"])

    def columns(self) -> dict[str, Array]:
        """Return the totals by their columns."""
        return {
            "discounted_profit": np.asarray(self._discounted),
            "profit": np.asarray(self._profit),
            "trades": np.asarray(self._trades),
            "spread": self._spread.mean(),
        }


class Average:
    """The mean over periods of a metric that may be missing in some, for each replication."""

    def __init__(self) -> None:
        self._sum: Array | float = 0.0
        self._count: Array | int = 0

    def add(self, metric: Array) -> None:
        """Take in one period; NaN where the metric is missing."""
        missing = np.isnan(metric)
        if missing.any():
            metric = np.where(missing, 0.0, metric)
            self._count = self._count + ~missing
        else:
            self._count = self._count + 1
        self._sum = self._sum + metric

    def mean(self) -> Array:
        """Return the means, NaN where the metric was never there."""
        return self._sum / np.where(np.asarray(self._count) > 0, self._count, np.nan)
