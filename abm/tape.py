"""The tape: what happened in every period, kept in full or as summaries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from abm.arrays import Array, Flags, Sides
from abm.moments import Moments
from abm.quotes import Quote, Side
from abm.schema import MAKERS, MARKET, SUMMARY, Column

RECORDS = ("full", "summary")


@dataclass(frozen=True, eq=False)
class Dealing:
    """One maker's part in a period; arrays of shape (R,)."""

    quote: Quote
    belief_mean: Array
    belief_sd: Array
    filled: Flags
    inventory: Array
    profit: Array

    @property
    def bid(self) -> Array:
        """The bid she posted."""
        return self.quote.bid

    @property
    def ask(self) -> Array:
        """The ask she posted."""
        return self.quote.ask

    def metrics(self) -> dict[str, Array]:
        """Return what summaries hold of a maker; the spread is NaN where it is not two-sided."""
        return {
            "spread": np.where(self.quote.two_sided, self.quote.spread, np.nan),
            "belief_mean": self.belief_mean,
            "belief_sd": self.belief_sd,
            "filled": self.filled.astype(np.float64),
            "inventory": self.inventory,
            "profit": self.profit,
        }


@dataclass(frozen=True, eq=False)
class Clearing:
    """One period of the market; arrays of shape (R,)."""

    value: Array
    valuation: Array
    inside: Quote
    side: Sides
    dealings: tuple[Dealing, ...]

    @property
    def bid(self) -> Array:
        """The best bid."""
        return self.inside.bid

    @property
    def ask(self) -> Array:
        """The best ask."""
        return self.inside.ask

    @cached_property
    def metrics(self) -> dict[str, Array]:
        """What summaries hold of the market; NaN where a metric needs a two-sided quote."""
        two_sided = self.inside.two_sided
        error = np.abs(self.inside.mid - self.value)
        return {
            "spread": np.where(two_sided, self.inside.spread, np.nan),
            "pricing_error": np.where(two_sided, error, np.nan),
            "no_trade": (self.side == Side.NONE).astype(np.float64),
            "profit": np.sum([dealing.profit for dealing in self.dealings], axis=0),
        }


class Tape:
    """What happened in each period so far.

    Parameters
    ----------
    labels : sequence of str
        The makers' labels.
    first_replication : int
        Number of the first replication.
    record : {"full", "summary"}
        Whether to keep every replication, or count, mean and variance over them.
    """

    def __init__(self, labels: Sequence[str], first_replication: int, record: str) -> None:
        self._labels = list(labels)
        self._first = first_replication
        self._full = record == "full"
        self._clearings: list[Clearing] = []
        self._summaries: list[dict[tuple[str | None, str], Moments]] = []

    @property
    def periods(self) -> int:
        """How many periods are on the tape."""
        return max(len(self._clearings), len(self._summaries))

    def add(self, clearing: Clearing) -> None:
        """Append one period."""
        if self._full:
            self._clearings.append(clearing)
        else:
            self._summaries.append(self._summarised(clearing))

    @property
    def market(self) -> pd.DataFrame:
        """One row a replication and period (columns: `abm.schema.MARKET`)."""
        clearings = self._recorded()
        return self._frame(MARKET, lambda name: [[getattr(one, name) for one in clearings]])

    @property
    def makers(self) -> pd.DataFrame:
        """One row a replication, period and maker (columns: `abm.schema.MAKERS`)."""
        clearings = self._recorded()
        seats = range(len(self._labels))
        return self._frame(
            MAKERS,
            lambda name: [
                [getattr(one.dealings[seat], name) for one in clearings] for seat in seats
            ],
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row a period, maker and metric (columns: `abm.schema.SUMMARY`)."""
        summaries = self._summaries or [self._summarised(one) for one in self._clearings]
        rows = [
            (period, maker, metric, moments.count, moments.mean, moments.variance)
            for period, summary in enumerate(summaries)
            for (maker, metric), moments in summary.items()
        ]
        frame = pd.DataFrame(rows, columns=[column.name for column in SUMMARY])
        return frame.astype({column.name: column.dtype for column in SUMMARY})

    def discounted_profit(self, discount: float) -> Array:
        """Return the sum of discount^period * profit, shape (makers, R), in units of price."""
        total = np.zeros((len(self._labels), 1))
        for period, clearing in enumerate(self._recorded()):
            profit = np.stack([dealing.profit for dealing in clearing.dealings])
            total = total + discount**period * profit
        return total

    def _recorded(self) -> list[Clearing]:
        if not self._full:
            raise ValueError(
                'this tape keeps summaries only: read .summary, or give record="full" to Exchange'
            )
        return self._clearings

    def _summarised(self, clearing: Clearing) -> dict[tuple[str | None, str], Moments]:
        of_makers = zip(self._labels, clearing.dealings, strict=True)
        every = [(None, clearing.metrics), *((label, one.metrics()) for label, one in of_makers)]
        return {
            (maker, metric): Moments.of(sample)
            for maker, metrics in every
            for metric, sample in metrics.items()
        }

    def _frame(
        self, columns: tuple[Column, ...], recorded: Callable[[str], list[list[Array]]]
    ) -> pd.DataFrame:
        """Return a table, ordered by replication, period and maker.

        `recorded(name)` holds one list a maker (or one for the market) of one array a period.
        """
        makers = len(recorded(columns[-1].name))
        periods = self.periods
        replications = len(self._clearings[0].value) if periods else 0
        keys = {
            "replication": self._first + np.repeat(np.arange(replications), periods * makers),
            "period": np.tile(np.repeat(np.arange(periods), makers), replications),
            "maker": pd.Categorical.from_codes(
                np.tile(np.arange(makers), replications * periods), self._labels[:makers]
            ),
        }
        table = {
            column.name: keys[column.name]
            if column.name in keys
            else np.asarray(recorded(column.name)).T.reshape(-1)
            for column in columns
        }
        return pd.DataFrame(table).astype({column.name: column.dtype for column in columns})
