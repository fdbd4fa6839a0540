"""Traders who weigh what they see for themselves against what the tape has shown.

The public believes N(mu, sigma^2) before a trader comes. She sees w = V + noise, and values at

    u = mu + kappa (w - mu) + need n,    kappa = sigma^2 / (sigma^2 + weight noise_sd^2)

with n ~ N(0, 1) her private reason to trade. A weight of 1 is Bayes' rule with the makers' prior,
and 0 the trader of Das and Magdon-Ismail (2008), who state traders that learn as their next step.
Without a need who applies Bayes' rule never trades with makers who know what the public knows
(Milgrom and Stokey 1982). What she does still shows in which interval u lies, and so w with more
noise. Under a belief N(m, s^2), with

    S^2 = kappa^2 (s^2 + noise_sd^2) + need^2,    c = kappa s^2 / S^2

and m = mu, the zero-profit depth is q = c hazard(q) and the myopic one q hazard(q) = 1 / (1 - c),
prices m -/+ q S: those of the paper's traders at rho = sqrt(c / (1 - c)).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from abm.market.laws import Law, Line
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.market.valuations import find_interval
from abm.numerics.arrays import Array, Index, Sides
from abm.numerics.describe import describe, show_mean
from abm.numerics.truncated_normal import interval_mass, log_interval_mass, truncated_moments


@dataclass(frozen=True, eq=False)
class AdaptedInterval:
    """The signal "u in (lower, upper)" for u = centre + slope (V - centre) + spread n, n ~ N(0, 1).

    Parameters
    ----------
    lower, upper : ndarray, shape (R,) or (1,)
        Ends in units of price, infinite ends allowed.
    centre, slope, spread : ndarray, shape (R,) or (1,)
        The slope is dimensionless, the others are in units of price; spread above 0.
    """

    lower: Array
    upper: Array
    centre: Array
    slope: Array
    spread: Array
    is_mixed: ClassVar[bool] = False

    def __repr__(self) -> str:
        ends = (f"lower {show_mean(self.lower)}", f"upper {show_mean(self.upper)}")
        slope = f"slope {show_mean(self.slope)}"
        return describe(self, *ends, slope, over=self.replications)

    @property
    def resolution(self) -> float:
        """The shortest length of V over which an end is blurred; infinite at a slope of 0."""
        with np.errstate(divide="ignore"):
            return float((self.spread / self.slope).min())

    def likelihood(self, value: Array) -> Array:
        """Return P(lower < u < upper | V = value) for values of shape (R, G), the grid last."""
        centre, slope, spread, lower, upper = (
            np.resize(one, (len(value), 1))
            for one in (self.centre, self.slope, self.spread, self.lower, self.upper)
        )
        mean = centre + slope * (value - centre)
        with np.errstate(under="ignore"):
            return interval_mass((lower - mean) / spread, (upper - mean) / spread)

    def weigh(self, mean: Array, sd: Array) -> Array:
        """Return log P(signal), given V ~ N(mean, sd^2), shape (R,)."""
        return log_interval_mass(self.lower, self.upper, *self._describe_valuation(mean, sd))

    @np.errstate(over="ignore", under="ignore")
    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return mean and sd of V ~ N(mean, sd^2) given the signal, shape (R,).

        As `abm.market.valuations.Interval.tilt`; the sd never rises.
        """
        centre, s = self._describe_valuation(mean, sd)
        m, v = truncated_moments(self.lower, self.upper, centre, s)
        moved = self.slope * sd
        left = np.sqrt(self.spread * self.spread + moved * moved * v) / s
        return mean + moved * sd / s * m, sd * left

    @np.errstate(over="ignore", under="ignore")
    def _describe_valuation(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return mean and sd of u, given V ~ N(mean, sd^2)."""
        moved = self.slope * sd
        centre = self.centre + self.slope * (mean - self.centre)
        return centre, np.sqrt(moved * moved + self.spread * self.spread)

    @property
    def replications(self) -> int:
        """The number of intervals; 1 if all replications share it."""
        return np.broadcast(self.lower, self.upper, self.centre, self.slope).size

    def at(self, replications: Index) -> AdaptedInterval:
        """Return the intervals of these replications; what all share stays shared."""
        parts = (self.lower, self.upper, self.centre, self.slope, self.spread)
        return AdaptedInterval(*(one if one.size == 1 else one[replications] for one in parts))


@dataclass(frozen=True, eq=False)
class AdaptedValuation(Law):
    """The valuation of a trader who weighs the tape, in this period.

    Parameters
    ----------
    centre, public_sd : ndarray, shape (R,)
        Mean and sd of what the public believes, in units of price.
    weight : float
        Theta, what the trader gives to it: from 0 (nothing) to 1 (as Bayes' rule).
    signal_sd, need_sd : float
        Of what she sees about the value, and of her private reason to trade, in units of price.

    Attributes
    ----------
    slope : ndarray, shape (R,)
        Kappa, how far she follows what she sees herself, from 0 to 1.
    spread : ndarray, shape (R,)
        Standard deviation of a valuation given the value, in units of price.

    Examples
    --------
    >>> law = AdaptedValuation(np.zeros(1), np.full(1, 3.0), weight=1.0, signal_sd=1.0, need_sd=1.0)
    >>> law.slope
    array([0.9])
    """

    centre: Array
    public_sd: Array
    weight: float
    signal_sd: float
    need_sd: float
    follows_tape = True

    def __repr__(self) -> str:
        return describe(self, f"slope {show_mean(self.slope)}", f"need sd {self.need_sd:.4g}")

    @cached_property
    def slope(self) -> Array:
        """Kappa, by what the public believes."""
        public, seen = np.square(self.public_sd), self.weight * self.signal_sd * self.signal_sd
        with np.errstate(invalid="ignore"):  # who knows the value, and so do all
            return np.nan_to_num(public / (public + seen), nan=1.0)

    @cached_property
    def spread(self) -> Array:
        """Of what she sees and needs, in units of price."""
        return np.hypot(self.slope * self.signal_sd, self.need_sd)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of what she sees, about the value."""
        return self.signal_sd

    @property
    def resolution(self) -> float:
        """As of what she shows."""
        with np.errstate(divide="ignore"):
            return float((self.spread / self.slope).min())

    def announce(self, mean: Array, sd: Array) -> AdaptedValuation:
        """Return the law at what the public believes."""
        return AdaptedValuation(mean, sd, self.weight, self.signal_sd, self.need_sd)

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return one valuation per replication, shape (R,)."""
        seen = value + self.signal_sd * draws.normal()
        return self.centre + self.slope * (seen - self.centre) + self.need_sd * draws.normal()

    def find_line(self, mean: Array) -> Line:
        """Return the line, by which her depths are the paper's at another rho."""
        return Line(self.centre + self.slope * (mean - self.centre), self.slope, self.spread)

    def likelihood(self, quote: Quote, side: Sides) -> AdaptedInterval:
        """Return the interval in which the trader's valuation must lie."""
        lower, upper = map(np.atleast_1d, find_interval(quote, side))
        return AdaptedInterval(lower, upper, self.centre, self.slope, self.spread)
