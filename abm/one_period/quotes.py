"""The one-period makers' quotes under any belief.

Each side is a problem of its own. With w a trader's valuation, of density f and tail F(w > a)
under the belief, an ask a earns F(w > a) (a - E[V | w > a]), whose derivative in a is
F(w > a) - f(a) (a - E[V | w = a]). So

    zero-profit:  a = E[V | w > a]
    myopic:       a = E[V | w = a] + F(w > a) / f(a)

(Glosten and Milgrom 1985; Das and Magdon-Ismail 2008, section 2.3), and the bid is the mirror
image. For a Gaussian belief these are the depths of `abm.one_period.depths`, whatever the noise:
like the belief they take it as Gaussian with its sd. For any other belief a secant iteration starts
there, with the slope that a Gaussian belief has there, and is kept between prices that are known to
be too low and too high. Under a law of another kind,
as of several types of traders, there may be several such prices: see `abm.one_period.search`.

A start deeper than DEEPEST, at shocks of more than nine noise sds, is the quote itself, unless the
belief's tail ends before it or the law has no closed forms: under a belief of one peak a trade so
far out has a probability of 1e-19, and the points of an exact belief do not reach there.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple, TypeGuard

import numpy as np
from scipy.special import log_ndtr

from abm.beliefs.base import Belief
from abm.market.laws import Law
from abm.market.quotes import Quote, Side
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array, Flags
from abm.numerics.truncated_normal import mean_excess
from abm.one_period.depths import myopic_depth, zero_profit_depth
from abm.one_period.marginal import ValuationAt
from abm.one_period.scales import (
    find_farthest,
    find_farthest_root,
    find_own_sd,
    list_scales,
    standardise,
)
from abm.one_period.search import (
    PEAK_STEP,
    ROOT_STEP,
    Steps,
    find_best_peak,
    find_first_root,
    make_deal,
)

DEEPEST = 9.0
ENDED = 20.0  # a belief has ended where its tail's log probability is this far below a normal's
TOLERANCE = 1e-8  # of a price, in sds of a valuation
TOLERANCE_SECANT = 1e-8  # of a secant's step times the step before, in squares of that sd
DIGITS = 8  # spacings of floats at a price within which prices count as the same
STEPS = 200
PATIENCE = 8  # every so many steps the bracket is halved
TINY = 1e-9  # of the largest scale of valuations: to within that a root is found
Search = Callable[[Belief, Law, Side], Array]
"""From belief, law and side to the distance of the price from the mean, in units of price."""
Excess = Callable[[Belief, NoisyValuation, Side, Array, Flags], Array]
"""By how much a price, times its side, is too high where flagged, in units of price."""


class Rule(NamedTuple):
    """What a one-period maker's price solves, and its closed form on a Gaussian belief.

    Depth and slope are functions of rho: where the excess is zero, and how steep it is there.
    """

    depth: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    excess: Excess


def zero_profit_quote(belief: Belief, law: Law) -> Quote:
    """Return the quote that earns nothing, whichever side is taken: ask = E[V | buy].

    Examples
    --------
    >>> from abm import GaussianBelief
    >>> from abm.market.valuations import NoisyValuation
    >>> zero_profit_quote(GaussianBelief(0.0, 3.0), NoisyValuation(1.0))
    Quote(bid -8.633, ask 8.633)
    """
    if quote := _quote_standard(belief, law, zero_profit_depth):
        return quote
    if is_noisy(law) and belief.has_one_peak:
        return _solve_quote(belief, law, _ZERO_PROFIT)
    return _search_quote(belief, law, _search_root)


def myopic_quote(belief: Belief, law: Law) -> Quote:
    """Return the quote with the largest expected profit of one period.

    Examples
    --------
    >>> from abm import GaussianBelief
    >>> from abm.market.valuations import NoisyValuation
    >>> myopic_quote(GaussianBelief(0.0, 3.0), NoisyValuation(1.0))
    Quote(bid -9.565, ask 9.565)
    """
    if quote := _quote_standard(belief, law, myopic_depth):
        return quote
    if is_noisy(law) and belief.has_one_peak:
        return _solve_quote(belief, law, _MYOPIC)
    require_bounded(law)
    return _search_quote(belief, law, _search_peak)


def _quote_standard(belief: Belief, law: Law, depth: Callable[[Array], Array]) -> Quote | None:
    """Return the quote at the paper's depth for this or another rho; None if the law has none."""
    standard = standardise(belief, law)
    if standard is None:
        return None
    scale, rho = standard
    return Quote.around(belief.mean, scale * depth(rho))


def is_noisy(law: Law) -> TypeGuard[NoisyValuation]:
    """Whether valuations are the value plus noise, so that a side has one root and one maximum.

    A law that only builds on the paper's may value otherwise.
    """
    return type(law) is NoisyValuation


def require_bounded(law: Law) -> None:
    """Raise ValueError if some trade at any price: profit has no bound, gains no meaning."""
    if np.isinf([part.noise_sd for share, part in law.types if share]).any():
        raise ValueError(
            "some traders buy or sell whatever the price, so that profit has no bound, their gains "
            "have no meaning, and no quote is best: give them a reach, as "
            "partial(UninformedTrader, share=0.3, reach=3.0), or quote as zero-profit makers do"
        )


def _search_quote(belief: Belief, law: Law, search: Search) -> Quote:
    """Return the quote whose sides are searched for, outwards from the belief's mean."""
    belief = belief.resolve(law.resolution) if np.isfinite(law.resolution) else belief
    bid, ask = (search(belief, law, side) for side in (Side.SELL, Side.BUY))
    return Quote(belief.mean - bid, belief.mean + ask)


