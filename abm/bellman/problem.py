"""The monopolist's sequential problem: one period of it, from a state rho at a depth q.

Her only state is rho, her belief's sd in units of the noise sd; her action is the depth q of the
symmetric quote mu -/+ q s, s the sd of a trader's valuation under the belief (Das and Magdon-Ismail
2008, section 2.5).
"""

from typing import NamedTuple

import numpy as np

from abm.market.quotes import Quote, Side
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array

NOISE = NoisyValuation(1.0)
BUY, NONE = np.array(Side.BUY, np.int8), np.array(Side.NONE, np.int8)


class Stage(NamedTuple):
    """One period from state rho at depth q, prices in units of the noise sd.

    Parameters
    ----------
    reward : ndarray
        Expected profit.
    probability, successor : tuple of two ndarrays
        Of a trade and of none, and the rho that each leaves.
    log_buy : ndarray
        Log probability that the trader buys: half of a trade's.
    gain : ndarray
        Expected profit given a trade.
    """

    reward: Array
    probability: tuple[Array, Array]
    successor: tuple[Array, Array]
    log_buy: Array
    gain: Array


@np.errstate(under="ignore")
def stage(rho: Array, depth: Array) -> Stage:
    """Return reward, probabilities and successors of the quote -/+ depth s at belief N(0, rho^2).

    A buy and a sale are mirror images, so there are two branches: a trade and no trade.
    """
    quote = Quote.around(0.0, depth * np.sqrt(1 + rho * rho))
    centre = np.zeros_like(rho)
    log_buy, mean, rho_trade = NOISE.likelihood(quote, BUY).tilt(centre, rho)
    _, _, rho_none = NOISE.likelihood(quote, NONE).tilt(centre, rho)
    trade = 2 * np.exp(log_buy)
    gain = quote.ask - mean
    return Stage(trade * gain, (trade, 1 - trade), (rho_trade, rho_none), log_buy, gain)
