"""What a maker is shown of a period: the exchange's transparency.

Under "public" she sees every maker's quote, and every trade. Under "own" she sees the inside quote
without names, and what happens at her own prices: where she is not at the inside on a side, that
side shows her nothing; makers tied at a price all see what happens there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from abm.market.quotes import Quote, Side, best
from abm.market.valuations import Law, Likelihood
from abm.numerics.arrays import Array, Sides


@dataclass(frozen=True, eq=False)
class View:
    """What a maker was shown of a period; arrays of shape (R,).

    Parameters
    ----------
    own : Quote
        What she quoted.
    inside : Quote
        The best bid and the best ask, whoever posted them.
    others : mapping of str to Quote, or None
        What every other maker quoted, by her label; None if quotes come without names.
    side : ndarray of int8
        The side that the trader took (see `Side`), NONE where that is not shown.
    units : ndarray
        Units that she herself sold to the trader: 1, 0, or -1 where she bought.
    likelihood : Likelihood
        What all this reveals about the value.
    """

    own: Quote
    inside: Quote
    others: Mapping[str, Quote] | None
    side: Sides
    units: Array
    likelihood: Likelihood

    @cached_property
    def rivals(self) -> Quote:
        """The best prices of the others, infinite where there are none, NaN where not known.

        Without names a maker at the inside cannot tell who else is there, or what comes next.
        """
        if self.others is not None:
            return best([Quote(-np.inf, np.inf), *self.others.values()])
        bid, ask = self.inside.bid, self.inside.ask
        return Quote(
            np.where((self.own.bid == bid) & np.isfinite(bid), np.nan, bid),
            np.where((self.own.ask == ask) & np.isfinite(ask), np.nan, ask),
        )


Quotes = Mapping[str, Quote]
"""What every maker quotes, by her label."""


def public(law: Law, quotes: Quotes, inside: Quote, side: Sides, sold: Array) -> Iterator[View]:
    """Yield what each maker sees where all see every quote and every trade."""
    likelihood = law.likelihood(inside.uncrossed(), side)
    for (label, own), units in zip(quotes.items(), sold, strict=True):
        others = {name: quote for name, quote in quotes.items() if name != label}
        yield View(own, inside, others, side, units, likelihood)


def own(law: Law, quotes: Quotes, inside: Quote, side: Sides, sold: Array) -> Iterator[View]:
    """Yield what each maker sees where she sees what happens at her own prices.

    A side on which she is not at the inside stands, for her, at an infinite price, where nobody
    trades.
    """
    turns = inside.uncrossed()
    buys, sells = side == Side.BUY, side == Side.SELL
    for hers, units in zip(quotes.values(), sold, strict=True):
        at_bid, at_ask = hers.bid == inside.bid, hers.ask == inside.ask
        unseen = (buys & ~at_ask) | (sells & ~at_bid)
        prices = Quote(np.where(at_bid, turns.bid, -np.inf), np.where(at_ask, turns.ask, np.inf))
        seen = np.where(unseen, np.int8(Side.NONE), side)
        yield View(hers, inside, None, seen, units, law.likelihood(prices, seen))


TRANSPARENCIES: dict[str, Callable[[Law, Quotes, Quote, Sides, Array], Iterator[View]]] = {
    "public": public,
    "own": own,
}
