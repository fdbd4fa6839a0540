"""Sequential problems beyond the paper's, against values that were derived elsewhere.

Those values come from code that shares nothing with this project, on two grids that agree to 2e-8.
"""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from abm import Exchange, Optimal
from abm.bellman import Problem, backup, evaluate, solve
from abm.bellman.problem import PAPER
from abm.bellman.stage import _stage_of_likelihood, stage
from abm.market.values import Jumps
from abm.numerics.arrays import Array
from abm.one_period.depths import myopic_depth
from abm.traders import AdaptiveTrader, NoisyTrader, UninformedTrader


def elastic(share: float, reach: float) -> list[Any]:
    return [NoisyTrader, partial(UninformedTrader, share=share, reach=reach)]


def adaptive(weight: float, need_sd: float) -> Any:
    return partial(AdaptiveTrader, weight=weight, need_sd=need_sd)


PROBLEMS = {
    "uninformed .3 within 3": Problem(traders=elastic(0.3, 3.0)),
    "uninformed .1 within 3": Problem(traders=elastic(0.1, 3.0)),
    "uninformed .3 within 6": Problem(traders=elastic(0.3, 6.0)),
    "small jumps": Problem(value=Jumps(1.0, probability=0.05)),
    "large jumps": Problem(value=Jumps(3.0, probability=0.01)),
    "learners 1, 2": Problem(traders=adaptive(1.0, 2.0)),
    "learners 1, 1": Problem(traders=adaptive(1.0, 1.0)),
    "learners 1, .5": Problem(traders=adaptive(1.0, 0.5)),
    "learners .5, .5": Problem(traders=adaptive(0.5, 0.5)),
    "learners .5, 0": Problem(traders=adaptive(0.5, 0.0)),
}
VALUES: dict[str, tuple[list[float], list[float], float]] = {
    "uninformed .3 within 3": (
        [0, 0.5, 1, 3, 5], [4.447336, 4.242455, 3.999158, 3.021628, 2.094262], 1e-6,
    ),
    "uninformed .1 within 3": ([1, 3], [2.857718, 1.899977], 1e-6),
    "uninformed .3 within 6": ([0, 1, 3], [6.11917, 6.14258, 5.94986], 6e-6),
    "small jumps": ([0, 1, 3, 5], [2.644164, 2.068817, 1.281110, 0.800810], 1e-6),
    "large jumps": ([0, 1, 3, 5], [2.341273, 1.857583, 1.124381, 0.673235], 1e-6),
    "learners 1, 2": ([0.5, 1, 3, 5], [6.695284, 6.101709, 4.336327, 3.448758], 1e-6),
    "learners 1, 1": ([0.5, 1, 3, 5], [3.212191, 2.569986, 1.468646, 0.934668], 1e-6),
    "learners 1, .5": ([0.5, 1, 3, 5], [1.412525, 0.907196, 0.280157, 0.034140], 1e-6),
    "learners .5, .5": ([0.5, 1, 3, 5], [1.463815, 1.147149, 0.557366, 0.229731], 1e-6),
    "learners .5, 0": ([0, 0.5, 1, 3], [0, 0.130757, 0.141596, 0.003065], 1e-6),
}  # fmt: skip
HALF_SPREADS: dict[str, tuple[list[float], list[float]]] = {
    "uninformed .3 within 3": ([1, 3], [1.8283, 3.7921]),
    "small jumps": ([3], [4.7403]),
    "learners 1, 2": ([0.5, 1, 3, 5], [1.5260, 1.7208, 4.0130, 7.1815]),
    "learners 1, 1": ([0.5, 1, 3, 5], [0.7964, 1.1561, 4.3602, 8.6813]),
    "learners 1, .5": ([0.5, 1, 3, 5], [0.4634, 1.0480, 5.5709, 13.035]),
    "learners .5, .5": ([0.5, 1, 3, 5], [0.5473, 1.2510, 5.2776, 10.7611]),
    "learners .5, 0": ([0.5, 1, 3], [0.5336, 1.6472, 9.2651]),
}
each_problem = pytest.mark.parametrize("name", PROBLEMS)


@each_problem
def test_the_value_is_as_derived_elsewhere(name: str) -> None:
    rho, expected, error = VALUES[name]
    assert_allclose(solve(PROBLEMS[name]).value_function(rho), expected, atol=error, rtol=0)


@pytest.mark.parametrize("name", HALF_SPREADS)
def test_the_half_spread_is_as_derived_elsewhere(name: str) -> None:
    rho, expected = HALF_SPREADS[name]
    assert_allclose(solve(PROBLEMS[name]).half_spread(rho), expected, rtol=1.2e-4)


