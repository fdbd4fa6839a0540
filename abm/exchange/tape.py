"""The tape: what happened in every period, kept in full or as summaries."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from abm.exchange.clearing import Clearing
from abm.exchange.summary import Series, tabulate_summary
from abm.numerics.arrays import Array, Index
from abm.numerics.checks import require_one_of
from abm.numerics.describe import describe, draw_thumbnail, list_some, make_html, show_count
from abm.numerics.moments import Moments, mean_of
from abm.runs.metrics import find_spread
from abm.runs.schema import KEYS, MAKERS, MARKET, TRADER, Column

RECORDS = ("full", "summary")


class Tape:
    """What happened in each period so far.

    Parameters
    ----------
    labels, traders : sequence of str
        The labels of makers, and of the types of traders.
    replication : ndarray of int, shape (R,)
        The numbers of the replications.
    record : {"full", "summary"}
        Whether to keep every replication, or count, mean and variance over them.
    """

    def __init__(
        self, labels: Sequence[str], traders: Sequence[str], replication: Index, record: str
    ) -> None:
        self._labels, self._traders = list(labels), list(traders)
        self._replication = replication
        self.full = require_one_of("record", record, RECORDS) == "full"
        self._clearings: list[Clearing] = []
        self._summaries: list[dict[Series, Moments]] = []

    def __repr__(self) -> str:
        return describe(self, *self._describe())

    def _repr_html_(self) -> str:
        makers, periods, markets, record = self._describe()
        rows = {"makers": makers, "length": periods, "replications": markets, "record": record}
        return make_html("Tape", rows, draw_thumbnail(self.spreads, "mean spread by period"))

    def _describe(self) -> tuple[str, str, str, str]:
        """Return what matters of the tape: makers, periods, replications, record."""
        record = "all recorded" if self.full else "summaries only"
        periods = show_count(len(self._clearings) + len(self._summaries), "period")
        return (
            list_some(self._labels),
            periods,
            show_count(len(self._replication), "market"),
            record,
        )

    @property
    def spreads(self) -> list[float]:
        """The mean inside spread of each period, over the replications where it is two-sided."""
        if not self.full:
            return [float(period[None, "spread"].mean) for period in self._summaries]
        insides = (clearing.inside for clearing in self._clearings)
        return [mean_of(find_spread(quote.bid, quote.ask)) for quote in insides]

    def add(self, clearing: Clearing) -> None:
        """Append one period."""
        if self.full:
            self._clearings.append(clearing.copy())
        else:
            self._summaries.append(self._summarise(clearing))

    @property
    def market(self) -> pd.DataFrame:
        """One row a replication and period (columns: `abm.runs.schema.MARKET`)."""
        return self._tabulate(MARKET, [[clearing] for clearing in self._require_clearings()], 1)

    @property
    def makers(self) -> pd.DataFrame:
        """One row a replication, period and maker (columns: `abm.runs.schema.MAKERS`)."""
        dealings = [clearing.dealings for clearing in self._require_clearings()]
        return self._tabulate(MAKERS, dealings, len(self._labels))

    @property
    def summary(self) -> pd.DataFrame:
        """One row a period, maker and metric (columns: `abm.runs.schema.SUMMARY`)."""
        if not self.full:
            return tabulate_summary(self._summaries)
        # of copies, for a clearing keeps the metrics that it is asked for
        return tabulate_summary([self._summarise(period.copy()) for period in self._clearings])

    def discounted_profit(self, discount: float) -> Array:
        """Return the sum of discount^period * profit, shape (makers, R), in units of price."""
        total = np.zeros((len(self._labels), len(self._replication)))
        weight = 1.0
        for clearing in self._require_clearings():
            total += weight * np.array([dealing.profit for dealing in clearing.dealings])
            weight *= discount
        return total

    def _require_clearings(self) -> list[Clearing]:
        if not self.full:
            raise ValueError(
                'this tape keeps summaries only: read .summary, or give record="full" to Exchange'
            )
        return self._clearings

    def _summarise(self, clearing: Clearing) -> dict[Series, Moments]:
        makers = zip(self._labels, clearing.dealings, strict=True)
        every = [(None, clearing.metrics), *((label, dealing.metrics) for label, dealing in makers)]
        return {
            (maker, metric): Moments.of(sample)
            for maker, metrics in every
            for metric, sample in metrics.items()
        }

    def _tabulate(
        self, columns: Sequence[Column], records: Sequence[Sequence[Any]], makers: int
    ) -> pd.DataFrame:
        """Return a table of records (periods, makers), by replication, period and maker."""
        periods, replications = len(records), len(self._replication)
        keys = {
            "replication": np.repeat(self._replication, periods * makers),
            "period": np.tile(np.repeat(np.arange(periods), makers), replications),
            "maker": pd.Categorical.from_codes(
                np.tile(np.arange(makers), replications * periods), pd.Index(self._labels[:makers])
            ),
        }

        def collect(column: Column) -> Any:
            parts = [[getattr(part, column.name) for part in period] for period in records]
            dtype = np.int8 if column is TRADER else column.dtype
            array = np.array(parts, dtype).reshape(periods, makers, replications)
            listed = array.transpose(2, 0, 1).reshape(-1)
            if column is TRADER:
                return pd.Categorical.from_codes(listed, pd.Index(self._traders))
            return listed

        frame = pd.DataFrame(
            {
                column.name: keys[column.name] if column in KEYS else collect(column)
                for column in columns
            }
        )
        return frame.astype({column.name: column.dtype for column in columns})
