"""Exact beliefs in a value that really jumps: no profit on either side, and right on average."""

from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from abm import Exchange, GaussianBelief, Jumps, NoisyTrader, ZeroProfit
from abm.beliefs.points import PointBelief
from abm.numerics.arrays import Array
from abm.traders import UninformedTrader

REPLICATIONS, PERIODS = 1_000, 20
EXACT = partial(ZeroProfit, belief="exact")
HALF = [NoisyTrader, partial(UninformedTrader, share=0.3)]
MARKETS: dict[str, tuple[Any, Jumps]] = {
    "jumps": (NoisyTrader, Jumps(1.0, probability=0.05)),
    "announced jumps": (NoisyTrader, Jumps(1.0, probability=0.05, announced=True)),
    "half and jumps": (HALF, Jumps(1.0, probability=0.05)),
}


@cache
def run(name: str) -> Exchange:
    traders, jumps = MARKETS[name]
    market = Exchange(
        EXACT, traders, value=jumps, prior_sd=2.0, replications=REPLICATIONS, record="full", rng=6
    )
    return market.run(PERIODS)


def find_belief(market: Exchange) -> PointBelief:
    belief = market.makers[0].belief
    assert isinstance(belief, PointBelief)
    return belief


def find_ranks(belief: PointBelief, value: Array) -> Array:
    """Return the belief's probability that V is less than this, by sums of the density."""
    steps = np.arange(-30.0, 30.0, 0.1)
    below = np.cumsum(belief.density(steps), axis=-1) * 0.1
    rows = zip(value, below, strict=True)
    return np.array([np.interp(at, steps + 0.05, chances) for at, chances in rows])


def count_errors(sample: Array, expected: float) -> float:
    """Return how many standard errors a sample's mean is away."""
    return float((sample.mean() - expected) / sample.std() * np.sqrt(sample.size))


@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.parametrize("side", [1, -1])
def test_a_zero_profit_maker_with_an_exact_belief_earns_nothing(name: str, side: int) -> None:
    tape = run(name).tape
    profit = tape.makers["profit"].to_numpy()[tape.market["side"].to_numpy() == side]
    assert profit.size > 5_000
    assert abs(count_errors(profit, 0.0)) < 4


@pytest.mark.parametrize("name", MARKETS)
def test_errors_of_an_exact_belief_are_as_large_as_it_expects(name: str) -> None:
    market = run(name)
    belief = find_belief(market)
    standard = (market.value - belief.mean) / belief.sd
    assert abs(count_errors(standard, 0.0)) < 4
    assert abs(count_errors(standard**2, 1.0)) < 4


def test_ranks_of_the_value_under_an_exact_belief_are_uniform() -> None:
    market = run("jumps")
    ranks = find_ranks(find_belief(market), market.value)
    assert abs(ranks.mean() - 1 / 2) < 4 / np.sqrt(12 * ranks.size)
    assert abs((ranks**2).mean() - 1 / 3) < 4 * np.sqrt((1 / 5 - 1 / 9) / ranks.size)
    assert abs(np.mean((ranks < 0.05) | (ranks > 0.95)) - 0.1) < 4 * np.sqrt(0.09 / ranks.size)


def test_a_gaussian_belief_is_too_often_too_timid_after_jumps() -> None:
    """Most errors are smaller than a normal's of its sd, for a few are far larger."""
    traders, jumps = MARKETS["jumps"]
    market = Exchange(ZeroProfit, traders, value=jumps, prior_sd=2.0, replications=16_000, rng=6)
    belief = market.run(PERIODS).makers[0].belief
    assert isinstance(belief, GaussianBelief)
    within = np.abs(market.value - belief.mean) < belief.sd
    assert count_errors(within.astype(float), 0.6827) > 6


def test_exact_and_gaussian_beliefs_agree_on_an_announced_shock_until_much_is_learnt() -> None:
    """An exact belief makes more of traders who stay away, and settles sooner."""
    spreads = []
    for kind in (EXACT, ZeroProfit):
        market = Exchange(
            kind, value=Jumps(3.0, at=[20], announced=True), replications=400, record="full", rng=6
        ).run(26)
        tape = market.tape.market
        spreads.append((tape["ask"] - tape["bid"]).groupby(tape["period"]).mean().to_numpy())
    exact, gaussian = spreads
    np.testing.assert_allclose(exact[:21], gaussian[:21], rtol=0.01)
    assert 17.0 < exact[20] < 18.0
    assert np.all(exact[21:] < gaussian[21:])
    assert 1.0 < exact[25] < 5.0


def test_a_jump_before_the_first_trader_is_a_wider_prior() -> None:
    jumps = Jumps(4.0, at=[0], announced=True)
    jumped = Exchange(EXACT, value=jumps, prior_sd=3.0, replications=3).run(1)
    wide = Exchange(EXACT, prior_sd=5.0, replications=3).run(1)
    np.testing.assert_allclose(jumped.inside.ask, wide.inside.ask, rtol=1e-7)
    np.testing.assert_allclose(jumped.inside.bid, wide.inside.bid, rtol=1e-7)
