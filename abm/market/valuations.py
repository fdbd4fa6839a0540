"""The paper's traders: they value at the value and noise, and show in which interval that lies.

A trader's valuation is w = V + noise. What the trader does shows in which interval w lies: above
the ask (a buy), below the bid (a sale), or between them (no trade).

Exact beliefs use the likelihood as a function of V, whatever the noise. Gaussian beliefs use
`tilt`, which assumes Gaussian noise of the same sd: with another noise they are misspecified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from abm.market.laws import Law, Line
from abm.market.noise import AnyNoise, Noise, noise_of
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, Index, Sides, align
from abm.numerics.checks import require_compatible
from abm.numerics.conversion import floats
from abm.numerics.describe import describe, show_mean
from abm.numerics.frozen import set_fields
from abm.numerics.kernels import are_ordered, find_ends, find_span, tilt_normal, widen
from abm.numerics.truncated_normal import log_interval_mass, moments_between

LARGEST_END = 1e200  # of an interval: beyond, it lies where no valuation can be


def find_interval(quote: Quote, side: Sides) -> tuple[Array, Array]:
    """Return the ends between which the valuation of a trader on this side of a quote lies."""
    ends = find_ends(*quote.align(side))
    for end in ends:
        end.setflags(write=False)
    return ends


@dataclass(frozen=True, eq=False)
class Interval:
    """The signal "w lies in (lower, upper)" for w = V + noise.

    Parameters
    ----------
    lower, upper : array_like, shape (R,) or broadcasting to it
        Ends in units of price, lower <= upper, infinite ends allowed.
    noise : float, Noise or Distribution
        The sd of Gaussian noise, from 1e-100 to 1e100; or another noise (see `abm.market.noise`).

    Raises
    ------
    ValueError, TypeError
        If an end is NaN, lower exceeds upper, all of the interval is beyond 1e200, shapes do not
        match, an end is no number, or `noise` is not a distribution.

    Examples
    --------
    >>> Interval(4.5, np.inf, 1.0)  # a trader bought at 4.5
    Interval(lower 4.5, upper inf, noise sd 1)
    """

    lower: Array
    upper: Array
    noise: Noise
    is_mixed: ClassVar[bool] = False

    def __init__(self, lower: ArrayLike, upper: ArrayLike, noise: AnyNoise) -> None:
        lower, upper = floats("lower", lower), floats("upper", upper)
        if lower.shape != upper.shape:
            require_compatible(lower=lower, upper=upper)
        if lower.size and not (
            find_span(upper)[0] >= -LARGEST_END
            and find_span(lower)[1] <= LARGEST_END
            and are_ordered(lower, upper)
        ):
            _require_upwards(lower, upper)
        set_fields(self, lower=lower, upper=upper, noise=noise_of(noise))

    def __repr__(self) -> str:
        ends = (f"lower {show_mean(self.lower)}", f"upper {show_mean(self.upper)}")
        return describe(self, *ends, f"noise sd {self.noise.sd:.4g}", over=self.replications)

    @property
    def resolution(self) -> float:
        """The noise's: it blurs the ends of the interval over this length."""
        return self.noise.resolution

    def likelihood(self, value: Array) -> Array:
        """Return P(lower < w < upper | V = value) for values of shape (R, G), the grid last."""
        lower, upper = (np.resize(end, (len(value), 1)) for end in (self.lower, self.upper))
        sells, buys = np.isneginf(lower)[:, 0], np.isposinf(upper)[:, 0]
        if buys.all():  # no copies of the grid where all are alike
            return self.noise.above(lower - value)
        if sells.all():
            return self.noise.below(upper - value)
        inside = ~(sells | buys)
        mass = np.empty(value.shape)
        mass[inside] = self.noise.mass(lower[inside] - value[inside], upper[inside] - value[inside])
        mass[sells] = self.noise.below(upper[sells] - value[sells])
        mass[buys] = self.noise.above(lower[buys] - value[buys])
        return mass

    def weigh(self, mean: Array, sd: Array) -> Array:
        """Return log P(signal), given V ~ N(mean, sd^2), shape (R,).

        Any noise is treated as Gaussian with its sd.
        """
        sd = floats("sd", sd)
        with np.errstate(over="ignore", under="ignore"):
            return log_interval_mass(self.lower, self.upper, mean, widen(sd, self.noise.sd))

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return mean and sd of V ~ N(mean, sd^2) given the signal, shape (R,).

        With s^2 = sd^2 + noise_sd^2, K = sd^2 / s^2 and (m, v) the moments of the standardised
        valuation on the interval, the mean moves by K s m and the variance falls to
        sd^2 (1 - K (1 - v)) (Das and Magdon-Ismail 2008, section 2.4). The sd never rises, to
        the last bit (Theorem 2.1). Any noise is treated as Gaussian with its sd.
        """
        mean, sd = floats("mean", mean), floats("sd", sd)
        shape, (lower, upper, mean, sd) = align(self.lower, self.upper, mean, sd)
        with np.errstate(all="ignore"):  # ends so far out count as infinite
            s = widen(sd, self.noise.sd)
            moments = moments_between(lower, upper, mean, s)
            moved, left = tilt_normal(mean, sd, self.noise.sd, s, moments)
        return (moved, left) if shape else (moved.reshape(shape), left.reshape(shape))

    @property
    def replications(self) -> int:
        """The number of intervals; 1 if all replications share it."""
        return np.broadcast(self.lower, self.upper).size

    def at(self, replications: Index) -> Interval:
        """Return the intervals of these replications; an end that all share stays shared."""
        ends = (self.lower, self.upper)
        lower, upper = (end if end.size == 1 else end[replications] for end in ends)
        return Interval(lower, upper, self.noise)


def _require_upwards(lower: Array, upper: Array) -> None:
    """Raise ValueError about the first interval that is none."""
    wrong = ~((lower <= upper) & (lower <= LARGEST_END) & (upper >= -LARGEST_END))
    low, high = (np.broadcast_to(end, wrong.shape)[wrong][0] for end in (lower, upper))
    raise ValueError(
        f"interval is ({low}, {high}), but must run upwards: give lower <= upper, not NaN, "
        f"and not both at the same infinity or beyond {LARGEST_END:g}"
    )


@dataclass(frozen=True)
class NoisyValuation(Law):
    """The paper's law: w = V + noise (Das and Magdon-Ismail 2008, section 2.1).

    Its noise is given by the sd if it is Gaussian, from 1e-100 to 1e100, or as another (see
    `abm.market.noise`).

    Examples
    --------
    >>> side = np.array([1, 0, -1])  # buys, does not trade, sells
    >>> shown = NoisyValuation(1.0).likelihood(Quote(-2.0, 2.0), side)
    >>> shown.lower, shown.upper  # where each valuation is
    (array([  2.,  -2., -inf]), array([inf,  2., -2.]))
    """

    noise: Noise

    def __init__(self, noise: AnyNoise) -> None:
        set_fields(self, noise=noise_of(noise))

    @property
    def noise_sd(self) -> float:
        """Standard deviation of the noise."""
        return self.noise.sd

    @property
    def takes_noise_as_gaussian(self) -> bool:
        """Whether the noise is another."""
        return not self.noise.is_gaussian

    @property
    def resolution(self) -> float:
        """The noise's."""
        return self.noise.resolution

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return value + noise, shape (R,)."""
        return value + self.noise.draw(draws)

    def find_line(self, mean: Array) -> Line:
        """Return the line; any noise is taken as Gaussian with its sd, as by `Interval.tilt`."""
        return Line(mean, 1.0, self.noise_sd)

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        """Return the interval in which the trader's valuation must lie."""
        return Interval(*find_interval(quote, side), self.noise)
