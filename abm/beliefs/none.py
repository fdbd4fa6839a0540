"""The belief of a maker that has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abm.market.valuations import Likelihood
from abm.numerics.arrays import Array


@dataclass(frozen=True, eq=False)
class NoBelief:
    """A belief that says nothing: mean and sd are NaN, and no signal changes that.

    Parameters
    ----------
    mean, sd : ndarray, shape (R,)
        NaN.
    """

    mean: Array
    sd: Array

    def __init__(self, replications: int) -> None:
        nothing = np.full(replications, np.nan)
        object.__setattr__(self, "mean", nothing)
        object.__setattr__(self, "sd", nothing)

    def condition(self, _: Likelihood) -> tuple[Array, NoBelief]:
        """Return NaN, for nothing was expected, and this belief."""
        return self.mean, self

    def expect(self, _: Likelihood) -> tuple[Array, Array]:
        """Return NaN twice."""
        return self.mean, self.mean

    def revise(self, _: Likelihood) -> NoBelief:
        """Return this belief."""
        return self

    def replicate(self, replications: int) -> NoBelief:
        """Return no belief in each of `replications` markets."""
        return NoBelief(replications)
