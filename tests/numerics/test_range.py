"""The range in which results are right, as `abm.numerics.checks` states it, and its ends."""

from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from abm import (
    ExactOptimal,
    Exchange,
    GaussianBelief,
    GridBelief,
    Myopic,
    NoisyTrader,
    Optimal,
    ZeroProfit,
)
from abm.bellman import solve
from abm.bellman.bounds import compute_revealed_bound
from abm.makers import MakerError
from abm.market.valuations import Interval, NoisyValuation
from abm.one_period.depths import myopic_depth, zero_profit_depth
from tests.stubs import list_makers

INF = np.inf
EXACT = [partial(kind, belief="exact") for kind in (ZeroProfit, Myopic, Optimal)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_valuation_far_out_moves_the_mean_halfway(sign: float) -> None:
    ends = (1e200, INF) if sign > 0 else (-INF, -1e200)
    posterior = GaussianBelief(0.0, 1.0).update(*ends, noise_sd=1.0)
    assert posterior.mean == pytest.approx(sign * 5e199, rel=1e-15)
    assert posterior.sd == pytest.approx(np.sqrt(0.5), rel=1e-15)


@pytest.mark.parametrize("mean", [1e308, -1e308, 1.1e9])
@pytest.mark.parametrize("kind", [GaussianBelief, GridBelief])
def test_a_mean_too_far_for_its_sd_is_refused(kind: Any, mean: float) -> None:
    with pytest.raises(ValueError, match=r"mean is .*, but must be at most 1e\+09 .*: take"):
        kind(mean, 1.0)


@pytest.mark.parametrize("ends", [(1e300, INF), (-INF, -1e300), (1.1e200, 1e201)])
def test_an_interval_where_no_valuation_can_be_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"interval is .* beyond 1e\+200"):
        Interval(*ends, 1.0)


@pytest.mark.parametrize("far", [1e200, 1e300, 1.7e308])
def test_an_end_far_out_counts_as_none(far: float) -> None:
    for kind in (GaussianBelief, GridBelief):
        for sd in (1e-100, 1.0):
            seen, right = (kind(0.0, sd).update(-end, sd, sd) for end in (far, INF))
            assert seen.mean == right.mean
            assert seen.sd == right.sd


@pytest.mark.parametrize("sd", [0.9e-100, 1e-162, 1e-300, 1.1e100, 1e154, 1e308])
def test_an_sd_out_of_range_is_refused_wherever_it_is_given(sd: float) -> None:
    rule = r"sd is .*, but must be from 1e-100 to 1e\+100: measure prices in another unit"
    for call in (
        lambda: GaussianBelief(0.0, sd),
        lambda: GridBelief(0.0, sd),
        lambda: Interval(0.0, INF, sd),
        lambda: Exchange("optimal", prior_sd=sd),
        lambda: Exchange("optimal", noise_sd=sd),
        lambda: Exchange("optimal", partial(NoisyTrader, noise_sd=sd)),
    ):
        with pytest.raises(ValueError, match=rule):
            call()
    with pytest.raises(ValueError, match="the noise's std is"):
        Exchange("optimal", partial(NoisyTrader, noise=stats.norm(scale=sd)))


@pytest.mark.parametrize("scale", [1e-100, 1e-50, 1e50, 1e99])
@pytest.mark.parametrize("maker", [*list_makers(), *EXACT], ids=str)
def test_a_market_in_another_unit_is_the_same(maker: Any, scale: float) -> None:
    if maker == "fixed-spread":
        return  # her spread is in units of price
    terms: dict[str, Any] = {"replications": 3, "rng": 2}
    one = Exchange(maker, prior_sd=3.0, noise_sd=1.0, **terms).run(4).tape.makers
    other = Exchange(maker, prior_sd=3.0 * scale, noise_sd=scale, **terms).run(4).tape.makers
    names = ["bid", "ask", "belief_mean", "belief_sd", "profit"]
    assert np.allclose(other[names] / scale, one[names], rtol=1e-7, atol=1e-7, equal_nan=True)


@pytest.mark.parametrize("maker", ["zero-profit", "myopic", "optimal", *EXACT], ids=str)
@pytest.mark.parametrize("mean", [1e6, 1e9, -1e9])
def test_a_market_far_from_zero_is_the_same(maker: Any, mean: float) -> None:
    """To 1e-6 of a noise sd: at 1e9 the distance between floats is 1.2e-7."""
    terms: dict[str, Any] = {"prior_sd": 3.0, "replications": 10, "rng": 2}
    near = Exchange(maker, **terms).run(10).tape
    far = Exchange(maker, prior_mean=mean, **terms).run(10).tape
    assert (near.market["side"] == far.market["side"]).all()
    for name in ("bid", "ask", "belief_mean"):
        assert np.allclose(far.makers[name] - mean, near.makers[name], rtol=0, atol=3e-6), name


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"prior_mean": 1.1e9}, "prior_mean is"),
        ({"prior_mean": 1e7, "prior_sd": 0.01, "noise_sd": 1.0}, "prior_mean is"),
        ({"prior_mean": 1e300}, "prior_mean is"),
        ({"prior_sd": 1.1e4}, "prior_sd is"),
        ({"prior_sd": 1e-7}, "prior_sd is"),
    ],
    ids=str,
)
def test_terms_out_of_range_are_refused(terms: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=rf"^{says} .*, but must be .*: (take|give)"):
        Exchange("optimal", **terms)  # type: ignore[arg-type]


