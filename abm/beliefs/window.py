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
    log_evidence : ndarray, shape (R,)
        Log probability of all that was shown.
    """

    low: Array
    high: Array
    weight: Array
    log_evidence: Array

    @property
    def parts(self) -> tuple[Array, Array, Array, Array]:
        """Everything it holds, replications first."""
        return self.low, self.high, self.weight, self.log_evidence

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
        return Window(*(part[replications] for part in self.parts))


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
        window = _posterior(prior, history, low, high, points)
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
    shown = tuple(likelihood.at(rows) for likelihood in history)
    fresh = settled(prior.at(rows), shown, *window.at(rows).better_ends(), window.points)
    parts = [part.copy() for part in window.parts]
    for part, new in zip(parts, fresh.parts, strict=True):
        part[rows] = new
    return Window(*parts)


def _grid(low: Array, high: Array, points: int) -> Array:
    step = (high - low) / (points - 1)
    return low[:, np.newaxis] + step[:, np.newaxis] * np.arange(points)


def _posterior(
    prior: GaussianBelief, history: History, low: Array, high: Array, points: int
) -> Window:
    """Return prior times likelihoods on the windows from low to high."""
    value = _grid(low, high, points)
    standard = (value - prior.mean[:, np.newaxis]) / prior.sd[:, np.newaxis]
    log_density = -0.5 * standard * standard
    with np.errstate(divide="ignore"):
        for shown in history:
            log_density += np.log(shown.likelihood(value))
    peak = log_density.max(axis=-1)
    density = np.exp(log_density - peak[:, np.newaxis])
    total = density.sum(axis=-1)
    spacing = (high - low) / (points - 1)
    log_evidence = peak + np.log(total * spacing / (prior.sd * np.sqrt(2 * np.pi)))
    return Window(low, high, density / total[:, np.newaxis], log_evidence)
