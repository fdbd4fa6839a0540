"""Whose trade it is, worked out by hand."""

import numpy as np

from abm.exchange.matching import allocate
from abm.market.quotes import Quote, Side
from abm.numerics.arrays import Array

BUY, SELL, NONE = Side.BUY, Side.SELL, Side.NONE


def no_lot() -> Array:
    raise AssertionError("nobody ties")


def test_a_sale_goes_to_the_best_bid_and_a_buy_to_the_best_ask() -> None:
    quotes = [Quote(np.full(3, -1.0), np.full(3, 2.0)), Quote(np.full(3, -2.0), np.full(3, 1.0))]
    inside = Quote(np.full(3, -1.0), np.full(3, 1.0))
    sold = allocate(quotes, inside, np.array([BUY, SELL, NONE], np.int8), no_lot)
    np.testing.assert_array_equal(sold, [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])


def test_of_three_where_two_tie_the_lot_decides_between_these() -> None:
    tied, behind = (
        Quote(np.full(4, -1.0), np.full(4, 1.0)),
        Quote(np.full(4, -2.0), np.full(4, 2.0)),
    )
    lots = np.array([0.0, 0.49, 0.5, 0.99])
    side = np.array([BUY, SELL, BUY, SELL], np.int8)
    sold = allocate([tied, behind, tied], tied, side, lambda: lots)
    first, last = [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]
    np.testing.assert_array_equal(sold, [first, [0.0] * 4, last])