@each_problem
def test_the_solution_solves_its_equation_off_the_nodes_and_no_depth_is_better(name: str) -> None:
    problem = PROBLEMS[name]
    solution = solve(problem)
    assert solution.converged
    assert (solution.exempt > 9.0).all()  # far out, where W is a millionth of its largest
    rho = np.random.default_rng(4).uniform(0, 12, 150)
    followed = solution.quote(rho) / problem.find_scale(rho)
    followed = backup(problem, solution.value_function, rho, followed)
    depths = np.linspace(0, 9, 700)
    best = backup(problem, solution.value_function, rho[:, np.newaxis], depths).max(axis=1)
    value = solution.value_by_rho(rho)
    largest = solution.value_function(np.linspace(0, 12, 200)).max()
    assert np.abs(followed - value).max() < 2e-8 * largest
    assert (best - value).max() < 2e-8 * largest


@pytest.mark.parametrize("need_sd", [0.7, 2.0])
def test_without_weight_learners_are_the_papers_traders_rescaled(need_sd: float) -> None:
    unit = np.hypot(1.0, need_sd)
    rho = np.array([0.0, 0.4, 1.0, 3.0, 6.0])
    learners, paper = solve(Problem(traders=adaptive(0.0, need_sd))), solve(0.9)
    for of in ("value_function", "half_spread"):
        expected = unit * getattr(paper, of)(rho / unit)
        assert_allclose(getattr(learners, of)(rho), expected, rtol=2e-6)


@pytest.mark.parametrize("need_sd", [0.5, 1.0, 2.0])
def test_learners_pay_for_their_needs_where_the_value_is_known(need_sd: float) -> None:
    value = solve(Problem(traders=adaptive(1.0, need_sd))).value_function(0.0)
    assert float(value) == pytest.approx(3.399424 * need_sd, rel=3e-7)


def test_the_value_may_rise_with_what_is_not_known() -> None:
    solution = solve(PROBLEMS["uninformed .3 within 6"])
    low, high = solution.value_function([0.0, 1.0])
    assert high > low
    depth = solution.depth(np.array([0.0, 0.5, 1.0, 2.0, 3.0, 5.0]))
    assert_allclose(depth, [4.51, 4.02, 3.10, 2.03, 1.62, 1.33], atol=6e-3)


FULL_SPREADS: dict[tuple[float, float], list[float]] = {
    (3, 0.9): [19.130, 18.316, 17.192, 15.71, 11.209, 9.81, 9.365, 9.227, 9.097],
    (4, 0.9): [33.085, 32.126, 30.744, 29.042, 27.240, 25.470, 13.67, 13.30, 13.04],
    (5, 0.9): [51.06, 49.738, 47.793, 45.35, 42.76, 40.27, 35.92, 17.97, 17.434],
    (3, 1.0): [19.130, 18.231, 16.869, 14.835, 9.462, 8.776, 8.358, 8.188, 7.937],
}
PERIODS = [1, 2, 3, 4, 5, 6, 8, 10, 20]


@pytest.mark.parametrize(("rho", "discount"), FULL_SPREADS)
def test_a_monopoly_that_ends_quotes_as_derived_elsewhere(rho: float, discount: float) -> None:
    solutions = [solve(Problem(discount, horizon=periods)) for periods in PERIODS]
    assert all(solution.converged for solution in solutions)
    spreads = [2 * float(solution.half_spread(rho)) for solution in solutions]
    assert_allclose(spreads, FULL_SPREADS[rho, discount], atol=5.1e-3)


@pytest.mark.parametrize(
    ("rho", "values"),
    [
        (1.0, [0.115958, 0.422101, 0.897156, 1.403997, 2.090482]),
        (3.0, [0.000388, 0.002185, 0.106548, 0.538475, 1.198673]),
    ],
)
def test_a_monopoly_that_ends_is_worth_as_derived_elsewhere(rho: float, values: Any) -> None:
    found = [solve(Problem(horizon=n)).value_function(rho).item() for n in (1, 3, 6, 10, 20)]
    assert_allclose(found, values, atol=6e-7, rtol=0)


def test_a_long_horizon_is_none_and_a_horizon_of_1_is_myopic() -> None:
    rho = np.array([0.0, 0.5, 1.0, 3.0, 8.0])
    first, last = solve(Problem(0.5, horizon=1)), solve(Problem(0.5, horizon=28))
    assert_allclose(first.half_spread(rho), myopic_depth(rho) * np.hypot(1, rho), rtol=2e-6)
    assert_allclose(last.value_function(rho), solve(0.5).value_function(rho), atol=1e-7)


