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
from abm.numerics.kernels import find_prices, take_sides


class Side(IntEnum):
    """The trader's side of a period."""

    SELL = -1
    NONE = 0
    BUY = 1


def split_sides(side: Sides) -> tuple[Flags, Flags]:
    """Return where the trader buys, and where the trader sells.

    An array is compared to 0, not to a member of `Side`: for that NumPy looks names up on the
    enum's class, in Python 3.11 by a method written in Python, and a Ctrl-C that arrives there is
    lost. Errors are those of `require_sides`.

    Examples
    --------
    >>> split_sides(np.array([Side.BUY, Side.NONE, Side.SELL]))
    (array([ True, False, False]), array([False, False,  True]))
    """
    sides = require_sides(side)
    return sides > 0, sides < 0


def require_sides(side: ArrayLike) -> Sides:
    """Return sides as int8; those that are, as `Quote.side` gives them, are not looked at.

    Raises
    ------
    TypeError, ValueError
        If a side of another type is none of -1, 0 and 1.
    """
    if type(side) is np.ndarray and side.dtype.char == "b":
        return side
    sides = floats("side", side)
    wrong = ~np.isin(sides, (-1.0, 0.0, 1.0))
    if wrong.any():
        raise ValueError(
            f"side is {sides[wrong][0]:g}, but must be -1 (the trader sells), 0 (no trade) or 1 "
            f"(the trader buys): give one of these"
        )
    return sides.astype(np.int8)


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
    def seal(cls, bid: Array, ask: Array) -> Quote:
        """Return a quote of these arrays of floats of one shape, which are closed to writing."""
        bid.setflags(write=False)
        ask.setflags(write=False)
        quote = cls.__new__(cls)
        set_fields(quote, bid=bid, ask=ask)
        return quote

    @classmethod
    def around(cls, mid: ArrayLike, half_spread: ArrayLike) -> Quote:
        """Return the symmetric quote mid -/+ half_spread; errors are those of `Quote`."""
        mid, half_spread = floats("mid", mid), floats("half_spread", half_spread)
        if mid.shape != half_spread.shape:
            require_compatible(mid=mid, half_spread=half_spread)
        try:
            with np.errstate(over="raise", invalid="raise"):
                bid, ask = mid - half_spread, mid + half_spread
        except FloatingPointError:
            raise ValueError(
                f"mid is {show_value(mid)} and half_spread {show_value(half_spread)}, but both "
                f"prices must be floats: give smaller ones, and not both infinite"
            ) from None
        quote = cls.__new__(cls)
        set_fields(quote, bid=np.asarray(bid), ask=np.asarray(ask))
        return quote

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
        if not valuation.shape == self.bid.shape == self.ask.shape:
            require_compatible(valuation=valuation, bid=self.bid, ask=self.ask)
            valuation, bid, ask = np.broadcast_arrays(valuation, self.bid, self.ask)
            return Quote(bid, ask).side(valuation)
        return find_sides(valuation, self, self.uncross())

    def price(self, side: Sides) -> Array:
        """Return what a trader on this side pays or is paid; 0 where there is no trade.

        Raises
        ------
        TypeError, ValueError
            If `require_sides` does, or shapes do not match.
        """
        return np.asarray(find_prices(*self.align(side)))

    def align(self, side: Sides) -> tuple[Sides, Array, Array]:
        """Return sides, bid and ask in one shape; errors are those of `price`."""
        sides = require_sides(side)
        if sides.shape == self.bid.shape == self.ask.shape:
            return sides, self.bid, self.ask
        require_compatible(side=sides, bid=self.bid, ask=self.ask)
        sides, bid, ask = np.broadcast_arrays(sides, self.bid, self.ask)
        return sides, bid, ask


def find_sides(valuation: Array, quote: Quote, thresholds: Quote) -> Sides:
    """Return the sides that traders take, given `thresholds`, what the quote is uncrossed.

    Where it is crossed, who values at the mid sells.
    """
    sides = take_sides(valuation, thresholds.bid, thresholds.ask)
    if thresholds is not quote:
        sides[(sides == 0) & (quote.bid > quote.ask)] = -1
    return sides


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
    bid, ask = reduce(np.maximum, bids), reduce(np.minimum, asks)
    return Quote.seal(np.asarray(bid), np.asarray(ask))
