"""The likelihood of the marginal valuation: what the value is where a trader is indifferent."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from abm.market.noise import Noise
from abm.numerics.arrays import Array, Index


@dataclass(frozen=True, eq=False)
class ValuationAt:
    """The signal "w is at the price" for w = V + noise, as a density.

    Parameters
    ----------
    price : ndarray, shape (R,)
        In units of price.
    noise : Noise
    """

    price: Array
    noise: Noise
    is_mixed: ClassVar[bool] = False

    @property
    def resolution(self) -> float:
        """The noise's."""
        return self.noise.resolution

    @property
    def replications(self) -> int:
        """The number of prices."""
        return self.price.size

    def weigh(self, mean: Array, sd: Array) -> Array:
        """Return the log density of w, given V ~ N(mean, sd^2), shape (R,).

        Any noise is treated as Gaussian with its sd.
        """
        s = np.hypot(sd, self.noise.sd)
        return -0.5 * np.square((self.price - mean) / s) - np.log(s * np.sqrt(2 * np.pi))

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return mean and sd of V ~ N(mean, sd^2) given w, shape (R,)."""
        s = np.hypot(sd, self.noise.sd)
        return mean + sd * sd / s * ((self.price - mean) / s), sd * self.noise.sd / s

    def at(self, replications: Index) -> Self:
        """Return the signal of these replications."""
        return type(self)(self.price[replications], self.noise)

    def likelihood(self, value: Array) -> Array:
        """Return the density of w at the price given V = value, of shape (R, G)."""
        return self.noise.density(self.price[:, np.newaxis] - value)