def test_what_follows_a_horizon_counts() -> None:
    """With the endless problem's W to follow, any horizon is the endless problem."""
    endless, rho = solve(0.9), np.array([0.2, 1.0, 3.0, 7.0])
    horizon = solve(Problem(0.9, horizon=3, terminal=endless.value_function))
    assert_allclose(horizon.value_function(rho), endless.value_function(rho), atol=3e-7)
    assert_allclose(horizon.half_spread(rho), endless.half_spread(rho), rtol=1e-5)


def test_where_the_best_depth_jumps_nothing_is_interpolated() -> None:
    solution = solve(Problem(0.9, horizon=6))
    rho = np.linspace(3.0, 4.0, 200_001)
    depth = solution.depth(rho)
    jump = np.abs(np.diff(depth)).argmax()
    assert np.abs(np.diff(depth))[jump] > 0.3
    both = rho[jump], rho[jump + 1]
    follows = solve(Problem(0.9, horizon=5)).value_function
    worth = [backup(PAPER, follows, np.full(2, here), depth[[jump, jump + 1]]) for here in both]
    assert np.ptp(worth[0]) < 1e-5  # the two depths are about as good, and nothing between is
    between = backup(PAPER, follows, np.array(both[0]), depth[[jump, jump + 1]].mean())
    assert worth[0].min() - float(between) > 1e-4


def test_announced_jumps_are_worth_more_than_those_that_nobody_is_told_of() -> None:
    told, silent = (
        solve(Problem(value=Jumps(2.0, probability=0.1, announced=announced)))
        for announced in (True, False)
    )
    rho = np.array([0.5, 1.0, 3.0])
    assert (told.value_function(rho) > silent.value_function(rho)).all()


@pytest.mark.parametrize("name", ["uninformed .3 within 3", "learners .5, .5"])
def test_closed_forms_are_what_the_likelihoods_say(name: str) -> None:
    problem = PROBLEMS[name]
    rho, depth = np.random.default_rng(3).uniform([0.01], [[9.0], [7.0]], (2, 400))
    closed = stage(rho, depth, problem)
    shown = _stage_of_likelihood(rho, depth * problem.find_scale(rho), problem)
    for one, other in zip(closed.successor, shown.successor, strict=True):
        assert_allclose(one, other, rtol=1e-9)
    assert_allclose(closed.profit, shown.profit, rtol=1e-9, atol=1e-13)
    assert_allclose(closed.log_buy, shown.log_buy, rtol=1e-10, atol=1e-13)


def test_gains_from_trade_are_what_traders_and_dealer_have_together() -> None:
    """Surplus of a buyer is E[u - ask; u > ask], by quadrature over what she values at."""
    rho, need_sd, share, reach = 2.0, 0.8, 0.3, 3.0
    traders = [adaptive(0.5, need_sd), partial(UninformedTrader, share=share, reach=reach)]
    problem = Problem(traders=traders)
    ask = 1.7
    period = stage(np.array(rho), ask / problem.find_scale(np.array([rho])), problem)
    slope = rho**2 / (rho**2 + 0.5)
    scales = np.hypot(slope * np.hypot(rho, 1.0), need_sd), reach
    above = np.linspace(ask, ask + 60, 200_001)
    step = above[1] - above[0]
    surplus = [
        2 * ((above - ask) * np.exp(-0.5 * (above / s) ** 2)).sum() * step / s / np.sqrt(2 * np.pi)
        for s in scales
    ]
    total = (1 - share) * surplus[0] + share * surplus[1] + period.profit
    assert float(period.gains[0]) == pytest.approx(float(total[0]), rel=1e-6)


def test_a_planner_gains_more_from_trade_than_any_maker() -> None:
    rho = np.array([0.5, 1.0, 3.0, 5.0])
    best = solve(PAPER, reward="gains").value_function(rho)
    for policy in (solve(0.9).quote, lambda rho: 0.2 + rho, lambda rho: 0.0 * rho):
        found = evaluate(PAPER, policy, reward="gains").value_function(rho)
        assert (found <= best + 1e-7).all()


def test_a_policy_is_worth_what_it_earns_where_beliefs_are_right() -> None:
    worth = float(evaluate(PAPER, lambda rho: 1.0 + rho).value_function(2.0))
    rng, size = np.random.default_rng(1), 40_000
    sd, earned, weight = np.full(size, 2.0), np.zeros(size), 1.0
    for _ in range(60):
        period = stage(sd, (1.0 + sd) / np.hypot(1.0, sd))
        earned += weight * period.profit
        trades = rng.uniform(size=size) < period.probability[0]
        sd, weight = np.where(trades, *period.successor), 0.9 * weight
    assert abs(earned.mean() - worth) < 4 * earned.std() / np.sqrt(size) + 0.9**60 * 4


