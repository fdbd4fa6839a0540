"""The monopolist's problem with bid and ask depth free: whether a skewed quote ever pays.

Das and Magdon-Ismail (2008, section 2.5) let the monopolist choose one depth q and quote
mu -/+ q s, with mu her belief's mean and s the sd of a trader's valuation under it. Here bid and
ask are free: their middle may be skewed off the mean, by k s,

    bid = mu + (k - q) s,    ask = mu + (k + q) s,    q >= 0,    any k

A shift of V shifts all prices alike and every posterior is a normal again. So rho is still the only
state and, by Theorem 2.1, never rises. The free Bellman equation is

    W(rho) = max over q and k of  r(rho, q, k)
             + discount * sum over the trader's three sides of P(side) W(rho given the side)

with r the expected profit of a period. One step decides whether a skew ever pays: `free_backup`
evaluates the right side at W, the value of the best symmetric quotes. Where that returns W at every
rho, W is the solution, for the operator is a contraction and has no other (Puterman 1994, section
6.2), and symmetric quotes are optimal. No proof is known to this project. Computed at 192 values of
rho from 0.01 to 15 and discounts of 0, 0.5, 0.9 and 0.99 (`tests/bellman/test_asymmetric.py`), the
best k is 0 up to rounding. All of this is about the Gaussian world; on exact beliefs, which are
skewed, so are the best quotes found (`abm.bellman.exact`).

That is not obvious. A bid at the mean without an ask reveals as much as bid and ask both there, for
half the loss. Given no trade, a skew moves the mean, by m say, and leaves a variance lower by m^2
than the average of two symmetric quotes, one as deep as its bid and one as its ask. Past a rho of
about 1 a skew does reveal more, but that repays at most 0.92 of the profit it forgoes. In all it
loses 0.74 to 1.5 times as much as an equal small error of the depth (`curvature`, where the market
is open). Here rho, profits and W are in units of the noise sd, depths and skews in units of s.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.gaussian import GaussianBelief
from abm.bellman.solution import Solution
from abm.market.quotes import Quote, Side
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.numerics.checks import require_positive
from abm.numerics.golden_section import golden_section
from abm.one_period.profit import expected_profit

NOISE = NoisyValuation(1.0)
SCAN = np.linspace(0.0, 8.0, 25)  # past a depth of 8 a trade is rarer than 1e-15: closed
STEP = SCAN[1] - SCAN[0]
ROUNDS = 4  # of golden sections: depth and skew hardly interact, so one is nearly enough
WIGGLE = 0.02  # of depth and skew: with it second differences are right to three digits
EVERYWHERE = 2e-8  # residual at any rho: the solver checks its own at three points a cell


@dataclass(frozen=True, eq=False)
class FreeBackup:
    """One step of the free Bellman equation, from W, the value of the best symmetric quotes.

    Parameters
    ----------
    before : ndarray
        W at each rho, in units of the noise sd.
    symmetric, value : ndarray
        The right side's maximum over q at k = 0, and over both q and k.
    depth, skew : ndarray
        Its q and k, dimensionless, good to 1e-6; of two mirror images that of k >= 0.
    """

    before: Array
    symmetric: Array
    value: Array
    depth: Array
    skew: Array

    @property
    def gain(self) -> Array:
        """What a skew adds to the right side, in units of the noise sd."""
        return self.value - self.symmetric

    @property
    def residual(self) -> float:
        """Largest error of W in the free Bellman equation, in units of the noise sd."""
        return float(abs(self.value - self.before).max())

    @property
    def converged(self) -> bool:
        """Whether W solves the free equation at these rho, to the tolerance."""
        return self.residual <= EVERYWHERE


def free_backup(solution: Solution, rho: ArrayLike) -> FreeBackup:
    """Return the best quotes of one period, both depths free, if W is the value that follows.

    The search scans depths and skews up to 8 and refines the best by golden sections. That includes
    quotes that decline a side: past a depth of 8 a trade is rarer than 1e-15.

    Parameters
    ----------
    solution : Solution
        Its `value_function` is W.
    rho : array_like, shape (N,) or scalar
        Information disadvantages, above zero and up to the solution's rho_max.

    Raises
    ------
    ValueError
        If a rho is not finite and above zero, or past rho_max.
    """
    rho = require_positive("rho", rho)
    even, centred = _scan(solution, rho, np.zeros(1))
    even = _best_depth(solution, rho, even, centred)
    depth, skew = _scan(solution, rho, SCAN)
    for _ in range(ROUNDS):
        with_depth = partial(backup, solution, rho, depth)
        skew = golden_section(with_depth, skew - STEP, skew + STEP)
        depth = _best_depth(solution, rho, depth, skew)
    return FreeBackup(
        before=solution.value_function(rho),
        symmetric=backup(solution, rho, even, centred),
        value=backup(solution, rho, depth, skew),
        depth=depth,
        skew=skew,
    )


@np.errstate(under="ignore")
def backup(solution: Solution, rho: Array, depth: Array, skew: Array) -> Array:
    """Return the right side of the free Bellman equation without its maximum.

    W is the solution's; the state `rho`, above zero, and the quote's q >= 0 and k broadcast.
    """
    s = np.sqrt(1 + rho * rho)
    belief, quote = GaussianBelief(0.0, rho), Quote.around(skew * s, depth * s)
    outcomes = [belief.condition(NOISE.likelihood(quote, np.array(side, np.int8))) for side in Side]
    future = sum(
        np.exp(log_mass) * solution.value_function(posterior.sd) for log_mass, posterior in outcomes
    )
    return expected_profit(belief, quote, NOISE) + solution.discount * future


def curvature(solution: Solution, rho: ArrayLike) -> tuple[Array, Array]:
    """Return the second derivatives of `backup` in depth and in skew at the symmetric optimum.

    If both are negative no quote nearby is better: the mixed derivative is zero by symmetry.
    Arguments and errors are those of `free_backup`.
    """
    rho = require_positive("rho", rho)
    depth, centred = solution.half_spread(rho) / np.sqrt(1 + rho * rho), np.zeros_like(rho)
    peak = backup(solution, rho, depth, centred)
    wide, narrow = (backup(solution, rho, depth + by, centred) for by in (WIGGLE, -WIGGLE))
    skewed = backup(solution, rho, depth, centred + WIGGLE)
    return (wide - 2 * peak + narrow) / WIGGLE**2, 2 * (skewed - peak) / WIGGLE**2


def _scan(solution: Solution, rho: Array, skews: Array) -> tuple[Array, Array]:
    """Return the best depth and skew at each rho among all pairs from the scan and `skews`."""
    depth, skew = (axis.ravel() for axis in np.meshgrid(SCAN, skews))
    best = backup(solution, rho[..., np.newaxis], depth, skew).argmax(axis=-1)
    return depth[best], skew[best]


def _best_depth(solution: Solution, rho: Array, near: Array, skew: Array) -> Array:
    """Return the best depth at this skew within a step of the scan."""
    with_skew = partial(backup, solution, rho, skew=skew)
    return golden_section(with_skew, np.maximum(near - STEP, 0.0), near + STEP)
