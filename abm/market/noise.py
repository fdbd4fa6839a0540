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
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.numerics.checks import positive_number
from abm.numerics.describe import describe
from abm.numerics.truncated_normal import interval_mass

NEEDED = ("cdf", "sf", "ppf", "std")
PROBES = np.linspace(-40.0, 40.0, 4001)  # where a cdf is examined, in sds from the median
UNSURE = 1e-6  # largest error of cdf and sf in what is examined
FINENESS = 8.0  # interquartile ranges, or sds if less, over the resolution of other noises
INNER = 1e-6  # ppf must invert the cdf for probabilities from here to 1 less this
LEAST_UNIFORM = 2.0**-54  # stands for a draw of 0, whose quantile may be infinite


class Distribution(Protocol):
    """A frozen distribution of `scipy.stats`, as `laplace(scale=0.7)`, or one like it."""

    def cdf(self, x: Any, /) -> Any:
        """Return P(noise <= x)."""

    def sf(self, x: Any, /) -> Any:
        """Return P(noise > x)."""

    def ppf(self, p: Any, /) -> Any:
        """Return the quantile of p."""

    def std(self) -> Any:
        """Return the standard deviation."""


@dataclass(frozen=True)
class GaussianNoise:
    """N(0, sd^2), the paper's noise (Das and Magdon-Ismail 2008, section 2.1)."""

    sd: float
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive_number("noise_sd", self.sd)

    @property
    def resolution(self) -> float:
        """The sd."""
        return self.sd

    def mass(self, lower: Array, upper: Array) -> Array:
        """Return P(lower < noise < upper), to 1e-9 relative."""
        return interval_mass(lower / self.sd, upper / self.sd)

    def above(self, lower: Array) -> Array:
        """Return P(noise > lower)."""
        return special.ndtr(lower / -self.sd)

    def below(self, upper: Array) -> Array:
        """Return P(noise < upper)."""
        return special.ndtr(upper / self.sd)

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
        If a method is missing, or does not take arrays.
    ValueError
        If its sd is not finite and above zero, or its cdf is NaN somewhere, falls, does not run
        from 0 to 1, or disagrees with sf or ppf.
    """

    distribution: Distribution
    is_gaussian: ClassVar[bool] = False

    def __post_init__(self) -> None:
        missing = [name for name in NEEDED if not callable(getattr(self.distribution, name, None))]
        if missing:
            raise TypeError(
                f"noise is {self.distribution!r}, which has no {missing[0]}, but needs "
                f"{', '.join(NEEDED)}: give a number for Gaussian noise, or a distribution as "
                f"scipy.stats.laplace(scale=0.7)"
            )
        try:
            _examine(self.distribution, self.quartiles[1] + self.sd * PROBES)
        except TypeError as error:
            raise TypeError(
                f"noise is {self.distribution!r}, which does not answer to arrays ({error}): "
                f"give a distribution with its parameters, as scipy.stats.laplace(scale=0.7)"
            ) from error

    def __repr__(self) -> str:
        kind = getattr(self.distribution, "dist", self.distribution)
        return describe(self, getattr(kind, "name", type(kind).__name__), f"sd {self.sd:.4g}")

    @cached_property
    def sd(self) -> float:
        """Standard deviation."""
        return positive_number("the noise's std", float(self.distribution.std()))

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
        low, high = (
            np.where(right, self.distribution.sf(end), self.distribution.cdf(end))
            for end in (lower, upper)
        )
        return np.abs(high - low)

    def above(self, lower: Array) -> Array:
        """Return P(noise > lower)."""
        return np.asarray(self.distribution.sf(lower))

    def below(self, upper: Array) -> Array:
        """Return P(noise < upper)."""
        return np.asarray(self.distribution.cdf(upper))

    def draw(self, draws: Draws) -> Array:
        """Return one draw a replication, shape (R,), by the inverse of the cdf."""
        return np.asarray(self.distribution.ppf(np.maximum(draws.uniform(), LEAST_UNIFORM)))


Noise = GaussianNoise | OtherNoise


def noise_of(given: float | Noise | Distribution) -> Noise:
    """Return a noise as it is, a number as Gaussian noise of this sd, a distribution as a noise."""
    if isinstance(given, GaussianNoise | OtherNoise):
        return given
    if isinstance(given, float | int | np.number):
        return GaussianNoise(float(given))
    return OtherNoise(given)


def _examine(distribution: Distribution, x: Array) -> None:
    """Raise ValueError unless the cdf runs from 0 to 1, and sf and ppf agree with it."""
    cdf, sf = (np.asarray(part(x), np.float64) for part in (distribution.cdf, distribution.sf))
    _require(~np.isnan(cdf), x, cdf, "must be a number")
    _require((cdf >= -UNSURE) & (cdf <= 1 + UNSURE), x, cdf, "must be from 0 to 1")
    _require(np.diff(cdf, prepend=0.0) >= -UNSURE, x, cdf, "must not fall as its argument rises")
    _require((x > x[0]) | (cdf <= 0.01), x, cdf, "must be near 0 so far out")
    _require((x < x[-1]) | (cdf >= 0.99), x, cdf, "must be near 1 so far out")
    _require(np.abs(cdf + sf - 1) <= UNSURE, x, cdf, "must be 1 less the sf there")
    p = np.clip(cdf, INNER, 1 - INNER)
    again = np.asarray(distribution.cdf(distribution.ppf(p)), np.float64)
    _require(np.abs(again - p) <= UNSURE, x, cdf, "must be undone by ppf")


def _require(right: ArrayLike, x: Array, cdf: Array, rule: str) -> None:
    wrong = np.flatnonzero(~np.asarray(right))
    if wrong.size:
        first = wrong[0]
        raise ValueError(
            f"the noise's cdf is {cdf[first]:.9g} at {x[first]:.6g}, but {rule}: "
            f"give a distribution as scipy.stats.laplace(scale=0.7)"
        )
