"""Makers who look ahead: a monopoly that ends, and a planner."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from abm import Exchange, GaussianBelief, Jumps, Optimal
from abm.bellman import Problem, solve
from abm.makers import MakerError
from abm.makers.franchise import Franchise
from abm.makers.planner import Planner
from abm.numerics.arrays import Array
from abm.traders import AdaptiveTrader, NoisyTrader, UninformedTrader

ELASTIC = [NoisyTrader, partial(UninformedTrader, share=0.3, reach=3.0)]


def asks(maker: Any, periods: int, traders: Any = NoisyTrader, **more: Any) -> Array:
    """Return the asks of a run, shape (periods, R), and the belief's means beside them."""
    market = Exchange(maker, traders, prior_sd=3.0, replications=30, rng=2, **more)
    quoted = []
    for _ in range(periods):
        market.open()
        quoted.append(market.inside.ask)
        market.clear()
    return np.array(quoted)


def test_a_franchise_of_one_period_is_myopic_and_then_earns_nothing() -> None:
    found = asks(partial(Franchise, periods=1), 1)
    assert_allclose(found, asks("myopic", 1), rtol=2e-6)
    market = Exchange(partial(Franchise, periods=1), prior_sd=3.0, replications=30, rng=2).run(1)
    market.open()
    belief = market.makers[0].require_belief()
    other = Exchange("zero-profit", prior_sd=3.0, replications=30, rng=2)
    other.makers[0].belief = belief
    other.open()
    assert_array_equal(market.inside.ask, other.inside.ask)


@pytest.mark.parametrize("traders", [NoisyTrader, ELASTIC, AdaptiveTrader])
def test_a_long_franchise_is_the_optimal_maker(traders: Any) -> None:
    maker = partial(Franchise, periods=18, discount=0.4)
    found, expected = (asks(one, 5, traders) for one in (maker, partial(Optimal, discount=0.4)))
    assert_allclose(found, expected, atol=3e-5)


def test_a_franchise_quotes_the_solution_of_the_periods_that_are_left() -> None:
    market = Exchange(partial(Franchise, periods=4), prior_sd=3.0, replications=5, rng=1)
    for left in (4, 3, 2, 1):
        market.open()
        mean, sd = market.makers[0].moments
        expected = solve(Problem(0.9, horizon=left)).quote(sd)
        assert_allclose(market.inside.ask - mean, expected, rtol=1e-12)
        market.clear()


def test_competition_begins_when_the_franchise_ends() -> None:
    """Both makers learn the same, and from the last period on they quote the same."""
    makers: Any = [partial(Franchise, periods=3), "zero-profit"]
    market = Exchange(makers, prior_sd=3.0, replications=50, rng=1)
    for period in range(6):
        market.open()
        one, other = market.quotes
        assert np.allclose(one.ask, other.ask, rtol=1e-12) == (period >= 3)
        market.clear()


def test_a_planner_gains_more_from_trade_than_every_maker() -> None:
    """Gains from trade, valuation less value in a purchase, where V is drawn from the belief."""

    def gains(maker: Any) -> Array:
        market = Exchange(maker, value="redrawn", prior_sd=3.0, replications=2_000, rng=3)
        total = np.zeros(2_000)
        for period in range(30):
            market.step()
            now = market.clearing
            total += 0.9**period * now.side * (now.valuation - now.value)
        return total

    best = gains(Planner)
    for maker in ("optimal", "zero-profit", "myopic", partial(Franchise, periods=6)):
        lead = best - gains(maker)
        assert lead.mean() > -4 * lead.std() / np.sqrt(lead.size)
    expected = float(solve(Problem(0.9), reward="gains").value_function(3.0))
    assert abs(best.mean() - expected) < 4 * best.std() / np.sqrt(best.size) + 0.9**30 * 8


def test_a_planner_looks_ahead_under_jumps_and_learners() -> None:
    jumps, learners = Jumps(1.0, probability=0.1), partial(AdaptiveTrader, need_sd=0.5)
    settings: list[tuple[Any, Any]] = [(learners, "fixed"), (NoisyTrader, jumps)]
    for traders, value in settings:
        solution = solve(Problem(0.9, traders, value), reward="gains")
        market = Exchange(Planner, traders, value=value, prior_sd=2.0)
        market.open()
        sd = market.makers[0].moments[1]
        assert_allclose(market.inside.ask, solution.quote(sd), rtol=1e-12)


@pytest.mark.parametrize(
    ("periods", "says"),
    [(0, "periods is 0, but must be at least 1"), (2.5, "periods is 2.5"), (None, "periods is")],
)
def test_a_franchise_has_a_number_of_periods(periods: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError, MakerError), match=says):
        Exchange(partial(Franchise, periods=periods))


def test_a_franchise_without_a_number_says_how_to_give_one() -> None:
    says = r"needs periods: give it as partial\(Franchise, ...\), or to a command as franchise\("
    with pytest.raises(MakerError, match=says):
        Exchange("franchise")


@pytest.mark.parametrize("maker", [partial(Franchise, periods=3), Planner])
def test_those_who_plan_need_traders_with_a_bound_and_the_publics_prior(maker: Any) -> None:
    coins: Any = [NoisyTrader, partial(UninformedTrader, share=0.5)]
    with pytest.raises(ValueError, match="no bound"):
        Exchange(maker, coins)
    other = partial(maker, belief=GaussianBelief(0.0, 3.0))
    with pytest.raises(ValueError, match="her plan holds only where she believes that as well"):
        Exchange(other, AdaptiveTrader)
