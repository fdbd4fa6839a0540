"""The standard normal on an interval, against 80-digit arithmetic."""

import warnings
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext

from abm.numerics.arrays import Array
from abm.numerics.truncated_normal import (
    interval_mass,
    log_interval_mass,
    mean_excess,
    mills_ratio,
    truncated_moments,
)

MP = MPContext()
MP.dps = 80
INF = float("inf")
UNDERFLOW = 1e-290
TRAPS = [
    (0.0, INF),
    (-INF, 0.0),
    (0.0, 1e-8),
    (-1e-8, 1e-8),
    (-1e-8, 3e-8),
    (-1.0, 1.0 + 1e-8),
    (-0.25, 0.25 + 1e-12),
    (1.0, 1.0 + 1e-8),
    (40.0, INF),
    (-INF, -40.0),
    (-INF, 40.0),
    (-40.0, INF),
    (-40.0, 40.0),
    (-40.0, 39.0),
    (39.0, 40.0),
    (-40.0, -39.0),
    (38.0, 38.0 + 1e-8),
    (-37.5, -37.49),
    (-37.6, -8.3),
    (8.3, 40.0),
    (4.999, 5.498),
    (4.999, 5.5),
    (5.0, 5.5),
    (5.001, INF),
    (-5.5, -5.0),
    (0.0, 0.5),
    (-30.0, 1e-8),
    (-1e-8, 30.0),
]


def upper_tail(x: Any) -> Any:
    return MP.erfc(x / MP.sqrt(2)) / 2


def hazard(x: Any) -> Any:
    return MP.npdf(x) / upper_tail(x)


def reference(alpha: float, beta: float) -> tuple[Any, Any, Any]:
    """Mirrored, so that each tail is an erfc of something positive wherever it is small."""
    if alpha + beta < 0:
        log_mass, mean, variance = reference(-beta, -alpha)
        return log_mass, -mean, variance
    a, b = MP.mpf(alpha), MP.mpf(beta)
    mass = upper_tail(a) - upper_tail(b)
    at_a, at_b = ((MP.npdf(x), x * MP.npdf(x)) if MP.isfinite(x) else (0, 0) for x in (a, b))
    mean = (at_a[0] - at_b[0]) / mass
    return MP.log(mass), mean, 1 + (at_a[1] - at_b[1]) / mass - mean**2


def random_intervals(top: float, each: int) -> list[tuple[float, float]]:
    """Anywhere, near zero and across it, with widths from 1e-8 to 100, and one-sided."""
    rng = np.random.default_rng(8)
    width = 10 ** rng.uniform(-8, 2, (2, each))
    start = rng.uniform(-top, top, (2, each))
    small = 10 ** rng.uniform(-8, 1, each) * rng.choice([-1, 1], each)
    across = rng.uniform(0, top, each)
    pairs = [
        (start[0], np.minimum(start[0] + width[0], top + 1)),
        (small, small + width[1]),
        (-across, across * (1 + width[0])),
        (start[1], np.full(each, INF)),
        (np.full(each, -INF), start[1]),
    ]
    return [(float(a), float(b)) for low, high in pairs for a, b in zip(low, high, strict=True)]


def relative_errors(got: Array, expected: list[Any]) -> Array:
    return np.array(
        [
            float(abs(MP.mpf(float(g)) - e) / abs(e)) if abs(e) > UNDERFLOW else 0.0
            for g, e in zip(got, expected, strict=True)
        ]
    )


def assert_exact(intervals: list[tuple[float, float]], variance_tolerance: float) -> None:
    ends = np.array(intervals)
    got = truncated_moments(ends[:, 0], ends[:, 1])
    logs = log_interval_mass(ends[:, 0], ends[:, 1])
    log_mass, mean, variance = map(list, zip(*(reference(a, b) for a, b in intervals), strict=True))
    absolute = np.array(
        [float(abs(MP.mpf(float(g)) - e)) for g, e in zip(logs, log_mass, strict=True)]
    )
    checks = {
        "log mass": np.where(absolute > 1e-13, relative_errors(logs, log_mass), 0) / 1e-12,
        "mean": relative_errors(got.mean, mean) / 1e-12,
        "variance": relative_errors(got.variance, variance) / variance_tolerance,
    }
    for name, error in checks.items():
        assert error.max() <= 1, (name, intervals[int(error.argmax())])


def test_moments_on_hand_picked_traps_match_eighty_digits() -> None:
    assert_exact(TRAPS, variance_tolerance=1e-9)


def test_moments_on_random_intervals_out_to_forty_match_eighty_digits() -> None:
    assert_exact(random_intervals(top=40.0, each=120), variance_tolerance=1e-9)


def test_moments_on_random_intervals_out_to_a_hundred_and_ten_match_eighty_digits() -> None:
    assert_exact(random_intervals(top=110.0, each=60), variance_tolerance=1e-6)


def test_moments_are_continuous_where_the_method_changes() -> None:
    start = [(5.0 + d, 6.0) for d in (-1e-9, 0.0, 1e-9)]
    width = [(1.0, 1.5 + d) for d in (-1e-9, 0.0, 1e-9)]
    assert_exact([(-b, -a) for a, b in start + width] + start + width, variance_tolerance=1e-9)


