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
from functools import partial, reduce

import numpy as np

from abm.beliefs.base import Belief
from abm.market.laws import Law
from abm.market.quotes import Side
from abm.numerics.arrays import Array, Flags
from abm.numerics.golden_section import golden_section, settle_top
from abm.one_period.scales import FARTHEST

ROOT_STEP, PEAK_STEP = 0.25, 0.14  # of a type's scale
STEPS = 100
TOP = 1e-4  # of the width that is searched for a peak: how far apart points at its top are

Deal = Callable[[Array, Flags], tuple[Array, Array]]
"""From distances, shape (R,), the probability of a trade and the profit, right where flagged."""
Point = tuple[Array, Array]
"""A distance, and the profit there."""


def make_deal(belief: Belief, law: Law, side: Side) -> Deal:
    """Return what one side leads to as a function of the distance of its price."""

    def by_moments(distance: Array, _: Flags) -> tuple[Array, Array]:
        price = belief.mean + side * distance
        probability, lost = law.trade(belief.mean, belief.sd, side, price)
        return probability, distance * probability - lost

    def by_likelihood(distance: Array, where: Flags) -> tuple[Array, Array]:
        shown = law.reveal_trade(side, belief.mean + side * distance)
        log_mass, mean = belief.expect(shown, where)
        gain = np.where(log_mass > -np.inf, distance - side * (mean - belief.mean), 0.0)
        with np.errstate(under="ignore"):
            probability = np.exp(log_mass)
            return probability, probability * gain

    return by_moments if belief.is_gaussian else by_likelihood


class Steps:
    """The distances that are gone through: from 0, by a part of the smallest scale around.

    Past all of them it is a part of the largest.

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
            length = self.step * reduce(np.maximum, self.scales)
            for scale in self.scales:
                counts = distance < FARTHEST * scale
                length = np.where(counts, np.minimum(length, self.step * scale), length)
            distance = np.minimum(distance + length, self.farthest)
            yield distance


def find_first_root(deal: Deal, steps: Steps, tolerance: Array) -> Array:
    """Return the first distance at which a side earns nothing, shape (R,).

    It is the farthest where none is found before. The profit at a distance of 0 is below zero,
    unless the root is there. The root is right to the tolerance, an array of shape (R,).
    """

    def profit(distance: Array, where: Flags) -> Array:
        return deal(distance, where)[1]

    walk = steps.walk()
    nearest = next(walk)
    ends = _Bracket(nearest, profit(nearest, np.ones(nearest.shape, np.bool_)), steps.farthest)
    before = last = nearest, ends.at_low
    for distance in walk:
        left = ~ends.found
        if not left.any():
            break
        here = distance, profit(distance, left)
        peaks = left & (last[1] > before[1]) & (last[1] > here[1]) & (here[1] < 0)
        if peaks.any():
            top = golden_section(partial(profit, where=peaks), before[0], distance)
            ends.close(peaks, before, (top, profit(top, peaks)))
        ends.close(left, last, here)
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
        new = where & ~self.found & (high[1] >= 0)
        self.low, self.at_low = np.where(new, low[0], self.low), np.where(new, low[1], self.at_low)
        self.high = np.where(new, high[0], self.high)
        self.at_high = np.where(new, high[1], self.at_high)
        self.found = self.found | new

    def close_in(self, profit: Callable[[Array, Flags], Array], tolerance: Array) -> Array:
        """Return the root in between, by the rule of false position (Dowell and Jarratt 1971)."""
        low, high = np.where(self.found, self.low, self.high), self.high
        at_low, at_high = self.at_low, self.at_high
        was_below = was_above = np.zeros(low.shape, np.bool_)
        for _ in range(STEPS):
            left = high - low > tolerance
            if not left.any():
                break
            with np.errstate(divide="ignore", invalid="ignore"):
                guess = high - at_high * (high - low) / (at_high - at_low)
            guess = np.where((guess > low) & (guess < high), guess, 0.5 * (low + high))
            value = profit(guess, left)
            below, above = left & (value <= 0), left & (value >= 0)
            at_high = np.where(below, np.where(was_below, 0.5 * at_high, at_high), value)
            at_low = np.where(above, np.where(was_above, 0.5 * at_low, at_low), value)
            low, high = np.where(below, guess, low), np.where(above, guess, high)
            was_below, was_above = below, above
        return 0.5 * (low + high)


def find_best_peak(deal: Deal, steps: Steps, own: Array) -> Array:
    """Return the distance of the largest profit, shape (R,).

    `own` is the root mean square of what trading is worth to a trader, in units of price. No
    price further out earns more than this times the root of the probability of a trade, by
    Cauchy and Schwarz, so that the search may end.
    """
    walk = steps.walk()
    low = high = chosen = last = next(walk)
    left = everywhere = np.ones(low.shape, np.bool_)
    best = deal(chosen, left)[1]
    for distance in walk:
        probability, profit = deal(distance, left)
        high = np.where(last == chosen, distance, high)
        better = left & (profit > best)
        low, chosen = np.where(better, last, low), np.where(better, distance, chosen)
        best, last = np.where(better, profit, best), distance
        left = left & ((high <= chosen) | (own * np.sqrt(probability) > best))
        if not left.any():
            break
    high = np.maximum(high, chosen)

    def earn(distance: Array) -> Array:
        return deal(distance, everywhere)[1]

    return settle_top(earn, golden_section(earn, low, high), TOP * (high - low))
