"""Windows: the evenly spaced points on which exact beliefs are kept, moved as the beliefs move.

For a smooth density that vanishes at both ends the sum over evenly spaced points converges
spectrally to the integral (Trefethen and Weideman 2014): with spacing h and a Gaussian of sd s the
error is exp(-2 pi^2 (s / h)^2), 2e-13 at COARSEST. A likelihood changes over a length of its own,
its resolution r, so that what is to be resolved is the length 1 / sqrt(1 / s^2 + SHARPNESS / r^2).

A window is misplaced where the belief has mass at an edge, where the spacing is too long for the
belief or the likelihoods, and where far fewer points would do; then it proposes another placement.
The number of points depends on a replication's own belief alone. Replications with the same number
share a window.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from abm.market.laws import Likelihood
from abm.numerics.arrays import Array, Flags, Index
from abm.numerics.describe import describe, show_count

REACH, FARTHEST = 8.0, 11.7  # sds: there a Gaussian has fallen to 1e-14 and 2e-30 of its peak
COARSEST, FINE = 0.82, 0.62  # longest spacing, and that of a new window, in lengths to resolve
SHARPNESS = 2.0  # the edges that likelihoods give to a belief, as a precision
SIZES = [round(30 * 1.25**power) for power in range(46)]  # numbers of points a window may have
WASTE = 2.5  # times the points needed: a window with more is replaced
MARGIN = 1  # points beyond the support
PATIENCE = 1e3  # times what is negligible: with more at an edge a window is cut off
LEAP = 8.0  # in one move the spacing shrinks by at most this factor
CHUNK = 2**16  # points computed at a time, over all replications: they fit in a processor's cache


class Placements(NamedTuple):
    """Where to put windows: which replications, both ends, and the longest spacing, shape (N,)."""

    rows: Index
    low: Array
    high: Array
    spacing: Array

    def at(self, chosen: Index | Flags | slice) -> Self:
        """Return the chosen placements."""
        return type(self)._make(part[chosen] for part in self)

    def group_by_size(self) -> Iterator[tuple[int, Self]]:
        """Yield a number of points, and placements that need it, in groups of at most CHUNK points.

        ValueError if more points are needed than a window may have.
        """
        if not self.rows.size:
            return
        needed = (self.high - self.low) / self.spacing
        size = np.searchsorted(SIZES[:-1], needed)
        require_points(needed.max(), self.rows[needed.argmax()])
        for index in np.unique(size):
            group, points = np.flatnonzero(size == index), SIZES[index]
            for part in split_rows(len(group), points):
                yield points, self.at(group[part])


@dataclass(frozen=True, eq=False)
class Window:
    """Evenly spaced points in each of N replications, and the belief's probability at each.

    Parameters
    ----------
    rows : ndarray of int, shape (N,)
        Which replications.
    low, spacing : ndarray, shape (N,)
        First point, and the distance between neighbours, in units of price.
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

    def __repr__(self) -> str:
        return describe(
            self, show_count(self.points, "point"), show_count(len(self.rows), "market")
        )

    @property
    def points(self) -> int:
        """G, the number of points."""
        return self.weight.shape[-1]

    @cached_property
    def value(self) -> Array:
        """The points, shape (N, G), in units of price."""
        return self.low[:, np.newaxis] + self.spacing[:, np.newaxis] * np.arange(self.points)

    @cached_property
    def mean(self) -> Array:
        """Mean of V, shape (N,)."""
        return self._middle + self.spacing * self._moment(1)

    @cached_property
    def sd(self) -> Array:
        """Standard deviation of V, shape (N,)."""
        return self.spacing * np.sqrt(self._moment(2) - self._moment(1) ** 2)

    @cached_property
    def standard(self) -> Array:
        """The points, shape (N, G), in sds from the mean."""
        return (self.value - self.mean[:, np.newaxis]) / self.sd[:, np.newaxis]

    @property
    def skewness(self) -> Array:
        """Third moment of the standardised V, shape (N,)."""
        return self._standard_moment(3)

    @property
    def excess_kurtosis(self) -> Array:
        """Fourth moment of the standardised V less a Gaussian's 3, shape (N,)."""
        return self._standard_moment(4) - 3

    @property
    def parts(self) -> tuple[NDArray[Any], ...]:
        """All five fields."""
        return self.rows, self.low, self.spacing, self.weight, self.log_evidence

    def at(self, chosen: Index | Flags | slice) -> "Window":
        """Return the window of the chosen replications, counted within this one."""
        return Window(*(part[chosen] for part in self.parts))

    def repeat(self, replications: int) -> "Window":
        """Return the belief of the first replication in each of so many."""
        copies = self.at(np.zeros(replications, np.intp))
        return replace(copies, rows=np.arange(replications))

    def condition(self, likelihood: Likelihood) -> "Window":
        """Return the posterior on the same points; NaN where it has probability zero."""
        with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
            weight = self.weight * likelihood.at(self.rows).likelihood(self.value)
            mass = weight.sum(axis=-1)
            weight /= mass[:, np.newaxis]
            log_evidence = self.log_evidence + np.log(mass)
        return Window(self.rows, self.low, self.spacing, weight, log_evidence)

    def expect(self, likelihood: Likelihood) -> tuple[Array, Array]:
        """Return the probability of what may be shown, and the mean of V given it, shape (N,)."""
        with np.errstate(invalid="ignore", under="ignore"):
            weight = likelihood.at(self.rows).likelihood(self.value)
            weight *= self.weight
            mass = weight.sum(axis=-1)
            offset = np.einsum("ij,j->i", weight, self._offset) / mass
        return mass, self._middle + self.spacing * offset

    @property
    def possible(self) -> Flags:
        """Where what was shown has a probability above zero."""
        return self.log_evidence > -np.inf

    def is_misplaced(self, resolution: float) -> Flags:
        """Where another window is needed, or a smaller one would do, for this resolution."""
        return (
            self.is_cut_off(resolution) | self.is_coarse(resolution) | self.is_wasteful(resolution)
        )

    def is_coarse(self, resolution: float) -> Flags:
        """Where the spacing is too long for the belief, or for likelihoods of this resolution."""
        return self.spacing > COARSEST * self._find_length(resolution)

    def is_cut_off(self, resolution: float) -> Flags:
        """Where the belief has mass at an edge."""
        low, high = self._find_cuts(resolution)
        return low | high

    def is_wasteful(self, resolution: float) -> Flags:
        """Where far fewer points would do."""
        width = 2 * self._find_reach(resolution) * self.sd
        needed = width / (FINE * self._find_length(resolution))
        return self.points > WASTE * np.maximum(needed, SIZES[0])

    def propose_placements(self, resolution: float) -> Placements:
        """Return placements just outside the support, or a width further where it is cut off."""
        counts = self.weight > self._find_negligible(resolution)[:, np.newaxis]
        first, last = counts.argmax(axis=-1), self.points - 1 - counts[:, ::-1].argmax(axis=-1)
        cut_low, cut_high = self._find_cuts(resolution)
        start = np.where(cut_low, -self.points, first - MARGIN)
        end = np.where(cut_high, 2 * self.points, last + MARGIN)
        fine = np.maximum(FINE * self._find_length(resolution), self.spacing / LEAP)
        spacing = np.where(cut_low | cut_high, (end - start) / self.points * self.spacing, fine)
        low, high = self.low + start * self.spacing, self.low + end * self.spacing
        return Placements(self.rows, low, high, spacing)

    def _find_cuts(self, resolution: float) -> tuple[Flags, Flags]:
        """Return where the belief has mass at the first point, and at the last."""
        least = PATIENCE * self._find_negligible(resolution)
        return self.weight[:, 0] > least, self.weight[:, -1] > least

    def _find_negligible(self, resolution: float) -> Array:
        """Return the probability of a point that counts for nothing, shape (N,)."""
        return np.exp(-0.5 * np.square(self._find_reach(resolution)))

    def _find_reach(self, resolution: float) -> Array:
        """Return as how many sds out the points must reach, shape (N,).

        Makers quote about as many sds of a valuation from the mean as the belief's sd has noise
        sds, and what such a trade teaches depends on the tail beyond.
        """
        return np.minimum(np.hypot(REACH, self.sd / resolution), FARTHEST)

    def _find_length(self, resolution: float) -> Array:
        """Return the smallest length to resolve, shape (N,): of the belief and its edges."""
        return 1 / np.sqrt(1 / np.square(self.sd) + SHARPNESS / resolution**2)

    @property
    def _middle(self) -> Array:
        return self.low + 0.5 * (self.points - 1) * self.spacing

    @property
    def _offset(self) -> Array:
        """The points, shape (G,), in spacings from the middle."""
        return np.arange(self.points, dtype=np.float64) - 0.5 * (self.points - 1)

    def _moment(self, power: int) -> Array:
        """Return a moment of the belief about the window's middle, in spacings."""
        with np.errstate(under="ignore"):
            return np.einsum("ij,j->i", self.weight, self._offset**power)

    def _standard_moment(self, power: int) -> Array:
        """Return a moment of the standardised V."""
        with np.errstate(under="ignore"):
            return np.asarray((self.weight * self.standard**power).sum(axis=-1))


def require_points(needed: float, replication: int) -> None:
    """Raise ValueError if a replication needs more points than a window may have."""
    if not needed <= SIZES[-1]:
        raise ValueError(
            f"an exact belief needs {needed:.3g} points (replication {replication}), but has "
            f"{SIZES[-1]:.3g} at most: give a prior, or moves, that are narrower next to the noise"
        )


def split_rows(rows: int, points: int) -> Iterator[slice]:
    """Yield parts of so many rows, of at most CHUNK points where each has so many."""
    step = max(1, CHUNK // points)
    for start in range(0, rows, step):
        yield slice(start, start + step)


def iterate_chunks(windows: Iterable[Window]) -> Iterator[Window]:
    """Yield windows in parts of at most CHUNK points."""
    for window in windows:
        for part in split_rows(len(window.rows), window.points):
            yield window.at(part)