def test_log_mass_keeps_its_digits_where_it_is_almost_zero() -> None:
    ends = [(-INF, 5.0), (-INF, 8.0), (-12.0, INF), (-7.0, 9.0), (-10.0, 10.0)]
    got = log_interval_mass(*np.transpose(ends))
    assert relative_errors(got, [reference(a, b)[0] for a, b in ends]).max() < 1e-12


def test_mirrored_interval_has_the_mirrored_moments_bit_for_bit() -> None:
    alpha, beta = np.array(TRAPS + random_intervals(top=60.0, each=60)).T
    here, there = truncated_moments(alpha, beta), truncated_moments(-beta, -alpha)
    np.testing.assert_array_equal(log_interval_mass(alpha, beta), log_interval_mass(-beta, -alpha))
    np.testing.assert_array_equal(here.mean, -there.mean)
    np.testing.assert_array_equal(here.variance, there.variance)


def test_whole_line_leaves_the_standard_normal_exactly() -> None:
    assert log_interval_mass(-INF, INF) == 0
    assert [float(part) for part in truncated_moments(-INF, INF)] == [0, 1]


@pytest.mark.parametrize("place", [0.0, 1e-8, 1.0, -1.0, 5.0, -7.5, 40.0, -40.0, 1e9])
def test_interval_of_no_width_has_no_mass_and_is_its_own_mean(place: float) -> None:
    assert log_interval_mass(place, place) == -INF
    assert [float(part) for part in truncated_moments(place, place)] == [place, 0]


def test_mean_lies_inside_and_variance_between_zero_and_one() -> None:
    alpha, beta = np.array(TRAPS + random_intervals(top=40.0, each=60)).T
    result = truncated_moments(alpha, beta)
    assert ((alpha <= result.mean) & (result.mean <= beta)).all()
    assert ((result.variance > 0) & (result.variance <= 1)).all()
    assert (log_interval_mass(alpha, beta) <= 0).all()


def test_scalars_give_scalar_shaped_results() -> None:
    assert [part.shape for part in truncated_moments(1.0, 2.0)] == [(), ()]
    assert log_interval_mass(1.0, 2.0).shape == ()


def test_ends_broadcast_and_each_element_is_what_it_is_alone() -> None:
    alpha, beta = np.array([[-INF], [0.5], [6.0]]), np.array([6.2, 7.0, 50.0, INF])
    table = truncated_moments(alpha, beta)
    assert table.mean.shape == (3, 4)
    for row, column in np.ndindex(3, 4):
        alone = truncated_moments(alpha[row, 0], beta[column])
        assert [float(part) for part in alone] == [float(part[row, column]) for part in table]


def test_nothing_in_gives_nothing_out() -> None:
    assert [part.shape for part in truncated_moments([], [])] == [(0,), (0,)]
    assert log_interval_mass([], []).shape == (0,)


def test_no_interval_raises_a_warning() -> None:
    extremes = [(0.0, 0.0), (-INF, INF), (INF, INF), (-INF, -INF), (1e9, INF), (-INF, 1e300)]
    alpha, beta = np.array(TRAPS + extremes).T
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        truncated_moments(alpha, beta)
        log_interval_mass(alpha, beta)


def test_mean_excess_matches_eighty_digits_from_zero_to_two_hundred() -> None:
    x = np.concatenate([np.linspace(0, 200, 401), np.linspace(5.5, 6.5, 101), [1e-10]])
    expected = [hazard(MP.mpf(float(place))) - MP.mpf(float(place)) for place in x]
    assert relative_errors(mean_excess(x), expected).max() < 1e-13


def test_mean_excess_of_a_scalar_is_that_of_the_array() -> None:
    x = np.array([-3.0, 0.0, 2.0, 5.999, 6.0, 6.001, 100.0])
    np.testing.assert_array_equal(mean_excess(x), [float(mean_excess(place)) for place in x])


def test_mills_ratio_matches_eighty_digits_in_both_tails() -> None:
    x = np.concatenate([np.linspace(-36, 36, 145), [100.0, 1e4]])
    expected = [1 / hazard(MP.mpf(float(place))) for place in x]
    assert relative_errors(mills_ratio(x), expected).max() < 1e-12


@pytest.mark.parametrize("sign", [1, -1])
def test_interval_mass_keeps_its_digits_in_both_tails(sign: int) -> None:
    alpha = np.array([-1.0, 0.0, 1.0, 5.0, 8.0, 20.0, 36.0, -3.0, -30.0])
    beta = np.array([1.0, 2.0, 9.0, 5.5, INF, 21.0, INF, 8.0, 30.0])
    got = interval_mass(*((alpha, beta) if sign > 0 else (-beta, -alpha)))
    expected = [MP.exp(reference(a, b)[0]) for a, b in zip(alpha, beta, strict=True)]
    assert relative_errors(got, expected).max() < 1e-12


def test_interval_mass_of_the_whole_line_is_one_and_of_a_point_nothing() -> None:
    places = [-INF, -40.0, 0.0, 3.0, INF]
    assert interval_mass(-INF, INF) == 1
    np.testing.assert_array_equal(interval_mass(places, places), 0)
