from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import erf, erfcx, log_ndtr

from abm.bellman import Problem, solve
from abm.bellman import solver as bellman
from abm.bellman.search import NotConvergedError, Search
from abm.bellman.solution import Solution
from abm.numerics.arrays import Array
from abm.one_period.depths import zero_profit_depth

DISCOUNTS = (0.0, 0.5, 0.9, 0.97, 0.99, 0.999)
each_discount = pytest.mark.parametrize("discount", DISCOUNTS)


class Branches(NamedTuple):
    """Reward, and each branch's probability and next rho, as PAPER.md sections 3 and 4 say."""

    reward: Array
    trade: Array
    rho_trade: Array
    rho_none: Array


def branches(rho: Array, q: Array) -> Branches:
    s = np.sqrt(1 + rho**2)
    k = rho**2 / s**2
    density = np.exp(-(q**2) / 2) / np.sqrt(2 * np.pi)
    hazard = np.sqrt(2 / np.pi) / erfcx(q / np.sqrt(2))
    tail = np.exp(log_ndtr(-q))
    within = erf(q / np.sqrt(2))
    return Branches(
        2 * (q * s * tail - rho**2 / s * density),
        2 * tail,
        rho * np.sqrt(1 - k * hazard * (hazard - q)),
        rho * np.sqrt(1 - 2 * k * q * density / within),
    )


def worth(solution: Solution, rho: Array, q: Array) -> Array:
    """Return the Bellman equation's right side for each rho and depth."""
    one = branches(rho, q)
    later = one.trade * solution.value_function(one.rho_trade)
    later += (1 - one.trade) * solution.value_function(one.rho_none)
    return one.reward + solution.discount * later


def best_worth(solution: Solution, rho: Array) -> Array:
    """Return the right side's maximum over q: a dense scan, then three ever finer ones."""
    column = rho[:, np.newaxis]
    q = np.concatenate([np.linspace(0.02, 9, 450), np.linspace(9.1, 60, 200)])
    q, width = np.broadcast_to(q, (len(rho), len(q))), np.full((len(rho), 1), 0.03)
    rows = np.arange(len(rho))
    for _ in range(4):
        found = worth(solution, column, q)
        centre = q[rows, found.argmax(axis=1)][:, np.newaxis]
        q = np.maximum(centre + width * np.linspace(-1, 1, 31), 1e-6)
        width = width / 12
    return found.max(axis=1)


def edge(solution: Solution, share: float = 1e-6) -> float:
    """Return the rho past which W is below this share of W(0), or rho_max if there is none."""
    w0 = float(solution.value_function(0.0))

    def above(rho: float) -> float:
        return float(solution.value_function(rho)) - share * w0

    if above(solution.rho_max) > 0:
        return solution.rho_max
    return float(brentq(above, 0.0, solution.rho_max))


def bound(solution: Solution) -> float:
    """Return how large a residual may be so that W is right to 1e-7 of W(0)."""
    return 1e-7 * (1 - solution.discount) * float(solution.value_function(0.0))


def off_nodes(solution: Solution) -> Array:
    """Return some 3,000 rhos from 0 to rho_max, half of them where the market closes."""
    rng = np.random.default_rng(7)
    near = 0.1 * np.sinh(rng.uniform(0, np.arcsinh(solution.rho_max / 0.1), 1200))
    away = np.where(rng.random(500) < 0.5, -1, 1) * 10 ** rng.uniform(-7, -0.6, 500)
    rim = np.concatenate([edge(solution, share) + away for share in (1e-3, 1e-6, 1e-9)])
    rho = np.concatenate([near, rim, rng.uniform(0, solution.rho_max, 300)])
    rho = np.sort(rho[rho < solution.rho_max])
    assert not np.isin(rho, solution.value_by_rho.mesh.nodes).any()
    return rho


@pytest.mark.parametrize(("rho", "value"), [(0, 3.399424), (1, 2.480194), (3, 1.585057)])
def test_values_at_the_papers_discount(rho: float, value: float) -> None:
    """PAPER.md, section 4, check values; W(3) is the theory curve of Fig. 3a at sigma = 3."""
    assert float(solve(0.9).value_function(rho)) == pytest.approx(value, abs=5e-7)


def test_the_full_spread_at_rho_3() -> None:
    """PAPER.md, section 4, check values; Fig. 3b at rho = 3."""
    assert 2 * float(solve(0.9).half_spread(3.0)) == pytest.approx(9.083, abs=5e-4)


