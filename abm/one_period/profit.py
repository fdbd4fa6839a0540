"""One period: the outcomes of a quote, and its expected profit.

A quote has three outcomes: the trader buys, sells, or does neither. Each has a probability and
leaves a posterior. The expected profit of a quote is

    P(buy) (ask - E[V | buy]) + P(sell) (E[V | sell] - bid)

(Glosten and Milgrom 1985; Das and Magdon-Ismail 2008, section 2.3).
"""

from typing import NamedTuple

import numpy as np

from abm.beliefs.base import Belief
from abm.market.quotes import Quote, Side
from abm.market.valuations import Law
from abm.numerics.arrays import Array


class Outcome(NamedTuple):
    """One outcome of a quote: the trader's side, its log probability, the belief it leaves."""

    side: Side
    log_mass: Array
    posterior: Belief


def outcome(belief: Belief, quote: Quote, law: Law, side: Side) -> Outcome:
    """Return the outcome in which the trader takes `side` of `quote`."""
    return Outcome(side, *belief.condition(law.likelihood(quote, np.asarray(side, np.int8))))


def expected_profit(belief: Belief, quote: Quote, law: Law) -> Array:
    """Return the expected profit of one period, shape (R,), in units of price.

    A declined side (an infinite price) earns nothing.
    """
    sides = ((Side.BUY, quote.ask), (Side.SELL, quote.bid))
    return np.sum([_side_profit(belief, price, law, side) for side, price in sides], axis=0)


def _side_profit(belief: Belief, price: Array, law: Law, side: Side) -> Array:
    offered = np.isfinite(price)
    price = np.where(offered, price, belief.mean)
    taken = law.likelihood(Quote(price, price), np.asarray(side, np.int8))
    log_mass, mean = belief.expect(taken)
    gain = np.where(log_mass > -np.inf, side * (price - mean), 0.0)
    return np.where(offered, np.exp(log_mass) * gain, 0.0)
