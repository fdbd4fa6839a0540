"""Quotes, and the side of a quote that a trader takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array, Flags, Sides
from abm.numerics.checks import require_compatible
from abm.numerics.conversion import floats
from abm.numerics.describe import count_replications, describe, show_mean, show_value
from abm.numerics.frozen import set_fields


class Side(IntEnum):
    """The trader's side of a period."""

    SELL = -1
    NONE = 0
    BUY = 1


def split_sides(side: Sides) -> tuple[Flags, Flags]:
    """Return where the trader buys, and where the trader sells.

    Sides of int8, as `Quote.side` gives them, are not looked at. An array is compared to 0, not to
    a member of `Side`: for that NumPy looks names up on the enum's class, in Python 3.11 by a
    method written in Python, and a Ctrl-C that arrives there is lost.

    Raises
    ------
    TypeError, ValueError
        If a side of another type is none of -1, 0 and 1.

    Examples
    --------
    >>> split_sides(np.array([Side.BUY, Side.NONE, Side.SELL]))
    (array([ True, False, False]), array([False, False,  True]))
    """
    is_own = type(side) is np.ndarray and side.dtype.char == "b"
    sides: Sides | Array = side if is_own else _require_sides(side)
    return sides > 0, sides < 0


def _require_sides(side: ArrayLike) -> Array:
    sides = floats("side", side)
    wrong = ~np.isin(sides, (-1.0, 0.0, 1.0))
    if wrong.any():
        raise ValueError(
            f"side is {sides[wrong][0]:g}, but must be -1 (the trader sells), 0 (no trade) or 1 "
            f"(the trader buys): give one of these"
        )
    return sides


@dataclass(frozen=True, eq=False)
class Quote:
    """A bid and an ask for one share, in every replication.

    Parameters
    ----------
    bid, ask : array_like, shape (R,) or broadcasting to it
        Prices. A bid of -inf or an ask of inf declines that side. What an exchange takes for a
        quote is narrower (`abm.exchange.guards.ask_for_quote`): bid <= ask, no NaN, up to 1e140.

    Raises
    ------
    TypeError, ValueError
        If a price is no number, or shapes do not match.

    Examples
    --------
    >>> quote = Quote.around(10.0, [0.5, 1.0])  # in two markets
    >>> quote.bid, quote.ask
    (array([9.5, 9. ]), array([10.5, 11. ]))
    >>> quote.side(np.array([10.7, 10.7]))  # the first trader buys
    array([1, 0], dtype=int8)
    """

    bid: Array
    ask: Array

    def __init__(self, bid: ArrayLike, ask: ArrayLike) -> None:
        bid, ask = floats("bid", bid), floats("ask", ask)
        if bid.shape != ask.shape:
            require_compatible(bid=bid, ask=ask)
        set_fields(self, bid=bid, ask=ask)

    def __repr__(self) -> str:
        size = count_replications(self.bid, self.ask)
        one_sided = size - int(np.broadcast_to(self.two_sided, size).sum())
        sides = f"two-sided in {size - one_sided}" if one_sided and size > 1 else ""
        parts = (f"bid {show_mean(self.bid)}", f"ask {show_mean(self.ask)}", sides)
        return describe(self, *parts, over=size)

    @classmethod
    def around(cls, mid: ArrayLike, half_spread: ArrayLike) -> Quote:
        """Return the symmetric quote mid -/+ half_spread; errors are those of `Quote`."""
        mid, half_spread = floats("mid", mid), floats("half_spread", half_spread)
        if mid.shape != half_spread.shape:
            require_compatible(mid=mid, half_spread=half_spread)
        try:
            with np.errstate(over="raise", invalid="raise"):
                return cls(mid - half_spread, mid + half_spread)
        except FloatingPointError:
            raise ValueError(
                f"mid is {show_value(mid)} and half_spread {show_value(half_spread)}, but both "
                f"prices must be floats: give smaller ones, and not both infinite"
            ) from None

    @property
    def spread(self) -> Array:
        """Ask less bid; infinite where a side is declined, NaN where both are one infinity."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.ask - self.bid

    @property
    def mid(self) -> Array:
        """The middle of bid and ask; infinite or NaN where a side is declined."""
        with np.errstate(over="ignore", invalid="ignore"):
            return 0.5 * (self.bid + self.ask)

    @property
    def two_sided(self) -> Flags:
        """Where the maker quotes both a bid and an ask."""
        return np.isfinite(self.spread)

    def uncross(self) -> Quote:
        """Return the valuations at which a trader starts to sell and to buy.

        They are the bid and the ask, but both the mid where bid > ask: of two makers who cross
        each other a trader takes the better deal, to buy above the mid and to sell below it.

        Examples
        --------
        >>> Quote(2.0, 1.0).uncross()
        Quote(bid 1.5, ask 1.5)
        """
        crossed = self.bid > self.ask
        if not crossed.any():
            return self
        mid = self.mid
        return Quote(np.where(crossed, mid, self.bid), np.where(crossed, mid, self.ask))

    def side(self, valuation: ArrayLike) -> Sides:
        """Return the side that a trader with this valuation takes, as int8 (see `Side`).

        Raises
        ------
        TypeError, ValueError
            If a valuation is no number, or its shape does not match the quote's.
        """
        valuation = floats("valuation", valuation)
        if np.isnan(valuation).any():
            raise ValueError("valuation is nan, but must be a price: give a number, -inf or inf")
        if valuation.shape != self.bid.shape:
            require_compatible(valuation=valuation, bid=self.bid, ask=self.ask)
        thresholds = self.uncross()
        buys = valuation > thresholds.ask
        sells = (valuation < thresholds.bid) | ((self.bid > self.ask) & ~buys)
        return np.subtract(buys, sells, dtype=np.int8)

    def split(self, side: Sides) -> tuple[Flags, Flags]:
        """Return where traders on these sides of the quote buy, and where they sell.

        Raises
        ------
        TypeError, ValueError
            If `split_sides` does, or shapes do not match.
        """
        buys, sells = split_sides(side)
        if buys.shape != self.bid.shape:
            require_compatible(side=np.asarray(side), bid=self.bid, ask=self.ask)
        return buys, sells

    def price(self, side: Sides) -> Array:
        """Return what a trader on this side pays or is paid; 0 where there is no trade.

        Errors are those of `split`.
        """
        buys, sells = self.split(side)
        return np.where(buys, self.ask, np.where(sells, self.bid, 0.0))


def show_prices(quote: Quote) -> str:
    """Return bid and ask in short, as "-1.5 / 1.5": means over the replications."""
    return f"{show_mean(quote.bid)} / {show_mean(quote.ask)}"


def show_sides(side: Sides) -> str:
    """Return what the trader did, or how often in many replications."""
    if len(side) == 1:
        return {Side.SELL: "trader sells", Side.NONE: "no trade", Side.BUY: "trader buys"}[side[0]]
    buys, sells = map(np.mean, split_sides(side))
    return f"{buys:.0%} buys, {sells:.0%} sales"


def inside_quote(quotes: Sequence[Quote]) -> Quote:
    """Return the inside quote: the highest bid and the lowest ask.

    Examples
    --------
    >>> inside_quote([Quote(-1.0, 3.0), Quote(-2.0, 2.0)])
    Quote(bid -1, ask 2)
    """
    if len(quotes) == 1:
        return quotes[0]
    bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
    return Quote(reduce(np.maximum, bids), reduce(np.minimum, asks))