def test_the_monopolist_is_the_tighter_one_past_rho_1_54() -> None:
    """PAPER.md, section 4, check values; the crossing in Fig. 3b."""
    optimal = solve(0.9)

    def wider(rho: float) -> float:
        competitive = float(zero_profit_depth(rho)) * np.sqrt(1 + rho * rho)
        return float(optimal.half_spread(rho)) - competitive

    assert wider(1.0) > 0 > wider(3.0)
    assert brentq(wider, 1.0, 3.0) == pytest.approx(1.54424, abs=5e-6)


@each_discount
def test_the_value_at_rho_0_is_that_of_the_known_value_for_ever(discount: float) -> None:
    with mpmath.workdps(30):
        q = mpmath.findroot(lambda x: mpmath.ncdf(-x) - x * mpmath.npdf(x), 0.75)
        exact = float(2 * q * mpmath.ncdf(-q) / (1 - mpmath.mpf(discount)))
    assert float(solve(discount).value_function(0.0)) == pytest.approx(exact, rel=1e-8)


@each_discount
def test_the_value_function_solves_the_bellman_equation_off_its_nodes(discount: float) -> None:
    """The operator contracts by the discount, so this bounds the error of W by 1e-7 W(0)."""
    solution = solve(discount)
    rho = off_nodes(solution)
    error = best_worth(solution, rho) - solution.value_function(rho)
    assert abs(error).max() <= bound(solution)


@each_discount
def test_no_depth_beats_the_scan_of_the_certificate(discount: float) -> None:
    solution = solve(discount)
    rho = off_nodes(solution)[::60]
    scanned = best_worth(solution, rho)
    for x, found in zip(rho, scanned, strict=True):
        one = np.array(x)
        best = max(
            -minimize_scalar(
                lambda q, one=one: -float(worth(solution, one, np.array(q))),
                bounds=bounds,
                method="bounded",
                options={"xatol": 1e-10},
            ).fun
            for bounds in [(0.05, 2.0), (1.0, 5.0), (3.0, 12.0)]
        )
        assert best <= found + 1e-9 * float(solution.value_function(0.0)) * (1 - discount)


@each_discount
def test_the_residual_reported_is_the_one_between_nodes(discount: float) -> None:
    solution = solve(discount)
    nodes = solution.value_by_rho.mesh.nodes
    width = np.diff(nodes)
    between = np.concatenate([nodes[:-1] + share * width for share in (0.25, 0.5, 0.75)])
    errors = [
        abs(best_worth(solution, rho) - solution.value_function(rho)).max()
        for rho in (between, nodes)
    ]
    rounding = 1e-13 * float(solution.value_function(0.0))
    assert solution.residual == pytest.approx(errors[0], rel=0.01, abs=rounding)
    assert errors[1] < 0.2 * errors[0]


@each_discount
def test_the_solution_says_that_it_converged(discount: float) -> None:
    solution = solve(discount)
    assert solution.converged
    assert 0 < solution.residual <= 1e-8
    assert 2 <= solution.iterations < 50


def test_a_solution_with_a_large_residual_has_not_converged() -> None:
    assert not replace(solve(0.9), residual=1e-6).converged


@pytest.mark.full
@pytest.mark.parametrize(
    ("discount", "rho_max"),
    [(0.8, 100), (0.93, 100), (0.95, 100), (0.96, 100), (0.97, 100), (0.99, 500)],
)
def test_longer_ranges_reach_the_edge_at_other_discounts(discount: float, rho_max: float) -> None:
    solution = solve(discount, rho_max)
    assert edge(solution) < rho_max
    assert solution.residual <= 1e-8
    rho = off_nodes(solution)[::3]
    error = best_worth(solution, rho) - solution.value_function(rho)
    assert abs(error).max() <= bound(solution)


@pytest.mark.parametrize(
    ("discount", "rho_max"),
    [(0.9513927961018135, 55.01512188813092), (0.9544502426381434, 100.0)],
)
def test_what_is_returned_has_converged(discount: float, rho_max: float) -> None:
    """Found by a random search: every cell is fine in its middle, one is not at its quarters."""
    solution = solve(discount, rho_max)
    assert solution.converged
    rho = off_nodes(solution)
    error = best_worth(solution, rho) - solution.value_function(rho)
    assert abs(error).max() <= bound(solution)


