"""The expected profit of a quote in one period.

A trader buys, sells, or does neither, which earns nothing:

    P(buy) (ask - E[V | buy]) + P(sell) (E[V | sell] - bid)

(Glosten and Milgrom 1985; Das and Magdon-Ismail 2008, section 2.3).
"""

import numpy as np

from abm.beliefs.base import Belief
from abm.market.laws import Law
from abm.market.quotes import Quote, Side
from abm.numerics.arrays import Array


def expected_profit(belief: Belief, quote: Quote, law: Law) -> Array:
    """Return the expected profit of one period, shape (R,), in units of price.

    A declined side (an infinite price) earns nothing.
    """
    of_buy = _side_profit(belief, law, Side.BUY, quote.ask)
    return of_buy + _side_profit(belief, law, Side.SELL, quote.bid)


def _side_profit(belief: Belief, law: Law, side: Side, price: Array) -> Array:
    offered = np.isfinite(price)
    price = np.where(offered, price, belief.mean)
    log_mass, mean = belief.expect(law.reveal_trade(side, price))
    gain = np.where(log_mass > -np.inf, side * (price - mean), 0.0)
    with np.errstate(under="ignore"):
        return np.where(offered, np.exp(log_mass) * gain, 0.0)
