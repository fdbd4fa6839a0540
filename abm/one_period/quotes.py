"""The one-period makers' quotes under any belief.

Each side stands by itself. With w a trader's valuation, of density f and tail F(w > a) under the
belief, an ask a earns F(w > a) (a - E[V | w > a]), whose derivative in a is
F(w > a) - f(a) (a - E[V | w = a]). So

    zero-profit:  a = E[V | w > a]
    myopic:       a = E[V | w = a] + F(w > a) / f(a)

(Glosten and Milgrom 1985; Das and Magdon-Ismail 2008, section 2.3), and the bid is the mirror
image. For a Gaussian belief these are the depths of `abm.one_period.depths`. For any other they are
where a secant iteration starts, kept between prices that are known to be too low and too high.

Where that start is deeper than DEEPEST, at shocks of more than nine noise sds, it stays, unless the
belief ends before or the noise is not Gaussian: of values so far out it does not tell. A trade
there has a probability of 1e-19.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import log_ndtr

from abm.beliefs.base import Belief
from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.grid import GridBelief
from abm.market.noise import GaussianNoise
from abm.market.quotes import Quote, Side
from abm.market.valuations import Law, Likelihood, NoisyValuation
from abm.numerics.arrays import Array, Flags
from abm.one_period.depths import myopic_depth, standardised_quote, zero_profit_depth

DEEPEST = 9.0
ENDED = 20.0  # by how much the log of a tail's probability is below a normal's if a belief ends
TOLERANCE = 1e-8  # of a price, in sds of a valuation
DIGITS = 8  # last places of a price that cannot be told
STEPS = 200
PATIENCE = 8  # one step in so many halves the bracket
NEARBY = 1e-4  # in noise sds: valuations so close to a price count as being there

Excess = Callable[[Belief, Law, Side, Array], Array]
"""By how much a price, times its side, is too high, in units of price."""


def zero_profit_quote(belief: Belief, law: Law) -> Quote:
    """Return the quote that earns nothing, whichever side is taken: ask = E[V | buy]."""
    rho = belief.sd / law.noise_sd
    return _solved(belief, law, zero_profit_depth(rho), _gain_of_a_trade)


def myopic_quote(belief: Belief, law: Law) -> Quote:
    """Return the quote with the largest expected profit of one period."""
    rho = belief.sd / law.noise_sd
    return _solved(belief, law, myopic_depth(rho), _gain_beyond_the_best)


def _solved(belief: Belief, law: Law, depth: Array, excess: Excess) -> Quote:
    start = standardised_quote(belief, depth, law.noise_sd)
    if isinstance(belief, GaussianBelief):
        return start
    if isinstance(belief, GridBelief):
        belief = belief.resolving(law.resolution)
    return Quote(
        -_outward(belief, law, Side.SELL, -start.bid, depth, excess),
        _outward(belief, law, Side.BUY, start.ask, depth, excess),
    )


def _told(belief: Belief, law: Law, side: Side, depth: Array) -> Flags:
    """Where the price is to be sought: a belief tells of it, or its start is that of no normal.

    So it is where the belief ends well before, its tail far below a normal's, and where the noise
    is not Gaussian.
    """
    gaussian = isinstance(law, NoisyValuation) and isinstance(law.noise, GaussianNoise)
    if not gaussian or (depth < DEEPEST).all():
        return np.full_like(depth, fill_value=True, dtype=np.bool_)
    beyond = side * belief.mean + DEEPEST * np.hypot(belief.sd, law.noise_sd)
    log_tail, _ = belief.expect(_taken(law, side, beyond))
    return (depth < DEEPEST) | (log_tail < log_ndtr(-DEEPEST) - ENDED)


def _outward(
    belief: Belief, law: Law, side: Side, start: Array, depth: Array, excess: Excess
) -> Array:
    """Return the price of one side, times `side`, at which the excess is nought."""
    valuation_sd = np.hypot(belief.sd, law.noise_sd)
    tolerance = np.maximum(TOLERANCE * valuation_sd, DIGITS * np.spacing(np.abs(start)))
    low, high = np.full_like(start, -np.inf), np.full_like(start, np.inf)

    def beyond(price: Array) -> Array:
        found = excess(belief, law, side, price)
        nobody_values_it_so = np.isnan(found)
        return np.where(nobody_values_it_so, np.copysign(np.inf, price - side * belief.mean), found)

    price, found = start, beyond(start)
    step = np.where(
        _told(belief, law, side, depth), np.clip(-found, -valuation_sd, valuation_sd), 0.0
    )
    for number in range(STEPS):
        moving = np.abs(step) > tolerance
        if not moving.any():
            break
        low, high = np.where(found < 0, price, low), np.where(found > 0, price, high)
        before, price = found, price + step
        found = beyond(price)
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = np.where(np.isfinite(before), found * step / (before - found), np.nan)
            halved = 0.5 * (low + high) - price
        inside = np.isfinite(secant) & (price + secant >= low) & (price + secant <= high)
        inside &= (number + 1) % PATIENCE > 0
        leap = np.where(np.isfinite(halved), halved, -np.sign(found) * 2 * np.abs(step))
        step = np.where(moving, np.where(inside, secant, leap), 0.0)
    return price + step


def _taken(law: Law, side: Side, price: Array) -> Likelihood:
    """Return what it shows that a trader took a side at this price, times `side`."""
    return law.likelihood(Quote(side * price, side * price), np.array(side, np.int8))


def _gain_of_a_trade(belief: Belief, law: Law, side: Side, price: Array) -> Array:
    """Return the expected profit of a trade at this price."""
    _, mean = belief.expect(_taken(law, side, price))
    return price - side * mean


def _gain_beyond_the_best(belief: Belief, law: Law, side: Side, price: Array) -> Array:
    """Return minus the slope of the expected profit in the price, over the valuations' density."""
    log_trade, _ = belief.expect(_taken(law, side, price))
    near, at = NEARBY * law.noise_sd, side * price
    neither = np.array(Side.NONE, np.int8)
    log_near, marginal = belief.expect(law.likelihood(Quote(at - near, at + near), neither))
    with np.errstate(invalid="ignore"):  # where nobody values it so
        return price - side * marginal - 2 * near * np.exp(log_trade - log_near)