def _search_root(belief: Belief, law: Law, side: Side) -> Array:
    scales = list_scales(belief, law)
    farthest = find_farthest_root(belief, law)
    tolerance = np.maximum(
        TINY * reduce(np.maximum, scales), DIGITS * np.spacing(np.abs(belief.mean))
    )
    steps = Steps(scales, ROOT_STEP, farthest)
    return find_first_root(make_deal(belief, law, side), steps, tolerance)


def _search_peak(belief: Belief, law: Law, side: Side) -> Array:
    scales = list_scales(belief, law)
    steps = Steps(scales, PEAK_STEP, find_farthest(belief, law))
    own = find_own_sd(belief, law)
    return find_best_peak(make_deal(belief, law, side), steps, own)


def _solve_quote(belief: Belief, law: NoisyValuation, rule: Rule) -> Quote:
    """Return the quote whose excess is zero on both sides; the search starts at a closed form."""
    belief = belief.resolve(law.resolution)
    bid, ask = (_solve_side(belief, law, side, rule) for side in (Side.SELL, Side.BUY))
    return Quote(-bid, ask)


def _solve_side(belief: Belief, law: NoisyValuation, side: Side, rule: Rule) -> Array:
    """Return the price of one side, times `side`, at which the excess is zero."""
    rho, valuation_sd = belief.sd / law.noise_sd, np.hypot(belief.sd, law.noise_sd)
    depth = rule.depth(rho)
    start = side * belief.mean + depth * valuation_sd

    def measure(price: Array, where: Flags) -> Array:
        amount = rule.excess(belief, law, side, price, where)
        outside = np.copysign(np.inf, price - side * belief.mean)
        return np.where(np.isnan(amount), outside, amount)  # NaN: no valuation is there

    needed = _needs_search(belief, law, side, depth)
    error = measure(start, needed)
    first = np.clip(-error / rule.slope(rho), -valuation_sd, valuation_sd)
    return _find_root(measure, start, error, np.where(needed, first, 0.0), valuation_sd)


def _needs_search(belief: Belief, law: NoisyValuation, side: Side, depth: Array) -> Flags:
    """Return where a root is searched for: the others keep the closed form's price.

    That is where the start is not too deep, where the belief's tail is far below a normal's, and
    everywhere if the law has no closed forms.
    """
    if not law.noise.is_gaussian or (depth < DEEPEST).all():
        return np.full_like(depth, fill_value=True, dtype=np.bool_)
    beyond = side * belief.mean + DEEPEST * np.hypot(belief.sd, law.noise_sd)
    log_tail, _ = belief.expect(law.reveal_trade(side, side * beyond))
    return (depth < DEEPEST) | (log_tail < log_ndtr(-DEEPEST) - ENDED)


def _find_root(
    measure: Callable[[Array, Flags], Array], price: Array, error: Array, step: Array, scale: Array
) -> Array:
    """Return where `measure`, rising in the price, is zero; `error` is what it is at first.

    Secants are taken if they stay between prices known to be too low and too high. What such a step
    leaves is less than its product with the step before, over the scale, so that it may be the last
    while it is far longer than the tolerance. A first step of 0 leaves its price as it is.
    """
    tolerance = np.maximum(TOLERANCE * scale, DIGITS * np.spacing(np.abs(price)))
    low, high = np.full_like(price, -np.inf), np.full_like(price, np.inf)
    moving = np.abs(step) > tolerance
    for number in range(STEPS):
        if not moving.any():
            break
        low = np.where(moving & (error < 0), price, low)
        high = np.where(moving & (error > 0), price, high)
        price = np.where(moving, price + step, price)
        before, error = error, np.where(moving, measure(price, moving), error)
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = np.where(np.isfinite(before), error * step / (before - error), np.nan)
            halved = 0.5 * (low + high) - price
        inside = np.isfinite(secant) & (price + secant >= low) & (price + secant <= high)
        inside &= (number + 1) % PATIENCE > 0
        leap = np.where(np.isfinite(halved), halved, -np.sign(error) * 2 * np.abs(step))
        last, step = step, np.where(moving, np.where(inside, secant, leap), step)
        final = inside & (np.abs(step * last) <= TOLERANCE_SECANT * np.square(scale))
        moving &= ~final & (np.abs(step) > tolerance)
    return price + step


def _zero_profit_excess(
    belief: Belief, law: NoisyValuation, side: Side, price: Array, where: Flags
) -> Array:
    """Return the expected profit given a trade at this price."""
    _, mean = belief.expect(law.reveal_trade(side, side * price), where)
    return price - side * mean


def _myopic_excess(
    belief: Belief, law: NoisyValuation, side: Side, price: Array, where: Flags
) -> Array:
    """Return minus the slope of the expected profit in the price, over the valuations' density."""
    log_trade, _ = belief.expect(law.reveal_trade(side, side * price), where)
    log_density, marginal = belief.expect(ValuationAt(side * price, law.noise), where)
    with np.errstate(invalid="ignore", under="ignore"):  # no valuation is near such a price
        return price - side * marginal - np.exp(log_trade - log_density)


def _zero_profit_slope(rho: Array) -> Array:
    """Return the slope of the zero-profit excess at its root on a Gaussian belief."""
    depth = zero_profit_depth(rho)
    excess = mean_excess(depth)
    return 1 - np.square(rho) / (1 + np.square(rho)) * (depth + excess) * excess


def _myopic_slope(rho: Array) -> Array:
    """Return the slope of the myopic excess at its root on a Gaussian belief."""
    depth = myopic_depth(rho)
    share = np.square(rho) / (1 + np.square(rho))
    return 2 - share - depth / (depth + mean_excess(depth))


_ZERO_PROFIT = Rule(zero_profit_depth, _zero_profit_slope, _zero_profit_excess)
_MYOPIC = Rule(myopic_depth, _myopic_slope, _myopic_excess)
