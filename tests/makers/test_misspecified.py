"""Makers who are wrong about traders, or about the value, on purpose; against what they cost.

What they earn was computed elsewhere on 40,000 markets each, by code that shares nothing with this.
"""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from abm import Exchange, Jumps, Myopic, Optimal, ZeroProfit
from abm.bellman.plan import Plan
from abm.makers.planner import Planner
from abm.market.adapted import AdaptedValuation
from abm.market.uninformed import PublicValuation
from abm.market.valuations import NoisyValuation
from abm.market.values import Fixed
from abm.traders import NoisyTrader, UninformedTrader

ELASTIC = [NoisyTrader, partial(UninformedTrader, share=0.3, reach=3.0)]
PAPERS = NoisyValuation(1.0)
SIZE = 2_000


class BlindZeroProfit(ZeroProfit):
    """Takes the value for fixed."""

    name = "blind-zero-profit"

    def predict(self) -> None:
        pass


class BlindOptimal(Optimal):
    """Takes the value for fixed, in her beliefs and in her plan."""

    name = "blind-optimal"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.plan = Plan(0.9, Fixed())

    def predict(self) -> None:
        pass


def earn(maker: Any, traders: Any = NoisyTrader, **more: Any) -> tuple[float, float]:
    """Return mean and standard error of discounted profit at a shock of 3."""
    market = Exchange(
        maker, traders, prior_sd=3.0, replications=SIZE, rng=8, record="summary", **more
    )
    earned = np.zeros(SIZE)
    for period in range(100):
        market.step()
        earned += 0.9**period * market.clearing.dealings[0].profit
    return float(earned.mean()), float(earned.std() / np.sqrt(SIZE))


@pytest.mark.parametrize(
    ("maker", "traders", "value", "expected", "error"),
    [
        ("optimal", ELASTIC, "fixed", 3.0125, 0.0109),
        ("zero-profit", ELASTIC, "fixed", -0.015, 0.013),
        (partial(ZeroProfit, law=PAPERS), ELASTIC, "fixed", -1.205, 0.020),
        (partial(Optimal, law=PAPERS), ELASTIC, "fixed", 1.332, 0.019),
        ("optimal", NoisyTrader, Jumps(1.0, probability=0.05), 1.3017, 0.0059),
        (BlindOptimal, NoisyTrader, Jumps(1.0, probability=0.05), 1.1162, 0.0072),
        ("zero-profit", NoisyTrader, Jumps(1.0, probability=0.05), 0.047, 0.003),
        (BlindZeroProfit, NoisyTrader, Jumps(1.0, probability=0.05), -0.441, 0.005),
    ],
)
def test_what_they_earn_is_as_computed_elsewhere(
    maker: Any, traders: Any, value: Any, expected: float, error: float
) -> None:
    mean, own_error = earn(maker, traders, value=value)
    assert abs(mean - expected) < 4 * np.hypot(own_error, error)


@pytest.mark.parametrize("maker", [ZeroProfit, Myopic, Optimal, Planner])
@pytest.mark.parametrize("transparency", ["public", "own"])
def test_who_takes_traders_for_the_papers_quotes_and_learns_as_where_they_are(
    maker: Any, transparency: str
) -> None:
    """By the market's law she quotes and learns the same, given by name or not."""
    one, other = (
        Exchange(kind, prior_sd=3.0, replications=30, rng=2, transparency=transparency).run(8)
        for kind in (maker, partial(maker, law=PAPERS))
    )
    assert_array_equal(one.tape.makers["ask"], other.tape.makers["ask"])
    assert_array_equal(one.tape.makers["belief_sd"], other.tape.makers["belief_sd"])


def test_a_law_of_hers_is_announced_by_what_she_believes() -> None:
    for law in (
        AdaptedValuation(np.zeros(1), np.ones(1), 1.0, 1.0, 1.0),
        PublicValuation(np.zeros(1), 2.0),
    ):
        market = Exchange(partial(ZeroProfit, law=law), prior_sd=3.0, replications=20, rng=1)
        market.run(3).open()
        maker = market.makers[0]
        line: Any = maker.law.find_line(maker.moments[0])
        assert_array_equal(line.centre, maker.moments[0])


def test_a_law_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match=r"law is 3.0, but must be a Law: give as NoisyValuation"):
        Exchange(partial(ZeroProfit, law=3.0))  # type: ignore[arg-type]
