"""Where the exact belief's grid lies: a window of points in each replication, that follows it.

A window is misplaced when the belief weighs on its edge, or has narrowed to less than half of it.
The posterior is then computed anew on a better one, from the prior and all that was shown, so that
nothing is ever interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from abm.arrays import Array, Flags, Index
from abm.beliefs.gaussian import GaussianBelief
from abm.signals import Likelihood

History = tuple[Likelihood, ...]

NEGLIGIBLE = 1e-16  # of the peak density
MOVES = 200  # until a window is well placed; each about doubles or halves it


@dataclass(frozen=True, eq=False)
class Window:
    """Evenly spaced points in each replication, and the belief's probability at each.

    Parameters
    ----------
    low, high : ndarray, shape (R,)
        First and last point, in units of price.
    weight : ndarray, shape (R, G)
        Probabilities, summing to 1 over the grid.
    """

    low: Array
    high: Array
    weight: Array

    @property
    def points(self) -> int:
        """G, how many points."""
        return self.weight.shape[-1]

    @property
    def spacing(self) -> Array:
        """Distance between points, shape (R,)."""
        return (self.high - self.low) / (self.points - 1)

    @cached_property
    def value(self) -> Array:
        """The points, shape (R, G)."""
        return _grid(self.low, self.high, self.points)

    @cached_property
    def support(self) -> tuple[Index, Index]:
        """First and last point that is not negligible, each of shape (R,)."""
        counts = self.weight > NEGLIGIBLE * self.weight.max(axis=-1, keepdims=True)
        return counts.argmax(axis=-1), self.points - 1 - counts[:, ::-1].argmax(axis=-1)

    @property
    def misplaced(self) -> Flags:
        """Where the belief weighs on an edge, or fills less than half of the window."""
        first, last = self.support
        return (first == 0) | (last == self.points - 1) | (last - first < self.points // 2)

    def better_ends(self) -> tuple[Array, Array]:
        """Return ends just outside the support, or a width further where it is cut off."""
        first, last = self.support
        width = self.high - self.low
        low, high = self.low + (first - 2) * self.spacing, self.low + (last + 2) * self.spacing
        return (
            np.where(first == 0, self.low - width, low),
            np.where(last == self.points - 1, self.high + width, high),
        )

    def at(self, replications: Index) -> Window:
        """Return the window of these replications."""
        return Window(self.low[replications], self.high[replications], self.weight[replications])


def settled(
    prior: GaussianBelief, history: History, low: Array, high: Array, points: int
) -> Window:
    """Return the posterior on windows from low to high, moved until each is well placed.

    Raises
    ------
    ValueError
        If there is no such window, the signals being too improbable for floats.
    """
    for _ in range(MOVES):
        window = Window(low, high, _posterior(prior, history, _grid(low, high, points)))
        misplaced = window.misplaced
        if not misplaced.any():
            return window
        new_low, new_high = window.better_ends()
        low, high = np.where(misplaced, new_low, low), np.where(misplaced, new_high, high)
    raise ValueError(
        f"no window holds the posterior after {len(history)} signals: they are too far out for "
        f"floats to tell; start from a wider prior"
    )


def following(prior: GaussianBelief, history: History, window: Window) -> Window:
    """Return the window with its misplaced replications computed anew where they belong."""
    rows = np.flatnonzero(window.misplaced)
    if not rows.size:
        return window
    low, high, weight = window.low.copy(), window.high.copy(), window.weight.copy()
    shown = tuple(likelihood.at(rows) for likelihood in history)
    fresh = settled(prior.at(rows), shown, *window.at(rows).better_ends(), window.points)
    low[rows], high[rows], weight[rows] = fresh.low, fresh.high, fresh.weight
    return Window(low, high, weight)


def _grid(low: Array, high: Array, points: int) -> Array:
    step = (high - low) / (points - 1)
    return low[:, np.newaxis] + step[:, np.newaxis] * np.arange(points)


def _posterior(prior: GaussianBelief, history: History, value: Array) -> Array:
    """Return prior times likelihoods at the values, shape (R, G), as probabilities."""
    standard = (value - prior.mean[:, np.newaxis]) / prior.sd[:, np.newaxis]
    log_density = -0.5 * standard * standard
    with np.errstate(divide="ignore"):
        for shown in history:
            log_density += np.log(shown.likelihood(value))
    density = np.exp(log_density - log_density.max(axis=-1, keepdims=True))
    return density / density.sum(axis=-1, keepdims=True)
