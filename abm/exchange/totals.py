"""Totals: what each maker made of each replication, over all periods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from abm.exchange.clearing import Clearing
from abm.numerics.arrays import Array, Index
from abm.participants.maker import MarketMaker
from abm.runs.folds import Sum
from abm.runs.metrics import MAKER_TOTALS, MARKET_TOTALS, Total
from abm.runs.parquet import make_table
from abm.runs.schema import TOTALS

Folds = list[tuple[Total, Sum]]


class Totals:
    """Every metric over the periods so far (`abm.runs.metrics`).

    Parameters
    ----------
    makers : sequence of MarketMaker
        Those who quote.
    discount : float
        Of profits, per period.
    """

    def __init__(self, makers: Sequence[MarketMaker], discount: float) -> None:
        def begin(totals: Sequence[Total]) -> Folds:
            return [(total, total.fold(discount, makers[0].noise_sd)) for total in totals]

        self._makers = list(makers)
        self._of_market = begin(MARKET_TOTALS)
        self._of_makers = [begin(MAKER_TOTALS) for _ in makers]

    def add(self, clearing: Clearing) -> None:
        """Take in one period."""
        measured = [clearing.metrics, *(dealing.metrics for dealing in clearing.dealings)]
        for metrics, folds in zip(measured, [self._of_market, *self._of_makers], strict=True):
            for total, fold in folds:
                fold.add(metrics[total.of])

    def table(self, replication: Index) -> pa.Table:
        """Return one row a replication and maker (columns: `abm.runs.schema.TOTALS`)."""
        market = finish(self._of_market, np.full(len(replication), np.nan))
        rows = [
            finish(folds, maker.moments[1]) | market
            for folds, maker in zip(self._of_makers, self._makers, strict=True)
        ]
        labels = pd.Index([maker.label for maker in self._makers], dtype="str")
        codes = np.tile(np.arange(len(labels)), len(replication))
        columns = {name: np.stack([row[name] for row in rows], axis=-1).ravel() for name in rows[0]}
        keys = {
            "replication": np.repeat(replication, len(labels)),
            "maker": pd.Categorical.from_codes(codes, labels),
        }
        return make_table(keys | columns, TOTALS)


def finish(folds: Folds, last: Array) -> dict[str, Array]:
    """Return the results by name, given the sd of a maker's belief after the last trade."""
    return {total.name: fold.finish(last) for total, fold in folds}
