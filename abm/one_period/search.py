"""The one-period makers' quotes under any law of traders: first roots, and the best of all maxima.

A side's profit is a function of the distance x of its price from the belief's mean,

    x P(trade) - E[(V - mean) up to its sign; trade]

Under one informed type it has one root, above which it has one maximum. Where several types come it
may have several of each (Glosten and Milgrom 1985). Competition means the first root outwards from
the mean: a maker further out is undercut. So the distances are gone through in small steps, on the
scale of each type's valuations, and between two steps where the profit has a peak just below zero
the peak is looked at too. A monopolist takes the best of the maxima.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np

from abm.beliefs.base import Belief
from abm.market.mixtures import Mixture
from abm.market.quotes import Side
from abm.market.valuations import Law, find_trade, reveal_trade
from abm.numerics.arrays import Array, Flags
from abm.numerics.golden_section import golden_section
from abm.one_period.depths import zero_profit_depth

FARTHEST = 9.0  # of a type's scale: beyond, a trade is rarer than 1e-18
ROOT_STEP, PEAK_STEP = 0.25, 0.14  # of a type's scale
TOLERANCE = 1e-9  # of a distance, in sds of a valuation
STEPS = 100

Profit = Callable[[Array], Array]
Point = tuple[Array, Array]
"""A distance, and the profit there."""


def make_profit(belief: Belief, law: Law, side: Side) -> Profit:
    """Return the expected profit of one side as a function of the distance of its price."""

    def of_moments(distance: Array) -> Array:
        price = belief.mean + side * distance
        probability, lost = find_trade(law, belief.mean, belief.sd, side, price)
        return distance * probability - lost

    def of_likelihood(distance: Array) -> Array:
        log_mass, mean = belief.expect(reveal_trade(law, side, belief.mean + side * distance))
        gain = np.where(log_mass > -np.inf, distance - side * (mean - belief.mean), 0.0)
        with np.errstate(under="ignore"):
            return np.exp(log_mass) * gain

    return of_moments if belief.is_gaussian else of_likelihood


def find_first_root(profit: Profit, distances: Array, tolerance: Array) -> Array:
    """Return the first distance at which a side earns nothing, shape (R,).

    Parameters
    ----------
    profit : callable
        From distances to profits, below zero at first unless the root is there.
    distances : ndarray, shape (N, R)
        Those to be tried, from 0, in ascending order; the last is the root where none is found.
    tolerance : ndarray, shape (R,)
    """
    ends = _Bracket(distances[0], profit(distances[0]), distances[-1])
    before = last = distances[0], ends.at_low
    for distance in distances[1:]:
        if ends.found.all():
            break
        here = distance, profit(distance)
        peaks = ~ends.found & (last[1] > before[1]) & (last[1] > here[1]) & (here[1] < 0)
        if peaks.any():
            top = golden_section(profit, before[0], distance)
            ends.close(peaks, before, (top, profit(top)))
        ends.close(~ends.found, last, here)
        new = distance > last[0]  # several types may have one distance
        before = tuple(np.where(new, *pair) for pair in zip(last, before, strict=True))
        last = here
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


def find_best_peak(profit: Profit, distances: Array) -> Array:
    """Return the distance of the largest profit, shape (R,); arguments as in `find_first_root`."""
    best, chosen = np.full(distances.shape[1:], -np.inf), distances[0]
    for distance in distances:
        value = profit(distance)
        chosen, best = np.where(value > best, distance, chosen), np.maximum(best, value)
    low = np.where(distances < chosen, distances, -np.inf).max(axis=0)
    high = np.where(distances > chosen, distances, np.inf).min(axis=0)
    return golden_section(profit, np.maximum(low, 0.0), np.minimum(high, distances[-1]))


def list_distances(belief: Belief, law: Law, step: float) -> Array:
    """Return the distances to be tried, in steps on the scale of each type, shape (N, R)."""
    steps = np.arange(0.0, FARTHEST + step, step)
    scales = [np.broadcast_to(scale, belief.mean.shape) for scale in _list_scales(belief, law)]
    return np.sort(np.concatenate([np.multiply.outer(steps, scale) for scale in scales]), axis=0)


def find_farthest_root(belief: Belief, law: Law) -> Array:
    """Return the distance past which no type that knows of the value costs a dealer anything.

    It is that of the type alone that knows least, for those who know nothing only pay her.
    """
    roots = [
        zero_profit_depth(belief.sd / part.noise_sd) * np.hypot(belief.sd, part.noise_sd)
        for part in list_parts(law)
        if getattr(part, "knows_value", True)
    ]
    return np.asarray(reduce(np.maximum, roots, np.zeros_like(belief.mean)))


def list_parts(law: Law) -> list[Law]:
    """Return the laws of the types that come."""
    return list(law.laws) if isinstance(law, Mixture) else [law]


def _list_scales(belief: Belief, law: Law) -> Iterator[Array | float]:
    """Yield over which distances the valuations of each type spread, and the belief's sd."""
    yield belief.sd
    for part in list_parts(law):
        if getattr(part, "knows_value", True):
            yield np.hypot(belief.sd, part.noise_sd)
        elif np.isfinite(part.noise_sd):
            yield part.noise_sd
