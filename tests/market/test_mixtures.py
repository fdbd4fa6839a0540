"""Several types of traders: shares, likelihoods and moments, against quadrature and simulation."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from abm.market.mixtures import MixedLikelihood, Mixture, choose_types
from abm.market.quotes import Quote, Side
from abm.market.random_streams import Role, Streams
from abm.market.uninformed import CoinFlip, PublicValuation, Uninformative
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array

ZERO = np.zeros(1)
LAWS = {
    "half": Mixture([NoisyValuation(1.0), CoinFlip()], [0.6, 0.4]),
    "elastic": Mixture([NoisyValuation(1.0), PublicValuation(ZERO + 0.3, 3.0)], [0.7, 0.3]),
    "two noises": Mixture([NoisyValuation(0.5), NoisyValuation(2.0)], [0.2, 0.8]),
    "three": Mixture(
        [NoisyValuation(1.0), PublicValuation(ZERO - 1.0, 0.5), CoinFlip()], [0.5, 0.3, 0.2]
    ),
}
SIDES = [Side.SELL, Side.NONE, Side.BUY]


def draws(size: int, seed: int = 1) -> Any:
    return Streams(seed, 0, size).draws(Role.TRADER)


def integrate(law: Any, quote: Quote, side: Side, mean: float, sd: float) -> list[float]:
    """Return probability, mean and sd by the trapezoidal rule, far out and fine."""
    value = np.linspace(mean - 12 * sd, mean + 12 * sd, 20_001)
    shown = law.likelihood(quote, np.array([side], np.int8)).likelihood(value[np.newaxis])[0]
    weight = shown * stats.norm.pdf(value, mean, sd) * (value[1] - value[0])
    mass = weight.sum()
    centre = (weight * value).sum() / mass
    return [mass, centre, np.sqrt((weight * (value - centre) ** 2).sum() / mass)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", LAWS)
def test_moments_are_those_of_the_likelihood(name: str, side: Side) -> None:
    generator, law = np.random.default_rng(4), LAWS[name]
    for _ in range(20):
        mean, sd = generator.normal(), generator.uniform(0.2, 5.0)
        bid, ask = np.sort(generator.normal(mean, 2 * sd, 2))
        quote = Quote([bid], [ask])
        shown = law.likelihood(quote, np.array([side], np.int8))
        prior = np.array([mean]), np.array([sd])
        log_mass, moments = shown.weigh(*prior), shown.tilt(*prior)
        expected = integrate(law, quote, side, mean, sd)
        assert_allclose([np.exp(log_mass[0]), *np.ravel(moments)], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("side", [Side.SELL, Side.BUY])
@pytest.mark.parametrize("name", LAWS)
def test_what_a_trade_earns_is_what_its_likelihood_says(name: str, side: Side) -> None:
    generator, law = np.random.default_rng(5), LAWS[name]
    mean, sd = generator.normal(size=50), generator.uniform(0.2, 5.0, 50)
    price = mean + side * sd * generator.uniform(-1.0, 3.0, 50)
    shown = law.likelihood(Quote(price, price), np.full(50, side, np.int8))
    log_mass, (moved, _) = shown.weigh(mean, sd), shown.tilt(mean, sd)
    probability, moment = law.trade(mean, sd, side, price)
    assert_allclose(probability, np.exp(log_mass), rtol=1e-12)
    assert_allclose(moment, side * (moved - mean) * np.exp(log_mass), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("value", [-2.0, 0.0, 1.5])
@pytest.mark.parametrize("name", LAWS)
def test_the_likelihood_is_the_frequency_of_each_side(name: str, value: float) -> None:
    size, law, quote = 100_000, LAWS[name], Quote(-0.7, 1.1)
    sides = quote.side(law.valuation(np.full(size, value), draws(size)))
    for side in SIDES:
        shown = law.likelihood(quote, np.array(side, np.int8))
        expected = float(shown.likelihood(np.array([[value]]))[0, 0])
        error = np.sqrt(expected * (1 - expected) / size)
        assert abs((sides == int(side)).mean() - expected) < 4 * error


def test_an_sd_may_rise_after_a_trade() -> None:
    law = Mixture([NoisyValuation(1.0), CoinFlip()], [0.5, 0.5])
    shown = law.likelihood(Quote(-8.0, 8.0), np.array([1], np.int8))
    assert shown.tilt(ZERO, ZERO + 3.0)[1][0] > 3.0


@pytest.mark.parametrize("law", [CoinFlip(), PublicValuation(ZERO, 2.0)], ids=["coin", "public"])
def test_who_knows_nothing_shows_nothing(law: Any) -> None:
    value, side = np.linspace(-5.0, 5.0, 11)[np.newaxis], np.array([1], np.int8)
    shown = law.likelihood(Quote([-1.0], [1.0]), side)
    assert isinstance(shown, Uninformative)
    assert np.ptp(shown.likelihood(value)) == 0.0
    prior = np.array([0.5]), np.array([3.0])
    log_mass, (mean, sd) = shown.weigh(*prior), shown.tilt(*prior)
    assert (mean[0], sd[0]) == (0.5, 3.0)
    expected = 0.5 if isinstance(law, CoinFlip) else stats.norm.sf(0.5)
    assert np.exp(log_mass[0]) == pytest.approx(expected, rel=1e-14)


def test_a_side_that_is_declined_is_not_taken_by_a_coin() -> None:
    quote = Quote([-1.0], [np.inf])
    assert np.isneginf(CoinFlip().likelihood(quote, np.array([1], np.int8)).log_mass)
    none = CoinFlip().likelihood(quote, np.array([0], np.int8)).log_mass
    assert np.exp(none[0]) == 0.5
    assert set(quote.side(CoinFlip().valuation(np.zeros(200), draws(200)))) == {-1, 0}


def test_types_come_by_their_shares() -> None:
    chosen = choose_types([0.2, 0.5, 0.3], draws(100_000))
    counts = np.bincount(chosen) / len(chosen)
    assert_allclose(counts, [0.2, 0.5, 0.3], atol=4 * 0.5 / np.sqrt(len(chosen)))


def test_rows_of_a_mixture_are_those_of_its_parts() -> None:
    quote, side = Quote(np.array([-1.0, -2.0]), np.array([1.0, 2.0])), np.array([1, -1], np.int8)
    shown = LAWS["three"].likelihood(quote, side)
    assert isinstance(shown, MixedLikelihood)
    value = np.zeros((2, 1))
    both: Array = shown.likelihood(value)[:, 0]
    each = [shown.at(np.array([row])).likelihood(value[:1])[0, 0] for row in range(2)]
    assert_allclose(both, each, rtol=0)


def test_a_mixture_of_one_law_is_that_law() -> None:
    alone, twice = NoisyValuation(1.0), Mixture([NoisyValuation(1.0)] * 2, [0.4, 0.6])
    quote, side = Quote([-1.0], [0.5]), np.array([0], np.int8)
    one, two = (law.likelihood(quote, side) for law in (alone, twice))
    prior = ZERO, ZERO + 2.0
    assert_allclose(two.tilt(*prior), one.tilt(*prior), rtol=1e-14, atol=1e-16)
    assert_allclose(two.weigh(*prior), one.weigh(*prior), rtol=1e-14)
