"""Noises: their probabilities against mpmath, their draws, and what is refused."""

from collections.abc import Callable
from functools import partial
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext
from scipy import stats

from abm import Exchange, GaussianBelief, GridBelief, NoisyTrader
from abm.beliefs.points import PointBelief
from abm.market.noise import GaussianNoise, OtherNoise, noise_of
from abm.market.random_streams import Role, Streams
from abm.market.valuations import Interval, NoisyValuation
from abm.numerics.arrays import Array

MP = MPContext()
MP.dps = 40
INF, NAN = np.inf, np.nan
SCALE = 0.7

Cdf = Callable[[Any], Any]


def gaussian(x: Any) -> Any:
    return MP.erfc(-x / MP.sqrt(2)) / 2


def logistic(x: Any) -> Any:
    return 1 / (1 + MP.exp(-x))


def laplace(x: Any) -> Any:
    return MP.exp(x) / 2 if x < 0 else 1 - MP.exp(-x) / 2


def student(x: Any) -> Any:
    """Student's t with 3 degrees; its tail is a difference, which 40 digits afford."""
    u = x / MP.sqrt(3)
    return MP.mpf(1) / 2 + (u / (1 + u * u) + MP.atan(u)) / MP.pi


CDFS: dict[str, tuple[Any, Cdf]] = {
    "Gaussian": (SCALE, gaussian),
    "normal": (stats.norm(scale=SCALE), gaussian),
    "logistic": (stats.logistic(scale=SCALE), logistic),
    "Laplace": (stats.laplace(scale=SCALE), laplace),
    "Student": (stats.t(3, scale=SCALE), student),
}
OTHERS = [pytest.param(CDFS[name][0], id=name) for name in list(CDFS)[1:]]
SDS = {"normal": SCALE, "logistic": SCALE * pi / sqrt(3), "Laplace": SCALE * sqrt(2)}
ENDS = [
    (-1.0, 2.0),
    (0.3, 0.4),
    (-0.4, -0.3),
    (0.0, 1e-3),
    (-9.0, -8.5),
    (12.0, 15.0),
    (-15.0, -12.0),
    (-20.0, 0.1),
    (-0.1, 20.0),
    (18.0, 40.0),
]


class Made:
    """A standard normal with some of its methods replaced, or taken away."""

    def __init__(self, **others: Any) -> None:
        unit = stats.norm()
        methods = {"cdf": unit.cdf, "sf": unit.sf, "ppf": unit.ppf, "std": unit.std} | others
        vars(self).update({name: method for name, method in methods.items() if method})


def exact(cdf: Cdf, lower: float, upper: float) -> float:
    """The difference of cdfs, taken in the tail where it keeps its digits."""
    if lower > 0:
        lower, upper = -upper, -lower
    low, high = MP.mpf(lower) / MP.mpf(SCALE), MP.mpf(upper) / MP.mpf(SCALE)
    return float(cdf(high) - cdf(low))


def drawn(noise: Any, draws: int = 20_000) -> Array:
    return noise_of(noise).draw(Streams(7, 0, draws).draws(Role.TRADER))


@pytest.mark.parametrize("name", CDFS)
def test_probability_of_an_interval_is_the_difference_of_cdfs(name: str) -> None:
    given, cdf = CDFS[name]
    lower, upper = np.array(ENDS).T
    expected = [exact(cdf, *ends) for ends in ENDS]
    np.testing.assert_allclose(noise_of(given).mass(lower, upper), expected, rtol=2e-9)


@pytest.mark.parametrize("name", CDFS)
def test_probability_of_either_tail_keeps_its_digits_far_out(name: str) -> None:
    given, cdf = CDFS[name]
    noise, far = noise_of(given), np.array([0.0, 1.0, 5.0, 12.0, 25.0])
    expected = [float(cdf(-MP.mpf(place) / MP.mpf(SCALE))) for place in far]
    np.testing.assert_allclose(noise.above(far), expected, rtol=1e-10)
    np.testing.assert_allclose(noise.below(-far), expected, rtol=1e-10)
    np.testing.assert_allclose(noise.mass(far, np.full(5, INF)), expected, rtol=2e-9)
    np.testing.assert_allclose(noise.mass(np.full(5, -INF), -far), expected, rtol=2e-9)


@pytest.mark.parametrize("name", CDFS)
def test_tails_and_interval_add_to_one(name: str) -> None:
    noise = noise_of(CDFS[name][0])
    lower, upper = np.array(ENDS).T
    total = noise.below(lower) + noise.mass(lower, upper) + noise.above(upper)
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", SDS)
def test_resolution_is_an_eighth_of_sd_or_quartile_distance_the_smaller(name: str) -> None:
    distribution = CDFS[name][0]
    noise = noise_of(distribution)
    assert noise.sd == pytest.approx(SDS[name], rel=1e-14)
    quartiles = float(distribution.ppf(0.75) - distribution.ppf(0.25))
    assert noise.resolution == pytest.approx(min(SDS[name], quartiles) / 8, rel=1e-14)


