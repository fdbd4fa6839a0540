"""The depths of the two one-period makers on a Gaussian belief: closed forms, then one step.

For a belief N(mu, sigma^2), noise sd sigma_eps and the symmetric quote mu -/+ q s,
s^2 = sigma^2 + sigma_eps^2, the depth q depends on rho = sigma / sigma_eps alone. With
hazard(q) = phi(q) / (1 - Phi(q)),

    zero-profit:  q = K hazard(q), K = rho^2 / (1 + rho^2), or q = rho^2 (hazard(q) - q)
    myopic:       q hazard(q) = 1 + rho^2

Both start from the closed form that results when hazard(q) - q is taken as
2 / (q + sqrt(q^2 + 2 pi)), which is within 3 % of the root at any rho, and right where rho is
large. It is multiplied by 1 + x p(x), x = MIDDLE / (MIDDLE + rho^2), with a polynomial p by which
it passes through the root at Chebyshev's points in x: what is left is 1e-5 of the depth. One step
of Halley's (Newton's with the second derivative), which converges cubically, gives full precision.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.numerics.checks import require_rho
from abm.numerics.truncated_normal import mean_excess

MIDDLE = 2.5  # the rho^2 at which x is 1/2
ZERO_PROFIT = (0.065130932, -0.1874794, 0.25431181, -0.1791361, 0.13294189, -0.085759532)
MYOPIC = (0.016872068, -0.058494648, 0.08144126, -0.064154006, 0.032356895, 2.6166879e-05)
FAR = 1e13  # past this rho^2 the zero-profit start is right, and a step from it loses digits


def find_valuation_sd(belief: Belief, noise_sd: float) -> Array:
    """Return s, the standard deviation of a trader's valuation under the belief, shape (R,)."""
    return np.sqrt(belief.sd * belief.sd + noise_sd * noise_sd)


def standardised_quote(belief: Belief, depth: ArrayLike, noise_sd: float) -> Quote:
    """Return the quote mean -/+ depth s, s the sd of a trader's valuation under the belief."""
    return Quote.around(belief.mean, np.multiply(depth, find_valuation_sd(belief, noise_sd)))


@np.errstate(under="ignore", divide="ignore", invalid="ignore")
def zero_profit_depth(rho: ArrayLike) -> Array:
    """Return the depth q at which each side earns nothing, ask = E[V | buy].

    Parameters
    ----------
    rho : array_like
        Information disadvantage, belief sd / noise sd, from 0 to 1e9.

    Returns
    -------
    ndarray
        Of the shape of rho, dimensionless; right to 1e-12 relative for rho from 1e-9 to 1e9.

    Raises
    ------
    ValueError, TypeError
        If a rho is out of range, or no number.

    Examples
    --------
    >>> zero_profit_depth([0.0, 3.0]).round(4)
    array([0.    , 2.7302])
    """
    odds = np.square(require_rho(rho))
    q = _correct(odds / np.sqrt(np.pi / 2 + odds), odds, ZERO_PROFIT)
    excess = mean_excess(q)
    hazard = q + excess
    slope = 1 + odds * (1 - hazard * excess)
    curvature = odds * hazard * (1 - excess * (excess + hazard))
    return np.where(odds < FAR, _step(q, q - odds * excess, slope, curvature), q)


@np.errstate(under="ignore")
def myopic_depth(rho: ArrayLike) -> Array:
    """Return the depth q of the largest expected profit of one period.

    Argument, shape, errors and accuracy are those of `zero_profit_depth`.

    Examples
    --------
    >>> myopic_depth([0.0, 3.0]).round(4)
    array([0.7518, 3.0247])
    """
    target = 1 + np.square(require_rho(rho))
    root = np.sqrt(1 + target * (target + 2 * (np.pi - 1)))
    q = target * np.sqrt(np.pi / (1 + (np.pi - 1) * target + root))
    q = _correct(q, target - 1, MYOPIC)
    excess = mean_excess(q)
    hazard = q + excess
    slope = hazard * (1 + q * excess)
    curvature = hazard * (excess * (2 + q * excess) - q * (1 - hazard * excess))
    return _step(q, q * hazard - target, slope, curvature)


def _correct(q: Array, odds: Array, coefficients: Sequence[float]) -> Array:
    """Return the closed form times 1 + x p(x), the coefficients of p from the highest power's."""
    x = MIDDLE / (MIDDLE + odds)
    highest, *others = coefficients
    correction = highest * x
    for coefficient in others:
        correction = (correction + coefficient) * x
    return q + q * correction


def _step(q: Array, error: Array, slope: Array, curvature: Array) -> Array:
    """Take Halley's step towards error = 0."""
    return q - error * slope / (slope * slope - 0.5 * error * curvature)


def find_information(depth: ArrayLike) -> Array:
    """Return I(q) = 2 phi(q)^2 / (1 - Phi(q)): how much a trader at a depth of q shows.

    A trader takes on average a part K I(q) off the variance of a Gaussian belief, K the share of it
    that a valuation explains, as K = rho^2 / (1 + rho^2) of the paper's traders. No depth shows
    more than 0.612.

    Examples
    --------
    >>> find_information([0.0, 0.612]).round(4)
    array([0.6366, 0.8098])
    """
    depth = np.asarray(depth, float)
    with np.errstate(under="ignore"):
        return np.exp(-depth * depth - special.log_ndtr(-depth)) / np.pi
