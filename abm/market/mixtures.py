"""Several types of traders in one market: what they value by, and what the trade of one reveals.

One trader comes each period, of a type that nobody sees; type k comes with probability share_k. A
trade then has the likelihood sum of share_k L_k(V), in which those who know nothing of V have a
constant (Glosten and Milgrom 1985). On a Gaussian belief N(m, s^2) its moments are those of the
types' posteriors N(m_k, s_k^2), type k with the weight lambda_k, the probability that one of this
type traded:

    mean  sum of lambda_k m_k
    sd^2  sum of lambda_k (s_k^2 + (m_k - mean)^2)

Unlike that of one informed type, the sd may rise: it does where the types' means are far apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from abm.market.laws import Law, Likelihood
from abm.market.quotes import Quote, Side
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, Index, Sides
from abm.numerics.describe import describe, list_some


@dataclass(frozen=True, eq=False)
class MixedLikelihood:
    """What the trade of one of several types reveals, nobody knows of which.

    Parameters
    ----------
    parts : sequence of Likelihood
        What it reveals if the trader is of each type.
    shares : sequence of float
        With which probability a trader of each type comes.
    """

    parts: Sequence[Likelihood]
    shares: Sequence[float]
    is_mixed: ClassVar[bool] = True

    def __repr__(self) -> str:
        return describe(self, list_some(map(repr, self.parts)), over=self.replications)

    @property
    def resolution(self) -> float:
        """The smallest of the types'."""
        return min(part.resolution for part in self.parts)

    def likelihood(self, value: Array) -> Array:
        """Return P(shown | V = value) for values of shape (R, G), the grid last."""
        masses = (part.likelihood(value) for part in self.parts)
        return np.asarray(sum(map(np.multiply, self.shares, masses)))

    def weigh(self, mean: Array, sd: Array) -> Array:
        """Return log P(shown), given V ~ N(mean, sd^2)."""
        return reduce(np.logaddexp, self._weigh_parts(mean, sd))

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return the posterior's mean and sd, given V ~ N(mean, sd^2)."""
        logs = self._weigh_parts(mean, sd)
        log_mass = reduce(np.logaddexp, logs)
        means, sds = zip(*(part.tilt(mean, sd) for part in self.parts), strict=True)
        with np.errstate(under="ignore"):
            weights = [np.exp(log - log_mass) for log in logs]
            moves = [one - mean for one in means]
            move = sum(map(np.multiply, weights, moves))
            variance = sum(
                weight * (np.square(left) + np.square(own - move))
                for weight, left, own in zip(weights, sds, moves, strict=True)
            )
        return mean + move, np.sqrt(variance)

    @np.errstate(divide="ignore")  # of shares of 0
    def _weigh_parts(self, mean: Array, sd: Array) -> list[Array]:
        """Return log P(one of this type comes, and this is shown) of each type."""
        pairs = zip(self.shares, self.parts, strict=True)
        return [np.log(share) + part.weigh(mean, sd) for share, part in pairs]

    @property
    def replications(self) -> int:
        """The number of replications; 1 if the same was shown in all."""
        return max(part.replications for part in self.parts)

    def at(self, replications: Index) -> MixedLikelihood:
        """Return what was shown in these replications."""
        return MixedLikelihood([part.at(replications) for part in self.parts], self.shares)


@dataclass(frozen=True, eq=False)
class Mixture(Law):
    """The law of a trader whose type nobody sees.

    Parameters
    ----------
    laws : sequence of Law
        The types'.
    shares : sequence of float
        With which probability each comes; together 1.

    Examples
    --------
    >>> from abm.market.uninformed import CoinFlip
    >>> from abm.market.valuations import NoisyValuation
    >>> law = Mixture([NoisyValuation(1.0), CoinFlip()], [0.7, 0.3])
    >>> shown = law.likelihood(Quote(-2.0, 2.0), np.array([1], np.int8))  # a trader bought
    >>> shown.likelihood(np.array([[-50.0, 50.0]])).round(2)
    array([[0.15, 0.85]])
    """

    laws: Sequence[Law]
    shares: Sequence[float]

    def __repr__(self) -> str:
        parts = (f"{share:.4g} {law!r}" for share, law in self.types)
        return describe(self, list_some(parts))

    @property
    def types(self) -> Sequence[tuple[float, Law]]:
        """Each with its share."""
        return list(zip(self.shares, self.laws, strict=True))

    @property
    def follows_tape(self) -> bool:
        """Whether one of them does."""
        return any(law.follows_tape for law in self.laws)

    def announce(self, mean: Array, sd: Array) -> Mixture:
        """Return the mixture of what each announces."""
        return Mixture([law.announce(mean, sd) for law in self.laws], self.shares)

    @property
    def noise_sd(self) -> float:
        """That of the first type that knows of the value, or else of the first."""
        knowing = (law.noise_sd for law in self.laws if law.is_informed)
        return next(knowing, self.laws[0].noise_sd)

    @property
    def takes_noise_as_gaussian(self) -> bool:
        """Whether one of them does."""
        return any(law.takes_noise_as_gaussian for law in self.laws)

    @property
    def resolution(self) -> float:
        """The smallest of the types'."""
        return min(law.resolution for law in self.laws)

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return one valuation per replication, of a type that is drawn, shape (R,)."""
        valuations = [law.valuation(value, draws) for law in self.laws]
        chosen = choose_types(self.shares, draws)
        return np.choose(chosen, valuations)

    def trade(self, mean: Array, sd: Array, side: Side, price: Array) -> tuple[Array, Array]:
        """Return P(trade) and E[side (V - mean); trade] for V ~ N(mean, sd^2), shape (R,)."""
        parts = [law.trade(mean, sd, side, price) for law in self.laws]
        bought, moved = (sum(map(np.multiply, self.shares, of)) for of in zip(*parts, strict=True))
        return np.asarray(bought), np.asarray(moved)

    def likelihood(self, quote: Quote, side: Sides) -> MixedLikelihood:
        """Return what it reveals that the trader took `side` of an uncrossed `quote`."""
        return MixedLikelihood([law.likelihood(quote, side) for law in self.laws], self.shares)


def choose_types(shares: Sequence[float], draws: Draws) -> Index:
    """Return the number of the type that comes in each replication, shape (R,)."""
    return np.searchsorted(np.cumsum(shares)[:-1], draws.uniform(), side="right")
