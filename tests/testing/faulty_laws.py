"""Laws that err in one thing each, and a type of traders who value by one."""

from typing import Any

import numpy as np

from abm.market.laws import Line
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.market.valuations import Interval, NoisyValuation, find_interval
from abm.numerics.arrays import Array, Sides
from abm.traders import Trader


class Odd(NoisyValuation):
    """A base of laws that value as the paper's traders do, and err in one thing."""


def give_law(law: type[Odd]) -> Any:
    """Return a type of traders who value by this law."""

    class Given(Trader):
        name = "given"

        def __init__(self, model: Any) -> None:
            super().__init__(model, law(model.terms.noise_sd))

    return Given


class Flattened(Interval):
    def likelihood(self, value: Array) -> Array:
        return super().likelihood(value)[:, 0]


class Flat(Odd):
    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Flattened(*find_interval(quote, side), self.noise)


class FirstOnly(Interval):
    def at(self, replications: Any) -> Interval:
        return super().at(0 * replications)


class Misplaced(Odd):
    """Its likelihood differs by replication, and is not asked for the right one."""

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        lower, upper = find_interval(quote, side)
        shift = 0.01 * np.arange(lower.size)
        return FirstOnly(lower + shift, upper + shift, self.noise)


class Herding(Odd):
    """Takes all replications for the first."""

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return super().likelihood(quote, np.full_like(side, np.ravel(side)[0]))


class Doubled(Interval):
    def likelihood(self, value: Array) -> Array:
        return 2.0 * super().likelihood(value)


class Improper(Odd):
    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Doubled(*find_interval(quote, side), self.noise)


class Optimist(Odd):
    """A law that overrides how traders value, and not what that shows."""

    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) + 0.05


class Coarse(Odd):
    resolution = 30.0


class TooFine(Odd):
    resolution = 1e-4


class Unresolved(Odd):
    resolution = 0.0


class Endless(Odd):
    resolution = np.inf


class Tilted(Interval):
    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        moved, left = super().tilt(mean, sd)
        return moved, 1.001 * left


class Leaning(Odd):
    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return Tilted(*find_interval(quote, side), self.noise)


class Mistaken(Odd):
    """States the line of another noise."""

    def find_line(self, mean: Array) -> Line:
        return Line(mean, 1.0, 1.1 * self.noise_sd)


class Generous(Odd):
    def trade(self, *given: Any) -> tuple[Array, Array]:
        bought, moved = super().trade(*given)
        return bought, 1.01 * moved
