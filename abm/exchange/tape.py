"""The tape: what happened in every period, kept in full or as summaries."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from abm.exchange.clearing import Clearing, Dealing
from abm.exchange.summary import Series, Summary
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.numerics.moments import Moments
from abm.runs.schema import KEYS, MAKERS, MARKET, Column

RECORDS = ("full", "summary")
PERIODS_A_PAGE = 64


class Page:
    """Room for the full record of so many periods.

    Large blocks are written once and handed to frames as they are: memory of their own kind, which
    the system backs with huge pages.
    """

    def __init__(self, periods: int, makers: int, replications: int) -> None:
        self._market = _allocate_columns(MARKET, (periods, replications))
        self._makers = _allocate_columns(MAKERS, (periods, makers, replications))
        self._periods = periods
        self._numbers = range(makers)
        self._used = 0

    @property
    def full(self) -> bool:
        """Whether there is no space for another period."""
        return self._used == self._periods

    @property
    def market(self) -> dict[str, NDArray[Any]]:
        """The market's columns so far, shape (periods, R)."""
        return {name: column[: self._used] for name, column in self._market.items()}

    @property
    def makers(self) -> dict[str, NDArray[Any]]:
        """The makers' columns so far, shape (periods, makers, R)."""
        return {name: column[: self._used] for name, column in self._makers.items()}

    def write(self, clearing: Clearing) -> None:
        """Write one period."""
        for name, column in self._market.items():
            column[self._used] = getattr(clearing, name)
        for name, column in self._makers.items():
            for number, dealing in enumerate(clearing.dealings):
                column[self._used, number] = getattr(dealing, name)
        self._used += 1

    def clearings(self) -> Iterator[Clearing]:
        """Yield the periods written so far."""
        for period in range(self._used):
            market = {name: column[period] for name, column in self._market.items()}
            makers = {name: column[period] for name, column in self._makers.items()}
            records = [
                {name: column[number] for name, column in makers.items()}
                for number in self._numbers
            ]
            dealings = tuple(Dealing(_quote(columns), **columns) for columns in records)
            inside = _quote(market)
            price = inside.price(market["side"])
            yield Clearing(inside=inside, price=price, dealings=dealings, **market)


def _quote(columns: dict[str, NDArray[Any]]) -> Quote:
    """Take bid and ask out of the columns, as a quote."""
    return Quote(columns.pop("bid"), columns.pop("ask"))


def _concatenate(pages: list[dict[str, NDArray[Any]]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield each column's name and its periods from all pages."""
    for name in pages[0]:
        yield name, np.concatenate([page[name] for page in pages])


def _allocate_columns(
    columns: tuple[Column, ...], shape: tuple[int, ...]
) -> dict[str, NDArray[Any]]:
    return {column.name: np.empty(shape, column.dtype) for column in columns if column not in KEYS}


class Tape:
    """What happened in each period so far.

    Parameters
    ----------
    labels : sequence of str
        The makers' labels.
    replications : int
        R.
    first_replication : int
        Number of the first replication.
    record : {"full", "summary"}
        Whether to keep every replication, or count, mean and variance over them.
    """

    def __init__(
        self, labels: Sequence[str], replications: int, first_replication: int, record: str
    ) -> None:
        self._labels = list(labels)
        self._replications = replications
        self._first = first_replication
        self.full = record == "full"
        self._pages: list[Page] = []
        self._summaries: list[dict[Series, Moments]] = []

    def reserve(self, periods: int) -> None:
        """Allocate space for the full record of so many further periods."""
        if self.full and periods:
            self._pages.append(Page(periods, len(self._labels), self._replications))

    def add(self, clearing: Clearing) -> None:
        """Append one period."""
        if not self.full:
            self._summaries.append(self._summarise(clearing))
            return
        if not self._pages or self._pages[-1].full:
            self.reserve(PERIODS_A_PAGE)
        self._pages[-1].write(clearing)

    @property
    def market(self) -> pd.DataFrame:
        """One row a replication and period (columns: `abm.runs.schema.MARKET`)."""
        written = [page.market for page in self._recorded_pages()]
        return self._frame(
            MARKET, {name: column[:, np.newaxis] for name, column in _concatenate(written)}
        )

    @property
    def makers(self) -> pd.DataFrame:
        """One row a replication, period and maker (columns: `abm.runs.schema.MAKERS`)."""
        return self._frame(
            MAKERS, dict(_concatenate([page.makers for page in self._recorded_pages()]))
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row a period, maker and metric (columns: `abm.runs.schema.SUMMARY`)."""
        return self.moments.frame()

    @property
    def moments(self) -> Summary:
        """What the summary is made of."""
        if not self.full:
            return Summary.of(self._summaries)
        return Summary.of(
            [self._summarise(clearing) for page in self._pages for clearing in page.clearings()]
        )

    def discounted_profit(self, discount: float) -> Array:
        """Return the sum of discount^period * profit, shape (makers, R), in units of price."""
        total = np.zeros((len(self._labels), self._replications))
        weight = 1.0
        for page in self._recorded_pages():
            for profit in page.makers["profit"]:
                total += weight * profit
                weight *= discount
        return total

    def _recorded_pages(self) -> list[Page]:
        if not self.full:
            raise ValueError(
                'this tape keeps summaries only: read .summary, or give record="full" to Exchange'
            )
        return self._pages or [Page(0, len(self._labels), self._replications)]

    def _summarise(self, clearing: Clearing) -> dict[Series, Moments]:
        makers = zip(self._labels, clearing.dealings, strict=True)
        every = [(None, clearing.metrics), *((label, dealing.metrics) for label, dealing in makers)]
        return {
            (maker, metric): Moments.of(sample)
            for maker, metrics in every
            for metric, sample in metrics.items()
        }

    def _frame(
        self, columns: tuple[Column, ...], recorded: dict[str, NDArray[Any]]
    ) -> pd.DataFrame:
        """Return a table of arrays (periods, makers, R), by replication, period and maker."""
        periods, makers, replications = next(iter(recorded.values())).shape
        keys = {
            "replication": self._first + np.repeat(np.arange(replications), periods * makers),
            "period": np.tile(np.repeat(np.arange(periods), makers), replications),
            "maker": pd.Categorical.from_codes(
                np.tile(np.arange(makers), replications * periods), pd.Index(self._labels[:makers])
            ),
        }
        values = {name: column.transpose(2, 0, 1).reshape(-1) for name, column in recorded.items()}
        frame = pd.DataFrame({column.name: (keys | values)[column.name] for column in columns})
        return frame.astype({column.name: column.dtype for column in columns})
