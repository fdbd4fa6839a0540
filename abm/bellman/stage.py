"""One period of the sequential problem, from a state rho at a depth q.

A trader of one of several types comes. A buy and a sale are mirror images, so there are two
branches: a trade and no trade. For types whose valuations follow a line in the value (see
`abm.market.laws.Line`), of scale S_k and covariance g_k S_k with the value, q_k = price / S_k and
hazard h(q) = phi(q) / (1 - Phi(q)), one buys with probability 1 - Phi(q_k), which moves the mean by
g_k h(q_k). What a trade of a type that nobody sees leaves is mixed as in `abm.market.mixtures`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from abm.bellman.problem import PAPER, Function, Problem
from abm.market.laws import Line
from abm.market.quotes import Quote, Side
from abm.numerics.arrays import Array
from abm.numerics.truncated_normal import LOG_SQRT_2PI, describe_half_line, middle_variance

NONE = np.array(Side.NONE, np.int8)


class Stage(NamedTuple):
    """One period from state rho at depth q, prices in units of the noise sd.

    Parameters
    ----------
    profit : ndarray
        Expected profit of the dealer.
    gains : ndarray
        Expected gains from trade, of dealer and trader together; NaN where a type trades at any
        price, or has no line.
    probability, successor : tuple of two ndarrays
        Of a trade and of none, and the rho that each leaves.
    log_buy : ndarray
        Log probability that the trader buys: half of a trade's.
    gain : ndarray
        Expected profit given a trade.
    """

    profit: Array
    gains: Array
    probability: tuple[Array, Array]
    successor: tuple[Array, Array]
    log_buy: Array
    gain: Array


@np.errstate(under="ignore", over="ignore", divide="ignore")
def stage(rho: Array, depth: Array, problem: Problem = PAPER) -> Stage:
    """Return the period whose quote is -/+ depth s at the belief N(0, rho^2).

    Parameters
    ----------
    rho, depth : ndarray
        Of shapes that broadcast; rho when she quotes, after the value has moved.
    problem : Problem
        Whose traders come.
    """
    price = depth * problem.find_scale(rho)
    rho = np.broadcast_to(rho, price.shape)
    sd = rho * problem.unit
    centre = np.zeros_like(sd)
    types = [
        (share, law, law.find_line(centre)) for share, law in problem.law.announce(centre, sd).types
    ]
    if all(line and np.isfinite(line.spread).all() for _, _, line in types):
        lines = [(share, _in_noise_sds(line, problem.unit)) for share, _, line in types]
        return _stage_of_lines(rho, price, lines)
    return _stage_of_likelihood(rho, price, problem)


def backup(problem: Problem, follows: Function, rho: Array, depth: Array) -> Array:
    """Return the right side of the Bellman equation, without its maximum: profit and what follows.

    Parameters
    ----------
    problem : Problem
    follows : callable
        W, a function of rho at the start of the next period, before the value moves.
    rho, depth : ndarray
        As of `stage`.

    Examples
    --------
    >>> from abm.bellman import Problem, solve
    >>> problem, rho = Problem(discount=0.9), np.array([1.0, 3.0])
    >>> W = solve(problem).value_function
    >>> backup(problem, W, rho, solve(problem).half_spread(rho) / np.hypot(1, rho)).round(4)
    array([2.4802, 1.5851])
    """
    period = stage(rho, depth, problem)
    return period.profit + problem.discount * expect(follows, period)


def expect(follows: Function, period: Stage) -> Array:
    """Return the expected value of what follows a period."""
    (trade, none), (after_trade, after_none) = period.probability, period.successor
    return trade * follows(after_trade) + none * follows(after_none)


def _in_noise_sds(line: Line | None, noise_sd: float) -> Line:
    assert line is not None
    return Line(line.centre / noise_sd, line.slope, line.spread / noise_sd)


def _stage_of_lines(rho: Array, price: Array, types: Sequence[tuple[float, Line]]) -> Stage:
    parts = [_stage_of_line(rho, price, line) for _, line in types]
    shares = [share for share, _ in types]
    if len(parts) == 1:
        log_buy, moved, after_buy, none, after_none, gains = parts[0]
    else:
        logs = [np.log(share) + part.log_buy for share, part in zip(shares, parts, strict=True)]
        log_buy = np.logaddexp.reduce(logs)
        weights = np.exp(np.array(logs) - log_buy)
        moves = np.array([part.moved for part in parts])
        moved = (weights * moves).sum(axis=0)
        spreads = np.array([part.after_buy for part in parts]) + np.square(moves - moved)
        after_buy = (weights * spreads).sum(axis=0)
        masses = [share * part.none for share, part in zip(shares, parts, strict=True)]
        none = np.sum(masses, axis=0)
        of_none = np.array([part.after_none for part in parts])
        weights = np.array(masses) / np.maximum(none, 1e-300)
        after_none = np.where(none > 0, (weights * of_none).sum(axis=0), rho * rho)
        earned = [share * part.gains for share, part in zip(shares, parts, strict=True)]
        gains = np.sum(earned, axis=0)
    gain, trade = price - moved, 2 * np.exp(log_buy)
    after = np.sqrt(after_buy), np.sqrt(after_none)
    return Stage(trade * gain, gains, (trade, none), after, log_buy, gain)


class _Part(NamedTuple):
    """What a trader of one type does: variances, not sds, are what her sides leave."""

    log_buy: Array
    moved: Array
    after_buy: Array
    none: Array
    after_none: Array
    gains: Array


def _stage_of_line(rho: Array, price: Array, line: Line) -> _Part:
    variance = rho * rho
    followed, blur = line.slope * line.slope * variance, line.spread * line.spread
    total = followed + blur
    scale = np.sqrt(np.maximum(total, 1e-300))
    depth = price / scale
    log_buy, excess = describe_half_line(depth)
    hazard = depth + excess
    density = np.exp(-0.5 * depth * depth - LOG_SQRT_2PI)
    left = np.maximum(1 - hazard * excess, 0.0)
    none = 1 - 2 * np.exp(log_buy)
    share_left = variance / np.maximum(total, 1e-300)
    return _Part(
        log_buy,
        line.slope * variance / scale * hazard,
        share_left * (blur + followed * left),
        none,
        share_left * (blur + followed * middle_variance(depth, density, none)),
        2 * line.find_own(rho) / scale * density,
    )


def _stage_of_likelihood(rho: Array, price: Array, problem: Problem) -> Stage:
    """Return the period by what the law's likelihoods reveal, whatever the law."""
    shape, unit = price.shape, problem.unit
    sd, price = rho.ravel() * unit, price.ravel() * unit
    centre = np.zeros_like(sd)
    law, quote = problem.law.announce(centre, sd), Quote.around(centre, price)
    bought = law.reveal_trade(Side.BUY, quote.ask)
    log_buy, (mean, after_buy) = bought.weigh(centre, sd), bought.tilt(centre, sd)
    _, after_none = law.likelihood(quote, NONE).tilt(centre, sd)
    trade, gain = 2 * np.exp(log_buy), (price - mean) / unit
    lost = np.full(price.shape, np.nan)
    flat = (trade * gain, lost, trade, 1 - trade, after_buy / unit, after_none / unit)
    profit, gains, trade, none, buy, rest = (np.reshape(one, shape) for one in flat)
    return Stage(
        profit, gains, (trade, none), (buy, rest),
        np.reshape(log_buy, shape), np.reshape(gain, shape),
    )  # fmt: skip
