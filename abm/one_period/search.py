"""The one-period makers' quotes under any law of traders: first roots, and the best of all maxima.

A side's profit is a function of the distance x of its price from the belief's mean,

    x P(trade) - E[(V - mean) up to its sign; trade]

Under one informed type it has one root, above which it has one maximum. Where several types come it
may have several of each (Glosten and Milgrom 1985). Competition means the first root outwards from
the mean: a maker further out is undercut. So the distances are gone through in small steps, on the
scale of each type's valuations, and between two steps where the profit has a peak just below zero
the peak is looked at too. A monopolist takes the best of the maxima.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import numpy as np

from abm.beliefs.base import Belief
from abm.market.laws import Law
from abm.market.quotes import Side
from abm.numerics.arrays import Array, Flags
from abm.numerics.golden_section import golden_section
from abm.one_period.depths import zero_profit_depth

FARTHEST = 9.0  # of a type's scale: beyond, a trade is rarer than 1e-18
ROOT_STEP, PEAK_STEP = 0.25, 0.14  # of a type's scale
STEPS = 100

Profit = Callable[[Array], Array]
Point = tuple[Array, Array]
"""A distance, and the profit there."""


def make_profit(belief: Belief, law: Law, side: Side) -> Profit:
    """Return the expected profit of one side as a function of the distance of its price."""

    def of_moments(distance: Array) -> Array:
        price = belief.mean + side * distance
        probability, lost = law.trade(belief.mean, belief.sd, side, price)
        return distance * probability - lost

    def of_likelihood(distance: Array) -> Array:
        log_mass, mean = belief.expect(law.reveal_trade(side, belief.mean + side * distance))
        gain = np.where(log_mass > -np.inf, distance - side * (mean - belief.mean), 0.0)
        with np.errstate(under="ignore"):
            return np.exp(log_mass) * gain

    return of_moments if belief.is_gaussian else of_likelihood


class Steps:
    """The distances that are gone through: from 0, by a part of the smallest scale around.

    Parameters
    ----------
    scales : sequence of ndarray, shape (R,)
        Over which distances the valuations of each type spread; each counts as far as FARTHEST
        times itself.
    step : float
        In which part of a scale.
    farthest : ndarray, shape (R,)
        Where they end.
    """

    def __init__(self, scales: Sequence[Array], step: float, farthest: Array) -> None:
        self.scales, self.step, self.farthest = scales, step, farthest

    def walk(self) -> Iterator[Array]:
        """Yield the distances of all replications, until the last has ended."""
        distance = np.zeros_like(self.farthest)
        yield distance
        while (distance < self.farthest).any():
            length = np.full_like(distance, np.inf)
            for scale in self.scales:
                counts = distance < FARTHEST * scale
                length = np.where(counts, np.minimum(length, self.step * scale), length)
            distance = np.minimum(distance + length, self.farthest)
            yield distance


def find_first_root(profit: Profit, steps: Steps, tolerance: Array) -> Array:
    """Return the first distance at which a side earns nothing, shape (R,).

    It is the farthest where none is found before. The profit at a distance of 0 is below zero,
    unless the root is there. The root is right to the tolerance, an array of shape (R,).
    """
    walk = steps.walk()
    nearest = next(walk)
    ends = _Bracket(nearest, profit(nearest), steps.farthest)
    before = last = nearest, ends.at_low
    for distance in walk:
        if ends.found.all():
            break
        here = distance, profit(distance)
        peaks = ~ends.found & (last[1] > before[1]) & (last[1] > here[1]) & (here[1] < 0)
        if peaks.any():
            top = golden_section(profit, before[0], distance)
            ends.close(peaks, before, (top, profit(top)))
        ends.close(~ends.found, last, here)
        before, last = last, here
    return ends.close_in(profit, tolerance)


class _Bracket:
    """Two distances in each replication, at which a side loses, and does not."""

    def __init__(self, nearest: Array, at_nearest: Array, farthest: Array) -> None:
        self.found: Flags = at_nearest >= 0
        self.low, self.at_low = nearest, at_nearest
        self.high, self.at_high = np.where(self.found, nearest, farthest), np.zeros_like(nearest)

    def close(self, where: Flags, low: Point, high: Point) -> None:
        """Take these ends, in those replications in which the side does not lose at the higher."""
        new = where & (high[1] >= 0)
        self.low, self.at_low = np.where(new, low[0], self.low), np.where(new, low[1], self.at_low)
        self.high = np.where(new, high[0], self.high)
        self.at_high = np.where(new, high[1], self.at_high)
        self.found = self.found | new

    def close_in(self, profit: Profit, tolerance: Array) -> Array:
        """Return the root in between, by the rule of false position (Dowell and Jarratt 1971)."""
        low, high = np.where(self.found, self.low, self.high), self.high
        at_low, at_high = self.at_low, self.at_high
        was_below = was_above = np.zeros(low.shape, np.bool_)
        for _ in range(STEPS):
            if (high - low <= tolerance).all():
                break
            with np.errstate(divide="ignore", invalid="ignore"):
                guess = high - at_high * (high - low) / (at_high - at_low)
            guess = np.where((guess > low) & (guess < high), guess, 0.5 * (low + high))
            value = profit(guess)
            below, above = value < 0, value > 0
            at_high = np.where(below, np.where(was_below, 0.5 * at_high, at_high), value)
            at_low = np.where(above, np.where(was_above, 0.5 * at_low, at_low), value)
            low, high = np.where(above, low, guess), np.where(below, high, guess)
            was_below, was_above = below, above
        return 0.5 * (low + high)


def find_best_peak(profit: Profit, steps: Steps) -> Array:
    """Return the distance of the largest profit, shape (R,)."""
    walk = steps.walk()
    low = high = chosen = last = next(walk)
    best = profit(chosen)
    for distance in walk:
        value = profit(distance)
        high = np.where(last == chosen, distance, high)
        better = value > best
        low, chosen = np.where(better, last, low), np.where(better, distance, chosen)
        best, last = np.where(better, value, best), distance
    return golden_section(profit, low, np.maximum(high, chosen))


def list_scales(belief: Belief, law: Law) -> list[Array]:
    """Return over which distances the belief and each type's valuations spread, shape (R,) each."""
    scales = (_find_scale(belief, part) for _, part in law.types)
    return [belief.sd, *(scale for scale in scales if np.isfinite(scale).all())]


