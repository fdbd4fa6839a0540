"""How quotes meet: the inside quote, whose trade it is, and what each maker sees of it."""

from collections.abc import Callable, Sequence

import numpy as np

from abm.arrays import Array, Sides
from abm.beliefs.none import NoBelief
from abm.makers.base import MarketMaker
from abm.quotes import Quote, Side


def posted(maker: MarketMaker, period: int) -> Quote:
    """Return a maker's quote for this period, of shape (R,), or raise if it is not one.

    Raises
    ------
    TypeError
        If it is no `Quote`.
    ValueError
        If its shape does not broadcast to (R,), or a price is NaN or on the wrong side.
    """
    try:
        quote = maker.quote()
    except Exception as error:
        error.add_note(
            f"raised by maker {maker.label!r} when it quoted for period {period}; prices, beliefs "
            f"and inventories are arrays over replications: use np.where, not if"
        )
        raise
    says = f"maker {maker.label!r} quoted in period {period}"
    if not isinstance(quote, Quote):
        raise TypeError(f"{says} {quote!r}, but must return a Quote: return Quote(bid, ask)")
    size = maker.terms.replications
    try:
        bid, ask = (np.array(np.broadcast_to(price, size)) for price in (quote.bid, quote.ask))
    except ValueError:
        raise ValueError(
            f"{says} a bid of shape {quote.bid.shape} and an ask of shape {quote.ask.shape}, but "
            f"there are {size} replications: give arrays of shape ({size},), or scalars"
        ) from None
    wrong = ~((bid <= ask) & (bid < np.inf) & (ask > -np.inf))
    if wrong.any():
        first = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"{says} bid {bid[first]}, ask {ask[first]} (replication {first} of its block), but "
            f"must have bid <= ask, neither NaN, a bid below inf and an ask above -inf: "
            f"{_mend(maker)}"
        )
    return Quote(bid, ask)


def _mend(maker: MarketMaker) -> str:
    if isinstance(maker.belief, NoBelief):
        return "this maker has no belief; quote without one, or give it one"
    return "decline a side with a bid of -inf or an ask of inf"


def best(quotes: Sequence[Quote]) -> Quote:
    """Return the inside quote: the highest bid and the lowest ask."""
    if len(quotes) == 1:
        return quotes[0]
    bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
    return Quote(np.max(bids, axis=0), np.min(asks, axis=0))


def sold(quotes: Sequence[Quote], inside: Quote, side: Sides, lot: Callable[[], Array]) -> Array:
    """Return the units that each maker sells to the trader, shape (makers, R): +1, -1 or 0.

    Those at the inside on the side that the trader takes contend; `lot()` is a uniform draw that
    decides between them, each alike.
    """
    units = side.astype(np.float64)
    if len(quotes) == 1:
        return units[np.newaxis]
    bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
    buys, sells = side == Side.BUY, side == Side.SELL
    contend = (buys & (asks == inside.ask)) | (sells & (bids == inside.bid))
    winner = np.floor(lot() * contend.sum(axis=0)) + 1
    return np.where(contend & (contend.cumsum(axis=0) == winner), units, 0.0)


def seen(quote: Quote, inside: Quote, side: Sides) -> tuple[Quote, Sides]:
    """Return the prices and the trade that a maker with this quote sees when she sees her own.

    Where she is not at the inside on a side, that side shows her nothing: for her it stands at
    an infinite price, where nobody trades.
    """
    turns = inside.uncrossed()
    at_bid, at_ask = quote.bid == inside.bid, quote.ask == inside.ask
    unseen = ((side == Side.BUY) & ~at_ask) | ((side == Side.SELL) & ~at_bid)
    own = Quote(np.where(at_bid, turns.bid, -np.inf), np.where(at_ask, turns.ask, np.inf))
    return own, np.where(unseen, np.int8(Side.NONE), side)
