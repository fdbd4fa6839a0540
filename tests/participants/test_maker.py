"""What every maker does alike: she books her trades."""

import numpy as np

from abm import Exchange
from abm.participants.maker import MarketMaker


def test_a_sale_lowers_the_inventory_by_one_and_brings_its_price() -> None:
    maker: MarketMaker = Exchange("myopic", replications=4).makers[0]
    maker.settle(np.array([1.0, -1.0, 0.0, 1.0]), np.array([5.0, 3.0, 0.0, -2.0]))
    np.testing.assert_array_equal(maker.inventory, [-1.0, 1.0, 0.0, -1.0])
    np.testing.assert_array_equal(maker.cash, [5.0, -3.0, 0.0, -2.0])
    maker.settle(np.array([1.0, 1.0, 0.0, -1.0]), np.array([7.0, 4.0, 0.0, -3.0]))
    np.testing.assert_array_equal(maker.inventory, [-2.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(maker.cash, [12.0, 1.0, 0.0, 1.0])
