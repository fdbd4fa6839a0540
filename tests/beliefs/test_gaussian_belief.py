"""The moment-matched belief: Theorem 2.1, symmetries, laws of total probability, its table."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from abm.beliefs.gaussian import GaussianBelief
from abm.market.valuations import Interval

INF = float("inf")


class Case(NamedTuple):
    """A prior, a noise sd and an interval, in units of price."""

    mean: float
    sd: float
    noise_sd: float
    lower: float
    upper: float

    def prior(self) -> GaussianBelief:
        return GaussianBelief(self.mean, self.sd)

    def posterior(self) -> GaussianBelief:
        return self.prior().update(self.lower, self.upper, self.noise_sd)

    def scaled(self, factor: float) -> "Case":
        return Case(*(factor * part for part in self))

    def mirrored(self) -> "Case":
        return Case(-self.mean, self.sd, self.noise_sd, -self.upper, -self.lower)

    def s(self) -> float:
        return float(np.hypot(self.sd, self.noise_sd))


def rounded(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats far from the subnormals, so that powers of two scale them exactly."""
    return st.floats(low, high).map(lambda number: round(number, 6))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    mean, sd = draw(rounded(-50, 50)), 10 ** draw(rounded(-3, 3))
    noise_sd = 10 ** draw(rounded(-2, 2))
    s = float(np.hypot(sd, noise_sd))
    standard = rounded(-45, 45) | st.sampled_from([-INF, INF, 0.0])
    width = st.sampled_from([0.0, 1e-9, 1e-5, 0.5]) | rounded(0, 100)
    start = draw(standard)
    end = draw(standard) if draw(st.booleans()) else start + draw(width)
    lower, upper = sorted((mean + s * start, mean + s * end))
    assume(lower < INF and upper > -INF)
    return Case(mean, sd, noise_sd, lower, upper)


@settings(deadline=None, max_examples=400)
@given(cases())
@example(Case(0.0, 3.0, 1.0, -30.0, INF))
@example(Case(0.0, 3.0, 1.0, 0.0, 0.0))
@example(Case(1.0, 1000.0, 0.01, 1.0, 1.0 + 1e-9))
def test_sd_never_rises_whatever_the_interval(case: Case) -> None:
    """Theorem 2.1 of Das and Magdon-Ismail (2008), for any interval."""
    assert case.posterior().sd <= case.sd


@settings(deadline=None, max_examples=200)
@given(cases())
def test_sd_stays_above_that_of_seeing_the_valuation_itself(case: Case) -> None:
    assert case.posterior().sd >= case.sd * case.noise_sd / case.s() * (1 - 1e-14)


@settings(deadline=None, max_examples=300)
@given(cases())
def test_mean_moves_towards_the_interval_and_never_past_it(case: Case) -> None:
    rounding = 1e-13 * (abs(case.mean) + case.s())
    mean = float(case.posterior().mean)
    assert min(case.mean, case.lower) - rounding <= mean <= max(case.mean, case.upper) + rounding
    if case.lower >= case.mean:
        assert mean >= case.mean
    if case.upper <= case.mean:
        assert mean <= case.mean


@settings(deadline=None, max_examples=200)
@given(cases(), st.integers(-20, 20))
def test_powers_of_two_scale_the_posterior_exactly(case: Case, power: int) -> None:
    factor = 2.0**power
    small, large = case.posterior(), case.scaled(factor).posterior()
    if abs(small.mean - case.mean) > 1e-290:  # below, floats have fewer digits
        assert (large.mean, large.sd) == (factor * small.mean, factor * small.sd)


@settings(deadline=None, max_examples=200)
@given(cases())
def test_mirrored_market_has_the_mirrored_posterior_exactly(case: Case) -> None:
    here, there = case.posterior(), case.mirrored().posterior()
    assert (there.mean, there.sd) == (-here.mean, here.sd)


def test_density_is_the_normals_to_the_last_bit() -> None:
    mean, sd = np.array([-3.0, 0.0, 10.0]), np.array([0.01, 1.0, 50.0])
    value = mean[:, np.newaxis] + sd[:, np.newaxis] * np.linspace(-9, 9, 37)
    expected = [norm.pdf(*row) for row in zip(value, mean, sd, strict=True)]
    belief = GaussianBelief(mean, sd)
    np.testing.assert_array_equal(belief.density(value), expected)
    np.testing.assert_array_equal(belief.density(value[1])[1], expected[1])


@settings(deadline=None, max_examples=100)
@given(cases())
def test_seeing_nothing_changes_nothing_bit_for_bit(case: Case) -> None:
    log_mass, posterior = case.prior().condition(Interval(-INF, INF, case.noise_sd))
    assert float(log_mass) == 0
    assert [float(posterior.mean), float(posterior.sd)] == [case.mean, case.sd]


@settings(deadline=None, max_examples=300)
@given(
    st.tuples(rounded(-50, 50), rounded(-2, 2), rounded(-2, 2)),
    st.tuples(rounded(-9, 9), rounded(-9, 9)),
)
def test_buy_none_and_sell_average_to_the_prior(
    belief: tuple[float, float, float], places: tuple[float, float]
) -> None:
    mean, sd, noise_sd = belief[0], 10 ** belief[1], 10 ** belief[2]
    s = np.hypot(sd, noise_sd)
    bid, ask = (mean + s * place for place in sorted(places))
    log_mass, after = GaussianBelief(np.full(3, mean), sd).condition(
        Interval(np.array([-INF, bid, ask]), np.array([bid, ask, INF]), noise_sd)
    )
    mass = np.exp(log_mass)
    second_moment = mass @ (after.sd**2 + (after.mean - mean) ** 2)
    assert mass.sum() == pytest.approx(1, abs=1e-13)
    assert mass @ (after.mean - mean) == pytest.approx(0, abs=1e-13 * (abs(mean) + s))
    assert second_moment == pytest.approx(sd**2, rel=1e-11, abs=1e-13 * abs(mean) * sd)


