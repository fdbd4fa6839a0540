"""Metrics: what is measured of a period, and of a market over its periods, in each replication.

A metric is one entry of a table below: name, unit, meaning, and how it is had of arrays. Logs,
summaries, totals, `analysis` and reports read the entries; a new metric is one entry more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from abm.numerics.arrays import Array
from abm.runs.folds import Average, DiscountedSum, Last, LearningTime, Loss, Sum


def find_spread(bid: Array, ask: Array) -> Array:
    """Return ask - bid; NaN where a side is declined."""
    spread = np.asarray(ask - bid, np.float64)
    spread[np.isinf(spread)] = np.nan
    return spread


def find_pricing_error(bid: Array, ask: Array, value: Array) -> Array:
    """Return |mid - value|; NaN where a side is declined."""
    with np.errstate(invalid="ignore"):
        error = np.asarray(np.abs(0.5 * (bid + ask) - value), np.float64)
    error[np.isinf(error)] = np.nan
    return error


def find_belief_error(belief_mean: Array, value: Array) -> Array:
    """Return |mean of a belief - value|; NaN without a belief."""
    return np.abs(belief_mean - value)


def find_surplus(side: Any, valuation: Array, price: Array) -> Array:
    """Return what the trader gains by the trader's own valuation; 0 without a trade.

    It is NaN where the trader trades at any price, and so has no valuation.
    """
    return np.asarray(side * (valuation - price))


def find_no_trade(side: Any) -> Array:
    """Return 1 where there is no trade, else 0."""
    return np.equal(side, 0).astype(np.float64)


@dataclass(frozen=True)
class Entry:
    """What tables and figures need to know of whatever is measured.

    Parameters
    ----------
    name, unit, meaning : str
    label : str
        Words for the axis of a figure; those of the name unless given.
    log : bool
        Whether figures have a logarithmic scale for it.
    headline : int
        Its place among those shown where not all are, from 1; 0 if it is not among them.
    """

    name: str
    unit: str
    meaning: str
    _: KW_ONLY
    label: str = ""
    log: bool = False
    headline: int = 0

    def label_axis(self, price: str = "price") -> str:
        """Return its label with its unit, where prices are in units of `price`.

        Examples
        --------
        >>> OF_MARKET[0].label_axis("noise sd")
        'spread (noise sd)'
        """
        unit = {"price": price, "1": ""}.get(self.unit, self.unit)
        return (self.label or self.name.replace("_", " ")) + (f" ({unit})" if unit else "")

    @property
    def scale(self) -> str:
        """The scale of its axis, as matplotlib names it."""
        return "log" if self.log else "linear"


def list_headlines(entries: Sequence[Entry]) -> list[str]:
    """Return the names of the entries that are headlines, in the order of their places."""
    headlines = [entry for entry in entries if entry.headline]
    return [entry.name for entry in sorted(headlines, key=attrgetter("headline"))]


@dataclass(frozen=True)
class Metric(Entry):
    """What is measured of the market, or of a maker, in a period.

    Parameters
    ----------
    name, unit, meaning : str
    measure : callable
        From what happened in the period, as an object with arrays of shape (R,) as attributes (of
        the market: value, valuation, bid, ask, side, price, profit; of a maker: value and the
        columns of `abm.runs.schema.MAKERS`), to an array of shape (R,), NaN where not defined.
    fraction : bool
        Whether it is 0 or 1, so that its mean is a fraction of markets.
    label, log, headline
        As in `Entry`. Headlines of the market are what Mesa collects and what reports draw.
    """

    measure: Callable[[Any], Array]
    fraction: bool = False


OF_MARKET = (
    Metric("spread", "price", "best ask - best bid",
           lambda period: find_spread(period.bid, period.ask), log=True, headline=1),
    Metric("pricing_error", "price", "|mid - value|",
           lambda period: find_pricing_error(period.bid, period.ask, period.value),
           label="|mid - value|", log=True, headline=4),
    Metric("surplus", "price", "the trader's gain by the trader's own valuation",
           lambda period: find_surplus(period.side, period.valuation, period.price),
           label="perceived surplus"),
    Metric("no_trade", "1", "probability of no trade",
           lambda period: find_no_trade(period.side), label="probability of no trade",
           fraction=True, headline=3),
    Metric("profit", "price", "profit of all makers, marked to V", attrgetter("profit"),
           label="profit a period", headline=2),
)  # fmt: skip
OF_MAKER = (
    Metric("spread", "price", "her ask - bid",
           lambda dealing: find_spread(dealing.bid, dealing.ask), log=True),
    Metric("belief_mean", "price", "mean of her belief before the trade",
           attrgetter("belief_mean")),
    Metric("belief_sd", "price", "sd of her belief before the trade", attrgetter("belief_sd")),
    Metric("belief_error", "price", "|mean of her belief before the trade - value|",
           lambda dealing: find_belief_error(dealing.belief_mean, dealing.value),
           label="|mean of belief - value|", log=True),
    Metric("filled", "1", "probability that she fills the trade",
           lambda dealing: dealing.filled.astype(np.float64), fraction=True),
    Metric("inventory", "shares", "shares held after the trade", attrgetter("inventory")),
    Metric("profit", "price", "her profit of the period, marked to V", attrgetter("profit"),
           label="profit a period"),
)  # fmt: skip


@dataclass(frozen=True)
class Total(Entry):
    """A metric over all periods: of a metric of periods, what is made of it.

    Parameters
    ----------
    name, unit, meaning : str
    of : str
        The metric of each period.
    fold : type
        What becomes of it over periods.
    mean : bool
        Whether its mean over replications says something (it does not of a time that may never
        come).
    label, log, headline
        As in `Entry`. Headlines are what formatted results show, and come first in results.
    """

    of: str
    fold: type[Sum]
    mean: bool = True


MAKER_TOTALS = (
    Total("discounted_profit", "price", "sum of discount^period * profit over periods",
          "profit", DiscountedSum, headline=1),
    Total("profit", "price", "her profit over all periods, marked to V", "profit", Sum,
          headline=2),
    Total("trades", "1", "trades that she filled", "filled", Sum, headline=6),
    Total("spread", "price", "mean of her ask - bid over periods with both sides",
          "spread", Average, log=True, headline=3),
    Total("belief_sd", "price", "sd of her belief after the last trade", "belief_sd", Last,
          headline=7),
    Total("belief_error", "price", "mean of |mean of her belief - value|",
          "belief_error", Average, label="|mean of belief - value|", log=True),
    Total("learning_time", "period", "until her rho fell below 0.5, else NaN",
          "belief_sd", LearningTime, mean=False),
)  # fmt: skip
MARKET_TOTALS = (
    Total("inside_spread", "price", "mean of best ask - best bid, as spread",
          "spread", Average, log=True),
    Total("no_trade", "1", "fraction of periods without a trade", "no_trade", Average,
          label="fraction of periods without a trade", headline=4),
    Total("pricing_error", "price", "mean of |mid - value|, as spread",
          "pricing_error", Average, label="|mid - value|", log=True, headline=5),
    Total("traders_gain", "price", "traders' gain marked to V: what the makers lost",
          "profit", Loss),
    Total("surplus", "price", "traders' gain by their own valuations", "surplus", Sum),
)  # fmt: skip
TOTALS = (*MAKER_TOTALS, *MARKET_TOTALS)
OF_TOTALS = (
    Metric("learnt", "1", "whether her rho fell below 0.5",
           lambda totals: np.where(np.isnan(totals.belief_sd), np.nan,
                                   ~np.isnan(totals.learning_time)), fraction=True),
    Metric("frozen", "1", "whether nobody ever traded",
           lambda totals: np.equal(totals.no_trade, 1.0).astype(np.float64), fraction=True),
)  # fmt: skip
