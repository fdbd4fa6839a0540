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

import numpy as np

from abm.market.quotes import Quote, Side
from abm.market.random_streams import Draws
from abm.market.valuations import find_interval, trade_past
from abm.numerics.arrays import Array, Index, Sides
from abm.numerics.describe import describe, show_mean
from abm.numerics.truncated_normal import interval_mass, truncated_moments


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

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """Return log P(signal), and mean and sd of V ~ N(mean, sd^2) given the signal, shape (R,).

        As `abm.market.valuations.Interval.tilt`; the sd never rises.
        """
        centre, moved = self.centre + self.slope * (mean - self.centre), self.slope * sd
        with np.errstate(over="ignore", under="ignore"):
            s = np.sqrt(moved * moved + self.spread * self.spread)
            ends = (self.lower - centre) / s, (self.upper - centre) / s
            log_mass, m, v = truncated_moments(*ends)
            left = np.sqrt(self.spread * self.spread + moved * moved * v) / s
            return log_mass, mean + moved * sd / s * m, sd * left

    @property
    def replications(self) -> int:
        """The number of intervals; 1 if all replications share it."""
        return np.broadcast(self.lower, self.upper, self.centre, self.slope).size

    def at(self, replications: Index) -> AdaptedInterval:
        """Return the intervals of these replications; what all share stays shared."""
        parts = (self.lower, self.upper, self.centre, self.slope, self.spread)
        return AdaptedInterval(*(one if one.size == 1 else one[replications] for one in parts))


@dataclass(frozen=True, eq=False)
class AdaptedValuation:
    """The valuation of a trader who weighs the tape, in this period.

    Parameters
    ----------
    centre : ndarray, shape (R,)
        What the public believes, in units of price.
    slope : ndarray, shape (R,)
        Kappa, how far she follows what she sees herself, from 0 to 1.
    noise_sd, need_sd : float
        Of what she sees about the value, and of her private reason to trade, in units of price.

    Examples
    --------
    >>> law = AdaptedValuation(np.zeros(1), np.full(1, 0.5), noise_sd=1.0, need_sd=1.0)
    >>> law.find_scale(np.full(1, 3.0)).round(3)  # sd of a valuation under a belief of sd 3
    array([1.871])
    """

    centre: Array
    slope: Array
    noise_sd: float
    need_sd: float

    def __repr__(self) -> str:
        return describe(self, f"slope {show_mean(self.slope)}", f"need sd {self.need_sd:.4g}")

    @property
    def has_closed_forms(self) -> bool:
        """Never those of the paper's traders; see `standardise`."""
        return False

    @property
    def spread(self) -> Array:
        """Standard deviation of a valuation given the value, shape (R,)."""
        return np.hypot(self.slope * self.noise_sd, self.need_sd)

    @property
    def resolution(self) -> float:
        """As of what she shows."""
        with np.errstate(divide="ignore"):
            return float((self.spread / self.slope).min())

    def find_scale(self, sd: Array) -> Array:
        """Return S, the sd of a valuation under a belief of this sd, shape (R,)."""
        return np.hypot(self.slope * sd, self.spread)

    def standardise(self, mean: Array, sd: Array) -> tuple[Array, Array] | None:
        """Return S, and the rho at which the paper's depths are hers; None if means differ."""
        if not np.array_equal(mean, self.centre):
            return None
        informed = self.slope * sd * sd
        rest = np.square(self.spread) - (1 - self.slope) * informed  # S^2 (1 - c)
        with np.errstate(divide="ignore"):
            return self.find_scale(sd), np.sqrt(informed / rest)

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return one valuation per replication, shape (R,)."""
        seen = value + self.noise_sd * draws.normal()
        return self.centre + self.slope * (seen - self.centre) + self.need_sd * draws.normal()

    def trade(self, mean: Array, sd: Array, side: Side, price: Array) -> tuple[Array, Array]:
        """Return P(trade) and E[side (V - mean); trade] for V ~ N(mean, sd^2), shape (R,)."""
        s = self.find_scale(sd)
        valued = self.centre + self.slope * (mean - self.centre)
        return trade_past(side * (price - valued) / s, self.slope * sd * sd / s)

    def likelihood(self, quote: Quote, side: Sides) -> AdaptedInterval:
        """Return the interval in which the trader's valuation must lie."""
        lower, upper = map(np.atleast_1d, find_interval(quote, side))
        return AdaptedInterval(lower, upper, self.centre, self.slope, self.spread)
