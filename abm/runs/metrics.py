"""Metrics: what is measured of a period, and of a market over its periods, in each replication.

A metric is one entry of a table below: name, unit, meaning, and how it is had of arrays. Logs,
summaries, totals, `analysis` and reports read the entries; a new metric is one entry more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from abm.numerics.arrays import Array
from abm.runs.folds import Average, DiscountedSum, Last, LearningTime, Loss, Sum


def find_spread(bid: Array, ask: Array) -> Array:
    """Return ask - bid; NaN where a side is declined."""
    spread = ask - bid
    return np.where(np.isfinite(spread), spread, np.nan)


def find_pricing_error(bid: Array, ask: Array, value: Array) -> Array:
    """Return |mid - value|; NaN where a side is declined."""
    with np.errstate(invalid="ignore"):
        error = np.abs(0.5 * (bid + ask) - value)
    return np.where(np.isfinite(error), error, np.nan)


def find_surplus(side: Any, valuation: Array, price: Array) -> Array:
    """Return what the trader gains by the trader's own valuation; 0 without a trade."""
    return np.asarray(side * (valuation - price))


def find_no_trade(side: Any) -> Array:
    """Return 1 where there is no trade, else 0."""
    return np.equal(side, 0).astype(np.float64)


@dataclass(frozen=True)
class Metric:
    """What is measured of the market, or of a maker, in a period.

    Parameters
    ----------
    name, unit, meaning : str
    measure : callable
        From what happened in the period, as an object with arrays of shape (R,) as attributes (of
        the market: value, valuation, bid, ask, side, price, profit; of a maker: the columns of
        `abm.runs.schema.MAKERS`), to an array of shape (R,), NaN where it is not defined.
    fraction : bool
        Whether it is 0 or 1, so that its mean is a fraction of markets.
    log : bool
        Whether figures have a logarithmic scale for it.
    """

    name: str
    unit: str
    meaning: str
    measure: Callable[[Any], Array]
    fraction: bool = False
    log: bool = False


OF_MARKET = (
    Metric("spread", "price", "best ask - best bid",
           lambda period: find_spread(period.bid, period.ask), log=True),
    Metric("pricing_error", "price", "|mid - value|",
           lambda period: find_pricing_error(period.bid, period.ask, period.value), log=True),
    Metric("surplus", "price", "the trader's gain by the trader's own valuation",
           lambda period: find_surplus(period.side, period.valuation, period.price)),
    Metric("no_trade", "1", "probability of no trade",
           lambda period: find_no_trade(period.side), fraction=True),
    Metric("profit", "price", "profit of all makers, marked to V", attrgetter("profit")),
)  # fmt: skip
OF_MAKER = (
    Metric("spread", "price", "her ask - bid",
           lambda dealing: find_spread(dealing.bid, dealing.ask), log=True),
    Metric("belief_mean", "price", "mean of her belief before the trade",
           attrgetter("belief_mean")),
    Metric("belief_sd", "price", "sd of her belief before the trade", attrgetter("belief_sd")),
    Metric("filled", "1", "probability that she fills the trade",
           lambda dealing: dealing.filled.astype(np.float64), fraction=True),
    Metric("inventory", "shares", "shares held after the trade", attrgetter("inventory")),
    Metric("profit", "price", "her profit of the period, marked to V", attrgetter("profit")),
)  # fmt: skip


@dataclass(frozen=True)
class Total:
    """A metric over all periods: of a metric of periods, what is made of it.

    Parameters
    ----------
    name, unit, meaning : str
    of : str
        The metric of each period.
    fold : type
        What becomes of it over periods.
    log : bool
        As in `Metric`.
    mean : bool
        Whether its mean over replications says something (it does not of a time that may never
        come).
    """

    name: str
    unit: str
    meaning: str
    of: str
    fold: type[Sum]
    log: bool = False
    mean: bool = True


MAKER_TOTALS = (
    Total("discounted_profit", "price", "sum of discount^period * profit over periods",
          "profit", DiscountedSum),
    Total("profit", "price", "her profit over all periods, marked to V", "profit", Sum),
    Total("trades", "1", "trades that she filled", "filled", Sum),
    Total("spread", "price", "mean of her ask - bid over periods with both sides",
          "spread", Average, log=True),
    Total("belief_sd", "price", "sd of her belief after the last trade", "belief_sd", Last),
    Total("learning_time", "period", "until her rho fell below 0.5, else NaN",
          "belief_sd", LearningTime, mean=False),
)  # fmt: skip
MARKET_TOTALS = (
    Total("inside_spread", "price", "mean of best ask - best bid, as spread",
          "spread", Average, log=True),
    Total("no_trade", "1", "fraction of periods without a trade", "no_trade", Average),
    Total("pricing_error", "price", "mean of |mid - value|, as spread",
          "pricing_error", Average, log=True),
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
