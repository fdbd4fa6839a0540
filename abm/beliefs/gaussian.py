"""The paper's belief: a normal, kept normal by matching two moments after every signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.window import Window
from abm.market.valuations import Interval, Likelihood
from abm.numerics.arrays import Array, Index
from abm.numerics.checks import require_compatible, require_finite, require_positive
from abm.numerics.describe import count_replications, describe, show_mean
from abm.numerics.frozen import set_fields


@dataclass(frozen=True, eq=False)
class GaussianBelief:
    """V ~ N(mean, sd^2) in each replication (Das and Magdon-Ismail 2008, section 2.4).

    Valuations are assumed to have Gaussian noise, too. Where the noise is another of the same sd,
    the belief is misspecified: it learns, but its sd need not be the size of its errors.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        In units of price; sd above zero.

    Raises
    ------
    ValueError
        If a mean is not finite, or an sd is not finite and above zero, or shapes do not match.

    Examples
    --------
    >>> GaussianBelief(0.0, 3.0).update(4.5, np.inf, noise_sd=1.0)  # a trader bought at 4.5
    GaussianBelief(mean 5.332, sd 1.471)
    """

    mean: Array
    sd: Array
    is_gaussian: ClassVar[bool] = True
    windows: ClassVar[tuple[Window, ...]] = ()

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        mean, sd = require_finite("mean", mean), require_positive("sd", sd)
        require_compatible(mean=mean, sd=sd)
        set_fields(self, mean=mean, sd=sd)

    def __repr__(self) -> str:
        parts = (f"mean {show_mean(self.mean)}", f"sd {show_mean(self.sd)}")
        return describe(self, *parts, over=count_replications(self.mean, self.sd))

    @property
    def skewness(self) -> Array:
        """0, shape (R,)."""
        return np.zeros_like(self.mean)

    def resolve(self, _: float) -> GaussianBelief:
        """Return this belief: it has no points."""
        return self

    def condition(self, likelihood: Likelihood) -> tuple[Array, GaussianBelief]:
        """Return the log probability of what was shown, and the moment-matched posterior."""
        log_mass, mean, sd = likelihood.tilt(self.mean, self.sd)
        return log_mass, GaussianBelief(mean, sd)

    def expect(self, likelihood: Likelihood) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it."""
        return likelihood.tilt(self.mean, self.sd)[:2]

    def revise(self, likelihood: Likelihood) -> GaussianBelief:
        """Return the moment-matched posterior."""
        return self.condition(likelihood)[1]

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> GaussianBelief:
        """Return the posterior given that a valuation with this noise is in (lower, upper)."""
        seen = Interval(lower, upper, noise_sd)
        require_compatible(mean=self.mean, lower=seen.lower, upper=seen.upper)
        return self.revise(seen)

    def density(self, value: ArrayLike) -> Array:
        """Return the density at values of shape (R, G) or (G,), in one over units of price."""
        sd = self.sd[..., np.newaxis]
        standard = np.subtract(value, self.mean[..., np.newaxis]) / sd
        return np.exp(-0.5 * np.square(standard)) / np.sqrt(2 * np.pi) / sd

    def broadcast(self, replications: int) -> GaussianBelief:
        """Return this belief in each of `replications` markets."""
        return GaussianBelief(
            np.broadcast_to(self.mean, replications), np.broadcast_to(self.sd, replications)
        )

    def at(self, replications: Index) -> GaussianBelief:
        """Return the belief of these replications."""
        return GaussianBelief(self.mean[replications], self.sd[replications])
