"""What happened in one period: the trade, and each maker's part in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from abm.market.quotes import Quote, show_prices, show_sides
from abm.numerics.arrays import Array, Flags, Sides, keep
from abm.numerics.describe import describe, show_count, show_mean
from abm.runs.metrics import OF_MAKER, OF_MARKET


@dataclass(frozen=True, eq=False)
class Dealing:
    """One maker's part in a period; arrays of shape (R,), prices and profit in units of price."""

    quote: Quote
    belief_mean: Array
    belief_sd: Array
    filled: Flags
    inventory: Array
    profit: Array
    value: Array

    def __repr__(self) -> str:
        belief = f"belief {show_mean(self.belief_mean)}, sd {show_mean(self.belief_sd)}"
        inventory = f"inventory {show_mean(self.inventory)}"
        return describe(self, f"quote {show_prices(self.quote)}", belief, inventory,
                        f"profit {show_mean(self.profit)}", over=len(self.profit))  # fmt: skip

    @property
    def bid(self) -> Array:
        """The bid she posted."""
        return self.quote.bid

    @property
    def ask(self) -> Array:
        """The ask she posted."""
        return self.quote.ask

    def keep(self, value: Array) -> Dealing:
        """Return the same at this value, with copies of what she could write into."""
        size = len(self.profit)
        mean, sd = keep(self.belief_mean, size), keep(self.belief_sd, size)
        inventory = keep(self.inventory, size)
        return Dealing(self.quote, mean, sd, self.filled, inventory, self.profit, value)

    @cached_property
    def metrics(self) -> dict[str, Array]:
        """What is measured of a maker, by name."""
        return {metric.name: metric.measure(self) for metric in OF_MAKER}


@dataclass(frozen=True, eq=False)
class Clearing:
    """One period of the market; arrays of shape (R,), all but the side in units of price.

    The price is what the trader paid or was paid, 0 where there was no trade; the trader is the
    number of the type that came, int8; the valuation NaN where the trader has none.
    """

    value: Array
    valuation: Array
    inside: Quote
    side: Sides
    price: Array
    trader: Sides
    dealings: tuple[Dealing, ...]

    def __repr__(self) -> str:
        value = f"value {show_mean(self.value)}, valuation {show_mean(self.valuation)}"
        makers = show_count(len(self.dealings), "maker")
        return describe(self, value, f"inside {show_prices(self.inside)}", show_sides(self.side),
                        makers, over=len(self.side))  # fmt: skip

    @property
    def bid(self) -> Array:
        """The best bid."""
        return self.inside.bid

    @property
    def ask(self) -> Array:
        """The best ask."""
        return self.inside.ask

    def keep(self) -> Clearing:
        """Return the same, with copies of what others could write into."""
        size = len(self.side)
        value, valuation = keep(self.value, size), keep(self.valuation, size)
        dealings = tuple([dealing.keep(value) for dealing in self.dealings])
        return Clearing(value, valuation, self.inside, self.side, self.price, self.trader, dealings)

    @property
    def profit(self) -> Array:
        """The profit of all makers."""
        first, *others = self.dealings
        return sum((dealing.profit for dealing in others), first.profit)

    @cached_property
    def metrics(self) -> dict[str, Array]:
        """What is measured of the market, by name."""
        return {metric.name: metric.measure(self) for metric in OF_MARKET}
