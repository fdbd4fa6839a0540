"""What every belief about the value can do."""

from typing import Protocol, Self

from abm.market.valuations import Likelihood
from abm.numerics.arrays import Array


class Belief(Protocol):
    """A distribution of the value V in each replication."""

    @property
    def mean(self) -> Array:
        """Mean of V, shape (R,), in units of price."""

    @property
    def sd(self) -> Array:
        """Standard deviation of V, shape (R,), in units of price."""

    def condition(self, likelihood: Likelihood, /) -> tuple[Array, Self]:
        """Return the log probability of what was shown, and the belief given it."""

    def expect(self, likelihood: Likelihood, /) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it."""

    def revise(self, likelihood: Likelihood, /) -> Self:
        """Return the belief given what was shown."""

    def replicate(self, replications: int) -> Self:
        """Return this belief in each of `replications` markets."""
