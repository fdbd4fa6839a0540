"""The best quote one period ahead: a search over continuous bid and ask, side by side.

Prices are told by their distance from the mean of the belief, in units of the half-spread of the
Gaussian rule, the optimal quote of a normal belief with the same sd.
"""

from __future__ import annotations

import numpy as np

from abm.beliefs.grid import GridBelief
from abm.beliefs.window import Window
from abm.bellman.exact.lookahead import prospects
from abm.bellman.exact.value import WIDEST, ExactValue
from abm.bellman.solver import range_for, solve
from abm.market.quotes import Quote
from abm.market.valuations import Law
from abm.numerics.arrays import Array

SCAN = np.array([0.2, 0.35, 0.55, 0.72, 0.86, 1.0, 1.15, 1.32, 1.55, 1.9])
WIDE = 1.0  # sds above which these are scanned: below, the Gaussian rule is near enough to start
STEPS = (0.15, 0.1, 0.03)  # of the polish
FARTHEST = 2.0  # steps of one polish


def best_quote(value: ExactValue, belief: GridBelief, law: Law) -> Quote:
    """Return the quote that is worth the most if U is what follows, shape (R,)."""
    bid, ask = np.empty_like(belief.mean), np.empty_like(belief.mean)
    for chunk in belief.resolving(law.resolution).chunks():
        bid[chunk.rows], ask[chunk.rows] = best_prices(value, chunk, law)
    return Quote(bid, ask)


def best_prices(value: ExactValue, window: Window, law: Law) -> tuple[Array, Array]:
    """Return the best bid and ask of a window's posteriors, shape (N,).

    They are sought around the Gaussian rule on the exact mean and sd, bid and ask apart; where the
    sd exceeds WIDE among all pairs of a scan first. Past WIDEST they are that rule.
    """
    search = Search(value, window, law)
    below, above = np.ones_like(search.sd), np.ones_like(search.sd)
    scanned = np.flatnonzero(search.sd > WIDE)
    if scanned.size:
        below[scanned], above[scanned] = Search(value, window.at(scanned), law).scanned()
    for step in STEPS:
        below, above = search.climbed(below, above, step)
    ruled = search.sd > WIDEST
    return search.prices(np.where(ruled, 1.0, below), np.where(ruled, 1.0, above))


class Search:
    """A search for quotes, in units of the Gaussian rule's half-spread below and above the mean."""

    def __init__(self, value: ExactValue, window: Window, law: Law) -> None:
        self.value, self.window, self.law = value, window, law
        self.sd = window.sd / law.noise_sd
        rule = solve(value.discount, range_for(self.sd.max(initial=1.0)))
        self.half_spread = law.noise_sd * rule.half_spread(self.sd)

    def prices(self, below: Array, above: Array) -> tuple[Array, Array]:
        """Return bids and asks."""
        return (
            self.window.mean - self.half_spread * below, self.window.mean + self.half_spread * above
        )  # fmt: skip

    def worth(self, below: Array, above: Array) -> Array:
        """Return the worth of pairs, below of shape (J, N) and above of shape (I, N): (N, I, J)."""
        bids, asks = self.prices(below, above)
        return prospects(self.window, self.law, bids.T, asks.T).worth(self.value)

    def scanned(self) -> tuple[Array, Array]:
        """Return the best pair of all in the scan."""
        every = np.tile(SCAN[:, np.newaxis], len(self.sd))
        worth = self.worth(every, every).reshape(len(self.sd), -1)
        above, below = np.divmod(worth.argmax(axis=-1), len(SCAN))
        return SCAN[below], SCAN[above]

    def climbed(self, below: Array, above: Array, step: float) -> tuple[Array, Array]:
        """Return the best of a pair, its eight neighbours at this step, and their parabola's peak.

        The peak is not sought more than two steps away.
        """
        offsets = step * np.array([[-1.0], [0.0], [1.0]])
        q = self.worth(below + offsets, above + offsets)
        up, down = _peak(q)
        peak = below + step * down, above + step * up
        at_peak = self.worth(*(distance[np.newaxis] for distance in peak))[:, 0, 0]
        best = q.reshape(-1, 9)
        i, j = np.divmod(best.argmax(axis=-1), 3)
        higher = at_peak > best.max(axis=-1)
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
