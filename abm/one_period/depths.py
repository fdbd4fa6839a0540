"""The depths of the two one-period makers on a Gaussian belief: closed forms, then one step.

For a belief N(mu, sigma^2), noise sd sigma_eps and the symmetric quote mu -/+ q s,
s^2 = sigma^2 + sigma_eps^2, the depth q depends on rho = sigma / sigma_eps alone. With
hazard(q) = phi(q) / (1 - Phi(q)),

    zero-profit:  q = K hazard(q), K = rho^2 / (1 + rho^2), or q = rho^2 (hazard(q) - q)
    myopic:       q hazard(q) = 1 + rho^2

Both start from the closed form that results when hazard(q) - q is taken as
2 / (q + sqrt(q^2 + 2 pi)), which is within 3 % of the root at any rho, and right where rho is
large. It is multiplied by 1 + x p(x), x = MIDDLE / (MIDDLE + rho^2), with a polynomial p that
leaves 1e-5. Halley's iteration (Newton's with the second derivative) converges cubically: one step
more reaches full precision.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import ArrayLike
from scipy import special

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.numerics.checks import require_rho
from abm.numerics.truncated_normal import mean_excess

MIDDLE, DEGREE = 2.5, 5  # the rho^2 at which x is 1/2, and that of p
FULL = 3  # steps of Halley's to full precision from the closed form alone

Guess = Callable[[Array], Array]
"""From rho^2 to a depth."""
Step = Callable[[Array, Array], Array]
"""From a depth and rho^2 to a better depth."""


def find_valuation_sd(belief: Belief, noise_sd: float) -> Array:
    """Return s, the standard deviation of a trader's valuation under the belief, shape (R,)."""
    return np.sqrt(belief.sd * belief.sd + noise_sd * noise_sd)


def standardised_quote(belief: Belief, depth: ArrayLike, noise_sd: float) -> Quote:
    """Return the quote mean -/+ depth s, s the sd of a trader's valuation under the belief."""
    return Quote.around(belief.mean, np.multiply(depth, find_valuation_sd(belief, noise_sd)))


@np.errstate(under="ignore")
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
    return _find_depth(_guess_zero_profit, _step_to_zero_profit, rho)


@np.errstate(under="ignore")
def myopic_depth(rho: ArrayLike) -> Array:
    """Return the depth q of the largest expected profit of one period.

    Argument, shape, errors and accuracy are those of `zero_profit_depth`.

    Examples
    --------
    >>> myopic_depth([0.0, 3.0]).round(4)
    array([0.7518, 3.0247])
    """
    return _find_depth(_guess_myopic, _step_to_myopic, rho)


def _find_depth(guess: Guess, step: Step, rho: ArrayLike) -> Array:
    odds = np.square(require_rho(rho))
    x = MIDDLE / (MIDDLE + odds)
    first, *others = _fit_polynomial(guess, step)
    lacking = first * x
    for coefficient in others:
        lacking = (lacking + coefficient) * x
    return step(guess(odds) * (1 + lacking), odds)


@cache
def _fit_polynomial(guess: Guess, step: Step) -> list[float]:
    """Return the coefficients of p, the highest power's first, by roots at Chebyshev's points."""

    def find_p(x: Array) -> Array:
        odds = MIDDLE * (1 - x) / x
        guessed = depth = guess(odds)
        for _ in range(FULL):
            depth = step(depth, odds)
        return (depth / guessed - 1) / x

    fitted = Chebyshev.interpolate(find_p, DEGREE, domain=[0, 1]).convert(kind=Polynomial)
    return fitted.coef[::-1].tolist()


def _guess_zero_profit(odds: Array) -> Array:
    return odds / np.sqrt(np.pi / 2 + odds)


def _guess_myopic(odds: Array) -> Array:
    target = 1 + odds
    root = np.sqrt(1 + target * (target + 2 * (np.pi - 1)))
    return target * np.sqrt(np.pi / (1 + (np.pi - 1) * target + root))


def _step_to_zero_profit(q: Array, odds: Array) -> Array:
    excess = mean_excess(q)
    hazard = q + excess
    slope = 1 + odds * (1 - hazard * excess)
    curvature = odds * hazard * (1 - excess * (excess + hazard))
    return _halley(q, q - odds * excess, slope, curvature)


def _step_to_myopic(q: Array, odds: Array) -> Array:
    excess = mean_excess(q)
    hazard = q + excess
    slope = hazard * (1 + q * excess)
    curvature = hazard * (excess * (2 + q * excess) - q * (1 - hazard * excess))
    return _halley(q, q * hazard - (1 + odds), slope, curvature)


def _halley(q: Array, error: Array, slope: Array, curvature: Array) -> Array:
    """Take Halley's step towards error = 0, at most halving or doubling the depth."""
    step = error * slope / (slope * slope - 0.5 * error * curvature)
    return np.clip(q - step, 0.5 * q, 2 * q)


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
