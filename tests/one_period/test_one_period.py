"""One-period quotes under exact beliefs: against quadrature, profits, mirrors and closed forms."""

from collections.abc import Callable
from functools import cache, partial
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext
from scipy import stats
from scipy.optimize import minimize_scalar

from abm import Exchange, FixedSpread, GaussianBelief, GridBelief, Myopic, Quote, ZeroProfit
from abm.beliefs.base import Belief
from abm.beliefs.points import PointBelief
from abm.makers.undercutter import Undercutter
from abm.market.laws import Law
from abm.market.valuations import Interval, NoisyValuation
from abm.numerics.arrays import Array
from abm.one_period.depths import myopic_depth, standardised_quote, zero_profit_depth
from abm.one_period.profit import expected_profit
from abm.one_period.quotes import myopic_quote, zero_profit_quote

INF = np.inf
NOISES: dict[str, Any] = {
    "Gaussian": stats.norm(),
    "logistic": stats.logistic(scale=sqrt(3) / pi),
    "Laplace": stats.laplace(scale=sqrt(0.5)),
}
HISTORIES: dict[str, list[tuple[float, float]]] = {
    "prior": [],
    "bought": [(2.0, INF)],
    "held": [(-4.0, 4.0)],
    "skewed": [(2.0, INF), (-1.0, 6.0), (5.0, INF)],
    "learnt": [(1.0, INF), (-1.0, 2.5), (-INF, 2.0), (0.5, INF)] * 3,
}
CASES = [(noise, history) for noise in NOISES for history in HISTORIES]

Rule = Callable[[Belief, Law], Quote]
RULES = [(zero_profit_quote, zero_profit_depth), (myopic_quote, myopic_depth)]


def law_of(noise: str) -> NoisyValuation:
    return NoisyValuation(1.0 if noise == "Gaussian" else NOISES[noise])


@cache
def belief_after(noise: str, history: str, mirrored: bool = False) -> PointBelief:
    belief: PointBelief = GridBelief(0.0, 3.0)
    for lower, upper in HISTORIES[history]:
        ends = (-upper, -lower) if mirrored else (lower, upper)
        belief = belief.revise(Interval(*ends, law_of(noise).noise))
    return belief


@cache
def density_on_grid(noise: str, history: str) -> tuple[Array, Array]:
    """Return values an even step apart, and the density of the belief times that step."""
    value = np.linspace(-27, 27, 40_001)
    return value, belief_after(noise, history).density(value)[0] * (value[1] - value[0])


@cache
def side_by_quadrature(noise: str, history: str, ask: float) -> tuple[float, float]:
    """P(w > ask) and the integral of V where w > ask, from the density of the belief alone."""
    value, density = density_on_grid(noise, history)
    weight = density * NOISES[noise].sf(ask - value)
    return float(weight.sum()), float((weight * value).sum())


def profit_of(noise: str, history: str, ask: float) -> float:
    buy, bought = side_by_quadrature(noise, history, ask)
    return ask * buy - bought


@pytest.mark.parametrize(("noise", "history"), CASES)
def test_zero_profit_ask_is_the_value_expected_given_a_buy(noise: str, history: str) -> None:
    ask = float(zero_profit_quote(belief_after(noise, history), law_of(noise)).ask[0])
    buy, bought = side_by_quadrature(noise, history, ask)
    assert ask == pytest.approx(bought / buy, abs=1e-4 if noise == "Laplace" else 1e-6)
    assert buy > 1e-4


@pytest.mark.parametrize(("noise", "history"), CASES)
def test_myopic_ask_has_the_largest_profit_of_all(noise: str, history: str) -> None:
    belief = belief_after(noise, history)
    ask = float(myopic_quote(belief, law_of(noise)).ask[0])
    best = minimize_scalar(
        lambda price: -profit_of(noise, history, price), bounds=(ask - 2, ask + 2), method="bounded"
    )
    assert ask == pytest.approx(best.x, abs=2e-3)
    prices = belief.mean[0] + np.hypot(belief.sd[0], 1) * np.linspace(0, 8, 60)
    highest = profit_of(noise, history, ask)
    assert max(profit_of(noise, history, price) for price in prices) <= highest * (1 + 1e-6)
    assert highest > 0


