"""What every belief about the value can do."""

from typing import Protocol, Self

from numpy.typing import ArrayLike

from abm.beliefs.window import Window
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.numerics.arrays import Array, Flags


class Belief(Protocol):
    """A distribution of the value V in each replication."""

    @property
    def mean(self) -> Array:
        """Mean of V, shape (R,), in units of price."""

    @property
    def sd(self) -> Array:
        """Standard deviation of V, shape (R,), in units of price."""

    @property
    def skewness(self) -> Array:
        """Third moment of the standardised V, shape (R,)."""

    @property
    def is_gaussian(self) -> bool:
        """Whether V is normal, so that mean and sd say all that is believed."""

    @property
    def has_one_peak(self) -> bool:
        """Whether it has one peak, whatever valuations with Gaussian noise have shown."""

    @property
    def extent(self) -> Array:
        """How far from its mean V may be, shape (R,), in units of price: further out, never."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """The points on which the belief is kept, each replication in one window; () if none."""

    def resolve(self, resolution: float, /) -> Self:
        """Return the same belief on points that resolve likelihoods of this resolution."""

    def condition(self, likelihood: Likelihood, /) -> tuple[Array, "Belief"]:
        """Return the log probability of what was shown, and the belief given it."""

    def expect(self, likelihood: Likelihood, where: Flags | None = None, /) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it, shape (R,).

        They may be NaN but in the replications `where`.
        """

    def revise(self, likelihood: Likelihood, /) -> "Belief":
        """Return the belief given what was shown."""

    def predict(self, moved: Move, /) -> "Belief":
        """Return the belief once the value has moved, or may have."""

    def density(self, value: ArrayLike, /) -> Array:
        """Return the density, in one over units of price, at values of shape (R, G) or (G,)."""

    def broadcast(self, replications: int) -> Self:
        """Return this belief in each of `replications` markets."""
