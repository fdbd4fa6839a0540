"""How quotes meet: whose trade it is."""

from collections.abc import Callable, Sequence

import numpy as np

from abm.market.quotes import Quote, Side
from abm.numerics.arrays import Array, Sides


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
    rivals = contend.sum(axis=0, dtype=np.int16)
    if (rivals > 1).any():
        winner = np.floor(lot() * rivals) + 1
        contend &= contend.cumsum(axis=0, dtype=np.int16) == winner
    return np.where(contend, units, 0.0)
