"""Traders who learn from the tape: quotes, learning, and who may meet them."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from abm import Exchange, GaussianBelief, Myopic, NoisyTrader, ZeroProfit
from abm.market.adapted import AdaptedValuation
from abm.market.quotes import Side
from abm.one_period.quotes import _search_peak, _search_root
from abm.traders import AdaptiveTrader, UninformedTrader


def adaptive(weight: float, need_sd: float, **more: Any) -> Any:
    return partial(AdaptiveTrader, weight=weight, need_sd=need_sd, **more)


def first_ask(maker: Any, traders: Any, sd: float) -> float:
    return float(Exchange(maker, traders, prior_sd=sd).run(1).inside.ask[0])


@pytest.mark.parametrize(
    ("weight", "need_sd", "expected"),
    [
        (1.0, 2.0, [0.0200, 0.2026, 3.6363, 11.3643]),
        (1.0, 1.0, [0.0402, 0.4197, 7.7432, 23.6021]),
        (1.0, 0.5, [0.0817, 0.8973, 15.9747, 47.836]),
        (0.5, 0.5, [0.1241, 0.8546, 9.8722, 28.2887]),
    ],
)
def test_zero_profit_quotes_are_as_derived_elsewhere(
    weight: float, need_sd: float, expected: list[float]
) -> None:
    asks = [first_ask("zero-profit", adaptive(weight, need_sd), sd) for sd in (0.5, 1.0, 3.0, 5.0)]
    assert_allclose(asks, expected, rtol=1e-4, atol=6e-5)


@pytest.mark.parametrize(("search", "maker"), [(_search_root, ZeroProfit), (_search_peak, Myopic)])
@pytest.mark.parametrize("sd", [0.3, 1.0, 3.0])
def test_closed_forms_are_what_a_search_finds(search: Any, maker: Any, sd: float) -> None:
    law = AdaptedValuation(np.zeros(1), np.full(1, sd), 0.7, 1.0, 0.8)
    found = search(GaussianBelief([0.0], [sd]), law, Side.BUY)[0]
    assert first_ask(maker, adaptive(0.7, 0.8), sd) == pytest.approx(found, rel=2e-6)


@pytest.mark.parametrize("maker", [ZeroProfit, Myopic])
def test_without_weight_a_need_is_more_noise(maker: Any) -> None:
    market = Exchange(maker, adaptive(0.0, 2.0), prior_sd=3.0, replications=20, rng=4).run(1)
    noisier = partial(NoisyTrader, noise_sd=5**0.5)
    other = Exchange(maker, noisier, prior_sd=3.0, replications=20, rng=4).run(1)
    assert_allclose(market.inside.ask, other.inside.ask, rtol=1e-12)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("weight", "need_sd"), [(1.0, 1.0), (0.5, 0.5)])
def test_a_zero_profit_maker_earns_nothing_on_either_side(
    weight: float, need_sd: float, side: int
) -> None:
    market = Exchange(
        ZeroProfit, adaptive(weight, need_sd), prior_sd=2.0, value="redrawn", rng=6,
        replications=20_000,
    ).run(8)  # fmt: skip
    table = market.tape.market
    price = np.where(table["side"] > 0, table["ask"], table["bid"])
    gain = (table["side"] * (price - table["value"])).to_numpy()[table["side"] == side]
    assert len(gain) > 2_000
    assert abs(gain.mean()) < 4 * gain.std(ddof=1) / np.sqrt(len(gain))


def test_the_law_is_announced_by_what_the_public_believes_now() -> None:
    market = Exchange("zero-profit", AdaptiveTrader, prior_sd=3.0, replications=30, rng=2)
    (maker,) = market.makers
    for _ in range(5):
        market.move()
        assert isinstance(market.law, AdaptedValuation)
        mean, sd = maker.moments
        np.testing.assert_array_equal(market.law.centre, mean)
        assert_allclose(market.law.slope, sd**2 / (sd**2 + 1.0), rtol=1e-15)
        market.ask()
        market.clear()


def test_makers_on_exact_beliefs_meet_traders_who_know_the_gaussian_one() -> None:
    maker: Any = partial(ZeroProfit, belief="exact")
    market = Exchange(maker, AdaptiveTrader, prior_sd=2.0, replications=400, rng=5).run(5)
    gain = market.tape.makers.groupby("replication")["profit"].sum().to_numpy()
    assert abs(gain.mean()) < 4 * gain.std(ddof=1) / np.sqrt(len(gain))


def test_learners_come_beside_others() -> None:
    traders = [NoisyTrader, adaptive(1.0, 1.0, share=0.4), partial(UninformedTrader, share=0.2)]
    market = Exchange("zero-profit", traders, prior_sd=3.0, replications=50, rng=1).run(5)
    assert set(market.tape.market["trader"]) == {"noisy", "adaptive", "uninformed"}
    assert np.isfinite(market.inside.spread).all()


@pytest.mark.parametrize("scale", [1e-3, 1e4])
@pytest.mark.parametrize("shift", [0.0, 50.0])
def test_prices_scale_and_move_with_all_lengths(scale: float, shift: float) -> None:
    def asks(unit: float, mean: float) -> Any:
        market = Exchange("myopic", AdaptiveTrader, prior_mean=mean * unit, prior_sd=3.0 * unit,
                          noise_sd=unit, replications=50, rng=7)  # fmt: skip
        return market.run(5).tape.market["ask"].to_numpy() / unit - mean

    assert_allclose(asks(scale, shift), asks(1.0, 0.0), rtol=1e-8, atol=1e-8)


def test_learners_slow_down_the_market() -> None:
    """At weight 1 the sd falls as n^(-1/6), not as n^(-1/2) (Vives 1993)."""
    markets = [
        Exchange("zero-profit", traders, prior_sd=1.0, replications=100, rng=3).run(2_000)
        for traders in (AdaptiveTrader, adaptive(0.0, 1.0))
    ]
    learning, plain = (market.makers[0].moments[1].mean() for market in markets)
    assert learning**2 * 2_000 ** (1 / 3) == pytest.approx(0.8060, rel=0.1)
    assert plain**2 * 2_000 == pytest.approx(3.1416, rel=0.1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"weight": 1.2}, "weight is 1.2, but must be from 0 to 1"),
        ({"weight": -0.1}, "weight is -0.1, but must be from 0 to 1"),
        ({"need_sd": -1.0}, "need_sd"),
        ({"need_sd": 0.0}, "never trades: give a need_sd above 0, or a weight below 1"),
    ],
)
def test_what_cannot_be_is_refused(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Exchange("zero-profit", partial(AdaptiveTrader, **given))


def test_learners_need_public_trades() -> None:
    with pytest.raises(ValueError, match="'adaptive' goes by what the public believes"):
        Exchange("zero-profit", AdaptiveTrader, transparency="own")
