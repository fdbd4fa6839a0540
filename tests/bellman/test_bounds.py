"""The bound from revealed valuations: against sums and simulation, and above what can be earned."""

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import minimize_scalar

from abm.bellman import solve
from abm.bellman.bounds import compute_revealed_bound
from abm.bellman.exact.value import load_fitted


def best_profit(rho: float) -> float:
    """Return the largest expected profit of a period (Das and Magdon-Ismail 2008, section 2.3)."""
    s = np.hypot(1.0, rho)

    def loss(q: float) -> float:
        return float(-2 * (q * s * stats.norm.sf(q) - rho**2 / s * stats.norm.pdf(q)))

    return -float(
        minimize_scalar(loss, bounds=(0, rho + 3), method="bounded", options={"xatol": 1e-9}).fun
    )


@pytest.mark.parametrize("discount", [0.3, 0.9])
@pytest.mark.parametrize("rho", [0.2, 1.0, 3.0, 12.0])
def test_the_bound_is_the_sum_of_myopic_profits_as_valuations_are_revealed(
    discount: float, rho: float
) -> None:
    periods = int(np.log(1e-9) / np.log(discount))
    profits = [discount**t * best_profit(1 / np.sqrt(1 / rho**2 + t)) for t in range(periods)]
    expected = sum(profits) + discount**periods / (1 - discount) * best_profit(0.0)
    assert compute_revealed_bound(discount, rho) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.99])
def test_no_policy_earns_more(discount: float) -> None:
    rho = np.concatenate([np.geomspace(0.01, 1, 40), np.linspace(1.1, 15, 60)])
    bound = compute_revealed_bound(discount, rho)
    assert (bound >= solve(discount).value_function(rho) - 1e-8).all()


def test_what_is_known_to_be_earned_on_exact_beliefs_is_below() -> None:
    for prior_sd, earned in ((1.0, 2.48059), (3.0, 1.64170), (5.0, 1.22864)):
        assert compute_revealed_bound(0.9, prior_sd) > earned


@pytest.mark.parametrize("discount", [0.9, 0.95, 0.99])
def test_the_fitted_value_is_below(discount: float) -> None:
    sd = np.linspace(0.05, 12, 200)
    assert (
        load_fitted(discount)(sd, 0 * sd, 0 * sd) < compute_revealed_bound(discount, sd) + 1e-7
    ).all()


@pytest.mark.parametrize("rho", [0.1, 1.0, 4.0])
def test_without_a_future_the_bound_is_what_the_myopic_maker_expects(rho: float) -> None:
    assert compute_revealed_bound(0.0, rho) == pytest.approx(best_profit(rho), rel=1e-9)


@pytest.mark.parametrize(("discount", "rel"), [(0.5, 1e-8), (0.9, 1e-7), (0.999, 1e-6)])
def test_without_anything_to_learn_the_bound_is_the_value(discount: float, rel: float) -> None:
    assert compute_revealed_bound(discount, 1e-6) == pytest.approx(
        float(solve(discount).value_function(0.0)), rel=rel
    )


def test_the_bound_falls_as_less_is_known() -> None:
    assert (np.diff(compute_revealed_bound(0.9, np.geomspace(0.01, 100, 200))) < 0).all()


def test_arrays_in_are_arrays_out() -> None:
    rho = np.array([[0.5, 3.0, 13.4], [1.0, 2.0, 40.0]])
    found = compute_revealed_bound(0.9, rho)
    assert found.shape == rho.shape
    assert found[1, 2] == pytest.approx(float(compute_revealed_bound(0.9, 40.0)), rel=1e-14)


@pytest.mark.parametrize("rho", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0]])
def test_a_rho_that_is_not_positive_is_an_error(rho: ArrayLike) -> None:
    with pytest.raises(ValueError, match=r"rho is .* above zero"):
        compute_revealed_bound(0.9, rho)


@pytest.mark.parametrize("discount", [1.0, -0.1, np.nan])
def test_a_discount_out_of_range_is_an_error(discount: float) -> None:
    with pytest.raises(ValueError, match=r"discount is .* at least 0 and below 1"):
        compute_revealed_bound(discount, 1.0)
