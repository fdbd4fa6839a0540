"""What the scenario `paper` computes of the paper's equations, beside formulas written out."""

from math import sqrt

import numpy as np
import pytest
from scipy import optimize
from scipy.signal import find_peaks
from scipy.stats import norm

from abm import Exchange
from abm.bellman import solve
from abm.numerics.arrays import Array
from scenarios.paper.theory import (
    ASKS,
    RHO,
    compare_myopic,
    count_maxima,
    count_peaks,
    evaluate_myopic,
    iterate_myopic,
    iterate_zero_profit,
    solve_in_one_pass,
)


def right_side(rho: float, discount: float, values: Array) -> float:
    """Return the Bellman equation's right side at its best depth, linear between the nodes."""

    def lose(q: float) -> float:
        s, share = sqrt(1 + rho * rho), rho * rho / (1 + rho * rho)
        tail, density = norm.sf(q), norm.pdf(q)
        hazard = density / tail
        after_trade = rho * sqrt(1 - share * hazard * (hazard - q))
        after_none = rho * sqrt(1 - 2 * share * q * density / (1 - 2 * tail))
        reward = 2 * (q * s * tail - rho * rho / s * density)
        future = np.interp([after_trade, after_none], RHO, values)
        return -float(reward + discount * (2 * tail * future[0] + (1 - 2 * tail) * future[1]))

    return -float(
        optimize.minimize_scalar(lose, (0.01, 4.0), method="bounded", bounds=(0.01, 4)).fun
    )


@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_the_single_pass_solves_its_own_equation(discount: float) -> None:
    values = solve_in_one_pass(RHO, discount)
    for node in (1, 20, 150, 300, 450, 600):
        assert values[node] == pytest.approx(right_side(RHO[node], discount, values), rel=1e-4)


def test_the_single_pass_has_the_known_values() -> None:
    values = solve_in_one_pass(RHO, 0.9)
    np.testing.assert_allclose(values[[0, 100, 300]], [3.399424, 2.480194, 1.585057], rtol=1e-4)


def test_a_coarser_single_pass_is_further_off() -> None:
    exact = solve(0.9).value_function([1.0, 2.0, 3.0])
    coarse = solve_in_one_pass(np.linspace(0.0, 3.0, 31), 0.9)[[10, 20, 30]]
    fine = solve_in_one_pass(np.linspace(0.0, 3.0, 301), 0.9)[[100, 200, 300]]
    assert (abs(fine / exact - 1) < 0.2 * abs(coarse / exact - 1)).all()


@pytest.mark.parametrize("rho", [0.25, 1.0, 3.0, 6.0])
def test_ten_iterations_are_ten_from_zero(rho: float) -> None:
    zero_profit = myopic = 0.0
    for _ in range(10):  # hazard(q) = exp(log phi(q) - log(1 - Phi(q)))
        zero_profit = (
            rho**2 / (1 + rho**2) * np.exp(norm.logpdf(zero_profit) - norm.logsf(zero_profit))
        )
        myopic = (1 + rho**2) * np.exp(norm.logsf(myopic) - norm.logpdf(myopic))
    assert iterate_zero_profit(np.array([rho])) == pytest.approx(zero_profit, rel=1e-9)
    assert iterate_myopic(np.array([rho])) == pytest.approx(myopic, rel=1e-9)


def test_ten_iterations_fall_short_of_the_spreads_at_rho_3() -> None:
    s = np.sqrt(10.0)
    assert iterate_zero_profit(np.array([3.0])) * 2 * s == pytest.approx(0.8934 * 17.267, rel=1e-4)
    assert iterate_myopic(np.array([3.0])) * 2 * s == pytest.approx(0.7626 * 19.130, rel=1e-4)


@pytest.mark.parametrize("rho", [0.0, 0.5, 3.0, 6.0])
def test_the_return_peaks_once(rho: float) -> None:
    s = sqrt(1 + rho * rho)
    returns = ASKS * s * norm.sf(ASKS) - rho * rho / s * norm.pdf(ASKS)
    peaks, _ = find_peaks(returns)
    assert count_maxima(np.array([rho])) == len(peaks) == 1
    best = ASKS[peaks[0]]  # where q hazard(q) = 1 + rho^2
    assert best * norm.pdf(best) / norm.sf(best) == pytest.approx(1 + rho * rho, rel=0.02)


def test_peaks_are_counted_in_each_row() -> None:
    rows = np.array([[0, 1, 2, 1, 0, -1], [0, 2, 1, 3, 2, 2.5], [0, 1, 2, 3, 4, 5.0]])
    assert count_peaks(rows).tolist() == [1, 2, 0]


@pytest.mark.parametrize("discount", [0.1, 0.5])
def test_the_myopic_value_is_what_the_myopic_maker_earns_where_her_belief_is_true(
    discount: float,
) -> None:
    market = Exchange("myopic", value="redrawn", prior_sd=2.0, replications=40_000, rng=5).run(40)
    profit = market.tape.makers.pivot(index="replication", columns="period", values="profit")
    earned = profit.to_numpy() @ discount ** np.arange(40.0)
    value = evaluate_myopic(solve(discount, 3.0), np.array([2.0])).item()
    assert abs(earned.mean() - value) < 4 * earned.std() / sqrt(40_000)


def test_the_myopic_maker_comes_closer_the_less_the_future_counts() -> None:
    gaps = []
    for discount in (0.5, 0.1, 0.01):
        value, spread = compare_myopic(discount)
        gaps.append([abs(row[3] / row[4] - 1).max() for row in (value, spread)])
        assert (value[3] <= value[4] * (1 + 1e-7)).all()
    assert (np.diff(gaps, axis=0) < 0).all()
    assert np.less(gaps[-1], [1e-4, 2e-3]).all()
