"""The tape: what happened in every period, kept in full or as summaries."""

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
import pandas as pd

from abm.exchange.clearing import Clearing
from abm.exchange.summary import Series, summarise, tabulate_summary
from abm.numerics.arrays import Array, Index
from abm.numerics.checks import require_one_of, require_whole
from abm.numerics.describe import describe, draw_thumbnail, list_some, make_html, show_count
from abm.numerics.moments import Moments
from abm.runs.metrics import OF_MAKER, OF_MARKET
from abm.runs.schema import KEYS, MAKERS, MARKET, TRADER, Column

RECORDS = {
    "full": "all recorded",
    "summary": "summaries only",
    "none": "nothing recorded",
}
MOST_PERIODS = 2**15 - 1  # that tables number, in int16
MOST_UNRECORDED = 2**31 - 1


class Tape:
    """What happened in each period so far.

    Parameters
    ----------
    labels, traders : sequence of str
        The labels of makers, and of the types of traders.
    replication : ndarray of int, shape (R,)
        The numbers of the replications.
    record : {"full", "summary", "none"}
        Whether to keep every replication; count, mean and variance over them; or nothing.

    Attributes
    ----------
    periods : int
        How many have passed.
    """

    def __init__(
        self, labels: Sequence[str], traders: Sequence[str], replication: Index, record: str
    ) -> None:
        self._labels, self._traders = list(labels), list(traders)
        self._replication = replication
        self.record = require_one_of("record", record, RECORDS)
        self.periods = 0
        self._clearings: list[Clearing] = []
        self._summaries: list[Moments] = []
        self._series: list[Series] = [(None, metric.name) for metric in OF_MARKET]
        self._series += [(label, metric.name) for label in self._labels for metric in OF_MAKER]

    def __repr__(self) -> str:
        return describe(self, *self._describe())

    def _repr_html_(self) -> str:
        makers, periods, markets, record = self._describe()
        rows = {"makers": makers, "length": periods, "replications": markets, "record": record}
        return make_html("Tape", rows, self.draw_spreads())

    def _describe(self) -> tuple[str, str, str, str]:
        """Return what matters of the tape: makers, periods, replications, record."""
        markets = show_count(len(self._replication), "market")
        periods = show_count(self.periods, "period")
        return list_some(self._labels), periods, markets, RECORDS[self.record]

    @property
    def full(self) -> bool:
        """Whether every replication is kept."""
        return self.record == "full"

    @property
    def most_periods(self) -> int:
        """How many periods there can be."""
        return MOST_UNRECORDED if self.record == "none" else MOST_PERIODS

    def require_room(self, periods: SupportsIndex) -> int:
        """Return so many more periods as an int, or raise unless they are, and there is room."""
        more = require_whole("periods", periods, 0, MOST_UNRECORDED)
        if self.periods + more > self.most_periods:
            raise ValueError(
                f"periods is {more}, after {self.periods} that have passed, but a tape numbers at "
                f'most {self.most_periods}: give fewer, or an Exchange with record="none", '
                f"which keeps no tape and has no such limit"
            )
        return more

    def add(self, clearing: Clearing) -> None:
        """Append one period."""
        self.periods += 1
        if self.record == "full":
            self._clearings.append(clearing.keep())
        elif self.record == "summary":
            self._summaries.append(summarise(clearing))

    def average(self, metric: str, since: int = 0) -> list[float]:
        """Return a metric of the market over the replications that have it, by period from one on.

        It is the mean that `summary` gives.
        """
        if self.record == "full":
            measure = next(entry.measure for entry in OF_MARKET if entry.name == metric)
            periods = self._clearings[since:]
            return [float(Moments.of(measure(clearing)).mean) for clearing in periods]
        place = self._series.index((None, metric))
        return [float(period.mean[place]) for period in self._require_kept()[since:]]

    def draw_spreads(self) -> str:
        """Return a drawing of the mean inside spread by period, as SVG; empty without a record."""
        kept = self.record != "none"
        return draw_thumbnail(self.average("spread"), "mean spread by period") if kept else ""

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
        if self.full:  # of copies, for a clearing keeps the metrics that it is asked for
            periods = [summarise(period.keep()) for period in self._clearings]
            return tabulate_summary(self._series, periods)
        return tabulate_summary(self._series, self._require_kept())

    def discounted_profit(self, discount: float) -> Array:
        """Return the sum of discount^period * profit, shape (makers, R), in units of price."""
        total = np.zeros((len(self._labels), len(self._replication)))
        weight = 1.0
        for clearing in self._require_clearings():
            total += weight * np.array([dealing.profit for dealing in clearing.dealings])
            weight *= discount
        return total

    def _require_clearings(self) -> list[Clearing]:
        if self.record == "summary":
            raise ValueError(
                'this tape keeps summaries only: read .summary, or give record="full" to Exchange'
            )
        self._require_kept()
        return self._clearings

    def _require_kept(self) -> list[Moments]:
        if self.record == "none":
            raise ValueError(
                'this tape keeps nothing: give record="summary" or "full" to Exchange, or read '
                "market.clearing after each period"
            )
        return self._summaries

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
