"""How traders value, and what a trade reveals: the only interface between traders and beliefs.

A law says how the next trader values, given what is public; what she does then shows a likelihood
of the value. Beliefs see only the likelihood, never the trader; traders never see a belief.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from scipy import special

from abm.market.quotes import Quote, Side
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, Index, Sides
from abm.numerics.kernels import widen


class Likelihood(Protocol):
    """What the tape showed, as a function of the value V."""

    @property
    def resolution(self) -> float:
        """The length, in units of price, over which the likelihood changes."""

    @property
    def is_mixed(self) -> bool:
        """Whether traders of several types may have shown it."""

    def likelihood(self, value: Array) -> Array:
        """Return P(shown | V = value) for values of shape (R, G), the grid last."""

    def weigh(self, mean: Array, sd: Array) -> Array:
        """Return log P(shown), given V ~ N(mean, sd^2)."""

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return the posterior's mean and sd, given V ~ N(mean, sd^2)."""

    @property
    def replications(self) -> int:
        """The number of replications; 1 if the same was shown in all."""

    def at(self, replications: Index) -> Self:
        """Return what was shown in these replications."""


@dataclass(frozen=True, eq=False)
class Line:
    """A valuation that is normal around a line in the value: u = centre + slope (V - mean) + noise.

    Parameters
    ----------
    centre : ndarray, shape (R,)
        What a trader values the asset at, on average, where V is the belief's mean.
    slope : ndarray, shape (R,), or float
        How far she follows the value: 1 if her valuation is the value and noise, 0 if she knows
        nothing of it. Dimensionless.
    spread : ndarray, shape (R,), or float
        The noise's standard deviation, in units of price.
    """

    centre: Array
    slope: Array | float
    spread: Array | float

    def find_scale(self, sd: Array) -> Array:
        """Return S, the sd of a valuation under a belief of this sd."""
        followed = self.slope * sd
        if isinstance(self.spread, float):
            return widen(followed, self.spread)
        return np.sqrt(followed * followed + self.spread * self.spread)

    def find_own(self, sd: Array) -> Array:
        """Return Cov(u - V, u), the part of S^2 that is the trader's own reasons to trade."""
        return self.spread * self.spread - self.slope * (1 - self.slope) * sd * sd

    def find_rho(self, sd: Array) -> Array | None:
        """Return the rho at which the depths of the paper's traders are hers, shape (R,).

        They are where `centre` is the belief's mean. None if she is led by what she knows alone.
        """
        own = self.find_own(sd)
        if not (own > 0).all():
            return None
        with np.errstate(divide="ignore"):
            return sd / np.sqrt(own / self.slope)


class Law(ABC):
    """How one type of trader values the instrument, and what the trader's side reveals.

    A law of your own is a subclass with `noise_sd`, `valuation` and `likelihood`. Beliefs, and the
    makers of one period, then go by its likelihoods; `find_line` lets them, and the sequential
    problem, go by closed forms instead.

    Examples
    --------
    >>> from abm.market.valuations import NoisyValuation
    >>> law = NoisyValuation(1.0)
    >>> law.trade(np.zeros(1), np.full(1, 3.0), Side.BUY, np.full(1, 4.5))[0].round(4)
    array([0.0774])
    >>> law.find_line(np.zeros(1)).find_scale(np.full(1, 3.0)).round(4)
    array([3.1623])
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Forget closed forms that a subclass inherits if it values otherwise."""
        super().__init_subclass__(**arguments)
        own = vars(cls)
        if "valuation" in own or "likelihood" in own:
            for name in ("find_line", "trade"):
                if name not in own:
                    setattr(cls, name, getattr(Law, name))

    @property
    @abstractmethod
    def noise_sd(self) -> float:
        """Standard deviation of a valuation about the value, in units of price."""

    @property
    def follows_tape(self) -> bool:
        """Whether it depends on what the public believes, so that it has to be announced."""
        return False

    @property
    def is_informed(self) -> bool:
        """Whether a trader of this law may know more of the value than the public."""
        return True

    @property
    def takes_noise_as_gaussian(self) -> bool:
        """Whether its moments on a Gaussian belief are those of Gaussian noise in place of its own.

        It is then no exact law for such a belief, which is misspecified.
        """
        return False

    @property
    def resolution(self) -> float:
        """The length, in units of price, over which the likelihoods change."""
        return self.noise_sd

    @property
    def types(self) -> Sequence[tuple[float, Law]]:
        """The types of traders that come, each with its share; this one alone unless mixed."""
        return [(1.0, self)]

    def announce(self, mean: Array, sd: Array) -> Law:  # noqa: ARG002, for laws that go by it
        """Return the law of a period in which the public's belief has this mean and sd."""
        return self

    @abstractmethod
    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return one valuation per replication, shape (R,)."""

    @abstractmethod
    def likelihood(self, quote: Quote, side: Sides) -> Likelihood:
        """Return what it reveals that the trader took `side` of an uncrossed `quote`."""

    def reveal_trade(self, side: Side, price: Array) -> Likelihood:
        """Return what a trade on this side, at this price, reveals."""
        return self.likelihood(Quote(price, price), np.array(side, np.int8))

    def find_line(self, mean: Array) -> Line | None:  # noqa: ARG002, for laws that have one
        """Return the line that valuations follow, seen from a belief's mean; None if they do not.

        A law that has one has closed forms on a Gaussian belief.
        """
        return None

    def trade(self, mean: Array, sd: Array, side: Side, price: Array) -> tuple[Array, Array]:
        """Return P(trade) and E[side (V - mean); trade] for V ~ N(mean, sd^2), shape (R,)."""
        line = self.find_line(mean)
        if line is None:
            shown = self.reveal_trade(side, price)
            with np.errstate(under="ignore"):
                mass = np.exp(shown.weigh(mean, sd))
            return mass, side * (shown.tilt(mean, sd)[0] - mean) * mass
        scale = line.find_scale(sd)
        depth = side * (price - line.centre) / scale
        with np.errstate(over="ignore", under="ignore"):
            density = np.exp(-0.5 * depth * depth) / np.sqrt(2 * np.pi)
            return special.ndtr(-depth), line.slope * sd * sd / scale * density