def test_the_best_policy_is_worth_w_also_where_nobody_trades_at_last() -> None:
    problem = PROBLEMS["learners .5, 0"]
    best = solve(problem)
    found = evaluate(problem, best.quote)
    rho = np.array([0.0, 0.5, 1.0, 2.0])
    assert_allclose(found.value_function(rho), best.value_function(rho), atol=1e-8)


def test_a_policy_may_have_an_end_as_well() -> None:
    def half_spread(rho: Array) -> Array:
        return 1.0 + rho

    rho = np.array([0.3, 1.0, 4.0])
    last = evaluate(Problem(0.9, horizon=1), half_spread).value_function(rho)
    profit = stage(rho, half_spread(rho) / np.hypot(1.0, rho)).profit
    assert_allclose(last, profit, atol=1e-6)
    endless = evaluate(Problem(0.5), half_spread).value_function(rho)
    long = evaluate(Problem(0.5, horizon=28), half_spread).value_function(rho)
    assert_allclose(long, endless, atol=1e-6)


def test_equal_problems_are_solved_once() -> None:
    one, other = (Problem(traders=elastic(0.3, 3.0)) for _ in range(2))
    assert solve(one) is solve(other)
    assert solve(0.9) is solve(Problem(0.9)) is solve(Problem(0.9, NoisyTrader))
    assert solve(Problem(noise_sd=4.0)) is solve(0.9)
    assert solve(Problem(traders=elastic(0.3, 3.5))) is not solve(one)
    assert solve(Problem(horizon=2)) is not solve(Problem(horizon=3))


def test_problems_scale_with_all_lengths() -> None:
    wide = Problem(traders=elastic(0.3, 6.0), value=Jumps(0.4, probability=0.1), noise_sd=2.0)
    unit = Problem(traders=elastic(0.3, 3.0), value=Jumps(0.2, probability=0.1))
    rho = np.array([0.3, 1.0, 4.0])
    assert_allclose(solve(wide).half_spread(rho), solve(unit).half_spread(rho), rtol=1e-9)


@pytest.mark.parametrize("traders", [AdaptiveTrader, elastic(0.3, 3.0)])
def test_the_optimal_maker_quotes_the_solution_of_her_market(traders: Any) -> None:
    market = Exchange("optimal", traders, prior_sd=3.0, replications=50, rng=1).run(3)
    (maker,) = market.makers
    assert isinstance(maker, Optimal)
    solution = maker.solution
    assert solution is solve(Problem(traders=traders))
    market.open()
    mean, sd = maker.moments
    assert_allclose(market.inside.ask - mean, solution.quote(sd), rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"discount": 1.0}, "discount is 1.0, but must be at least 0 and below 1"),
        ({"discount": 1.1, "horizon": 3}, "discount is 1.1, but must be from 0 to 1"),
        ({"horizon": 0}, "horizon is 0"),
        ({"terminal": np.zeros_like}, "follows the last of so many periods: give both or neither"),
        ({"terminal": 3.0, "horizon": 2}, "must be a function of rho"),
        ({"value": "walk"}, "value is 'walk'"),
        ({"value": 3.0}, r"value is 3.0, but must be a process"),
        ({"traders": "noise"}, "did you mean"),
        ({"traders": [NoisyTrader, UninformedTrader]}, "share"),
        ({"noise_sd": 0.0}, "noise_sd"),
    ],
)
def test_a_problem_that_cannot_be_is_refused(arguments: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError), match=says):
        Problem(**arguments)


def test_where_profit_has_no_bound_nothing_is_solved() -> None:
    problem = Problem(traders=[NoisyTrader, partial(UninformedTrader, share=0.3)])
    with pytest.raises(ValueError, match="profit has no bound, their gains have no meaning"):
        solve(problem)


def test_a_state_that_leaves_the_solved_range_is_refused() -> None:
    problem = PROBLEMS["uninformed .3 within 3"]
    with pytest.raises(ValueError, match=r"rho may rise past rho_max = 2 .*: give a larger"):
        solve(problem, rho_max=2.0)
    with pytest.raises(ValueError, match="rho is 60"):
        solve(problem).half_spread(60.0)


def test_a_range_that_no_state_leaves_is_enough() -> None:
    problem = PROBLEMS["small jumps"]
    rho = np.array([0.0, 1.0, 3.0])
    narrow, wide = (solve(problem, rho_max).value_function(rho) for rho_max in (6.0, 50.0))
    assert_allclose(narrow, wide, atol=5e-7)
