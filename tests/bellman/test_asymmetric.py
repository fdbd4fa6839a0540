from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr

from abm.bellman import solve
from abm.bellman.asymmetric import FreeBackup, backup, curvature, free_backup
from abm.bellman.solution import Solution
from abm.bellman.stage import stage
from abm.numerics.arrays import Array
from abm.numerics.piecewise_cubic import Mesh

DISCOUNTS = (0.0, 0.5, 0.9, 0.99)
RHO = np.concatenate(  # from near 0 to 15, dense where at 0.9 the market all but closes
    [np.linspace(0.01, 15, 151), np.linspace(13.3, 13.5, 41)]
)
each_discount = pytest.mark.parametrize("discount", DISCOUNTS)


def density(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def branch(rho: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Return probability, E[V] and rho given low < w / s < high (section 2.4)."""
    s = np.sqrt(1 + rho**2)
    ends = [np.where(np.isfinite(x), x, 0.0) * density(x) for x in (low, high)]
    mass = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    mean = (density(low) - density(high)) / mass
    square = 1 + (ends[0] - ends[1]) / mass
    gone = rho**2 / s**2 * (1 - square + mean**2)
    return mass, rho**2 / s * mean, rho * np.sqrt(np.maximum(1 - gone, 0.0))


class Period:
    """One period of bid and ask depths, from the formulas: reward, probabilities, successors."""

    def __init__(self, rho: Array, bid_depth: Array, ask_depth: Array) -> None:
        rho, low, high = np.broadcast_arrays(rho, -bid_depth, ask_depth)
        s, end = np.sqrt(1 + rho**2), np.full_like(rho, np.inf)
        buy, sell, none = (branch(rho, *ends) for ends in [(high, end), (-end, low), (low, high)])
        self.reward = buy[0] * (high * s - buy[1]) + sell[0] * (sell[1] - low * s)
        self.next = [(one[0], np.minimum(one[2], rho)) for one in (buy, sell, none)]

    def backup(self, value: Callable[[Array], Array], discount: float) -> Array:
        return self.reward + discount * sum(p * value(rho) for p, rho in self.next)


@cache
def free_step(discount: float) -> FreeBackup:
    """Return one step of the free equation at RHO."""
    return free_backup(solve(discount), RHO)


def open_market(solution: Solution, rho: Array) -> Array:
    return rho[solution.value_function(rho) > 1e-6 * solution.value_function(0.0)]


def made_up(value: Array) -> Solution:
    """Return a 'solution' with these values on even nodes from 0 to 6, which solves nothing."""
    mesh = Mesh(np.linspace(0, 6, len(value)))
    return replace(
        solve(0.9), rho_max=6.0, residual=np.inf, value_by_rho=mesh.cubic(value),
        depth=mesh.cubic(np.ones_like(value)),
    )  # fmt: skip


@each_discount
def test_the_symmetric_value_solves_the_equation_with_both_depths_free(discount: float) -> None:
    found = free_step(discount)
    assert found.converged
    assert found.residual <= 2e-8


@each_discount
def test_no_quote_is_better_than_the_symmetric_one(discount: float) -> None:
    solution = solve(discount)
    gain = free_step(discount).gain
    rounding = 1e-14 * float(solution.value_function(0.0))
    assert abs(gain).max() <= max(rounding, 2e-14)


@each_discount
def test_the_best_of_all_quotes_is_the_symmetric_one(discount: float) -> None:
    solution, found = solve(discount), free_step(discount)
    traded = np.isin(RHO, open_market(solution, RHO))
    assert abs(found.skew[traded]).max() < 2e-6
    symmetric = solution.half_spread(RHO) / np.sqrt(1 + RHO * RHO)
    traded &= abs(RHO - 13.42) > 0.05  # there the depth jumps, and the interpolated one is off
    for depth in (found.depth - found.skew, found.depth + found.skew):
        np.testing.assert_allclose(depth[traded], symmetric[traded], atol=1e-4)


@pytest.mark.parametrize("discount", [0.1, 0.5, 0.9, 0.99, 0.999])
def test_a_small_skew_loses_0_74_to_1_5_times_what_a_wrong_depth_loses(discount: float) -> None:
    solution = solve(discount)
    by_depth, by_skew = curvature(solution, open_market(solution, RHO))
    assert (by_depth < 0).all()
    assert (by_skew < 0).all()
    assert 0.74 < (by_skew / by_depth).min() < 1.0
    assert (by_skew / by_depth).max() < 1.5


@pytest.mark.parametrize(("rho", "share"), [(0.5, -0.01), (3.0, 0.23), (10.0, 0.59), (13.4, 0.84)])
def test_what_a_skew_reveals_repays_only_a_part_of_the_profit_it_forgoes(
    rho: float, share: float
) -> None:
    solution, state = solve(0.9), np.array(rho)
    depth = solution.half_spread(rho) / np.sqrt(1 + rho * rho)
    even, skewed = (Period(state, depth - skew, depth + skew) for skew in (0.0, 0.05))
    forgone = even.reward - skewed.reward
    loss = even.backup(solution.value_function, 0.9) - skewed.backup(solution.value_function, 0.9)
    assert forgone > 0
    assert float(1 - loss / forgone) == pytest.approx(share, abs=0.01)


@each_discount
def test_quotes_drawn_at_random_do_no_better_by_the_formulas(discount: float) -> None:
    """One-sided quotes and quotes on one side of the mean are among them."""
    solution, rng = solve(discount), np.random.default_rng(3)
    rho = rng.uniform(0.05, 15, 30)[:, np.newaxis]
    bid_depth = rng.uniform(-4, 8, (30, 2000))
    ask_depth = rng.uniform(np.maximum(-bid_depth + 0.1, -4), 8)
    ask_depth[:, ::5] = 9.0  # as good as declined
    period = Period(rho, bid_depth, ask_depth)
    drawn = period.backup(solution.value_function, discount).max(axis=1)
    best = free_backup(solution, rho[:, 0])
    assert (drawn <= best.value + 1e-9).all()
    assert (drawn > best.value - 0.05).sum() > 20


def test_worth_agrees_with_the_formulas_at_any_bid_and_ask() -> None:
    solution, rng = solve(0.9), np.random.default_rng(4)
    rho = rng.uniform(0.1, 14, 5000)
    bid_depth = rng.uniform(-3, 5, 5000)
    ask_depth = rng.uniform(np.maximum(-bid_depth + 0.3, -3), 6)
    period = Period(rho, bid_depth, ask_depth)
    expected = period.backup(solution.value_function, 0.9)
    found = backup(solution, rho, 0.5 * (ask_depth + bid_depth), 0.5 * (ask_depth - bid_depth))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


def test_worth_without_skew_is_the_symmetric_right_side() -> None:
    solution, rho, depth = solve(0.9), np.linspace(0.1, 15, 200), np.linspace(0.05, 7, 200)
    one = stage(rho, depth)
    later = sum(
        p * solution.value_function(to)
        for p, to in zip(one.probability, one.successor, strict=True)
    )
    found = backup(solution, rho, depth, np.zeros_like(rho))
    np.testing.assert_allclose(found, one.profit + 0.9 * later, rtol=0, atol=1e-13)


def test_the_mirror_image_of_a_quote_is_worth_the_same() -> None:
    rho, depth, skew = np.random.default_rng(5).uniform(0.1, 4, (3, 500))
    left, right = (backup(solve(0.9), rho, depth, by) for by in (-skew, skew))
    np.testing.assert_allclose(left, right, rtol=0, atol=1e-13)


def test_worth_is_what_simulated_traders_bring() -> None:
    """V drawn from the belief, one period, W from there on; in standard errors."""
    solution, rng = solve(0.9), np.random.default_rng(6)
    rho, bid, ask = 1.4, -1.0, 2.5
    s = np.sqrt(1 + rho * rho)
    value = rho * rng.standard_normal(400_000)
    valuation = value + rng.standard_normal(400_000)
    buys, sells = valuation > ask, valuation < bid
    brought = np.where(buys, ask - value, np.where(sells, value - bid, 0.0))
    for side in (buys, sells, ~(buys | sells)):
        brought[side] += 0.9 * solution.value_function(value[side].std())
    expected = backup(solution, np.array(rho), np.array(1.75 / s), np.array(0.75 / s))
    error = brought.std() / np.sqrt(len(brought))
    assert abs(brought.mean() - expected) < 4 * error
    assert solution.value_function(rho) - expected > 10 * error


def test_a_one_sided_quote_is_found_where_it_is_the_best() -> None:
    """If all she wants is to know on which side of her mean V is, one price there tells her.

    A bid and an ask at the mean would tell her the same and lose twice as much.
    """
    halved = 3 * np.sqrt(1 - 0.9 * 2 / np.pi)  # rho after one threshold at the mean, from rho = 3
    wanted = 3 * np.exp(-(((np.linspace(0, 6, 2401) - halved) / 0.1) ** 2))
    found = free_backup(made_up(wanted), 3.0)
    loss = 9 / np.sqrt(10) / np.sqrt(2 * np.pi)
    assert float(found.value) == pytest.approx(0.9 * 3 - loss, abs=0.05)
    assert found.gain > 0.9 * loss
    assert abs(found.depth - found.skew) < 0.1  # the bid is at the mean
    assert found.depth + found.skew > 6  # and the ask as good as declined
    assert not found.converged


def value_iteration(rho: Array, discount: float, bid_depth: Array, ask_depth: Array) -> Array:
    """Return W on these nodes by value iteration over the given quotes, from W = 0."""
    period = Period(rho[:, np.newaxis], bid_depth, ask_depth)
    value, change = np.zeros_like(rho), np.inf
    while change > 1e-7:
        new = period.backup(PchipInterpolator(rho, value), discount).max(axis=1)
        value, change = new, abs(new - value).max()
    return value


def test_value_iteration_over_free_quotes_finds_the_symmetric_value() -> None:
    """From nothing but the formulas, on a fixed grid whose quotes are 0.1 apart."""
    rho = 0.1 * np.sinh(np.linspace(0, np.arcsinh(50), 61))
    bid_depth, ask_depth = (x.ravel() for x in np.meshgrid(*2 * [np.arange(-0.5, 3.55, 0.1)]))
    kept = ask_depth + bid_depth > 0.05
    free = value_iteration(rho, 0.5, bid_depth[kept], ask_depth[kept])
    symmetric = value_iteration(rho, 0.5, *2 * [np.unique(ask_depth[ask_depth > 0.05])])
    step = free - symmetric  # the quotes (0.8, 0.9) lie between the symmetric ones
    assert step.min() >= -1e-6
    assert step.max() < 0.002
    np.testing.assert_allclose(free, solve(0.5).value_function(rho), rtol=0, atol=0.002)


def test_a_value_that_is_wrong_has_not_converged() -> None:
    right = solve(0.9)
    mesh = Mesh(np.linspace(0, 5, 501))
    value = mesh.cubic(right.value_function(mesh.nodes) * 1.0001)
    wrong = replace(right, rho_max=5.0, value_by_rho=value)
    found = free_backup(wrong, np.linspace(0.5, 4.5, 9))
    assert not found.converged
    assert 1e-6 < found.residual < 1e-4


def test_arrays_in_are_arrays_out() -> None:
    rho = np.array([0.5, 3.0, 13.4])
    found = free_backup(solve(0.9), rho)
    for i, one in enumerate(rho):
        alone = free_backup(solve(0.9), one)
        assert np.shape(alone.value) == ()
        assert float(alone.value) == pytest.approx(found.value[i], abs=1e-14)
        assert float(alone.depth) == pytest.approx(found.depth[i], abs=1e-6)


@pytest.mark.parametrize("rho", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0]])
@pytest.mark.parametrize("function", [free_backup, curvature])
def test_a_rho_that_is_not_positive_is_an_error(
    function: Callable[[Solution, ArrayLike], object], rho: ArrayLike
) -> None:
    with pytest.raises(ValueError, match=r"rho is .* above zero"):
        function(solve(0.9), rho)


def test_a_rho_past_the_solution_is_an_error() -> None:
    with pytest.raises(ValueError, match="holds from 0 to 50"):
        free_backup(solve(0.9), 50.1)
