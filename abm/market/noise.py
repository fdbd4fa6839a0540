"""How valuations scatter about the value: a Gaussian, or any distribution with a cdf.

A noise has the probability of an interval, for beliefs, and draws, for traders. Its mean need not
be zero, but Gaussian beliefs assume that it is.

Exact beliefs are as accurate with any cdf that is smooth on one scale as with the Gaussian's, on up
to eight times as many points: with logistic and Student's t noise mean and sd are right to 1e-12 of
the sd. With a kink in the density they are right to 1e-4 (Laplace), with corners or jumps in the
cdf to a few hundredths (uniform, discrete).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import ClassVar

import numpy as np
from scipy import special

from abm.market.distributions import Distribution, require_distribution
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.numerics.checks import scale_number
from abm.numerics.describe import describe
from abm.numerics.frozen import set_fields
from abm.numerics.truncated_normal import interval_mass

FINENESS = 8.0  # interquartile ranges, or sds if less, over the resolution of other noises
NEARBY = 1e-4  # in sds: over this distance to both sides a density is averaged
LEAST_UNIFORM = 2.0**-54  # stands for a draw of 0, whose quantile may be infinite


@dataclass(frozen=True)
class GaussianNoise:
    """N(0, sd^2), the paper's noise (Das and Magdon-Ismail 2008, section 2.1).

    Parameters
    ----------
    sd : float
        In units of price, from 1e-100 to 1e100.

    Raises
    ------
    ValueError, TypeError
        If the sd is not one such number.

    Examples
    --------
    >>> GaussianNoise(2.0).above(np.array([0.0]))
    array([0.5])
    """

    sd: float
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        set_fields(self, sd=scale_number("noise_sd", self.sd))

    @property
    def resolution(self) -> float:
        """The sd."""
        return self.sd

    def mass(self, lower: Array, upper: Array) -> Array:
        """Return P(lower < noise < upper), to 1e-9 relative."""
        with np.errstate(over="ignore", under="ignore"):
            return interval_mass(lower / self.sd, upper / self.sd)

    def above(self, lower: Array) -> Array:
        """Return P(noise > lower)."""
        with np.errstate(over="ignore", under="ignore"):
            return special.ndtr(lower / -self.sd)

    def below(self, upper: Array) -> Array:
        """Return P(noise < upper)."""
        with np.errstate(over="ignore", under="ignore"):
            return special.ndtr(upper / self.sd)

    def density(self, value: Array) -> Array:
        """Return the density of the noise, in one over units of price."""
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(-0.5 * np.square(value / self.sd)) / (self.sd * np.sqrt(2 * np.pi))

    def draw(self, draws: Draws) -> Array:
        """Return one draw a replication, shape (R,)."""
        return self.sd * draws.normal()


@dataclass(frozen=True, eq=False)
class OtherNoise:
    """A noise of any distribution of finite variance: logistic, Laplace, Student's t, and so on.

    Parameters
    ----------
    distribution : Distribution
        With the methods cdf, sf, ppf and std, as `scipy.stats.laplace(scale=0.7)` has them.

    Raises
    ------
    TypeError
        If a method is missing, or does not answer to arrays with arrays of numbers.
    ValueError
        If its sd is not from 1e-100 to 1e100, or its cdf is NaN somewhere, falls, does not run
        from 0 to 1, or disagrees with sf or ppf.
    """

    distribution: Distribution
    is_gaussian: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_distribution(self.distribution)

    def __repr__(self) -> str:
        kind = getattr(self.distribution, "dist", self.distribution)
        return describe(self, getattr(kind, "name", type(kind).__name__), f"sd {self.sd:.4g}")

    @cached_property
    def sd(self) -> float:
        """Standard deviation."""
        return float(self.distribution.std())

    @cached_property
    def quartiles(self) -> tuple[float, float, float]:
        """The lower quartile, the median and the upper quartile."""
        low, middle, high = self.distribution.ppf(np.array([0.25, 0.5, 0.75]))
        return float(low), float(middle), float(high)

    @cached_property
    def resolution(self) -> float:
        """A fraction of the sd, or of the distance between the quartiles if that is less."""
        low, _, high = self.quartiles
        return min(self.sd, high - low) / FINENESS

    def mass(self, lower: Array, upper: Array) -> Array:
        """Return P(lower < noise < upper), taken from the nearer tail."""
        right = lower > 0
        with np.errstate(over="ignore", under="ignore"):
            low, high = (
                np.where(right, self.distribution.sf(end), self.distribution.cdf(end))
                for end in (lower, upper)
            )
            return np.abs(high - low)

    def above(self, lower: Array) -> Array:
        """Return P(noise > lower)."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.distribution.sf(lower))

    def below(self, upper: Array) -> Array:
        """Return P(noise < upper)."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.distribution.cdf(upper))

    def density(self, value: Array) -> Array:
        """Return the density of the noise, in one over units of price: a mean over NEARBY sds."""
        near = NEARBY * self.sd
        return self.mass(value - near, value + near) / (2 * near)

    def draw(self, draws: Draws) -> Array:
        """Return one draw a replication, shape (R,), by the inverse of the cdf."""
        return np.asarray(self.distribution.ppf(np.maximum(draws.uniform(), LEAST_UNIFORM)))


Noise = GaussianNoise | OtherNoise
AnyNoise = float | Noise | Distribution


def noise_of(given: AnyNoise) -> Noise:
    """Return a noise as it is, a number as Gaussian noise of this sd, a distribution as a noise."""
    if isinstance(given, GaussianNoise | OtherNoise):
        return given
    if isinstance(given, float | Number | np.ndarray):
        return GaussianNoise(given)
    return OtherNoise(given)
