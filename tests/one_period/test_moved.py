"""One-period quotes where the value may have jumped: first roots, best peaks, by closed forms.

The belief is (1 - p) N(0, .09) + p N(0, .09 + s^2), and valuations have noise of sd 1, so that
each part of the belief has the closed forms of a Gaussian one.
"""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import brentq, minimize_scalar

from abm import GridBelief, Quote
from abm.beliefs.points import PointBelief
from abm.market.moves import Move
from abm.market.valuations import NoisyValuation
from abm.one_period.quotes import myopic_quote, zero_profit_quote

LAW = NoisyValuation(1.0)
CASES = [(0.05, 3.0), (0.01, 3.0), (0.02, 6.0)]
FIRST = [0.210, 0.098, 0.187]  # of several prices that earn nothing
ROOTS = [[0.210, 2.613, 8.723], [0.098, 3.432, 8.723], [0.187, 2.307]]


def moved(probability: float, jump: float, mean: float = 0.0) -> PointBelief:
    return GridBelief(mean, 0.3).predict(Move(probability, jump))


def profit(ask: Any, probability: float, jump: float) -> Any:
    """Return what an ask earns: that of each part, which is E[(ask - V); V + noise > ask]."""
    total = 0.0
    for share, variance in ((1 - probability, 0.09), (probability, 0.09 + jump**2)):
        s = np.sqrt(variance + 1)
        tail, density = stats.norm.sf(ask / s), stats.norm.pdf(ask / s)
        total += share * (ask * tail - variance / s * density)
    return total


def find_roots(probability: float, jump: float) -> list[float]:
    steps = np.linspace(0, 12, 2_401)
    earned = profit(steps, probability, jump)
    changes = np.flatnonzero(np.diff(np.sign(earned)))
    return [
        float(brentq(profit, steps[at], steps[at + 1], (probability, jump), xtol=1e-13))
        for at in changes
    ]


def check_mirrored(quote: Quote) -> None:
    np.testing.assert_allclose(quote.bid, -quote.ask, rtol=0, atol=1e-7)


def test_profit_is_the_integral_over_values() -> None:
    def earn(value: float) -> float:
        density = 0.95 * stats.norm.pdf(value, 0, 0.3) + 0.05 * stats.norm.pdf(
            value, 0, np.sqrt(9.09)
        )
        return float(density * stats.norm.sf(0.5 - value) * (0.5 - value))

    found = integrate.quad(earn, -30, 30, points=[-1, 0, 1], epsabs=1e-12, limit=500)[0]
    assert profit(0.5, 0.05, 3.0) == pytest.approx(found, abs=1e-10)


@pytest.mark.parametrize(("case", "roots"), list(zip(CASES, ROOTS, strict=True)))
def test_several_prices_earn_nothing(case: tuple[float, float], roots: list[float]) -> None:
    np.testing.assert_allclose(find_roots(*case)[: len(roots)], roots, rtol=0, atol=5e-4)


@pytest.mark.parametrize(("case", "expected"), list(zip(CASES, FIRST, strict=True)))
def test_the_ask_is_the_first_price_that_earns_nothing(
    case: tuple[float, float], expected: float
) -> None:
    quote = zero_profit_quote(moved(*case), LAW)
    assert quote.ask[0] == pytest.approx(expected, abs=5e-4)
    assert quote.ask[0] == pytest.approx(find_roots(*case)[0], abs=1e-6)
    check_mirrored(quote)


@pytest.mark.parametrize("case", CASES)
def test_the_best_ask_is_the_highest_of_all_peaks(case: tuple[float, float]) -> None:
    steps = np.linspace(0, 12, 1_201)
    best = steps[np.argmax(profit(steps, *case))]
    peak = minimize_scalar(
        lambda ask: -profit(ask, *case), bounds=(best - 0.01, best + 0.01), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    quote = myopic_quote(moved(*case), LAW)
    assert profit(quote.ask[0], *case) == pytest.approx(-peak.fun, rel=1e-10)
    assert quote.ask[0] == pytest.approx(peak.x, abs=1e-6)
    check_mirrored(quote)


@pytest.mark.parametrize(("case", "lowest"), [((0.1, 5.0), 24.651), ((0.1, 6.0), 35.7)])
def test_an_ask_may_lie_far_out_in_the_tail_that_jumps_leave(
    case: tuple[float, float], lowest: float
) -> None:
    """No price near the mean earns nothing, and nine sds of the belief are not enough."""
    (root,) = (
        brentq(profit, at, at + 1.0, case, xtol=1e-12)
        for at in np.arange(lowest - 0.5, 45.0)
        if profit(at, *case) < 0 < profit(at + 1.0, *case)
    )
    belief = moved(*case)
    assert root > 9 * np.hypot(belief.sd[0], 1)
    assert zero_profit_quote(belief, LAW).ask[0] == pytest.approx(root, rel=1e-4)


@pytest.mark.parametrize("case", [(0.05, 20.0), (0.02, 30.0)])
def test_where_no_price_earns_nothing_nobody_trades(case: tuple[float, float]) -> None:
    for find in (zero_profit_quote, myopic_quote):
        ask = find(moved(*case), LAW).ask[0]
        assert profit(ask, *case) > -1e-12
        assert case[0] * stats.norm.sf(ask / np.hypot(case[1], 1)) < 1e-12


def test_the_best_ask_after_rare_large_jumps() -> None:
    ask = myopic_quote(moved(0.05, 3.0), LAW).ask[0]
    assert ask == pytest.approx(0.890, abs=5e-4)
    assert profit(ask, 0.05, 3.0) == pytest.approx(0.1063, abs=5e-5)


def test_quotes_follow_the_mean() -> None:
    quote, there = (zero_profit_quote(moved(0.05, 3.0, mean), LAW) for mean in (0.0, 7.3))
    np.testing.assert_allclose(there.ask, 7.3 + quote.ask, rtol=1e-8)
    np.testing.assert_allclose(there.bid, 7.3 + quote.bid, rtol=1e-8)


def test_where_a_jump_is_announced_the_belief_is_one_normal_again() -> None:
    """Against the paper's depth for sigma^2 = 8.91 + .09, whose ask is 8.633 (zero profit)."""
    belief = moved(1.0, np.sqrt(8.91))
    assert zero_profit_quote(belief, LAW).ask[0] == pytest.approx(8.633, abs=5e-4)
    assert myopic_quote(belief, LAW).ask[0] == pytest.approx(9.565, abs=5e-4)
