"""One period: depths against root finding, expected profit against integration."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext
from numpy.polynomial import Chebyshev, Polynomial
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from abm.beliefs.base import Belief
from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.grid import GridBelief
from abm.bellman.stage import stage
from abm.market.quotes import Quote, Side
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.one_period.depths import (
    MIDDLE,
    MYOPIC,
    ZERO_PROFIT,
    myopic_depth,
    standardised_quote,
    zero_profit_depth,
)
from abm.one_period.profit import expected_profit

MP = MPContext()
MP.dps = 50
INF = float("inf")
RHOS = np.concatenate(
    [[1e-30, 1e-8, 1e-6, 1e-3], np.geomspace(0.01, 100, 40), np.arange(1, 100, 6)]
)
BELIEFS = [
    pytest.param(lambda: GaussianBelief([0.5], [3.0]), id="gaussian"),
    pytest.param(lambda: GridBelief(0.5, 3.0), id="grid"),
]


def mp_hazard(q: Any) -> Any:
    return 2 * MP.npdf(q) / MP.erfc(q / MP.sqrt(2))


def zero_profit_error(q: Any, rho: Any) -> Any:
    return q * (1 + rho**2) - rho**2 * mp_hazard(q)


def myopic_error(q: Any, rho: Any) -> Any:
    return q * mp_hazard(q) - 1 - rho**2


def integrated_profit(mean: float, sd: float, noise_sd: float, bid: float, ask: float) -> float:
    """The integral over V of density times (ask - V) P(buy | V) + (V - bid) P(sell | V)."""

    def profit(value: float) -> float:
        buy, sell = norm.sf(ask, value, noise_sd), norm.cdf(bid, value, noise_sd)
        return float(norm.pdf(value, mean, sd) * ((ask - value) * buy + (value - bid) * sell))

    ends = (mean - 12 * sd, mean + 12 * sd)
    return float(quad(profit, *ends, points=(bid, mean, ask), epsabs=1e-13, limit=400)[0])


@pytest.mark.parametrize(
    ("depth", "error"), [(zero_profit_depth, zero_profit_error), (myopic_depth, myopic_error)]
)
def test_depth_is_the_root_of_its_equation(
    depth: Callable[[Array], Array], error: Callable[[Any, Any], Any]
) -> None:
    for rho, q in zip(RHOS, depth(RHOS), strict=True):
        exact_rho, near = MP.mpf(float(rho)), MP.mpf(float(q))
        root = MP.findroot(lambda x, r=exact_rho: error(x, r), (near, near * 1.001))
        assert abs(near - root) <= 1e-12 * root, rho


def close_zero_profit(q: Any, odds: Any) -> Any:
    return q - odds * 2 / (q + np.sqrt(q * q + 2 * np.pi))


def close_myopic(q: Any, odds: Any) -> Any:
    return q * (q + 2 / (q + np.sqrt(q * q + 2 * np.pi))) - 1 - odds


@pytest.mark.parametrize(
    ("depth", "error", "coefficients"),
    [(zero_profit_depth, close_zero_profit, ZERO_PROFIT), (myopic_depth, close_myopic, MYOPIC)],
)
def test_the_closed_forms_corrections_pass_through_the_roots(
    depth: Callable[[Array], Array], error: Callable[..., Any], coefficients: tuple[float, ...]
) -> None:
    """What the closed form lacks, at Chebyshev's points, each found by bisection."""

    def find_lacking(x: Array) -> Array:
        odds = MIDDLE * (1 - x) / x
        guess = [brentq(error, 0.0, 1e3, args=(one,), xtol=1e-15) for one in odds]
        return (depth(np.sqrt(odds)) / guess - 1) / x

    degree = len(coefficients) - 1
    fit: Any = Chebyshev.interpolate(find_lacking, degree, domain=[0, 1]).convert(kind=Polynomial)
    np.testing.assert_allclose(np.array(coefficients), fit.coef[::-1], rtol=1e-7, atol=1e-11)


