"""Traders who weigh the tape: what they show, against quadrature and simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from abm.beliefs.grid import GridBelief
from abm.beliefs.points import PointBelief
from abm.market.adapted import AdaptedValuation
from abm.market.quotes import Quote, Side
from abm.market.random_streams import Role, Streams
from abm.market.valuations import NoisyValuation

SIDES = [Side.SELL, Side.NONE, Side.BUY]


def law_of(generator: np.random.Generator, size: int = 1) -> AdaptedValuation:
    centre, public_sd = generator.normal(size=size), generator.uniform(0.2, 4.0, size)
    weight, signal_sd, need_sd = generator.uniform([0.0, 0.3, 0.1], [1.0, 2.0, 2.0])
    return AdaptedValuation(centre, public_sd, weight, signal_sd, need_sd)


def at_slope(slope: float, *sds: float, centre: float = 0.0) -> AdaptedValuation:
    """Return the law at this slope, which a weight of 1 has at a public sd; 1 at a weight of 0."""
    public_sd = sds[0] * np.sqrt(slope / (1 - slope)) if slope < 1 else 1.0
    return AdaptedValuation(np.full(1, centre), np.full(1, public_sd), float(slope < 1), *sds)


@pytest.mark.parametrize("side", SIDES)
def test_moments_are_those_of_the_likelihood(side: Side) -> None:
    generator = np.random.default_rng(8)
    for _ in range(40):
        law, mean, sd = law_of(generator), generator.normal(), generator.uniform(0.2, 5.0)
        middle = law.centre[0] + law.slope[0] * (mean - law.centre[0])
        reach = 2.0 * law.find_line(np.zeros(1)).find_scale(np.array([sd]))[0]
        quote = Quote(*([price] for price in np.sort(generator.normal(middle, reach, 2))))
        shown = law.likelihood(quote, np.array([side], np.int8))
        value = np.linspace(mean - 12 * sd, mean + 12 * sd, 20_001)
        likelihood = shown.likelihood(value[np.newaxis])[0]
        weight = likelihood * stats.norm.pdf(value, mean, sd) * (value[1] - value[0])
        mass, centre = weight.sum(), (weight * value).sum() / weight.sum()
        expected = [mass, centre, np.sqrt((weight * (value - centre) ** 2).sum() / mass)]
        prior = np.array([mean]), np.array([sd])
        log_mass, moments = shown.weigh(*prior), shown.tilt(*prior)
        assert_allclose([np.exp(log_mass[0]), *np.ravel(moments)], expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("side", [Side.SELL, Side.BUY])
def test_what_a_trade_earns_is_what_its_likelihood_says(side: Side) -> None:
    generator = np.random.default_rng(9)
    law, mean, sd = (
        law_of(generator, 60),
        generator.normal(size=60),
        generator.uniform(0.2, 4.0, 60),
    )
    price = mean + side * sd * generator.uniform(-1.0, 3.0, 60)
    shown = law.likelihood(Quote(price, price), np.full(60, side, np.int8))
    log_mass, (moved, _) = shown.weigh(mean, sd), shown.tilt(mean, sd)
    probability, moment = law.trade(mean, sd, side, price)
    assert_allclose(probability, np.exp(log_mass), rtol=1e-12)
    assert_allclose(moment, side * (moved - mean) * np.exp(log_mass), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("value", [-2.0, 0.4, 3.0])
def test_the_likelihood_is_the_frequency_of_each_side(value: float) -> None:
    size, quote = 100_000, Quote(-0.4, 0.9)
    law = at_slope(0.6, 1.0, 0.7, centre=0.2)
    draws = Streams(3, 0, size).draws(Role.TRADER)
    sides = quote.side(law.valuation(np.full(size, value), draws))
    for side in SIDES:
        expected = float(
            law.likelihood(quote, np.array(side, np.int8)).likelihood(np.array([[value]]))[0, 0]
        )
        error = np.sqrt(expected * (1 - expected) / size)
        assert abs((sides == int(side)).mean() - expected) < 4 * error


def test_at_a_slope_of_1_it_is_the_value_and_more_noise() -> None:
    law, paper = at_slope(1.0, 1.0, 2.0, centre=7.0), NoisyValuation(5**0.5)
    quote, side = Quote([6.0], [8.5]), np.array([1], np.int8)
    mean, sd = np.array([7.0]), np.array([3.0])
    ours, papers = (one.likelihood(quote, side) for one in (law, paper))
    assert_allclose(ours.tilt(mean, sd), papers.tilt(mean, sd), rtol=1e-13)
    assert_allclose(ours.weigh(mean, sd), papers.weigh(mean, sd), rtol=1e-13)


def test_at_a_slope_of_0_nothing_is_shown() -> None:
    law = at_slope(0.0, 1.0, 2.0)
    shown = law.likelihood(Quote([-1.0], [1.0]), np.array([1], np.int8))
    assert np.isinf(law.resolution)
    assert np.ptp(shown.likelihood(np.linspace(-9.0, 9.0, 7)[np.newaxis])) == 0.0
    mean, sd = shown.tilt(np.array([0.5]), np.array([3.0]))
    assert (mean[0], sd[0]) == (0.5, 3.0)


def test_the_sd_never_rises() -> None:
    generator = np.random.default_rng(10)
    for _ in range(200):
        law, sd = law_of(generator), generator.uniform(0.01, 30.0, 1)
        quote = Quote(*([price] for price in np.sort(generator.normal(0.0, 20.0, 2))))
        for side in SIDES:
            shown = law.likelihood(quote, np.array([side], np.int8))
            assert shown.tilt(np.zeros(1), sd)[1][0] <= sd[0]


def test_an_exact_belief_learns_as_from_a_fine_grid() -> None:
    law = at_slope(0.4, 1.0, 0.6, centre=0.5)
    belief: PointBelief = GridBelief([0.5], [2.0])
    value = np.linspace(-16.0, 17.0, 60_001)[np.newaxis]
    weight = stats.norm.pdf(value, 0.5, 2.0)
    for side, price in ((1, 1.0), (-1, 0.2), (1, 0.4), (0, 0.3)):
        shown = law.likelihood(Quote([price - 0.1], [price + 0.1]), np.array([side], np.int8))
        belief, weight = belief.revise(shown), weight * shown.likelihood(value)
    mean = (weight * value).sum() / weight.sum()
    sd = np.sqrt((weight * (value - mean) ** 2).sum() / weight.sum())
    assert_allclose([belief.mean[0], belief.sd[0]], [mean, sd], rtol=1e-11)