@pytest.mark.parametrize("rho", [0.05, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("q", [0.01, 0.4, 1.0, 2.5, 6.0])
def test_symmetric_quotes_move_the_belief_by_the_closed_forms(rho: float, q: float) -> None:
    """Das and Magdon-Ismail (2008), section 2.4: buy, no trade and sell at mean -/+ q s."""
    mean, noise_sd = 1.5, 2.0
    sd = rho * noise_sd
    s = np.hypot(sd, noise_sd)
    k, hazard = (sd / s) ** 2, norm.pdf(q) / norm.sf(q)
    inside = 1 - 2 * norm.sf(q)
    ends = np.array([-INF, mean - q * s, mean + q * s, INF])
    log_mass, after = GaussianBelief(np.full(3, mean), sd).condition(
        Interval(ends[:-1], ends[1:], noise_sd)
    )
    traded, quiet = 1 - k * hazard * (hazard - q), 1 - 2 * k * q * norm.pdf(q) / inside
    np.testing.assert_allclose(np.exp(log_mass), [norm.sf(q), inside, norm.sf(q)], rtol=1e-12)
    move = k * s * hazard
    np.testing.assert_allclose(after.mean - mean, [-move, 0, move], rtol=1e-12, atol=1e-14 * s)
    np.testing.assert_allclose((after.sd / sd) ** 2, [traded, quiet, traded], rtol=1e-9)


def test_every_replication_is_updated_as_if_alone() -> None:
    rng = np.random.default_rng(5)
    mean, sd = rng.normal(size=50), rng.uniform(0.1, 20, 50)
    lower = rng.normal(0, 10, 50)
    upper = lower + rng.exponential(3, 50)
    together = GaussianBelief(mean, sd).update(lower, upper, 1.0)
    for row in range(50):
        alone = GaussianBelief(mean[row], sd[row]).update(lower[row], upper[row], 1.0)
        assert (alone.mean, alone.sd) == (together.mean[row], together.sd[row])


def test_update_leaves_the_prior_as_it_was() -> None:
    prior = GaussianBelief([0.0, 1.0], [2.0, 3.0])
    prior.update(1.0, INF, 1.0)
    np.testing.assert_array_equal([prior.mean, prior.sd], [[0.0, 1.0], [2.0, 3.0]])


@pytest.mark.parametrize("sd", [0.0, -1.0, np.nan, INF, [1.0, 0.0]])
def test_sd_that_is_not_a_positive_number_is_refused(sd: float | list[float]) -> None:
    with pytest.raises(
        ValueError, match=r"sd is (0\.0|-1\.0|nan|inf), but must be finite and above"
    ):
        GaussianBelief(0.0, sd)


@pytest.mark.parametrize("mean", [np.nan, INF, -INF, [0.0, np.nan]])
def test_mean_that_is_not_a_number_is_refused(mean: float | list[float]) -> None:
    with pytest.raises(ValueError, match=r"mean is (nan|-?inf), but must be finite: give a number"):
        GaussianBelief(mean, 1.0)


def test_at_keeps_the_named_replications_in_their_order() -> None:
    some = GaussianBelief([0.0, 1.0, 2.0], [3.0, 4.0, 5.0]).at(np.array([2, 0]))
    np.testing.assert_array_equal([some.mean, some.sd], [[2.0, 0.0], [5.0, 3.0]])


def test_broadcast_puts_one_belief_in_every_market() -> None:
    many = GaussianBelief(1.0, 2.0).broadcast(3)
    np.testing.assert_array_equal([many.mean, many.sd], [[1.0] * 3, [2.0] * 3])


def test_makers_in_several_threads_learn_what_each_learns_alone() -> None:
    prior = GaussianBelief(np.zeros(3), np.full(3, 2.0))
    shown = [Interval(np.full(3, 0.1 * n), np.full(3, INF), 1.0) for n in range(40)]
    alone = [prior.revise(one).mean[0] for one in shown]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(40):
                assert list(pool.map(lambda one: prior.revise(one).mean[0], shown)) == alone
    finally:
        sys.setswitchinterval(interval)


def test_any_object_with_the_methods_may_be_a_likelihood() -> None:
    class Slotted:
        __slots__ = ("of",)

        def __init__(self, of: Interval) -> None:
            self.of = of

        def __getattr__(self, name: str) -> Any:
            return getattr(self.of, name)

    shown, prior = Interval([1.0], [INF], 1.0), GaussianBelief([0.0], [2.0])
    likelihood: Any = Slotted(shown)
    assert prior.revise(likelihood).mean == prior.revise(shown).mean


def test_whole_numbers_are_moments_too() -> None:
    whole: Any = np.array([3, 4]), np.array([2, 2])
    shown = Interval(np.zeros(2), np.ones(2), 1.0)
    floats = [one.astype(float) for one in whole]
    np.testing.assert_array_equal(shown.tilt(*whole), shown.tilt(*floats))
    np.testing.assert_array_equal(shown.weigh(*whole), shown.weigh(*floats))
    single: Any = np.array([0.0, 1.0], np.float32)
    with pytest.raises(ValueError, match="sd"):
        GaussianBelief.from_moments(np.zeros(2), single)