def test_depths_of_a_maker_who_knows_the_value() -> None:
    """The zero-profit maker quotes the value itself, the monopolist the root of q hazard(q) = 1."""
    assert zero_profit_depth(0.0) == 0
    assert myopic_depth(0.0) == pytest.approx(0.7517915246935645, rel=1e-14)


@pytest.mark.parametrize("depth", [zero_profit_depth, myopic_depth])
def test_depths_of_an_array_are_those_of_its_scalars_bit_for_bit(
    depth: Callable[[Any], Array],
) -> None:
    rhos = np.concatenate([[0.0], RHOS])
    np.testing.assert_array_equal(depth(rhos), [float(depth(float(rho))) for rho in rhos])
    np.testing.assert_array_equal(depth(rhos[:60].reshape(6, 10)).ravel(), depth(rhos[:60]))


@pytest.mark.parametrize("depth", [zero_profit_depth, myopic_depth])
def test_depth_rises_with_the_information_disadvantage(depth: Callable[[Array], Array]) -> None:
    assert (np.diff(depth(np.linspace(0, 100, 2001))) > 0).all()


@pytest.mark.parametrize(("depth", "spread"), [(zero_profit_depth, 17.267), (myopic_depth, 19.130)])
def test_full_spreads_at_rho_three_are_those_of_figure_3b(
    depth: Callable[[float], Array], spread: float
) -> None:
    """Das and Magdon-Ismail (2008), Fig. 3b, to the digits recomputed from its equations."""
    quote = standardised_quote(GaussianBelief(0.0, 3.0), depth(3.0), 1.0)
    assert float(quote.spread) == pytest.approx(spread, abs=5e-4)


@pytest.mark.parametrize("make", BELIEFS)
def test_standardised_quote_stands_depth_times_s_from_the_mean(make: Callable[[], Belief]) -> None:
    quote = standardised_quote(make(), 2.0, 4.0)
    np.testing.assert_allclose([quote.bid[0], quote.ask[0]], [0.5 - 10, 0.5 + 10], rtol=1e-12)


@pytest.mark.parametrize("make", BELIEFS)
@pytest.mark.parametrize(
    ("bid", "ask"), [(-1.0, 2.0), (0.5, 0.5), (3.0, 4.0), (-9.0, 1.0), (-6.0, -2.0), (-0.5, 12.0)]
)
def test_expected_profit_is_the_integral_over_the_value(
    make: Callable[[], Belief], bid: float, ask: float
) -> None:
    got = expected_profit(make(), Quote(bid, ask), NoisyValuation(1.3))
    assert got.shape == (1,)
    assert got[0] == pytest.approx(integrated_profit(0.5, 3.0, 1.3, bid, ask), rel=1e-9)


def test_expected_profit_under_a_learnt_belief_is_the_average_over_its_points() -> None:
    belief = (
        GridBelief(0.0, 5.0).update(1.0, INF, 1.0).update(-1.0, 6.0, 1.0).update(-INF, 2.0, 1.0)
    )
    (window,) = belief.windows
    bid, ask, value = 0.7, 3.1, window.value
    profit = (ask - value) * norm.sf(ask - value) + (value - bid) * norm.cdf(bid - value)
    expected = (window.weight * profit).sum()
    got = expected_profit(belief, Quote(bid, ask), NoisyValuation(1.0))
    assert got[0] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("rho", [0.1, 1.0, 3.0, 10.0])
