"""The highest peak of several, against peaks that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from abm.numerics.arrays import Array
from abm.numerics.peaks import find_highest_peak

SCAN = np.linspace(0.0, 8.0, 49)[np.newaxis]


@pytest.mark.parametrize("steep", [0.2, 1.0, 4.0])
def test_a_lopsided_peak_is_found_to_a_millionth_of_a_step(steep: float) -> None:
    # x exp(-steep x^2 / 2 ...) rises and falls unevenly; its peak is where the slope vanishes
    peak = np.linspace(0.3, 7.0, 40)[:, np.newaxis]

    def objective(x: Array) -> Array:
        return np.exp(-steep * (x - peak)) * -1.0 - steep * (x - peak)

    where, value = find_highest_peak(objective, SCAN)
    assert_allclose(where, peak[:, 0], atol=1e-7)
    assert_allclose(value, -1.0, rtol=1e-12)


def test_the_higher_of_two_peaks_is_found_by_any_lead() -> None:
    lead = np.array([-1e-3, -1e-9, 1e-9, 1e-3])[:, np.newaxis]

    def objective(x: Array) -> Array:
        return np.exp(-np.square(x - 2.013)) + (1 + lead) * np.exp(-np.square(x - 6.49))

    where, _ = find_highest_peak(objective, SCAN)
    assert_allclose(where, [2.013, 2.013, 6.49, 6.49], atol=1e-6)


@pytest.mark.parametrize(("slope", "end"), [(-1.0, 0.0), (1.0, 8.0)])
def test_the_best_may_be_an_end(slope: float, end: float) -> None:
    where, value = find_highest_peak(lambda x: slope * x - 0.01 * x * x, SCAN)
    assert (where[0], value[0]) == (end, slope * end - 0.01 * end * end)


@pytest.mark.parametrize("peak", [1e-3, 0.02, 0.1])
def test_a_peak_close_to_an_end_is_found(peak: float) -> None:
    where, _ = find_highest_peak(lambda x: np.sqrt(x + 0.1) - x / (2 * np.sqrt(peak + 0.1)), SCAN)
    assert where[0] == pytest.approx(peak, abs=1e-7)


def test_rows_have_scans_of_their_own() -> None:
    points = np.array([[0.5], [2.0]]) * np.linspace(0.0, 2.0, 20)
    where, _ = find_highest_peak(lambda x: -np.square(x - np.array([[0.7], [3.1]])), points)
    assert_allclose(where, [0.7, 3.1], atol=1e-9)
