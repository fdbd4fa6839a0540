"""What every belief does that is kept on windows of points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.window import Window, iterate_chunks
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.market.valuations import Interval
from abm.numerics.arrays import Array, Flags
from abm.numerics.checks import require_compatible
from abm.numerics.conversion import floats


class PointBelief(ABC):
    """The exact belief on windows; its replications are numbered from 0, each is in one window."""

    windows: tuple[Window, ...]
    resolution: float
    is_gaussian: ClassVar[bool] = False
    has_one_peak: ClassVar[bool]

    @cached_property
    def mean(self) -> Array:
        """Mean of V, shape (R,), in units of price."""
        return self.gather(window.mean for window in self.windows)

    @cached_property
    def sd(self) -> Array:
        """Standard deviation of V, shape (R,), in units of price."""
        return self.gather(window.sd for window in self.windows)

    @cached_property
    def skewness(self) -> Array:
        """Third moment of the standardised V, shape (R,)."""
        return self.gather(window.skewness for window in self.windows)

    @cached_property
    def extent(self) -> Array:
        """How far from the mean the outermost points are, shape (R,), in units of price."""
        return self.gather(
            np.maximum(window.mean - window.value[:, 0], window.value[:, -1] - window.mean)
            for window in self.windows
        )

    @cached_property
    def log_evidence(self) -> Array:
        """Log probability of all that was shown, shape (R,)."""
        return self.gather(window.log_evidence for window in self.windows)

    @abstractmethod
    def resolve(self, resolution: float) -> Self:
        """Return the same belief on points that resolve this length, in units of price."""

    @abstractmethod
    def condition(self, likelihood: Likelihood) -> tuple[Array, PointBelief]:
        """Return the log probability of what was shown, and the posterior."""

    @abstractmethod
    def predict(self, moved: Move) -> PointBelief:
        """Return the belief once the value has moved, or may have."""

    @abstractmethod
    def find_density(self, value: Array) -> Array:
        """Return the density, in one over units of price, at values of shape (R, G)."""

    @abstractmethod
    def repeat(self, replications: int) -> Self:
        """Return this belief of one market in each of `replications`."""

    def broadcast(self, replications: int) -> Self:
        """Return this belief in each of `replications` markets; ValueError if it has others."""
        GaussianBelief.from_moments(self.mean, self.sd).broadcast(replications)
        return self if replications == self.replications else self.repeat(replications)

    def density(self, value: ArrayLike) -> Array:
        """Return the density, in one over units of price, at values of shape (R, G) or (G,).

        Shape (R, G).
        """
        value, each = np.atleast_1d(floats("value", value)), np.empty((self.replications, 1))
        require_compatible(value=value, mean=each)
        return self.find_density(
            np.broadcast_to(value, np.broadcast_shapes(value.shape, each.shape))
        )

    def expect(self, likelihood: Likelihood, where: Flags | None = None) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it, shape (R,).

        NaN but in the replications `where`. The points stay where they are, so that an event which
        is too rare is out of their reach.
        """
        mass, mean = np.full((2, self.replications), np.nan)
        for chunk in iterate_chunks(self.resolve(likelihood.resolution).windows):
            wanted = chunk if where is None else chunk.at(where[chunk.rows])
            mass[wanted.rows], mean[wanted.rows] = wanted.expect(likelihood)
        with np.errstate(divide="ignore"):
            return np.log(mass), mean

    def revise(self, likelihood: Likelihood) -> PointBelief:
        """Return the posterior."""
        return self.condition(likelihood)[1]

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> PointBelief:
        """Return the posterior given that a valuation with this noise is in (lower, upper)."""
        return self.revise(Interval(lower, upper, noise_sd))

    @cached_property
    def replications(self) -> int:
        """R, of how many markets it is the belief."""
        return sum(len(window.rows) for window in self.windows)

    def gather(self, parts: Iterable[Array]) -> Array:
        """Return one array over the replications from a part for each window."""
        whole = np.empty(self.replications)
        for window, part in zip(self.windows, parts, strict=True):
            whole[window.rows] = part
        return whole

    def spread_over(self, name: str, replications: int) -> Self:
        """Return the belief in as many markets as what has this name is of.

        ValueError if both are of several, and of different numbers.
        """
        sizes = {"mean": self.replications, name: replications}
        require_compatible(**{of: np.empty(size) for of, size in sizes.items()})
        return self.broadcast(max(sizes.values()))


def require_possible(after: Window) -> None:
    """Raise ValueError if what was shown to some replications cannot be."""
    if not after.possible.all():
        raise ValueError(
            f"what was shown has probability 0 under the belief (replication "
            f"{after.rows[~after.possible].min()}), as far as floats can tell: "
            f"start from a wider prior, or show an interval of some width"
        )