def test_expected_profit_of_a_symmetric_quote_is_the_closed_form(rho: float) -> None:
    """r(q) = 2 [q s (1 - Phi(q)) - (sigma^2 / s) phi(q)] (Das and Magdon-Ismail 2008, 2.3)."""
    belief, s = GaussianBelief(1.0, 2 * rho), 2 * np.hypot(rho, 1)
    for q in (0.0, 0.3, 1.0, 2.5):
        expected = 2 * (q * s * norm.sf(q) - (2 * rho) ** 2 / s * norm.pdf(q))
        got = expected_profit(belief, standardised_quote(belief, q, 2.0), NoisyValuation(2.0))
        assert float(got) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_stage_has_the_closed_forms_of_reward_probabilities_and_successors() -> None:
    """Das and Magdon-Ismail (2008), sections 2.3 and 2.4, at every pair of rho and q."""
    rhos, depths = np.array([[0.1], [1.0], [3.0], [30.0]]), np.array([0.2, 1.0, 3.0])
    one, (rho, q) = stage(rhos, depths), np.broadcast_arrays(rhos, depths)
    s, k, hazard = np.hypot(rho, 1), rho**2 / (1 + rho**2), norm.pdf(q) / norm.sf(q)
    inside = 1 - 2 * norm.sf(q)
    reward = 2 * (q * s * norm.sf(q) - rho**2 / s * norm.pdf(q))
    np.testing.assert_allclose(one.profit, reward, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(one.probability[0], 2 * norm.sf(q), rtol=1e-12)
    np.testing.assert_allclose(one.probability[1], inside, rtol=1e-12)
    ratios = 1 - k * hazard * (hazard - q), 1 - 2 * k * q * norm.pdf(q) / inside
    for successor, ratio in zip(one.successor, ratios, strict=True):
        np.testing.assert_allclose(successor, rho * np.sqrt(ratio), rtol=1e-11)
    np.testing.assert_allclose(one.log_buy, norm.logsf(q), rtol=1e-12)
    np.testing.assert_allclose(one.gain, s * (q - k * hazard), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rho", [0.2, 1.0, 3.0, 20.0])
def test_ask_is_the_value_expected_given_a_buy_and_bid_given_a_sell(rho: float) -> None:
    law, belief = NoisyValuation(0.5), GaussianBelief([-2.0], [0.5 * rho])
    quote = standardised_quote(belief, zero_profit_depth(rho), 0.5)
    given_buy, given_sell = (
        belief.revise(law.likelihood(quote, np.array(side, np.int8)))
        for side in (Side.BUY, Side.SELL)
    )
    np.testing.assert_allclose(quote.ask, given_buy.mean, rtol=1e-12)
    np.testing.assert_allclose(quote.bid, given_sell.mean, rtol=1e-12)


def test_each_side_has_the_probability_that_the_valuation_is_beyond_its_price() -> None:
    belief, law = GaussianBelief([0.0], [3.0]), NoisyValuation(4.0)
    log_mass = [
        belief.condition(law.likelihood(Quote(-2.0, 5.0), np.array(side, np.int8)))[0][0]
        for side in (Side.SELL, Side.NONE, Side.BUY)
    ]
    probabilities = [norm.cdf(-0.4), norm.cdf(1) - norm.cdf(-0.4), norm.sf(1)]
    np.testing.assert_allclose(np.exp(log_mass), probabilities)


@pytest.mark.parametrize("rho", [0.0001, 0.2, 1.0, 3.0, 8.0])
def test_myopic_depth_earns_more_than_its_neighbours(rho: float) -> None:
    q = myopic_depth(rho)
    belief, law = GaussianBelief(np.zeros(3), rho), NoisyValuation(1.0)
    near = standardised_quote(belief, q * np.array([1 - 1e-4, 1, 1 + 1e-4]), 1.0)
    tighter, best, wider = expected_profit(belief, near, law)
    assert best > max(tighter, wider)


@pytest.mark.parametrize("make", BELIEFS)
def test_declined_side_earns_nothing(make: Callable[[], Belief]) -> None:
    law = NoisyValuation(1.3)
    only_bid = expected_profit(make(), Quote(-2.0, INF), law)
    only_ask = expected_profit(make(), Quote(-INF, 4.0), law)
    both = expected_profit(make(), Quote(-2.0, 4.0), law)
    assert only_bid[0] == pytest.approx(integrated_profit(0.5, 3.0, 1.3, -2.0, 1e3), rel=1e-9)
    np.testing.assert_allclose(only_bid + only_ask, both, rtol=1e-13)
    assert expected_profit(make(), Quote(-INF, INF), law) == 0
