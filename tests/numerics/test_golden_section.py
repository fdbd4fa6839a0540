"""Golden-section search, against peaks that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from abm.numerics.golden_section import golden_section, settle_top


@pytest.mark.parametrize("width", [1e-3, 1.0, 50.0])
def test_a_peak_is_found_to_a_millionth_of_the_width(width: float) -> None:
    peak = width * np.linspace(0.0, 1.0, 23)  # both ends too
    low, high = np.zeros(23), np.full(23, width)
    found = golden_section(lambda x: -np.abs(x - peak), low, high)
    assert_allclose(found, peak, rtol=0.0, atol=1e-6 * width)


def test_every_element_is_searched_between_its_own_ends() -> None:
    # a^2 x exp(-a x) has its peak at 1 / a, and rises as far as there
    a, low, high = np.array([1.0, 4.0, 0.5]), np.array([0.2, 0.0, -1.0]), np.array([5.0, 1.0, 1.5])
    found = golden_section(lambda x: a * a * x * np.exp(-a * x), low, high)
    assert_allclose(found, [1.0, 0.25, 1.5], rtol=0.0, atol=5e-6)


def test_a_top_settles_where_it_is_whatever_rounding_a_search_ends_by() -> None:
    peak, jitter = np.linspace(-1.0, 1.0, 21), 1e-7 * np.cos(np.arange(21))
    found = settle_top(lambda x: 7 + np.cos(x - peak), peak + jitter, np.full(21, 1e-3))
    assert_allclose(found, peak, rtol=0.0, atol=1e-11)


def test_what_rises_all_the_way_stays_where_it_is() -> None:
    near = np.array([0.0, 0.5])
    np.testing.assert_array_equal(settle_top(np.exp, near, np.full(2, 1e-3)), near)
