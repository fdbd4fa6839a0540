"""Laws other than value plus noise: refused by closed forms, and right with exact beliefs."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from abm import Exchange, Optimal, Quote, ZeroProfit
from abm.market.laws import Law
from abm.market.random_streams import Draws
from abm.market.valuations import Interval, NoisyValuation
from abm.numerics.arrays import Array, Index, Sides
from abm.traders import Trader


@dataclass(frozen=True, eq=False)
class HalfShown:
    """What a side shows if half of the traders value by the prior's mean, 0, not by the value."""

    informed: Interval

    is_mixed: ClassVar[bool] = True

    @property
    def resolution(self) -> float:
        return self.informed.resolution

    @property
    def replications(self) -> int:
        return self.informed.replications

    def at(self, replications: Index) -> "HalfShown":
        return HalfShown(self.informed.at(replications))

    def weigh(self, mean: Array, sd: Array) -> Array:
        flat = np.log(self.informed.likelihood(np.zeros((mean.size, 1)))[:, 0])
        return np.logaddexp(self.informed.weigh(mean, sd), flat) - np.log(2)

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        moved, after = self.informed.tilt(mean, sd)
        weight = np.exp(self.informed.weigh(mean, sd) - self.weigh(mean, sd)) / 2
        new = weight * moved + (1 - weight) * mean
        second = weight * (after**2 + moved**2) + (1 - weight) * (sd**2 + mean**2)
        return new, np.sqrt(second - new**2)

    def likelihood(self, value: Array) -> Array:
        return (
            self.informed.likelihood(value) + self.informed.likelihood(np.zeros_like(value))
        ) / 2


@dataclass(frozen=True)
class HalfInformed(Law):
    """Half of the traders value by the prior's mean, 0, instead of the value."""

    informed: NoisyValuation

    @property
    def noise_sd(self) -> float:
        return self.informed.noise_sd

    @property
    def resolution(self) -> float:
        return self.informed.resolution

    def valuation(self, value: Array, draws: Draws) -> Array:
        return self.informed.valuation(np.where(draws.uniform() < 0.5, value, 0.0), draws)

    def likelihood(self, quote: Quote, side: Sides) -> Any:
        return HalfShown(self.informed.likelihood(quote, side))


class Guesser(Trader):
    name = "guesser"

    def __init__(self, model: Any) -> None:
        super().__init__(model, HalfInformed(NoisyValuation(model.terms.noise_sd)))


@pytest.mark.parametrize("maker", [Optimal, partial(Optimal, belief="exact")])
def test_the_plan_is_refused_for_a_law_that_does_not_move_with_the_belief(maker: Any) -> None:
    says = r"law of traders is HalfInformed.* must move with the public's belief.*for any law"
    with pytest.raises(ValueError, match=says):
        Exchange(maker, Guesser, prior_sd=2.0).run(1)


class Biased(NoisyValuation):
    """Builds on the paper's law, and shows that it values otherwise."""

    def likelihood(self, quote: Quote, side: Sides) -> Interval:
        return super().likelihood(Quote(quote.bid - 1.0, quote.ask - 1.0), side)

    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws) + 1.0


class Optimist(Trader):
    name = "optimist"

    def __init__(self, model: Any) -> None:
        super().__init__(model, Biased(model.terms.noise_sd))


def test_a_law_that_builds_on_the_papers_is_another() -> None:
    with pytest.raises(ValueError, match="the law of traders is Biased"):
        Exchange(Optimal, Optimist, prior_sd=2.0)
    ask, bid = (
        getattr(Exchange(ZeroProfit, Optimist, prior_sd=2.0).run(1).inside, side)[0]
        for side in ("ask", "bid")
    )
    assert ask + bid != pytest.approx(0.0, abs=0.1)


def excess(ask: float) -> float:
    """Return ask - E[V | buy], for a shock of 2 and a noise of 1."""
    sd = np.hypot(2.0, 1.0)
    buys = stats.norm.sf(ask / sd) + stats.norm.sf(ask)
    return float(ask - 4.0 / sd * stats.norm.pdf(ask / sd) / buys)


def test_an_exact_zero_profit_maker_earns_nothing_of_traders_half_of_whom_know_nothing() -> None:
    maker: Any = partial(ZeroProfit, belief="exact")
    market = Exchange(maker, Guesser, prior_sd=2.0, replications=500, rng=1).run(10)
    first = market.tape.market["ask"].to_numpy()[0]
    assert first == pytest.approx(brentq(excess, 3.0, 5.0), rel=1e-6)
    profit = market.tape.makers.groupby("replication")["profit"].sum().to_numpy()
    assert abs(profit.mean()) < 4 * profit.std(ddof=1) / np.sqrt(profit.size)