def find_farthest_root(belief: Belief, law: Law) -> Array:
    """Return a distance past which no type costs a dealer anything, or a trade is too rare.

    On a Gaussian belief it is the root of the type alone that knows least about the value, for
    those who know nothing only pay her.
    """
    lengths = [_find_root(belief, part) for _, part in law.types if part.is_informed]
    return np.asarray(reduce(np.maximum, lengths, np.zeros_like(belief.mean)))


def _find_root(belief: Belief, law: Law) -> Array:
    """Return the zero-profit distance of one type alone, or the farthest that is looked at."""
    standard = standardise(belief, law)
    scale = _find_scale(belief, law)
    return FARTHEST * scale if standard is None else scale * zero_profit_depth(standard[1])


def standardise(belief: Belief, law: Law) -> tuple[Array, Array] | None:
    """Return S and the rho at which the paper's depths hold for one type; None if they do not."""
    line = law.find_line(belief.mean) if belief.is_gaussian else None
    if line is None or not np.array_equal(line.centre, belief.mean):
        return None
    rho = line.find_rho(belief.sd)
    return None if rho is None else (line.find_scale(belief.sd), rho)


def _find_scale(belief: Belief, law: Law) -> Array:
    """Return the sd of a type's valuations under a belief."""
    line = law.find_line(belief.mean)
    scale = np.hypot(belief.sd, law.noise_sd) if line is None else line.find_scale(belief.sd)
    return np.broadcast_to(scale, belief.sd.shape)
