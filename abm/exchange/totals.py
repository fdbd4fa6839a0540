"""Totals: what each maker made of each replication, over all periods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from abm.exchange.clearing import Clearing
from abm.numerics.arrays import Array, Flags, Index
from abm.participants.maker import MarketMaker
from abm.runs.parquet import make_table
from abm.runs.schema import TOTALS

LEARNT = 0.5  # information disadvantage below which a maker has learnt the value


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
        self._accounts = [Account(LEARNT * maker.noise_sd) for maker in self._makers]
        self._discount = discount
        self._weight = 1.0
        self._market = {name: Average() for name in ("spread", "no_trade", "pricing_error")}
        self._surplus: Array | float = 0.0

    def add(self, clearing: Clearing) -> None:
        """Take in one period."""
        for name, average in self._market.items():
            average.add(clearing.metrics[name])
        self._surplus = self._surplus + clearing.metrics["surplus"]
        for account, dealing in zip(self._accounts, clearing.dealings, strict=True):
            account.add(dealing.metrics, self._weight)
        self._weight *= self._discount

    def table(self, replication: Index) -> pa.Table:
        """Return one row a replication and maker (columns: `abm.runs.schema.TOTALS`)."""
        accounts = [
            account.columns(maker.moments[1])
            for account, maker in zip(self._accounts, self._makers, strict=True)
        ]
        averages = {name: average.mean() for name, average in self._market.items()}
        market = {
            "inside_spread": averages.pop("spread"),
            "traders_gain": -np.sum([account["profit"] for account in accounts], axis=0),
            "surplus": np.asarray(self._surplus),
        } | averages
        rows = [account | market for account in accounts]
        labels = pd.Index([maker.label for maker in self._makers], dtype="str")
        codes = np.tile(np.arange(len(labels)), len(replication))
        columns = {name: np.stack([row[name] for row in rows], axis=-1).ravel() for name in rows[0]}
        keys = {
            "replication": np.repeat(replication, len(labels)),
            "maker": pd.Categorical.from_codes(codes, labels),
        }
        return make_table(keys | columns, TOTALS)


class Account:
    """One maker's totals.

    Parameters
    ----------
    learnt : float
        The sd of her belief below which she has learnt the value, in units of price.
    """

    def __init__(self, learnt: float) -> None:
        self._learnt = learnt
        self._discounted: Array | float = 0.0
        self._profit: Array | float = 0.0
        self._trades: Array | float = 0.0
        self._spread = Average()
        self._learning: Flags | bool = True
        self._learning_time: Array | float = 0.0

    def add(self, metrics: dict[str, Array], weight: float) -> None:
        """Take in one period, whose profit is discounted by this weight."""
        self._discounted = self._discounted + weight * metrics["profit"]
        self._profit = self._profit + metrics["profit"]
        self._trades = self._trades + metrics["filled"]
        self._spread.add(metrics["spread"])
        self._learning = self._learning & ~(metrics["belief_sd"] < self._learnt)
        self._learning_time = np.add(self._learning_time, self._learning)

    def columns(self, belief_sd: Array) -> dict[str, Array]:
        """Return the totals by their columns, given the sd of her belief by now."""
        never = self._learning & ~(belief_sd < self._learnt)
        return {
            "discounted_profit": np.asarray(self._discounted),
            "profit": np.asarray(self._profit),
            "trades": np.asarray(self._trades),
            "spread": self._spread.mean(),
            "belief_sd": belief_sd,
            "learning_time": np.where(never, np.nan, self._learning_time),
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
