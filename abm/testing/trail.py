"""Trails: what a maker did in each period, and where a rule first does not hold."""

from typing import NamedTuple, Self

import numpy as np

from abm.exchange.model import Exchange
from abm.numerics.arrays import Array, Flags

TOLERANCE = 1e-8  # of prices that are the same but for rounding


class BrokenRuleError(AssertionError):
    """A maker breaks a rule."""


class Trail(NamedTuple):
    """What the first maker of an exchange did; arrays of shape (periods, R).

    She quoted bid and ask, and believed mean and sd; she then sold so many shares at the price, and
    once she had learnt held this inventory and cash.
    """

    bid: Array
    ask: Array
    mean: Array
    sd: Array
    sold: Array
    price: Array
    inventory: Array
    cash: Array

    @classmethod
    def of(cls, market: Exchange, periods: int) -> Self:
        """Run so many periods, and return their trail.

        ValueError if a quote is none, with what she then believes.
        """
        rows = []
        for _ in range(periods):
            try:
                market.open()
            except ValueError as error:
                mean, sd = market.makers[0].moments
                raise ValueError(f"{error}; her belief then has means {mean}, sds {sd}") from error
            quote, maker = market.quotes[0], market.makers[0]
            before = [quote.bid, quote.ask, *np.copy(maker.moments)]
            market.clear()
            cleared = market.clearing
            sold = cleared.side * cleared.dealings[0].filled
            rows.append([*before, sold, cleared.price, *np.copy([maker.inventory, maker.cash])])
        return cls(*np.moveaxis(np.array(rows), 1, 0))

    def row(self, number: int) -> Self:
        """Return the trail of one replication."""
        return type(self)(*(part[:, [number]] for part in self))

    def describe(self, period: int, row: int) -> str:
        """Return what she believed and quoted in one period and replication, in words."""
        bid, ask, mean, sd = (part[period, row] for part in self[:4])
        return f"at belief mean {mean:.6g}, sd {sd:.6g} she quotes bid {bid:.6g}, ask {ask:.6g}"

    def differs(self, other: Self, shift: float = 0.0, scale: float = 1.0) -> Flags:
        """Return where another's quotes are not these, multiplied and then shifted."""
        return ~(
            np.isclose(other.bid, scale * self.bid + shift, rtol=TOLERANCE, atol=TOLERANCE)
            & np.isclose(other.ask, scale * self.ask + shift, rtol=TOLERANCE, atol=TOLERANCE)
        )


def require_nowhere(wrong: Flags, says: str, trail: Trail) -> None:
    """Raise with the first belief and quote of a trail at which a rule does not hold, if any."""
    if wrong.any():
        period, row = np.argwhere(wrong)[0]
        raise BrokenRuleError(f"{says}: first in period {period}, {trail.describe(period, row)}")