@pytest.mark.parametrize("distribution", [stats.gumbel_r(), stats.norm(loc=45)])
def test_noise_may_be_skewed_or_far_from_zero(distribution: Any) -> None:
    noise = noise_of(distribution)
    ends = distribution.ppf([0.2, 0.7])
    assert noise.mass(*ends[:, np.newaxis])[0] == pytest.approx(0.5, abs=1e-9)


def test_resolution_of_gaussian_noise_is_its_sd() -> None:
    assert noise_of(SCALE).resolution == SCALE


@pytest.mark.parametrize("given", OTHERS)
def test_draws_have_the_distribution(given: Any) -> None:
    assert stats.kstest(drawn(given), given.cdf).pvalue > 0.01


def test_draws_of_gaussian_noise_are_normal() -> None:
    assert stats.kstest(drawn(2.0), stats.norm(scale=2.0).cdf).pvalue > 0.01


@pytest.mark.parametrize("given", OTHERS)
def test_draws_have_the_sd_that_the_noise_states(given: Any) -> None:
    """The median of |draw|, for the variance of Student's t has no standard error."""
    middle = float(given.ppf(0.75))
    error = 1 / (4 * float(given.pdf(middle)) * sqrt(20_000))
    assert np.median(np.abs(drawn(given))) == pytest.approx(middle, abs=4 * error)


def test_draw_of_nought_is_no_infinite_noise() -> None:
    class Nought:
        def uniform(self) -> Array:
            return np.zeros(3)

    found = noise_of(stats.laplace()).draw(Nought())  # type: ignore[arg-type]
    np.testing.assert_allclose(found, np.log(2 * 2.0**-54))


def test_number_is_the_sd_of_a_gaussian_and_a_noise_is_itself() -> None:
    assert noise_of(2) == noise_of(np.float64(2.0)) == GaussianNoise(2.0)
    for noise in (GaussianNoise(1.0), OtherNoise(stats.laplace())):
        assert noise_of(noise) is noise


def test_valuation_is_the_value_and_a_quantile_of_the_noise() -> None:
    value = np.array([0.0, 10.0, -4.0])
    uniform = Streams(1, 0, 3).draws(Role.TRADER).uniform()
    law = NoisyValuation(stats.laplace(scale=2.0))
    expected = value + stats.laplace(scale=2.0).ppf(uniform)
    np.testing.assert_array_equal(
        law.valuation(value, Streams(1, 0, 3).draws(Role.TRADER)), expected
    )


def test_gaussian_belief_takes_any_noise_for_a_gaussian_of_its_sd() -> None:
    mean, sd = np.array(0.3), np.array(2.0)
    noise = stats.laplace(scale=SCALE)
    found, expected = (Interval(-1.0, 2.5, one) for one in (noise, float(noise.std())))
    np.testing.assert_array_equal(found.tilt(mean, sd), expected.tilt(mean, sd))
    np.testing.assert_array_equal(found.weigh(mean, sd), expected.weigh(mean, sd))