@pytest.fixture
def much_finer(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Solution]:
    """Solve anew from 17 times as many nodes to a 20th of the tolerance, past the cache."""
    monkeypatch.setattr(Problem, "error", 1.5e-9)
    monkeypatch.setattr(Search, "first_nodes", 2000)
    return lambda discount: bellman._solve(Problem(discount), bellman.RHO_MAX, "profit", None, {})


@pytest.mark.full
@each_discount
def test_half_spread_and_value_agree_with_a_much_finer_solution(
    much_finer: Callable[[float], Solution], discount: float
) -> None:
    solution, fine = solve(discount), much_finer(discount)
    rho = np.linspace(0, edge(solution, 1e-3), 20_011)
    np.testing.assert_allclose(solution.half_spread(rho), fine.half_spread(rho), rtol=1e-5)
    w0 = float(fine.value_function(0.0))
    rho = np.linspace(0, 50, 20_011)
    difference = solution.value_function(rho) - fine.value_function(rho)
    assert abs(difference).max() <= 1e-7 * w0


@each_discount
def test_one_step_by_the_policy_loses_next_to_nothing(discount: float) -> None:
    solution = solve(discount)
    rho = off_nodes(solution)
    followed = worth(solution, rho, solution.half_spread(rho) / np.sqrt(1 + rho * rho))
    loss = best_worth(solution, rho) - followed
    assert loss.max() < 1e-9 * float(solution.value_function(0.0))


@each_discount
def test_half_spread_is_finite_and_rises_throughout(discount: float) -> None:
    solution = solve(discount)
    rim = edge(solution)
    grids = [np.linspace(0, 50, 50_001), np.linspace(rim - 0.1, min(rim + 0.1, 50), 20_001)]
    for rho in grids:
        half_spread = solution.half_spread(rho)
        assert np.isfinite(half_spread).all()
        assert (np.diff(half_spread) > 0).all()


@each_discount
def test_the_value_falls_in_rho_and_is_never_negative(discount: float) -> None:
    solution = solve(discount)
    value = solution.value_function(np.linspace(0, 50, 50_001))
    assert (value >= 0).all()
    assert np.diff(value).max() <= 3e-8 * value[0]
    assert (np.diff(value[value > 1e-3 * value[0]]) < 0).all()


def test_patience_makes_the_monopolist_tighter_and_richer() -> None:
    rho = np.linspace(0.5, 5, 10)
    patient = [solve(discount) for discount in DISCOUNTS]
    assert (np.diff([one.half_spread(rho) for one in patient], axis=0) < 0).all()
    assert (np.diff([one.value_function(rho) for one in patient], axis=0) > 0).all()


def test_without_a_future_the_monopolist_is_myopic() -> None:
    solution = solve(0.0)
    rho = np.linspace(0, 50, 301)
    s = np.sqrt(1 + rho**2)

    def slope(q: float, one: float) -> float:
        return float(q * np.sqrt(2 / np.pi) / erfcx(q / np.sqrt(2)) - 1 - one**2)

    depth = np.array([brentq(slope, 0.1, 60, args=(one,), xtol=1e-13) for one in rho])
    np.testing.assert_allclose(solution.half_spread(rho), depth * s, rtol=1e-6)
    np.testing.assert_allclose(
        solution.value_function(rho), branches(rho, depth).reward, atol=1e-6, rtol=0
    )


