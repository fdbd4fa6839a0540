"""How quotes meet: whose trade it is."""

from collections.abc import Callable, Sequence

import numpy as np

from abm.market.quotes import Quote, split_sides
from abm.numerics.arrays import Array, Sides


def allocate(
    quotes: Sequence[Quote], inside: Quote, side: Sides, draw_lot: Callable[[], Array]
) -> Array:
    """Return the quantity that each maker sells to the trader, shape (makers, R): +1, -1 or 0.

    The makers at the inside on the side that the trader takes contend; where several do, the
    uniform draws of `draw_lot` decide, each maker being as likely.

    Examples
    --------
    >>> first, second = Quote([-1.0, -1.0], [2.0, 2.0]), Quote([-2.0, -2.0], [1.0, 1.0])
    >>> inside, side = Quote([-1.0, -1.0], [1.0, 1.0]), np.array([1, -1])  # buys, sells
    >>> allocate([first, second], inside, side, lambda: np.zeros(2))
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    quantity = side.astype(np.float64)
    if len(quotes) == 1:
        return quantity[np.newaxis]
    bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
    buys, sells = split_sides(side)
    contend = (buys & (asks == inside.ask)) | (sells & (bids == inside.bid))
    rivals = contend.sum(axis=0, dtype=np.int16)
    if (rivals > 1).any():
        winner = np.floor(draw_lot() * rivals) + 1
        contend &= contend.cumsum(axis=0, dtype=np.int16) == winner
    return contend * quantity + 0.0  # which turns -0 into 0