def test_a_belief_of_her_own_must_fit_the_traders_noise() -> None:
    maker = partial(Myopic, belief=GaussianBelief(0.0, 1e5))
    with pytest.raises(ValueError, match=r"belief_sd is 100000, .*, but must be from 1e-06 to"):
        Exchange(maker)


@pytest.mark.parametrize("rho", [1e-9, 1e-3, 1e2, 1e5, 3.1e6, 500208940.3007092, 1e9])
def test_depths_are_right_over_the_whole_range(rho: float) -> None:
    with mp.workdps(60):
        r = mp.mpf(rho)
        q = mp.findroot(lambda q: q - r * r * _excess(q), mp.mpf(float(zero_profit_depth(rho))))
        assert abs(zero_profit_depth(rho) / q - 1) < 1e-12
        q = mp.findroot(
            lambda q: q * (q + _excess(q)) - 1 - r * r, mp.mpf(float(myopic_depth(rho)))
        )
        assert abs(myopic_depth(rho) / q - 1) < 1e-12


def _excess(q: Any) -> Any:
    """Return hazard(q) - q, far out by its continued fraction."""
    if q < 50:
        return mp.npdf(q) / (mp.erfc(q / mp.sqrt(2)) / 2) - q
    fraction = mp.mpf(0)
    for term in range(60, 0, -1):
        fraction = term / (q + fraction)
    return fraction


@pytest.mark.parametrize("rho", [1.1e9, INF, np.nan, -1.0])
def test_a_rho_out_of_range_has_no_depth(rho: float) -> None:
    for depth in (zero_profit_depth, myopic_depth):
        with pytest.raises(ValueError, match=r"rho is .*, but must be at least 0 and"):
            depth(rho)


def test_the_optimal_half_spread_at_discount_0_is_the_myopic_one_up_to_a_rho_of_10_000() -> None:
    rho = np.array([1.0, 30.0, 1e3, 1e4, 2e4])
    ratio = solve(0.0, 2e4).half_spread(rho) / (myopic_depth(rho) * np.sqrt(1 + rho * rho))
    assert np.abs(ratio[:-1] - 1).max() < 1e-6
    assert abs(ratio[-1] - 1) < 1e-5


@pytest.mark.parametrize("rho_max", [1e-10, 1e-300, 2.1e4, 1e300])
def test_a_rho_max_out_of_range_is_refused(rho_max: float) -> None:
    with pytest.raises(ValueError, match=r"rho_max is .*, but must be above 1e-09 and"):
        solve(0.9, rho_max)


@pytest.mark.parametrize("maker", [*list_makers(), *EXACT], ids=str)
def test_numpy_set_to_raise_at_underflow_changes_nothing(maker: Any) -> None:
    terms: dict[str, Any] = {"prior_sd": 3.0, "replications": 5, "rng": 3}
    right = Exchange(maker, **terms).run(6).tape.makers
    with np.errstate(all="raise"):
        solve(0.61)
        assert compute_revealed_bound(0.5, 1e4) > 0
        assert Exchange(maker, **terms).run(6).tape.makers.equals(right)


def test_a_discount_of_the_wrong_type_is_refused_by_the_exact_optimal_maker() -> None:
    wrong: Any = [0.9]
    with pytest.raises(ValueError, match=r"discount has shape \(1,\), but must be one number"):
        Exchange(partial(ExactOptimal, discount=wrong))


def test_a_fixed_spread_too_wide_for_logs_is_refused() -> None:
    class Distant(ZeroProfit):
        def quote(self) -> Any:
            return type(super().quote())(-1e141, 1.0)

    with pytest.raises(ValueError, match=r"a price of -1e\+141, but must keep within 1e\+140"):
        Exchange(Distant).run(1)


def test_a_trader_without_bounds_is_refused() -> None:
    class Enthusiast(NoisyTrader):
        def valuation(self, value: Any, draws: Any) -> Any:
            return super().valuation(value, draws) + INF

    with pytest.raises(ValueError, match="1 not within"):
        Exchange("optimal", Enthusiast).run(1)


def test_an_error_of_a_belief_names_its_maker_when_a_law_leaves_the_range() -> None:
    class Sharper(NoisyTrader):
        def observe(self, _: Any) -> None:
            self.law = NoisyValuation(1e-50)

    with pytest.raises(MakerError, match=r"'zero-profit'.*rho is .*, but must be"):
        Exchange("zero-profit", Sharper).run(2)
