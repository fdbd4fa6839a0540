"""Traders who break one rule each, with the rule and what its error says."""

import random
from typing import Any

import numpy as np

from abm.market.random_streams import Draws
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.traders import NoisyTrader
from tests.testing.faulty_laws import (
    Coarse,
    Endless,
    Flat,
    Generous,
    Herding,
    Improper,
    Leaning,
    Misplaced,
    Mistaken,
    Optimist,
    TooFine,
    Unresolved,
    give_law,
)


class Mute(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return np.where(value > 2.0, np.nan, super().valuation(value, draws))


class Lone(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws)[:1]


class Scalar(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) if value > 0 else value


class Lawless(NoisyTrader):
    def observe(self, view: Any) -> None:  # noqa: ARG002
        self.law = None  # type: ignore[assignment]


class Gambler(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + np.random.normal(size=value.shape)  # noqa: NPY002


class Punter(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + [random.gauss(0.0, 1.0) for _ in value]


class Mesan(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + self.model.rng.normal(size=value.shape)


class Unseeded(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + np.random.default_rng().normal(size=value.shape)


class Seeded(NoisyTrader):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.own = np.random.default_rng(1)

    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return value + self.own.normal(size=value.shape)


class Common(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return value + draws.normal()[0]


class Remembering(NoisyTrader):
    """Counts the trades of all exchanges in its class."""

    seen = 0

    def observe(self, view: Any) -> None:  # noqa: ARG002
        type(self).seen += 1
        self.law = NoisyValuation(1.0 + 0.01 * self.seen)


class Standardising(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        noise = draws.normal()
        return value + noise / (noise.std() if noise.size > 1 else 1.0)


class Crowd(NoisyTrader):
    """Has more noise where more of the other replications trade."""

    def observe(self, view: Any) -> None:
        self.law = NoisyValuation(1.0 + np.abs(view.side).mean())


class Insider(NoisyTrader):
    def observe(self, view: Any) -> None:  # noqa: ARG002
        self.law = NoisyValuation(1.0 + np.tanh(self.model.value[0]) ** 2)


class Spy(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) + 0.1 * self.model.makers[0].belief.mean


class Eavesdropper(NoisyTrader):
    """Goes by what the last trader would have paid."""

    def observe(self, view: Any) -> None:  # noqa: ARG002
        if self.period > 0:
            self.law = NoisyValuation(1.0 + np.abs(self.model.clearing.valuation[0]))


class Clairvoyant(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(0.5 * value + 0.5 * self.model.value, draws)


class Bolder(NoisyTrader):
    """Values with more noise than the law says."""

    def valuation(self, value: Array, draws: Draws) -> Array:
        return value + 1.05 * (super().valuation(value, draws) - value)


BREAKERS: list[tuple[str, Any, str]] = [
    ("gives-arrays-of-numbers", Mute, "of them NaN"),
    ("gives-arrays-of-numbers", Lone, "return an array of shape (10,)"),
    ("gives-arrays-of-numbers", Scalar, "np.where"),
    ("gives-arrays-of-numbers", Lawless, "must have a Law"),
    ("gives-arrays-of-numbers", give_law(Flat), "must have (1, 4)"),
    ("gives-arrays-of-numbers", give_law(Misplaced), "at([9]) must be"),
    ("gives-arrays-of-numbers", give_law(Herding), "must be each one's"),
    ("shows-probabilities", give_law(Improper), "sum to 1"),
    ("same-seed-same-traders", Unseeded, "draw by `draws`"),
    ("same-seed-same-traders", Remembering, "keep state in self"),
    ("leaves-shared-randomness-alone", Gambler, "numpy.random moved in period 0"),
    ("leaves-shared-randomness-alone", Punter, "random moved in period 0"),
    ("leaves-shared-randomness-alone", Mesan, "Mesa's self.rng moved in period 0"),
    ("draws-for-each-replication", Seeded, "two seeds give the same valuations"),
    ("draws-for-each-replication", Common, "once for all replications"),
    ("replications-are-apart", Standardising, "in a run of 10 and in one of 1000"),
    ("replications-are-apart", Crowd, "use no other replication's"),
    ("cannot-see-what-is-hidden", Insider, "behind the same tape"),
    ("cannot-see-what-is-hidden", Spy, "where a valuation is"),
    ("cannot-see-what-is-hidden", Eavesdropper, "behind the same tape"),
    ("cannot-see-what-is-hidden", Clairvoyant, "the value that valuation is given"),
    ("agrees-with-the-sides-taken", Bolder, "but by the law in"),
    ("agrees-with-the-sides-taken", give_law(Optimist), "who overrides one, overrides both"),
    ("has-the-resolution-it-says", give_law(Coarse), "give at most 2.5"),
    ("has-the-resolution-it-says", give_law(Endless), "resolution is inf"),
    ("has-the-resolution-it-says", give_law(TooFine), "many points in vain: give about 1"),
    ("has-the-resolution-it-says", give_law(Unresolved), "above 0"),
    ("has-the-moments-of-its-likelihood", give_law(Leaning), "tilt of Leaning gives sd"),
    ("has-the-moments-of-its-likelihood", give_law(Mistaken), "find_line of Mistaken gives P"),
    ("has-the-moments-of-its-likelihood", give_law(Generous), "trade of Generous gives E[side"),
]