@pytest.mark.parametrize(("noise", "history"), CASES)
def test_myopic_quote_earns_more_than_its_neighbours(noise: str, history: str) -> None:
    belief, law = belief_after(noise, history), law_of(noise)
    quote = myopic_quote(belief, law)
    best = expected_profit(belief, quote, law)
    for apart in (-0.03, 0.03):
        assert best > expected_profit(belief, Quote(quote.bid, quote.ask + apart), law)
        assert best > expected_profit(belief, Quote(quote.bid + apart, quote.ask), law)


@pytest.mark.parametrize(("rule", "depth"), RULES)
@pytest.mark.parametrize("prior_sd", [0.01, 0.5, 1.0, 3.0, 5.0])
def test_prior_that_is_still_gaussian_is_quoted_by_the_closed_form(
    rule: Rule, depth: Callable[[Any], Any], prior_sd: float
) -> None:
    expected = standardised_quote(GaussianBelief([2.0], [prior_sd]), depth(prior_sd / 0.8), 0.8)
    found = rule(GridBelief(2.0, prior_sd), NoisyValuation(0.8))
    scale = np.hypot(prior_sd, 0.8)
    np.testing.assert_allclose(found.ask, expected.ask, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(found.bid, expected.bid, rtol=0, atol=1e-6 * scale)


@pytest.mark.parametrize("rule", [zero_profit_quote, myopic_quote])
@pytest.mark.parametrize(("noise", "history"), CASES)
def test_mirror_image_of_a_belief_is_quoted_by_the_mirror_image(
    rule: Rule, noise: str, history: str
) -> None:
    here, law = rule(belief_after(noise, history), law_of(noise)), law_of(noise)
    there = rule(belief_after(noise, history, mirrored=True), law)
    tolerance = 1e-4 if noise == "Laplace" else 1e-6
    np.testing.assert_allclose(there.bid, -here.ask, rtol=0, atol=tolerance)
    np.testing.assert_allclose(there.ask, -here.bid, rtol=0, atol=tolerance)


@pytest.mark.parametrize("rule", [zero_profit_quote, myopic_quote])
@pytest.mark.parametrize("noise", NOISES)
def test_belief_with_a_long_tail_is_quoted_further_out_on_that_side(rule: Rule, noise: str) -> None:
    """After a buy the value may be far above the mean, but hardly far below."""
    belief = belief_after(noise, "bought")
    quote = rule(belief, law_of(noise))
    above, below = quote.ask - belief.mean, belief.mean - quote.bid
    assert above > 1.1 * below > 0


@pytest.mark.parametrize("noise", ["logistic", "Laplace"])
@pytest.mark.parametrize(("rule", "depth"), RULES)
def test_noise_that_is_not_gaussian_moves_the_quotes(
    rule: Rule, depth: Callable[[Any], Any], noise: str
) -> None:
    found = rule(GridBelief(0.0, 3.0), law_of(noise)).ask[0]
    assert abs(found - float(depth(3.0)) * sqrt(10)) > 0.1


@pytest.mark.parametrize(("rule", "depth"), RULES)
def test_quotes_at_which_trades_are_rare_are_the_closed_form(
    rule: Rule, depth: Callable[[Any], Any]
) -> None:
    found = rule(GridBelief(0.0, 8.0), NoisyValuation(1.0))
    expected = float(depth(8.0)) * sqrt(65)
    np.testing.assert_allclose([found.bid[0], found.ask[0]], [-expected, expected], rtol=1e-9)


@pytest.mark.parametrize("rule", [zero_profit_quote, myopic_quote])
def test_quotes_of_many_replications_are_those_of_each_alone(rule: Rule) -> None:
    mean, sd = np.array([0.0, 5.0, -20.0, 1.0]), np.array([3.0, 0.2, 8.0, 1.0])
    law = NoisyValuation(1.0)
    among = rule(GridBelief(mean, sd).update(mean - 0.5, mean + 9, 1.0), law)
    for row in range(4):
        alone = GridBelief(mean[row], sd[row]).update(mean[row] - 0.5, mean[row] + 9, 1.0)
        quote = rule(alone, law)
        assert (quote.bid[0], quote.ask[0]) == (among.bid[row], among.ask[row])


@pytest.mark.parametrize("rule", [zero_profit_quote, myopic_quote])
@pytest.mark.parametrize(("noise", "history"), CASES)
def test_bid_is_below_the_mean_and_the_ask_above(rule: Rule, noise: str, history: str) -> None:
    belief = belief_after(noise, history)
    quote = rule(belief, law_of(noise))
    assert quote.bid < belief.mean < quote.ask


def test_undercutter_stays_between_zero_profit_and_myopic_quotes() -> None:
    makers: Any = [partial(Undercutter, belief="exact", step=0.5), FixedSpread]
    market = Exchange(makers, prior_sd=3.0, replications=20, rng=3).run(3)
    for _ in range(5):
        market.open()
        belief, law = market.makers[0].require_belief(), market.law
        tight, wide, own = (
            zero_profit_quote(belief, law),
            myopic_quote(belief, law),
            market.quotes[0],
        )
        assert ((wide.bid <= own.bid) & (own.bid <= tight.bid)).all()
        assert ((tight.ask <= own.ask) & (own.ask <= wide.ask)).all()
        market.clear()


def test_asks_come_in_after_periods_without_a_trade() -> None:
    """That nobody traded cuts the tails off, though mean and sd hardly move: by mpmath.

    Das and Magdon-Ismail (2008), section 2.3, at a shock of 5, where a Gaussian belief is frozen.
    """
    mp = MPContext()
    mp.dps = 20
    asks: list[float] = []

    def loss(ask: float) -> Any:
        def taken(value: Any) -> Any:
            density = mp.npdf(value, 0, 5) * mp.ncdf(value - ask)
            for seen in asks:
                density *= mp.ncdf(seen - value) - mp.ncdf(-seen - value)
            return density

        pieces = [-10, 10, 20, 25, 30, 40, 60]
        return ask - mp.quad(lambda v: v * taken(v), pieces) / mp.quad(taken, pieces)

    market = Exchange(partial(ZeroProfit, belief="exact"), prior_sd=5.0, rng=3)
    for expected in (24.5616, 21.7971, 19.6629):
        market.open()
        ask = float(market.quotes[0].ask[0])
        assert ask == pytest.approx(expected, abs=1e-4)
        assert loss(ask - 1e-7) < 0 < loss(ask + 1e-7)
        asks.append(ask)
        market.clear()
    assert market.makers[0].require_belief().sd[0] > 4.9


@pytest.mark.parametrize("maker", [ZeroProfit, Myopic])
def test_prices_may_be_large_next_to_the_noise(maker: Any) -> None:
    exact = partial(maker, belief="exact")
    terms: dict[str, Any] = {"noise_sd": 1e-3, "prior_sd": 3e-3, "replications": 20, "rng": 1}
    far, near = (Exchange(exact, prior_mean=mean, **terms).run(15) for mean in (1e6, 0.0))
    spread = [market.makers[0].quote().spread for market in (far, near)]
    assert np.isfinite(spread).all()
    assert spread[0].mean() == pytest.approx(spread[1].mean(), rel=0.05)


@pytest.mark.parametrize("prior_sd", [8.0, 10.0, 15.0])
def test_after_any_shock_an_ask_earns_nothing_where_noise_has_fat_tails(prior_sd: float) -> None:
    law = NoisyValuation(stats.t(3, scale=sqrt(1 / 3)))
    belief = GridBelief(0.0, prior_sd)
    ask = zero_profit_quote(belief, law).ask
    log_mass, mean = belief.expect(law.likelihood(Quote(ask, ask), np.array(1, np.int8)))
    assert mean[0] == pytest.approx(ask[0], abs=1e-6)
    assert np.exp(log_mass[0]) > 1e-6
