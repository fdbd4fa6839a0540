"""Interval signals against Bayes' rule done by quadrature, and the law of noisy valuations."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext

from abm.market.quotes import Quote, Side
from abm.market.random_streams import Role, Streams
from abm.market.valuations import Interval, NoisyValuation

MP = MPContext()
MP.dps = 25
INF = float("inf")
CASES = [
    # lower, upper, prior mean, prior sd, noise sd
    (1.0, INF, 0.0, 5.0, 1.0),
    (-INF, -2.0, 0.5, 1.0, 2.0),
    (-1.0, 3.0, 0.0, 3.0, 1.0),
    (4.0, 4.5, -1.0, 0.7, 0.3),
    (20.0, INF, 0.0, 3.0, 1.0),
    (-INF, -25.0, 5.0, 4.0, 0.5),
    (2.0, 2.000001, 1.0, 2.0, 1.0),
    (-0.1, 0.3, 0.1, 1.0, 10.0),
    (-INF, INF, 2.0, 3.0, 1.0),
]


def likelihood_at(value: Any, lower: float, upper: float, noise_sd: float) -> Any:
    """The difference of two normal cdfs, taken in the tail where it keeps its digits."""
    low, high = ((MP.mpf(end) - value) / noise_sd for end in (lower, upper))
    if low + high > 0:
        low, high = -high, -low
    return (MP.erfc(-high / MP.sqrt(2)) - MP.erfc(-low / MP.sqrt(2))) / 2


def bayes(
    lower: float, upper: float, mean: float, sd: float, noise_sd: float
) -> tuple[float, float, float]:
    """Log probability, posterior mean and sd by integrating over the value."""
    pieces = [mean + step * sd for step in range(-14, 15, 2)]

    @cache
    def density(value: Any) -> Any:
        return MP.npdf(value, mean, sd) * likelihood_at(value, lower, upper, noise_sd)

    def integral(weight: Any) -> Any:
        return MP.quad(lambda v: weight(v) * density(v), pieces)

    mass = integral(lambda _: 1)
    centre = integral(lambda v: v) / mass
    variance = integral(lambda v: (v - centre) ** 2) / mass
    return float(MP.log(mass)), float(centre), float(MP.sqrt(variance))


@pytest.mark.parametrize(("lower", "upper", "mean", "sd", "noise_sd"), CASES)
def test_tilt_gives_the_moments_of_the_posterior(
    lower: float, upper: float, mean: float, sd: float, noise_sd: float
) -> None:
    expected = bayes(lower, upper, mean, sd, noise_sd)
    shown, prior = Interval(lower, upper, noise_sd), (np.array(mean), np.array(sd))
    assert float(shown.weigh(*prior)) == pytest.approx(expected[0], rel=1e-10, abs=1e-12)
    moved, left = shown.tilt(*prior)
    assert float(moved) == pytest.approx(expected[1], abs=1e-10 * sd)
    assert float(left) == pytest.approx(expected[2], rel=1e-10)


def test_tilt_treats_every_replication_by_itself() -> None:
    lower, upper, mean, sd, _ = np.array(CASES).T
    shown = Interval(lower, upper, 1.0)
    together = [shown.weigh(mean, sd), *shown.tilt(mean, sd)]
    for row in range(len(CASES)):
        one, prior = Interval(lower[row], upper[row], 1.0), (mean[row], sd[row])
        alone = [one.weigh(*prior), *one.tilt(*prior)]
        assert [float(part) for part in alone] == [float(part[row]) for part in together]


def test_likelihood_on_a_grid_is_the_difference_of_normal_cdfs() -> None:
    lower, upper = np.array([-INF, -1.0, 2.0]), np.array([0.5, 1.5, INF])
    value = np.linspace(-8, 8, 17) + np.array([[0.0], [0.3], [-2.0]])
    got = Interval(lower, upper, 0.8).likelihood(value)
    assert got.shape == (3, 17)
    for row, column in np.ndindex(3, 17):
        place = MP.mpf(float(value[row, column]))
        expected = likelihood_at(place, float(lower[row]), float(upper[row]), 0.8)
        assert got[row, column] == pytest.approx(float(expected), rel=1e-11)


def test_one_interval_serves_every_row_of_the_grid() -> None:
    value = np.array([[-1.0, 0.0, 1.0], [2.0, 3.0, 4.0]])
    common = Interval(0.0, 1.0, 1.0).likelihood(value)
    each = Interval(np.zeros(2), np.ones(2), 1.0).likelihood(value)
    np.testing.assert_array_equal(common, each)


def test_resolution_is_the_noise() -> None:
    assert Interval(0.0, 1.0, 0.7).resolution == 0.7


def test_at_keeps_the_named_replications_in_their_order() -> None:
    some = Interval(np.arange(4.0), np.arange(4.0) + 10, 2.0).at(np.array([3, 1]))
    np.testing.assert_array_equal(some.lower, [3.0, 1.0])
    np.testing.assert_array_equal(some.upper, [13.0, 11.0])
    assert some.noise.sd == 2.0


def test_at_leaves_an_end_that_all_replications_share() -> None:
    some = Interval(np.arange(4.0), INF, 2.0).at(np.array([3, 1]))
    np.testing.assert_array_equal(some.lower, [3.0, 1.0])
    assert some.upper == INF


def test_at_leaves_an_end_of_length_one_that_all_replications_share() -> None:
    some = Interval(np.arange(4.0), [INF], 2.0).at(np.array([3, 1]))
    np.testing.assert_array_equal(np.broadcast_to(some.upper, 2), [INF, INF])


@pytest.mark.parametrize(
    ("side", "lower", "upper"),
    [(Side.BUY, 1.0, INF), (Side.NONE, -2.0, 1.0), (Side.SELL, -INF, -2.0)],
)
def test_side_taken_shows_where_the_valuation_lies(side: Side, lower: float, upper: float) -> None:
    shown = NoisyValuation(3.0).likelihood(Quote(-2.0, 1.0), np.array(side, np.int8))
    assert [float(shown.lower), float(shown.upper), shown.noise.sd] == [lower, upper, 3.0]


def test_sides_of_many_replications_show_their_own_intervals() -> None:
    sides = np.array([1, 0, -1], np.int8)
    shown = NoisyValuation(1.0).likelihood(Quote([-1.0, -2.0, -3.0], [1.0, 2.0, 3.0]), sides)
    np.testing.assert_array_equal(shown.lower, [1.0, -2.0, -INF])
    np.testing.assert_array_equal(shown.upper, [INF, 2.0, -3.0])


def test_declined_sides_show_nothing_by_no_trade() -> None:
    shown = NoisyValuation(1.0).likelihood(Quote(-INF, INF), np.array(0, np.int8))
    assert [float(shown.lower), float(shown.upper)] == [-INF, INF]


def test_side_taken_is_the_interval_the_valuation_is_in() -> None:
    rng = np.random.default_rng(3)
    valuation = rng.normal(0, 3, 500)
    quote = Quote(rng.normal(-1, 1, 500), rng.normal(4, 0.5, 500))
    shown = NoisyValuation(1.0).likelihood(quote, quote.side(valuation))
    assert ((shown.lower < valuation) & (valuation < shown.upper)).all()


def test_probabilities_of_the_three_sides_add_to_one_at_every_value() -> None:
    value = np.linspace(-30, 30, 241)[np.newaxis]
    law, quote = NoisyValuation(1.3), Quote(-2.0, 0.7)
    total = sum(law.likelihood(quote, np.array(side, np.int8)).likelihood(value) for side in Side)
    np.testing.assert_allclose(total, 1, rtol=0, atol=4e-16)


def test_valuation_is_the_value_and_noise_of_the_stated_sd() -> None:
    value = np.array([0.0, 10.0, -4.0])
    noise = Streams(1, 0, 3).draws(Role.TRADER).normal()
    valuation = NoisyValuation(2.0).valuation(value, Streams(1, 0, 3).draws(Role.TRADER))
    np.testing.assert_array_equal(valuation, value + 2.0 * noise)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (2.0, 1.0, r"interval is \(2.0, 1.0\), but must run upwards: give lower <= upper"),
        (np.nan, 1.0, r"interval is \(nan, 1.0\), but must run upwards"),
        (0.0, np.nan, r"interval is \(0.0, nan\), but must run upwards"),
        ([0.0, 5.0, 9.0], 3.0, r"interval is \(5.0, 3.0\), but must run upwards"),
        (INF, -INF, r"interval is \(inf, -inf\), but must run upwards"),
    ],
)
def test_interval_that_does_not_run_upwards_is_refused(
    lower: Any, upper: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Interval(lower, upper, 1.0)


def test_interval_of_no_width_is_accepted() -> None:
    assert Interval(1.0, 1.0, 1.0).lower == 1.0


@pytest.mark.parametrize("noise_sd", [0.0, -1.0, np.nan, INF])
def test_noise_sd_that_is_not_a_positive_number_is_refused(noise_sd: float) -> None:
    message = f"noise_sd is {noise_sd}, but must be finite and above zero: give a positive number"
    with pytest.raises(ValueError, match=message):
        Interval(0.0, 1.0, noise_sd)
    with pytest.raises(ValueError, match=message):
        NoisyValuation(noise_sd)
