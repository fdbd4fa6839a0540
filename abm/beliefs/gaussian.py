"""The paper's belief: a normal, kept normal by matching two moments after every signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from abm.market.valuations import Interval, Likelihood
from abm.numerics.arrays import Array, Index
from abm.numerics.checks import compatible, finite, positive


@dataclass(frozen=True, eq=False)
class GaussianBelief:
    """V ~ N(mean, sd^2) in each replication (Das and Magdon-Ismail 2008, section 2.4).

    It takes the noise of valuations, too, for a Gaussian of the same sd. Where traders have
    another it is misspecified: it learns, but its sd need not say how much is left to learn.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        In units of price; sd above zero.

    Raises
    ------
    ValueError
        If a mean is not finite, or an sd is not finite and above zero, or shapes do not match.
    """

    mean: Array
    sd: Array

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        object.__setattr__(self, "mean", finite("mean", mean))
        object.__setattr__(self, "sd", positive("sd", sd))
        compatible(mean=self.mean, sd=self.sd)

    @property
    def skewness(self) -> Array:
        """0, shape (R,)."""
        return np.zeros_like(self.mean)

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
        """Return the posterior once a valuation with this noise was seen in (lower, upper)."""
        seen = Interval(lower, upper, noise_sd)
        compatible(mean=self.mean, lower=seen.lower, upper=seen.upper)
        return self.revise(seen)

    def replicate(self, replications: int) -> GaussianBelief:
        """Return this belief in each of `replications` markets."""
        return GaussianBelief(
            np.broadcast_to(self.mean, replications), np.broadcast_to(self.sd, replications)
        )

    def at(self, replications: Index) -> GaussianBelief:
        """Return the belief of these replications."""
        return GaussianBelief(self.mean[replications], self.sd[replications])
