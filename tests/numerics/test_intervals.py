"""Intervals against SciPy's own, exact sums, and the coverage of samples."""

from math import comb
from typing import Any

import numpy as np
import pytest
from scipy import stats

from abm.numerics.intervals import (
    find_effective_se,
    find_fraction_ends,
    find_half_width,
    find_median_ends,
    is_skewed,
    linearise_ratio,
)


@pytest.mark.parametrize("count", [2, 3, 10, 1000])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_a_half_width_is_students(count: int, confidence: float) -> None:
    low, high = stats.t.interval(confidence, count - 1, loc=5.0, scale=0.3)
    assert find_half_width(0.3, count, confidence) == pytest.approx((high - low) / 2)


@pytest.mark.parametrize("count", [0, 1])
def test_a_mean_of_fewer_than_two_has_no_half_width(count: int) -> None:
    assert np.isnan(find_half_width(1.0, count))


def test_the_effective_standard_error_of_two_is_six_times_its_own() -> None:
    assert find_effective_se(1.0, 2) == pytest.approx(12.7062 / 1.959964, rel=1e-5)
    assert find_effective_se(1.0, np.inf) == pytest.approx(1.0)


@pytest.mark.parametrize(("having", "count"), [(0, 7), (7, 7), (3, 7), (1, 500), (499, 500)])
def test_the_ends_of_a_fraction_leave_each_tail_its_share(having: int, count: int) -> None:
    low, high = (float(end) for end in find_fraction_ends(having / count, count))
    terms = [comb(count, k) for k in range(count + 1)]
    at_low = sum(terms[k] * low**k * (1 - low) ** (count - k) for k in range(having, count + 1))
    at_high = sum(terms[k] * high**k * (1 - high) ** (count - k) for k in range(having + 1))
    assert low == 0 if having == 0 else at_low == pytest.approx(0.025, rel=1e-9)
    assert high == 1 if having == count else at_high == pytest.approx(0.025, rel=1e-9)


@pytest.mark.parametrize("probability", [0.0, 0.01, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("count", [2, 10, 60])
def test_the_ends_of_a_fraction_cover_it_in_95_of_100_samples(
    probability: float, count: int
) -> None:
    having = np.arange(count + 1)
    low, high = find_fraction_ends(having / count, count)
    covered = (low <= probability) & (probability <= high)
    assert stats.binom.pmf(having, count, probability)[covered].sum() >= 0.95


def test_no_trial_says_nothing_of_a_fraction() -> None:
    assert np.isnan(find_fraction_ends(np.nan, 0)).all()


@pytest.mark.parametrize("count", [6, 7, 40, 101])
def test_the_ends_of_a_median_cover_it_in_95_of_100_samples_of_any_kind(count: int) -> None:
    samples = np.sort(np.random.default_rng(3).exponential(size=(4_000, count)), axis=1)
    ends = np.array([find_median_ends(sample) for sample in samples])
    covered = np.mean((ends[:, 0] <= np.log(2)) & (np.log(2) <= ends[:, 1]))
    assert covered >= 0.95 - 3 * (0.05 * 0.95 / 4_000) ** 0.5


def test_a_linearised_ratio_has_the_mean_and_the_error_of_the_ratio() -> None:
    generator = np.random.default_rng(5)
    whole = generator.gamma(5.0, size=(2_000, 400))
    part = 0.3 * whole + generator.normal(scale=0.5, size=whole.shape)
    rows = [linearise_ratio(a, b, a.mean(), b.mean()) for a, b in zip(part, whole, strict=True)]
    ratios = part.mean(axis=1) / whole.mean(axis=1)
    np.testing.assert_allclose([row.mean() for row in rows], ratios, rtol=1e-12)
    errors = [row.std(ddof=1) / 20 for row in rows]
    assert np.mean(errors) == pytest.approx(ratios.std(), rel=0.05)


@pytest.mark.parametrize(
    ("law", "skewness"),
    [(stats.norm(), 0.0), (stats.expon(), 2.0), (stats.lognorm(1.0), 6.18488)],
    ids=["normal", "exponential", "lognormal"],
)
def test_where_a_sample_is_not_skewed_an_interval_misses_in_6_of_100(
    law: Any, skewness: float
) -> None:
    assert float(law.stats("s")) == pytest.approx(skewness, abs=1e-5)
    enough = max(10, int(np.ceil(25 * skewness**2)))
    assert not is_skewed(skewness, enough)
    assert find_misses(law, enough) < 0.06 + 4 * np.sqrt(0.06 * 0.94 / 10_000)


@pytest.mark.parametrize(
    "law", [stats.expon(), stats.lognorm(1.0)], ids=["exponential", "lognormal"]
)
def test_where_a_sample_is_skewed_an_interval_misses_more_often(law: Any) -> None:
    assert is_skewed(float(law.stats("s")), 15)
    assert find_misses(law, 15) > 0.06 + 4 * np.sqrt(0.06 * 0.94 / 10_000)


def find_misses(law: Any, count: int) -> float:
    """Return how often the interval of a mean misses it, of 10,000 samples."""
    sample = law.rvs((10_000, count), random_state=1)
    half = find_half_width(sample.std(axis=1, ddof=1) / np.sqrt(count), count)
    return float((abs(sample.mean(axis=1) - law.mean()) > half).mean())


def test_what_does_not_vary_is_not_skewed() -> None:
    assert not is_skewed(np.nan, 2)
    assert is_skewed([-2.0, 2.0], [99, 101]).tolist() == [True, False]