def test_normal_distribution_gives_the_beliefs_of_noise_sd() -> None:
    """The same signals, from a history that one market has seen."""
    exact_one: PointBelief = GridBelief(0.0, 5.0)
    exact_two = exact_one
    one, two = GaussianBelief(0.0, 5.0), GaussianBelief(0.0, 5.0)
    for lower, upper in [(1.0, INF), (-1.0, 6.0), (2.0, 3.0), (-INF, 1.5), (0.5, INF)] * 3:
        shown = Interval(lower, upper, 2.0)
        same = Interval(lower, upper, stats.norm(scale=2.0))
        one, two = one.revise(shown), two.revise(same)
        exact_one, exact_two = exact_one.revise(shown), exact_two.revise(same)
        assert (one.mean, one.sd) == (two.mean, two.sd)
        np.testing.assert_allclose(exact_two.mean, exact_one.mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(exact_two.sd, exact_one.sd, rtol=1e-12)
        np.testing.assert_allclose(exact_two.log_evidence, exact_one.log_evidence, rtol=1e-12)


def test_market_with_a_normal_distribution_is_that_of_noise_sd() -> None:
    """Draws differ, one being by quantiles, but the law and so the first quotes do not."""
    one = Exchange("optimal", partial(NoisyTrader, noise_sd=2.0), prior_sd=5.0)
    two = Exchange("optimal", partial(NoisyTrader, noise=stats.norm(scale=2.0)), prior_sd=5.0)
    assert one.law.noise_sd == two.law.noise_sd == 2.0
    for market in (one, two):
        market.open()
    np.testing.assert_array_equal(one.inside.ask, two.inside.ask)


def test_traders_of_a_market_draw_the_noise_they_are_given() -> None:
    traders = partial(NoisyTrader, noise=stats.laplace(scale=SCALE))
    market = Exchange("optimal", traders, prior_sd=3.0, replications=5_000, rng=2).run(1)
    noise = market.tape.market["valuation"] - market.tape.market["value"]
    assert stats.kstest(noise, stats.laplace(scale=SCALE).cdf).pvalue > 0.01
    assert stats.kstest(noise, stats.norm(scale=SCALE * sqrt(2)).cdf).pvalue < 1e-6


def test_noise_of_traders_may_be_a_number() -> None:
    traders = partial(NoisyTrader, noise=2.0)  # type: ignore[arg-type]
    assert Exchange("optimal", traders).law == NoisyValuation(2.0)


def wobbling(x: Array) -> Array:
    return stats.norm.cdf(x) + 0.1 * np.sin(3 * x) * (np.abs(x) < 1)


def holed(x: Array) -> Array:
    return np.where(x > 2, NAN, stats.norm.cdf(x))


FAULTS: dict[str, tuple[Any, str]] = {
    "falling": (Made(cdf=wobbling), r"[\d.]+ at -0.98, but must not fall as its argument rises"),
    "NaN": (Made(cdf=holed), r"nan at 2.02, but must be a number"),
    "above 1": (Made(cdf=lambda x: 1.2 * stats.norm.cdf(x)), r"1.0\d+ at 0.98, but .* from 0 to 1"),
    "negative": (Made(cdf=lambda x: -stats.norm.sf(x)), r"-1 at -40, but must be from 0 to 1"),
    "not to 0": (Made(cdf=lambda x: 1 - 0.5 * stats.norm.sf(x)), r"0.5 at -40, but .* near 0 .*"),
    "not to 1": (Made(cdf=lambda x: 0.5 * stats.norm.cdf(x)), r"0.5 at 40, but must be near 1 .*"),
    "sf at odds": (
        Made(sf=lambda x: stats.norm.sf(x - 0.1)),
        r".* at -4.5\d?, but must be 1 less the sf there",
    ),
    "sf NaN": (Made(sf=holed), r".* at .*, but must be 1 less the sf there"),
    "ppf at odds": (Made(ppf=lambda p: 2 * stats.norm.ppf(p)), r".* at -4.\d+, but .* by ppf"),
    "ppf NaN": (
        Made(ppf=lambda p: np.where(p > 0.9, NAN, stats.norm.ppf(p))),
        r".* at 1.3, but .* by ppf",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_cdf_that_is_none_is_refused(fault: str) -> None:
    distribution, message = FAULTS[fault]
    fix = r": give a distribution as scipy.stats.laplace\(scale=0.7\)"
    for check in (noise_of, NoisyValuation, partial(Interval, 0.0, 1.0)):
        with pytest.raises(ValueError, match="the noise's cdf is " + message + fix):
            check(distribution)


@pytest.mark.parametrize(
    ("std", "value"),
    [(stats.t(2).std, "inf"), (stats.t(1).std, "nan"), (lambda: 0.0, "0.0"), (lambda: -1, "-1.0")],
)
def test_noise_without_a_variance_is_refused(std: Callable[[], float], value: str) -> None:
    made: Any = Made(std=std)
    rule = f"the noise's std is {value}, but must be finite and above zero: give a positive number"
    with pytest.raises(ValueError, match=rule):
        noise_of(made)


def test_students_t_with_two_degrees_is_refused_at_the_market() -> None:
    with pytest.raises(ValueError, match="std is inf, but must be finite and above zero"):
        Exchange("optimal", partial(NoisyTrader, noise=stats.t(2)))


@pytest.mark.parametrize("name", ["cdf", "sf", "ppf", "std"])
def test_distribution_that_lacks_a_method_is_refused(name: str) -> None:
    made: Any = Made(**{name: None})
    message = f"which has no {name}, but needs cdf, sf, ppf, std: give a number for Gaussian noise"
    with pytest.raises(TypeError, match=message):
        noise_of(made)


@pytest.mark.parametrize("given", ["laplace", None, [1.0], {"scale": 1.0}])
def test_noise_that_is_neither_number_nor_distribution_is_refused(given: Any) -> None:
    with pytest.raises(TypeError) as caught:
        noise_of(given)
    assert f"noise is {given!r}, which has no cdf" in str(caught.value)
    assert "give a number for Gaussian noise, or a distribution as scipy" in str(caught.value)


@pytest.mark.parametrize("given", [0.0, -1, NAN, INF])
def test_number_that_is_no_sd_is_refused(given: float) -> None:
    with pytest.raises(ValueError, match=f"noise_sd is {float(given)}, but must be finite"):
        noise_of(given)


def test_noise_sd_and_noise_both_are_refused() -> None:
    noise = stats.laplace()
    with pytest.raises(
        ValueError, match="but one of them says it all: leave the other out"
    ) as said:
        Exchange("optimal", partial(NoisyTrader, noise_sd=2.0, noise=noise))
    assert f"noise_sd is 2.0 and noise is {noise!r}" in str(said.value)


def test_noise_set_to_none_is_the_noise_of_the_market() -> None:
    market = Exchange("optimal", partial(NoisyTrader, noise=None), noise_sd=3.0)
    assert market.law == NoisyValuation(3.0)
