"""Quotes, and which side of one a trader takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array, Flags, Sides


class Side(IntEnum):
    """The trader's side of a period."""

    SELL = -1
    NONE = 0
    BUY = 1


@dataclass(frozen=True, eq=False)
class Quote:
    """A bid and an ask for one unit, in every replication.

    Parameters
    ----------
    bid, ask : array_like, shape (R,) or broadcasting to it
        Prices. A bid of -inf or an ask of inf declines that side.
    """

    bid: Array
    ask: Array

    def __init__(self, bid: ArrayLike, ask: ArrayLike) -> None:
        object.__setattr__(self, "bid", np.asarray(bid, dtype=np.float64))
        object.__setattr__(self, "ask", np.asarray(ask, dtype=np.float64))

    @classmethod
    def around(cls, mid: ArrayLike, half_spread: ArrayLike) -> Quote:
        """Return the symmetric quote mid -/+ half_spread."""
        return cls(np.subtract(mid, half_spread), np.add(mid, half_spread))

    @property
    def spread(self) -> Array:
        """Ask less bid; infinite where a side is declined."""
        return self.ask - self.bid

    @property
    def mid(self) -> Array:
        """The middle of bid and ask; infinite or NaN where a side is declined."""
        with np.errstate(invalid="ignore"):
            return 0.5 * (self.bid + self.ask)

    @property
    def two_sided(self) -> Flags:
        """Where both a bid and an ask are on offer."""
        return np.isfinite(self.spread)

    def uncrossed(self) -> Quote:
        """Return the prices at which a trader turns: both at the middle where bid > ask.

        Two makers may cross each other. The trader then takes the better of two deals: she buys
        if her valuation is above the middle of the two prices, and sells otherwise.
        """
        crossed = self.bid > self.ask
        if not crossed.any():
            return self
        mid = self.mid
        return Quote(np.where(crossed, mid, self.bid), np.where(crossed, mid, self.ask))

    def side(self, valuation: Array) -> Sides:
        """Return the side that a trader with this valuation takes, as int8 (see `Side`)."""
        turns = self.uncrossed()
        buys = valuation > turns.ask
        sells = (valuation < turns.bid) | ((self.bid > self.ask) & ~buys)
        return np.subtract(buys, sells, dtype=np.int8)

    def price(self, side: Sides) -> Array:
        """Return what a trader on this side pays or is paid; 0 where she takes none."""
        on_bid = np.where(side == Side.SELL, self.bid, 0.0)
        return np.where(side == Side.BUY, self.ask, on_bid)


def best(quotes: Sequence[Quote]) -> Quote:
    """Return the inside quote: the highest bid and the lowest ask."""
    if len(quotes) == 1:
        return quotes[0]
    bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
    return Quote(reduce(np.maximum, bids), reduce(np.minimum, asks))
