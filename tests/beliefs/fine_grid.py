"""What the posterior is where the value moves: on a fine grid, by sums of positive terms alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, stats

from abm import Exchange
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.market.quotes import Side
from abm.numerics.arrays import Array, Sides

NORMAL = stats.norm()
SHORT = 0.5  # of an interval, in sds of the noise
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


@dataclass(frozen=True)
class Period:
    """What the public saw of a period: the move it was told of, the quote, and the side taken.

    `mean` and `sd` are what it believed when the trader came, by which some traders value.
    """

    moved: Move
    mean: Array
    sd: Array
    bid: Array
    ask: Array
    side: Sides
    likelihood: Likelihood


def watch(traders: Any, value: Any, replications: int, periods: int) -> list[Period]:
    """Return what the makers of an exchange see whose zero-profit maker is Gaussian."""
    market = Exchange(
        "zero-profit", traders, value=value, prior_sd=3.0, replications=replications, rng=5
    )
    seen = []
    for _ in range(periods):
        market.open()
        mean, sd = (np.array(part) for part in market.makers[0].moments)
        market.clear()
        view = market.makers[0].last
        assert view is not None
        bid, ask, side = market.inside.bid, market.inside.ask, market.clearing.side
        seen.append(Period(market.moved, mean, sd, bid, ask, side, view.likelihood))
    return seen


@dataclass(frozen=True)
class Traders:
    """Who comes, with all that is told of them; by default the paper's, of noise sd 1.

    Parameters
    ----------
    share, reach : float
        Of the uninformed, who value at the public mean and a normal of this sd; at an infinite
        reach they buy or sell whatever the price.
    weight, need : float
        What the informed give to the tape, and the sd of their private reasons to trade.
    noise : scipy.stats distribution
        Of the informed, symmetric.
    """

    share: float = 0.0
    reach: float = np.inf
    weight: float = 0.0
    need: float = 0.0
    noise: Any = NORMAL

    def find_chance(self, seen: Period, value: Array) -> Array:
        """Return the probability of what was seen if V is this, shape (R, G)."""
        mean, sd, bid, ask, side = (
            part[:, np.newaxis] for part in (seen.mean, seen.sd, seen.bid, seen.ask, seen.side)
        )
        low = np.where(side == Side.BUY, ask, np.where(side == Side.SELL, -np.inf, bid))
        high = np.where(side == Side.BUY, np.inf, np.where(side == Side.SELL, bid, ask))
        slope = sd**2 / (sd**2 + self.weight)
        centre, spread = mean + slope * (value - mean), np.hypot(slope, self.need)
        informed = find_mass((low - centre) / spread, (high - centre) / spread, self.noise)
        if np.isinf(self.reach):
            uninformed = np.where(side == Side.NONE, 0.0, 0.5)
        else:
            uninformed = find_mass((low - mean) / self.reach, (high - mean) / self.reach)
        return (1 - self.share) * informed + self.share * uninformed


def find_mass(low: Array, high: Array, noise: Any = NORMAL) -> Array:
    """Return a symmetric noise's probability of an interval, without a loss of digits.

    A short one is integrated (Gauss and Legendre), others are the smaller tail's differences.
    """
    flip = low + high > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    mass, short = noise.cdf(high) - noise.cdf(low), high - low < SHORT
    middle, half = 0.5 * (low + high)[short], 0.5 * (high - low)[short]
    places = middle[:, np.newaxis] + half[:, np.newaxis] * NODES
    mass[short] = half * (noise.pdf(places) @ WEIGHTS)
    return np.asarray(mass)


class FineGrid:
    """The posterior at even steps from -span to span, in all replications.

    A move is a sum of normal densities over all points, so that nothing is lost by differences.
    """

    def __init__(self, replications: int, span: float, step: float) -> None:
        self.value, self.step = np.arange(-span, span + step / 2, step), step
        density = stats.norm.pdf(self.value, 0, 3.0)
        self.density = np.tile(density, (replications, 1))
        self.log_evidence = np.zeros(replications)
        self.kernels: dict[float, Array] = {}

    def move(self, moved: Move) -> None:
        """Let V move."""
        if moved.sd and moved.sd not in self.kernels:
            steps = stats.norm.pdf(self.value - self.value[0], 0, moved.sd) * self.step
            self.kernels[moved.sd] = linalg.toeplitz(steps)
        if moved.sd:
            chance = np.broadcast_to(moved.probability, len(self.density))[:, np.newaxis]
            spread_out = self.density @ self.kernels[moved.sd]
            self.density = (1 - chance) * self.density + chance * spread_out

    def learn(self, chance: Array) -> None:
        """Take in something that has this probability at each point."""
        self.density = self.density * chance
        mass = self.density.sum(axis=-1) * self.step
        self.density /= mass[:, np.newaxis]
        self.log_evidence += np.log(mass)

    def find_moments(self) -> tuple[Array, Array]:
        """Return mean and sd."""
        weight = self.density * self.step
        mean = weight @ self.value
        away = self.value - mean[:, np.newaxis]
        return mean, np.sqrt((weight * away**2).sum(axis=-1))


def find_worst_error(belief: Any, seen: Sequence[Period], traders: Traders, grid: FineGrid) -> Any:
    """Return the largest error of mean and sd, in sds, after any period, and the last belief."""
    worst = 0.0
    for period in seen:
        grid.move(period.moved)
        grid.learn(traders.find_chance(period, grid.value))
        belief = belief.predict(period.moved).revise(period.likelihood)
        mean, sd = grid.find_moments()
        apart = np.abs(belief.mean - mean) / sd, np.abs(belief.sd / sd - 1)
        worst = max(worst, *(part.max() for part in apart))
    return worst, belief
