"""The paper's belief: a normal, kept normal by matching two moments after every signal."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.window import Window
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.market.valuations import Interval
from abm.numerics.arrays import Array, Flags, Index
from abm.numerics.checks import (
    require_compatible,
    require_finite,
    require_near,
    require_positive,
    require_scale,
    require_whole,
)
from abm.numerics.conversion import floats
from abm.numerics.describe import count_replications, describe, show_mean
from abm.numerics.frozen import set_fields
from abm.numerics.kernels import find_span

MOST_REPLICATIONS = 2**31 - 1

REVISED: deque[tuple[ref[GaussianBelief], Likelihood, ref[GaussianBelief]]]
REVISED = deque(maxlen=8)
"""The last revisions: a belief, what was shown, and what it left, while somebody holds those."""


def _are_within(numbers: Array, low: float) -> bool:
    """Return whether all are above `low`, and finite."""
    least, largest = find_span(numbers)
    return low < least and largest < np.inf


@dataclass(frozen=True, eq=False)
class GaussianBelief:
    """V ~ N(mean, sd^2) in each replication (Das and Magdon-Ismail 2008, section 2.4).

    Valuations are assumed to have Gaussian noise, too. Where the noise is another of the same sd,
    the belief is misspecified: it learns, but its sd need not be the size of its errors.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        In units of price; sd from 1e-100 to 1e100, mean at most 1e9 sds away from zero. In this
        range an update's sd is right to 1e-8, and its mean to 1e-9 of that and 1e-11 of its move;
        or as far as floats tell apart prices, and the ends of an interval in sds of a valuation.

    Raises
    ------
    ValueError, TypeError
        If a mean or an sd is out of that range or no number, or shapes do not match.

    Examples
    --------
    >>> GaussianBelief(0.0, 3.0).update(4.5, np.inf, noise_sd=1.0)  # a trader bought at 4.5
    GaussianBelief(mean 5.332, sd 1.471)
    """

    mean: Array
    sd: Array
    is_gaussian: ClassVar[bool] = True
    has_one_peak: ClassVar[bool] = True
    windows: ClassVar[tuple[Window, ...]] = ()

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        mean, sd = require_finite("mean", mean), require_scale("sd", sd)
        require_compatible(mean=mean, sd=sd)
        require_near("mean", mean, sd)
        set_fields(self, mean=mean, sd=sd)

    @classmethod
    def from_moments(cls, mean: Array, sd: Array) -> GaussianBelief:
        """Return a posterior, which may lie further out than a prior.

        ValueError if a mean is not finite, or an sd is not finite and above zero.
        """
        mean, sd = floats("mean", mean), floats("sd", sd)
        if mean.size and not (_are_within(sd, 0.0) and _are_within(mean, -np.inf)):
            mean, sd = require_finite("mean", mean), require_positive("sd", sd)
        belief = cls.__new__(cls)
        set_fields(belief, mean=mean, sd=sd)
        return belief

    def __repr__(self) -> str:
        parts = (f"mean {show_mean(self.mean)}", f"sd {show_mean(self.sd)}")
        return describe(self, *parts, over=count_replications(self.mean, self.sd))

    @property
    def skewness(self) -> Array:
        """0, shape (R,)."""
        return np.zeros_like(self.mean)

    @property
    def extent(self) -> Array:
        """Nine sds, shape (R,): beyond, the probability is 2e-19."""
        return 9 * self.sd

    def resolve(self, _: float) -> GaussianBelief:
        """Return this belief: it has no points."""
        return self

    def condition(self, likelihood: Likelihood) -> tuple[Array, GaussianBelief]:
        """Return the log probability of what was shown, and the moment-matched posterior."""
        return likelihood.weigh(self.mean, self.sd), self._tilt(likelihood)

    def expect(self, likelihood: Likelihood, _: Flags | None = None) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it."""
        return likelihood.weigh(self.mean, self.sd), likelihood.tilt(self.mean, self.sd)[0]

    def revise(self, likelihood: Likelihood) -> GaussianBelief:
        """Return the moment-matched posterior: one for all who hold this belief and see the same.

        Its arrays cannot be written into.
        """
        for belief, shown, left in tuple(REVISED):  # other threads may add to it
            if belief() is self and shown is likelihood and (known := left()) is not None:
                return known
        posterior = self._tilt(likelihood)
        for array in (posterior.mean, posterior.sd):
            array.setflags(write=False)
        REVISED.appendleft((ref(self), likelihood, ref(posterior)))
        return posterior

    def _tilt(self, likelihood: Likelihood) -> GaussianBelief:
        return self.from_moments(*likelihood.tilt(self.mean, self.sd))

    def predict(self, moved: Move) -> GaussianBelief:
        """Return the moment-matched belief once the value has moved, or may have."""
        variance = moved.variance
        if not np.any(variance):
            return self
        return self.from_moments(self.mean, np.sqrt(self.sd * self.sd + variance))

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> GaussianBelief:
        """Return the posterior given that a valuation with this noise is in (lower, upper)."""
        seen = Interval(lower, upper, noise_sd)
        require_compatible(mean=self.mean, lower=seen.lower, upper=seen.upper)
        return self.revise(seen)

    def density(self, value: ArrayLike) -> Array:
        """Return the density at values of shape (R, G) or (G,), in one over units of price."""
        mean, sd = self.mean[..., np.newaxis], self.sd[..., np.newaxis]
        value = floats("value", value)
        require_compatible(value=value, mean=mean)
        with np.errstate(over="ignore", under="ignore"):
            standard = (value - mean) / sd
            return np.exp(-0.5 * np.square(standard)) / np.sqrt(2 * np.pi) / sd

    def broadcast(self, replications: int) -> GaussianBelief:
        """Return this belief in each of `replications` markets.

        ValueError if it is one of another number of markets.
        """
        size = require_whole("replications", replications, 0, MOST_REPLICATIONS)
        try:
            mean, sd = np.broadcast_to(self.mean, size), np.broadcast_to(self.sd, size)
        except ValueError:
            raise ValueError(
                f"replications is {size}, but the belief has means of shape {self.mean.shape}: "
                f"give a belief of scalars, or of one for each replication"
            ) from None
        return self.from_moments(mean, sd)

    def at(self, replications: Index) -> GaussianBelief:
        """Return the belief of these replications."""
        return self.from_moments(self.mean[replications], self.sd[replications])
