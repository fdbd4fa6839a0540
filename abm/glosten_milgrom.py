"""One period: what a quote may bring, its expected profit, and the two one-period makers' depths.

A quote has three outcomes: the trader buys, sells, or does neither; each has a probability and
leaves a posterior. The expected profit of a quote is

    P(buy) (ask - E[V | buy]) + P(sell) (E[V | sell] - bid)

(Glosten and Milgrom 1985; Das and Magdon-Ismail 2008, section 2.3). For a belief N(mu, sigma^2),
noise sd sigma_eps and the symmetric quote mu -/+ q s, s^2 = sigma^2 + sigma_eps^2, the depth q
depends on rho = sigma / sigma_eps alone. With hazard(q) = phi(q) / (1 - Phi(q)),

    zero-profit:  q = K hazard(q), K = rho^2 / (1 + rho^2), or q = rho^2 (hazard(q) - q)
    myopic:       q hazard(q) = 1 + rho^2

Both start from the closed form that results when hazard(q) - q is taken as
2 / (q + sqrt(q^2 + 2 pi)), which is within 3 % of the root at any rho, and are finished by Halley's
iteration (Newton's with the second derivative): cubic, so that two steps reach full precision.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from abm.arrays import Array
from abm.beliefs.base import Belief
from abm.door import not_negative
from abm.normal import mean_excess
from abm.quotes import Quote, Side
from abm.signals import Law, NoisyValuation

HALLEY_STEPS = 2


NOISE = NoisyValuation(1.0)
BUY, NONE = np.array(Side.BUY, np.int8), np.array(Side.NONE, np.int8)


class Outcome(NamedTuple):
    """One outcome of a quote: the trader's side, its log probability, the belief it leaves."""

    side: Side
    log_mass: Array
    posterior: Belief


def outcome(belief: Belief, quote: Quote, law: Law, side: Side) -> Outcome:
    """Return what follows if the trader takes `side` of `quote`."""
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


def standardised_quote(belief: Belief, depth: ArrayLike, noise_sd: float) -> Quote:
    """Return the quote mean -/+ depth s, s the sd of a trader's valuation under the belief."""
    s = np.sqrt(belief.sd * belief.sd + noise_sd * noise_sd)
    return Quote.around(belief.mean, depth * s)


def zero_profit_depth(rho: ArrayLike) -> Array:
    """Return the depth q at which each side earns nothing, ask = E[V | buy].

    Parameters
    ----------
    rho : array_like
        Information disadvantage, belief sd / noise sd.

    Returns
    -------
    ndarray
        Of the shape of rho, dimensionless; right to 1e-12 relative for rho up to 100.

    Raises
    ------
    ValueError
        If a rho is negative or NaN.
    """
    odds = np.square(not_negative("rho", rho))
    q = odds / np.sqrt(np.pi / 2 + odds)
    for _ in range(HALLEY_STEPS):
        excess = mean_excess(q)
        hazard = q + excess
        slope = 1 + odds * (1 - hazard * excess)
        curvature = odds * hazard * (1 - excess * (excess + hazard))
        q = _halley(q, q - odds * excess, slope, curvature)
    return q


def myopic_depth(rho: ArrayLike) -> Array:
    """Return the depth q of the largest expected profit of one period.

    Parameters
    ----------
    rho : array_like
        Information disadvantage, belief sd / noise sd.

    Returns
    -------
    ndarray
        Of the shape of rho, dimensionless; right to 1e-12 relative for rho up to 100.

    Raises
    ------
    ValueError
        If a rho is negative or NaN.
    """
    target = 1 + np.square(not_negative("rho", rho))
    root = np.sqrt(1 + target * (target + 2 * (np.pi - 1)))
    q = target * np.sqrt(np.pi / (1 + (np.pi - 1) * target + root))
    for _ in range(HALLEY_STEPS):
        excess = mean_excess(q)
        hazard = q + excess
        slope = hazard * (1 + q * excess)
        curvature = hazard * (excess * (2 + q * excess) - q * (1 - hazard * excess))
        q = _halley(q, q * hazard - target, slope, curvature)
    return q


def _halley(q: Array, error: Array, slope: Array, curvature: Array) -> Array:
    """Take Halley's step towards error = 0, at most halving or doubling the depth."""
    step = error * slope / (slope * slope - 0.5 * error * curvature)
    return np.clip(q - step, 0.5 * q, 2 * q)


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


def stage(rho: Array, depth: Array) -> Stage:
    """Return reward, probabilities and successors of quoting -/+ depth s at belief N(0, rho^2).

    A buy and a sell are mirror images: the branches are a trade and none.
    """
    quote = Quote.around(0.0, depth * np.sqrt(1 + rho * rho))
    centre = np.zeros_like(rho)
    log_buy, mean, rho_trade = NOISE.likelihood(quote, BUY).tilt(centre, rho)
    _, _, rho_none = NOISE.likelihood(quote, NONE).tilt(centre, rho)
    trade = 2 * np.exp(log_buy)
    gain = quote.ask - mean
    return Stage(trade * gain, (trade, 1 - trade), (rho_trade, rho_none), log_buy, gain)
