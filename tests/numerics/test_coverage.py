"""How often 95 % intervals hold what they are of: exactly for fractions, by simulation for means.

The numbers are those of tests/README.md.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from abm.numerics.arrays import Array
from abm.numerics.intervals import find_fraction_ends, find_half_width
from scenarios._common.samples import FEW

COUNTS = [2, 5, 10, 20, 50, 200, 1000]
SAMPLES = 20_000


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.001, [0.998, 0.995, 0.990, 0.980, 0.999, 0.983, 0.981]),
        (0.01, [0.980, 0.999, 0.996, 0.983, 0.986, 0.984, 0.976]),
        (0.1, [0.990, 0.991, 0.987, 0.989, 0.970, 0.967, 0.955]),
        (0.5, [1.000, 1.000, 0.979, 0.959, 0.967, 0.960, 0.954]),
    ],
)
def test_a_fractions_interval_holds_it_in_95_percent_of_samples_or_more(
    p: float, expected: list[float]
) -> None:
    for count, often in zip(COUNTS, expected, strict=True):
        having = np.arange(count + 1)
        low, high = find_fraction_ends(having / count, count)
        holds = (low <= p) & (p <= high)
        covered = float(stats.binom.pmf(having, count, p)[holds].sum())
        assert covered == pytest.approx(often, abs=6e-4)
        assert covered >= 0.95


def cover(draw: Callable[[tuple[int, int]], Array], mean: float, count: int) -> float:
    """Return how often a t interval of so many draws holds their mean."""
    sample = draw((SAMPLES, count))
    error = sample.std(axis=1, ddof=1) / np.sqrt(count)
    return float(np.mean(np.abs(sample.mean(axis=1) - mean) <= find_half_width(error, count)))


@pytest.mark.parametrize(
    ("law", "mean", "expected"),
    [
        ("normal", 0.0, [0.95] * len(COUNTS)),
        ("exponential", 1.0, [0.910, 0.879, 0.900, 0.920, 0.934, 0.947, 0.950]),
        ("lognormal", np.exp(0.5), [0.899, 0.818, 0.835, 0.868, 0.902, 0.931, 0.941]),
    ],
)
def test_a_means_interval_holds_it_as_often_as_the_table_says(
    law: str, mean: float, expected: list[float]
) -> None:
    rng = np.random.default_rng(7)
    draws: dict[str, Callable[[tuple[int, int]], Array]] = {
        "normal": lambda size: rng.normal(size=size),
        "exponential": lambda size: rng.exponential(size=size),
        "lognormal": lambda size: rng.lognormal(size=size),
    }
    chance = 4 * np.sqrt(2 * 0.9 * 0.1 / SAMPLES)  # of this sample, and of that of the table
    for count, often in zip(COUNTS[:-1], expected, strict=False):
        assert cover(draws[law], mean, count) == pytest.approx(often, abs=chance)
        assert often >= 0.93 or count < FEW
