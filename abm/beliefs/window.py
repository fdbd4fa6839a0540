"""Where the exact belief's grids lie: windows of points that follow the beliefs of replications.

Over evenly spaced points a sum is a spectrally accurate integral of a smooth density that vanishes
at both ends (Trefethen and Weideman 2014): with steps of h, a Gaussian of sd s is off by
exp(-2 pi^2 (s / h)^2), 1e-13 at COARSEST. What limits h is the smaller of the belief's sd and the
length over which a likelihood changes.

A window is misplaced when the belief weighs on its edge, or has become too narrow for its steps,
or has narrowed so far that fewer points would do; then it knows of a better one. Windows of as many
points are kept together; how many depends on a replication's own belief alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from abm.market.valuations import Likelihood
from abm.numerics.arrays import Array, Flags, Index

NEGLIGIBLE = 1e-30  # a probability: quotes may lie nine sds out, and depend on what is beyond
COARSEST = 0.6  # steps, in units of the smallest length to resolve
FINE, BLURRED = 0.45, 0.55  # the same, in sds and in resolutions, where a window is placed
SIZES = [round(64 * 1.25**power) for power in range(42)]  # points of a window
WASTE = 2.5  # times as many points as would do
SPAN = 23.0  # sds from where a Gaussian's probabilities become negligible to where they do again
MARGIN = 2  # points beyond the support
LEAP = 8.0  # a window's steps become at most so many times shorter in a move
CHUNK = 2**16  # points of all replications at a time: they fit in a processor's cache


class Places(NamedTuple):
    """Where to put windows: which replications, both ends, and the longest steps, shape (N,)."""

    rows: Index
    low: Array
    high: Array
    step: Array

    def at(self, chosen: Index) -> Places:
        """Return those chosen among these."""
        return Places(self.rows[chosen], self.low[chosen], self.high[chosen], self.step[chosen])

    def by_size(self) -> Iterator[tuple[int, Places]]:
        """Yield how many points are needed, and the places that need as many, not too many.

        Raises
        ------
        ValueError
            If more are needed than SIZES has.
        """
        needed = (self.high - self.low) / self.step
        size = np.searchsorted(SIZES[:-1], needed)
        if not needed.max() <= SIZES[-1]:
            worst = self.rows[needed.argmax()]
            raise ValueError(
                f"an exact belief needs {needed.max():.3g} points (replication {worst}), but has "
                f"{SIZES[-1]:.3g} at most: give a prior that is narrower next to the noise"
            )
        for one in np.unique(size):
            some = np.flatnonzero(size == one)
            rows = max(1, CHUNK // SIZES[one])
            for start in range(0, len(some), rows):
                yield SIZES[one], self.at(some[start : start + rows])


@dataclass(frozen=True, eq=False)
class Window:
    """Evenly spaced points in each of some replications, and the belief's probability at each.

    Parameters
    ----------
    rows : ndarray of int, shape (N,)
        Which replications.
    low, spacing : ndarray, shape (N,)
        First point, and the distance between two, in units of price.
    weight : ndarray, shape (N, G)
        Probabilities, summing to 1 over the points.
    log_evidence : ndarray, shape (N,)
        Log probability of all that was shown.
    """

    rows: Index
    low: Array
    spacing: Array
    weight: Array
    log_evidence: Array

    @property
    def points(self) -> int:
        """G, how many points."""
        return self.weight.shape[-1]

    @cached_property
    def value(self) -> Array:
        """The points, shape (N, G), in units of price."""
        return self.low[:, np.newaxis] + self.spacing[:, np.newaxis] * np.arange(self.points)

    @cached_property
    def mean(self) -> Array:
        """Mean of V, shape (N,)."""
        return self._middle + self.spacing * self._steps(1)

    @cached_property
    def sd(self) -> Array:
        """Standard deviation of V, shape (N,)."""
        return self.spacing * np.sqrt(self._steps(2) - self._steps(1) ** 2)

    @cached_property
    def standard(self) -> Array:
        """The points, shape (N, G), in sds from the mean."""
        return (self.value - self.mean[:, np.newaxis]) / self.sd[:, np.newaxis]

    @property
    def skewness(self) -> Array:
        """Third moment of the standardised V, shape (N,)."""
        return (self.weight * self.standard**3).sum(axis=-1)

    @property
    def excess_kurtosis(self) -> Array:
        """Fourth moment of the standardised V less a Gaussian's 3, shape (N,)."""
        return (self.weight * self.standard**4).sum(axis=-1) - 3

    @property
    def parts(self) -> tuple[Index, Array, Array, Array, Array]:
        """Everything it holds."""
        return self.rows, self.low, self.spacing, self.weight, self.log_evidence

    def at(self, chosen: Index | Flags | slice) -> Window:
        """Return the windows of those chosen among these."""
        rows, low, spacing, weight, log_evidence = self.parts
        return Window(
            rows[chosen], low[chosen], spacing[chosen], weight[chosen], log_evidence[chosen]
        )

    def chunks(self) -> Iterator[Window]:
        """Yield the same, not too many replications at a time."""
        rows = max(1, CHUNK // self.points)
        for start in range(0, len(self.rows), rows):
            yield self.at(slice(start, start + rows))

    def given(self, likelihood: Likelihood) -> Window:
        """Return the posterior on the same points; NaN where it has probability zero."""
        weight = self.weight * likelihood.at(self.rows).likelihood(self.value)
        mass = weight.sum(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            weight /= mass[:, np.newaxis]
            log_evidence = self.log_evidence + np.log(mass)
        return Window(self.rows, self.low, self.spacing, weight, log_evidence)

    def expect(self, likelihood: Likelihood) -> tuple[Array, Array]:
        """Return the probability of what may be shown, and the mean of V given it, shape (N,)."""
        weight = likelihood.at(self.rows).likelihood(self.value)
        weight *= self.weight
        mass = weight.sum(axis=-1)
        with np.errstate(invalid="ignore"):
            steps = np.einsum("ij,j->i", weight, self._offset) / mass
        return mass, self._middle + self.spacing * steps

    @property
    def known(self) -> Flags:
        """Where what was shown has a probability above zero."""
        return self.log_evidence > -np.inf

    def misplaced(self, blur: float) -> Flags:
        """Where a better window would do, likelihoods having this resolution."""
        return self.cut_off() | self.coarse(blur) | self.wasteful(blur)

    def coarse(self, blur: float) -> Flags:
        """Where steps are too long for the belief, or for a likelihood with this resolution."""
        return self.spacing > COARSEST * np.minimum(self.sd, blur)

    def cut_off(self) -> Flags:
        """Where the belief weighs on an edge."""
        return (self.weight[:, 0] > NEGLIGIBLE) | (self.weight[:, -1] > NEGLIGIBLE)

    def wasteful(self, blur: float) -> Flags:
        """Where far fewer points would do."""
        needed = SPAN * np.maximum(self.sd / (BLURRED * blur), 1 / FINE)
        return self.points > WASTE * np.maximum(needed, SIZES[0])

    def better(self, blur: float) -> Places:
        """Return ends just outside the support, or a width further where it is cut off."""
        counts = self.weight > NEGLIGIBLE
        first, last = counts.argmax(axis=-1), self.points - 1 - counts[:, ::-1].argmax(axis=-1)
        start = np.where(first == 0, -self.points, first - MARGIN)
        end = np.where(last == self.points - 1, 2 * self.points, last + MARGIN)
        fine = np.maximum(np.minimum(FINE * self.sd, BLURRED * blur), self.spacing / LEAP)
        step = np.where(self.cut_off(), (end - start) / self.points * self.spacing, fine)
        return Places(
            self.rows, self.low + start * self.spacing, self.low + end * self.spacing, step
        )

    @property
    def _middle(self) -> Array:
        return self.low + 0.5 * (self.points - 1) * self.spacing

    @property
    def _offset(self) -> Array:
        """The points, shape (G,), in steps from the middle."""
        return np.arange(self.points, dtype=np.float64) - 0.5 * (self.points - 1)

    def _steps(self, power: int) -> Array:
        """Return a moment of the belief about the window's middle, in steps."""
        return np.einsum("ij,j->i", self.weight, self._offset**power)
