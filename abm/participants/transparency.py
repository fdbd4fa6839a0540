"""What participants are shown of a period: the exchange's transparency.

Under "public" a maker sees every maker's quote, and every trade. Under "own" she sees the inside
quote without names, and what happens at her own prices: where she is not at the inside on a side,
that side shows her nothing; makers tied at a price all see what happens there. The trader type sees
what is public: every quote and trade under "public", and nothing under "own".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from abm.market.laws import Law, Likelihood
from abm.market.quotes import Quote, inside_quote, show_prices, show_sides
from abm.numerics.arrays import Array, Sides
from abm.numerics.describe import describe, show_mean
from abm.numerics.kernels import hide_rivals

NO_OFFER = Quote.seal(np.array(-np.inf), np.array(np.inf))  # nobody writes into what all share


@dataclass(frozen=True, eq=False)
class MarketView:
    """What a participant was shown of a period; arrays of shape (R,).

    Parameters
    ----------
    own : Quote
        What she quoted; of a trader, no offer.
    inside : Quote
        The best bid and the best ask, whoever posted them.
    others : mapping of str to Quote, or None
        What every other maker quoted, by her label; None if quotes come without names.
    side : ndarray of int8
        The side that the trader took (see `Side`), NONE where that is not shown.
    quantity : ndarray
        What she herself sold to the trader: 1, 0, or -1 where she bought.
    prices : Quote
        At which the trader bought or sold, or did neither: those of the sides that she saw.
    likelihood : Likelihood
        What all this reveals about the value, by the law of the market.

    Examples
    --------
    >>> from abm import Exchange
    >>> optimal, _ = Exchange(["optimal", "zero-profit"], prior_sd=3.0, rng=2).run(1).makers
    >>> optimal.last
    MarketView(own -4.542 / 4.542, inside -4.542 / 4.542, no trade, sold 0)
    >>> optimal.last.rivals
    Quote(bid -8.633, ask 8.633)
    """

    own: Quote
    inside: Quote
    others: Mapping[str, Quote] | None
    side: Sides
    quantity: Array
    prices: Quote
    likelihood: Likelihood

    def __repr__(self) -> str:
        quotes = (f"own {show_prices(self.own)}", f"inside {show_prices(self.inside)}")
        sold = f"sold {show_mean(self.quantity)}"
        return describe(self, *quotes, show_sides(self.side), sold, over=len(self.quantity))

    @cached_property
    def rivals(self) -> Quote:
        """The best prices of the others, infinite where there are none, NaN where not known.

        Without names a maker at the inside cannot tell who else is there, or what comes next.
        """
        if self.others is not None:
            return inside_quote([NO_OFFER, *self.others.values()])
        bid, ask = self.inside.bid, self.inside.ask
        return Quote(
            np.where((self.own.bid == bid) & np.isfinite(bid), np.nan, bid),
            np.where((self.own.ask == ask) & np.isfinite(ask), np.nan, ask),
        )


Quotes = Mapping[str, Quote]
"""What every maker quotes, by her label."""


def show_public(
    law: Law, quotes: Quotes, inside: Quote, thresholds: Quote, side: Sides, sold: Array
) -> Iterator[MarketView]:
    """Yield what each maker sees where all see every quote and every trade."""
    likelihood = law.likelihood(thresholds, side)
    for (label, own), quantity in zip(quotes.items(), sold, strict=True):
        others = {name: quote for name, quote in quotes.items() if name != label}
        yield MarketView(own, inside, others, side, quantity, thresholds, likelihood)


def show_own(
    law: Law, quotes: Quotes, inside: Quote, thresholds: Quote, side: Sides, sold: Array
) -> Iterator[MarketView]:
    """Yield what each maker sees where she sees what happens at her own prices.

    A side on which she is not at the inside stands, for her, at an infinite price, where nobody
    trades.
    """
    best, at = (inside.bid, inside.ask), (thresholds.bid, thresholds.ask)
    for own, quantity in zip(quotes.values(), sold, strict=True):
        seen, bid, ask = hide_rivals(side, (own.bid, own.ask), best, at)
        prices = Quote.seal(bid, ask)
        shown = law.likelihood(prices, seen)
        yield MarketView(own, inside, None, seen, quantity, prices, shown)


def show_trader(view: MarketView, quotes: Quotes) -> MarketView:
    """Return what the trader type sees where all is public, given what one maker sees."""
    nothing = np.zeros(len(view.quantity))
    shown = view.prices, view.likelihood
    return MarketView(NO_OFFER, view.inside, quotes, view.side, nothing, *shown)


Transparency = Callable[[Law, Quotes, Quote, Quote, Sides, Array], Iterator[MarketView]]
"""From law, quotes, inside, what it is uncrossed, sides and sales to what each maker sees."""

TRANSPARENCIES: dict[str, Transparency] = {
    "public": show_public,
    "own": show_own,
}
