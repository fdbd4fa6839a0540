"""A belief on finitely many values: Bayes' rule by hand, as in Glosten and Milgrom (1985)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.window import Window
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.numerics.arrays import Array, Flags, Index
from abm.numerics.checks import require_finite
from abm.numerics.conversion import floats
from abm.numerics.describe import count_replications, describe, show_mean
from abm.numerics.frozen import set_fields


@dataclass(frozen=True, eq=False)
class DiscreteBelief:
    """V is one of some values, each with a probability, in each replication.

    Parameters
    ----------
    value : array_like, shape (K,)
        In units of price.
    probability : array_like, shape (R, K) or (K,)
        At least 0; they are scaled to sum to 1.

    Raises
    ------
    ValueError, TypeError
        If a value is not finite or no number, a probability is negative, or all of a row are 0.

    Examples
    --------
    Of the traders .3 know the value, which is 1 with probability .8 and else 0; the others flip a
    coin (Glosten and Milgrom 1985).

    >>> from abm.market.mixtures import Mixture
    >>> from abm.market.uninformed import CoinFlip
    >>> from abm.market.valuations import NoisyValuation
    >>> from abm.one_period.quotes import zero_profit_quote
    >>> law = Mixture([NoisyValuation(1e-9), CoinFlip()], [0.3, 0.7])
    >>> zero_profit_quote(DiscreteBelief([0.0, 1.0], [0.2, 0.8]), law)
    Quote(bid 0.6829, ask 0.8814)
    """

    value: Array
    probability: Array
    is_gaussian: ClassVar[bool] = False
    has_one_peak: ClassVar[bool] = False
    windows: ClassVar[tuple[Window, ...]] = ()

    def __init__(self, value: ArrayLike, probability: ArrayLike) -> None:
        value = np.atleast_1d(require_finite("value", value))
        weight = np.atleast_2d(require_finite("probability", probability))
        if value.ndim > 1 or weight.ndim > 2 or weight.shape[-1] != value.size:
            raise ValueError(
                f"value has shape {value.shape} and probability {weight.shape}, but must be (K,) "
                f"and (R, K): give one probability for each value"
            )
        total = weight.sum(axis=-1, keepdims=True)
        wrong = (weight < 0).any(axis=-1) | ~(total[:, 0] > 0)
        if wrong.any():
            raise ValueError(
                f"probability is {weight[wrong][0]}, but must be at least 0 and not 0 everywhere: "
                f"give one for each value"
            )
        set_fields(self, value=value, probability=weight / total)

    def __repr__(self) -> str:
        parts = (f"{self.value.size} values", f"mean {show_mean(self.mean)}")
        return describe(self, *parts, over=count_replications(self.mean))

    @property
    def mean(self) -> Array:
        """Mean of V, shape (R,), in units of price."""
        return self.probability @ self.value

    @property
    def sd(self) -> Array:
        """Standard deviation of V, shape (R,), in units of price."""
        return np.sqrt(self._find_moment(2))

    @property
    def skewness(self) -> Array:
        """Third moment of the standardised V, shape (R,); NaN where V is known."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._find_moment(3) / self.sd**3

    @property
    def extent(self) -> Array:
        """How far from its mean V may be, shape (R,), in units of price."""
        return np.abs(self.value - self.mean[:, np.newaxis]).max(axis=-1)

    def resolve(self, _: float) -> DiscreteBelief:
        """Return this belief: its values are all that V can be."""
        return self

    def condition(self, likelihood: Likelihood) -> tuple[Array, DiscreteBelief]:
        """Return the log probability of what was shown, and the belief given it.

        ValueError if it has a probability of 0.
        """
        joint = self._weigh(likelihood)
        with np.errstate(divide="ignore"):
            return np.log(joint.sum(axis=-1)), DiscreteBelief(self.value, joint)

    def expect(self, likelihood: Likelihood, _: Flags | None = None) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it."""
        joint = self._weigh(likelihood)
        mass = joint.sum(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(mass), joint @ self.value / mass

    def revise(self, likelihood: Likelihood) -> DiscreteBelief:
        """Return the belief given what was shown."""
        return self.condition(likelihood)[1]

    def predict(self, moved: Move) -> DiscreteBelief:
        """Return this belief: the value has not moved; ValueError if it has, or may have."""
        if np.any(moved.variance):
            raise ValueError(
                f"the value may have moved by a normal of sd {moved.sd:g}, but is believed to be "
                f"one of {self.value.size} values: give a GaussianBelief"
            )
        return self

    def density(self, value: ArrayLike) -> Array:
        """Return the probability of values of shape (R, G) or (G,): 0 between those it can be."""
        wanted = floats("value", value)
        same = wanted[..., np.newaxis] == self.value
        return (same * self.probability[:, np.newaxis]).sum(axis=-1)

    def broadcast(self, replications: int) -> DiscreteBelief:
        """Return this belief in each of `replications` markets.

        ValueError if it is one of another number of markets.
        """
        rows = len(self.probability)
        if rows not in (1, replications):
            raise ValueError(
                f"replications is {replications}, but the belief is one of {rows} markets: give "
                f"probabilities of shape (K,), or a row for each"
            )
        shape = (replications, self.value.size)
        return DiscreteBelief(self.value, np.broadcast_to(self.probability, shape))

    def at(self, replications: Index) -> DiscreteBelief:
        """Return the belief of these replications."""
        return DiscreteBelief(self.value, self.probability[replications])

    def _weigh(self, likelihood: Likelihood) -> Array:
        rows = max(len(self.probability), likelihood.replications)
        value = np.broadcast_to(self.value, (rows, self.value.size))
        with np.errstate(under="ignore"):
            return np.asarray(self.probability * likelihood.likelihood(value))

    def _find_moment(self, power: int) -> Array:
        away = self.value - self.mean[:, np.newaxis]
        return np.asarray((self.probability * away**power).sum(axis=-1))
