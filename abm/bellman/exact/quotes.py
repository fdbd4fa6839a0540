"""The best quote one period ahead: a search over continuous bid and ask.

See `abm.bellman.exact`; distances from the mean are in half-spreads of the Gaussian rule.
"""

from __future__ import annotations

import numpy as np

from abm.beliefs.base import Belief
from abm.beliefs.window import Window, iterate_chunks
from abm.bellman.exact.lookahead import prospects
from abm.bellman.exact.value import WIDEST, ExactValue
from abm.bellman.solver import range_for, solve
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.numerics.arrays import Array

SCAN = np.array([0.2, 0.35, 0.55, 0.72, 0.86, 1.0, 1.15, 1.32, 1.55, 1.9])
WIDE = 1.0  # sds: above, the search starts with a scan; below, the Gaussian rule is near enough
STEPS = (0.12, 0.02)  # of the climbs that follow, in half-spreads: what they lose is below 1e-6
FARTHEST = 2.0  # steps: a parabola's peak is taken up to here


@np.errstate(under="ignore")
def best_quote(value_function: ExactValue, belief: Belief, law: Law) -> Quote:
    """Return the quote with the largest backup, shape (R,), of a belief that has windows."""
    bid, ask = np.empty_like(belief.mean), np.empty_like(belief.mean)
    for chunk in iterate_chunks(belief.resolve(law.resolution).windows):
        bid[chunk.rows], ask[chunk.rows] = best_prices(value_function, chunk, law)
    return Quote(bid, ask)


def best_prices(value_function: ExactValue, window: Window, law: Law) -> tuple[Array, Array]:
    """Return the bid and ask with the largest backup at a window's posteriors, shape (N,).

    The search starts at the Gaussian rule on the exact mean and sd, and where the sd exceeds WIDE
    at the best of all pairs in a scan. Past WIDEST the quote is the Gaussian rule.
    """
    search = Search(value_function, window, law)
    below, above = np.ones_like(search.sd), np.ones_like(search.sd)
    scanned = np.flatnonzero(search.sd > WIDE)
    if scanned.size:
        below[scanned], above[scanned] = Search(value_function, window.at(scanned), law).scan()
    for step in STEPS:
        below, above = search.climb(below, above, step)
    ruled = search.sd > WIDEST
    return search.prices(np.where(ruled, 1.0, below), np.where(ruled, 1.0, above))


class Search:
    """A search over the distances of bid and ask below and above the mean."""

    def __init__(self, value_function: ExactValue, window: Window, law: Law) -> None:
        self.value_function, self.window, self.law = value_function, window, law
        self.sd = window.sd / law.noise_sd
        rule = solve(value_function.discount, range_for(self.sd.max(initial=1.0)))
        self.half_spread = law.noise_sd * rule.half_spread(self.sd)

    def prices(self, below: Array, above: Array) -> tuple[Array, Array]:
        """Return the bids and asks at these distances."""
        mean, half_spread = self.window.mean, self.half_spread
        return mean - half_spread * below, mean + half_spread * above

    def backup(self, below: Array, above: Array) -> Array:
        """Return the backups of all pairs of `below` (J, N) and `above` (I, N), shape (N, I, J)."""
        bids, asks = self.prices(below, above)
        return prospects(self.window, self.law, bids.T, asks.T).backup(self.value_function)

    def scan(self) -> tuple[Array, Array]:
        """Return the best pair in the scan."""
        distances = np.tile(SCAN[:, np.newaxis], len(self.sd))
        backups = self.backup(distances, distances).reshape(len(self.sd), -1)
        above, below = np.divmod(backups.argmax(axis=-1), len(SCAN))
        return SCAN[below], SCAN[above]

    def climb(self, below: Array, above: Array, step: float) -> tuple[Array, Array]:
        """Return the best of a pair, its eight neighbours a step away and their parabola's peak."""
        offsets = step * np.array([[-1.0], [0.0], [1.0]])
        q = self.backup(below + offsets, above + offsets)
        up, down = _peak(q)
        peak = below + step * down, above + step * up
        at_peak = self.backup(*(distance[np.newaxis] for distance in peak))[:, 0, 0]
        nine = q.reshape(-1, 9)
        i, j = np.divmod(nine.argmax(axis=-1), 3)
        higher = at_peak > nine.max(axis=-1)
        return (
            np.where(higher, peak[0], below + step * (j - 1)),
            np.where(higher, peak[1], above + step * (i - 1)),
        )


def _peak(q: Array) -> tuple[Array, Array]:
    """Return where the parabola through nine values, shape (N, 3, 3), peaks, in steps."""
    gain_up, gain_down = 0.5 * (q[:, 2, 1] - q[:, 0, 1]), 0.5 * (q[:, 1, 2] - q[:, 1, 0])
    bend_up = q[:, 2, 1] + q[:, 0, 1] - 2 * q[:, 1, 1]
    bend_down = q[:, 1, 2] + q[:, 1, 0] - 2 * q[:, 1, 1]
    twist = 0.25 * (q[:, 2, 2] + q[:, 0, 0] - q[:, 0, 2] - q[:, 2, 0])
    area = bend_up * bend_down - twist * twist
    peaked = (bend_up < 0) & (area > 0)
    area = np.where(peaked, area, 1.0)
    up = np.where(peaked, (twist * gain_down - bend_down * gain_up) / area, 0.0)
    down = np.where(peaked, (twist * gain_up - bend_up * gain_down) / area, 0.0)
    return np.clip(up, -FARTHEST, FARTHEST), np.clip(down, -FARTHEST, FARTHEST)