def ascending_pass(rho: Array, discount: float) -> Array:
    """Solve as the paper does (section 2.5): upwards once, linear between computed points.

    Where a next state lies in the last cell, W(rho') = (1 - share) W[i - 1] + share W[i], and
    the equation of each depth is solved for W[i] before the best depth is taken.
    """
    value = np.zeros_like(rho)
    at_zero = np.linspace(0.01, 3, 100_000)
    value[0] = branches(np.array(0.0), at_zero).reward.max() / (1 - discount)
    for i in range(1, len(rho)):
        q = np.linspace(0.05, 5, 100)
        for step in (2e-3, 8e-5, 3.2e-6):
            one = branches(rho[i], q)
            known, share = one.reward, 0.0
            for weight, state in [(one.trade, one.rho_trade), (1 - one.trade, one.rho_none)]:
                in_last = np.maximum((state - rho[i - 1]) / (rho[i] - rho[i - 1]), 0)
                below = np.interp(state, rho[:i], value[:i])
                known = known + discount * weight * (1 - in_last) * below
                share = share + discount * weight * in_last
            worth_of_depth = known / (1 - share)
            q = np.abs(q[worth_of_depth.argmax()] + step * np.arange(-25, 26))
        value[i] = worth_of_depth.max()
    return value


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.97])
def test_the_papers_single_ascending_pass_gives_the_same_value(discount: float) -> None:
    """Section 2.5. Halving the cells quarters the error of linear interpolation.

    It does so more slowly below rho = 1, where one trade hardly moves rho past a whole cell.
    """
    solution = solve(discount)
    everywhere, converged = [], []
    for cells in (2000, 4000):
        rho = np.linspace(0, 4, cells + 1)
        error = abs(ascending_pass(rho, discount) - solution.value_function(rho))
        everywhere.append(error.max())
        converged.append(error[rho >= 1].max())
    w0 = float(solution.value_function(0.0))
    assert everywhere[1] < 4e-6 * w0
    assert everywhere[0] > 2 * everywhere[1]
    assert converged[1] < 2e-7 * w0
    assert converged[0] / converged[1] == pytest.approx(4, abs=0.6)


def test_a_longer_range_gives_the_same_solution() -> None:
    solution, longer = solve(0.9), solve(0.9, rho_max=200)
    rho = np.linspace(0, 50, 5001)
    np.testing.assert_allclose(
        longer.value_function(rho), solution.value_function(rho), rtol=0, atol=1e-7
    )
    traded = np.linspace(0, edge(solution, 1e-3), 5001)
    np.testing.assert_allclose(longer.half_spread(traded), solution.half_spread(traded), rtol=2e-5)
    assert np.isfinite(longer.half_spread(200.0))


def test_a_short_range_gives_the_same_solution() -> None:
    rho = np.linspace(0, 0.5, 101)
    short = solve(0.9, rho_max=0.5)
    np.testing.assert_allclose(
        short.value_function(rho), solve(0.9).value_function(rho), rtol=0, atol=1e-7
    )


def test_a_problem_is_solved_once_and_kept() -> None:
    assert solve(0.9) is solve(0.9, rho_max=50)
    assert solve(0.9) is not solve(0.5)


def test_arrays_in_are_arrays_out() -> None:
    rho = np.array([[0.0, 1.0, 3.0], [1.54, 13.4, 50.0]])
    for function in (solve(0.9).value_function, solve(0.9).half_spread):
        found = function(rho)
        assert found.shape == (2, 3)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found[1], [float(function(one)) for one in rho[1]])


@pytest.mark.parametrize("rho", [3, 3.0, np.float64(3)])
def test_a_scalar_is_an_array_without_axes(rho: float) -> None:
    assert solve(0.9).value_function(rho).shape == ()
    assert solve(0.9).half_spread(rho).shape == ()


@pytest.mark.parametrize("rho", [50.1, -0.1, np.nan, np.inf, [1.0, 51.0]])
@pytest.mark.parametrize("of", ["value_function", "half_spread"])
def test_a_rho_that_was_not_solved_for_is_an_error(of: str, rho: float) -> None:
    with pytest.raises(ValueError, match=r"rho is .* from 0 to 50: call solve\(discount=0\.9, rho"):
        getattr(solve(0.9), of)(rho)


@pytest.mark.parametrize("discount", [1.0, -0.1, np.nan, np.inf])
def test_a_discount_outside_its_range_is_an_error(discount: float) -> None:
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        solve(discount)


@pytest.mark.parametrize("rho_max", [0.0, -1.0, np.nan, np.inf])
def test_a_range_that_is_not_positive_is_an_error(rho_max: float) -> None:
    with pytest.raises(ValueError, match=r"rho_max is .* above zero"):
        solve(0.9, rho_max=rho_max)


def test_too_few_iterations_are_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Search, "most_iterations", 2)
    says = (
        r"discount 0\.77 has not converged after 2 steps or at 20000 nodes: its nodes are off by "
        r"\d\.\de-\d\d, but must be by at most \de-\d\d, and \d+ of \d+ cells are too "
        r"coarse, but none must be: lower"
    )
    with pytest.raises(NotConvergedError, match=says):
        solve(0.77)
    monkeypatch.undo()
    assert solve(0.77).converged
