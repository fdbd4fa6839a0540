"""Values that move: what makers are told, what they believe, and what they earn by it."""

from functools import partial
from typing import Any, cast

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from abm import Exchange, GaussianBelief, Jumps, Optimal, ZeroProfit
from abm.bellman import Problem, solve
from abm.experiment import Experiment, grid
from abm.market.moves import STILL, Move
from abm.market.random_streams import Draws
from abm.market.values import FindMoments, Redrawn, ValueProcess
from abm.numerics.arrays import Array
from abm.traders import AdaptiveTrader, NoisyTrader, UninformedTrader

ELASTIC = [NoisyTrader, partial(UninformedTrader, share=0.3, reach=3.0)]


class RedrawnJumps(Jumps):
    """Jumps of which beliefs are right by construction: V is drawn from the predicted belief."""

    needs_common_belief = True

    def settle(self, value: Array, find_common: FindMoments, draws: Draws) -> Array:  # noqa: ARG002
        mean, sd = find_common()
        return mean + sd * draws.normal()


def values_of(process: Any, periods: int = 100, replications: int = 1_000, **more: Any) -> Array:
    market = Exchange(
        "fixed-spread", value=process, replications=replications, record="full", rng=5, **more
    )
    values = []
    for _ in range(periods):
        market.step()
        values.append(market.clearing.value.copy())
    return np.array(values)


def test_jumps_come_with_their_probability_and_size() -> None:
    values = values_of(Jumps(2.0, probability=0.1))
    moves = np.diff(values, axis=0)
    jumped = moves != 0
    assert abs(jumped.mean() - 0.1) < 4 * np.sqrt(0.09 / jumped.size)
    sizes = moves[jumped]
    assert abs(sizes.mean()) < 4 * 2.0 / np.sqrt(sizes.size)
    assert sizes.std() == pytest.approx(2.0, abs=4 * 2.0 / np.sqrt(2 * sizes.size))


def test_a_jump_may_come_before_the_first_trader() -> None:
    prior = 1.0
    first = values_of(Jumps(3.0, probability=1.0), periods=1, replications=20_000)[0]
    assert first.std() == pytest.approx(np.hypot(prior, 3.0), rel=0.03)


def test_a_second_shock_comes_in_its_period_in_every_market() -> None:
    values = values_of(Jumps(3.0, at=[50]), periods=60, replications=500)
    moves = np.diff(values, axis=0) != 0
    assert moves[49].all()
    assert moves.sum() == 500


def test_values_are_the_same_whatever_makers_and_traders_are_there() -> None:
    process = Jumps(1.0, probability=0.3)
    pairs: list[tuple[Any, Any]] = [
        ("optimal", "noisy"), ("zero-profit", ELASTIC), (["myopic", "fixed-spread"], "noisy"),
    ]  # fmt: skip
    markets = [
        Exchange(makers, traders, value=process, replications=40, rng=3).run(20)
        for makers, traders in pairs
    ]
    first, *others = (market.tape.market["value"].to_numpy() for market in markets)
    for other in others:
        assert_array_equal(first, other)


def test_a_belief_grows_by_what_is_expected_where_nobody_is_told() -> None:
    market = Exchange("fixed-spread", value=Jumps(2.0, probability=0.25), replications=3)
    market.move()
    assert_allclose(market.makers[0].moments[1], np.sqrt(1.0 + 0.25 * 4.0), rtol=1e-15)


def test_where_jumps_are_announced_only_those_beliefs_grow_whose_value_moved() -> None:
    process = Jumps(2.0, probability=0.25, announced=True)
    market = Exchange("fixed-spread", value=process, replications=400, rng=2)
    before = market.value.copy()
    market.move()
    moved = market.value != before
    assert 0 < moved.sum() < 400
    sd = market.makers[0].moments[1]
    assert_allclose(sd[moved], np.sqrt(5.0), rtol=1e-15)
    assert_array_equal(sd[~moved], 1.0)


@pytest.mark.parametrize("announced", [True, False])
def test_no_maker_knows_of_a_second_shock_unless_it_is_announced(announced: bool) -> None:
    process = Jumps(3.0, at=[5], announced=announced)
    market, calm = (
        Exchange("optimal", value=value, replications=200, rng=2).run(5)
        for value in (process, "fixed")
    )
    assert_array_equal(market.inside.ask, calm.inside.ask)
    market.open()
    sd, calm_sd = market.makers[0].moments[1], calm.makers[0].moments[1]
    assert_allclose(sd, np.hypot(calm_sd, 3.0) if announced else calm_sd, rtol=1e-14)


def test_the_plan_is_that_without_the_second_shock() -> None:
    market = Exchange("optimal", value=Jumps(3.0, at=[50]))
    (maker,) = market.makers
    assert isinstance(maker, Optimal)
    assert maker.solution is solve(0.9)


@pytest.mark.parametrize(
    "process",
    [
        Jumps(1.0, probability=0.05), Jumps(2.0, probability=0.1, announced=True),
        Jumps(3.0, probability=0.01),
    ],
)  # fmt: skip
def test_the_optimal_maker_quotes_the_solution_with_jumps(process: Jumps) -> None:
    market = Exchange("optimal", value=process, prior_sd=2.0, replications=50, rng=1)
    solution = solve(Problem(value=process))
    market.open()
    mean, sd = market.makers[0].moments
    assert_allclose(market.inside.ask - mean, solution.quote(sd), rtol=1e-12)
    if not process.announced:
        assert_allclose(market.inside.ask - mean, solution.half_spread(2.0), rtol=1e-9)


@pytest.mark.parametrize(
    ("traders", "process"),
    [
        (ELASTIC, Redrawn()),
        (NoisyTrader, RedrawnJumps(1.0, probability=0.05)),
        (NoisyTrader, RedrawnJumps(2.0, probability=0.2, announced=True)),
        (AdaptiveTrader, Redrawn()),
        (partial(AdaptiveTrader, weight=0.5, need_sd=0.5), RedrawnJumps(0.5, probability=0.1)),
    ],
    ids=["mixture", "jumps", "announced jumps", "learners", "learners and jumps"],
)
def test_profit_and_the_discounted_rest_are_the_value_function(
    traders: Any, process: ValueProcess
) -> None:
    """V is redrawn each period from the predicted belief, so that beliefs are right."""
    prior_sd, periods, size = 2.0, 25, 4_000
    market = Exchange(
        "optimal", traders, value=process, prior_sd=prior_sd, replications=size, record="summary",
        rng=4,
    )  # fmt: skip
    earned = np.zeros(size)
    for period in range(periods):
        market.step()
        earned += 0.9**period * market.clearing.dealings[0].profit
    (maker,) = market.makers
    assert isinstance(maker, Optimal)
    solution = maker.solution
    earned += 0.9**periods * solution.value_function(maker.moments[1])
    expected = float(solution.value_function(prior_sd))
    assert abs(earned.mean() - expected) < 4 * earned.std() / np.sqrt(size)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("process", [RedrawnJumps(1.0, probability=0.2), RedrawnJumps(2.0, at=[3])])
def test_a_zero_profit_maker_earns_nothing_on_either_side(process: Any, side: int) -> None:
    market = Exchange(
        ZeroProfit, value=process, prior_sd=2.0, replications=4_000, record="full", rng=6
    ).run(20)
    profit = market.tape.makers["profit"].to_numpy()
    profit = profit[market.tape.market["side"].to_numpy() == side]
    assert abs(profit.mean()) < 4 * profit.std() / np.sqrt(profit.size)


def test_learners_hear_of_the_move_before_they_value() -> None:
    process = Jumps(2.0, at=[1], announced=True)
    market = Exchange("zero-profit", AdaptiveTrader, value=process, replications=20, rng=1).run(1)
    market.open()
    line: Any = market.law.find_line(market.makers[0].moments[0])
    variance = np.square(market.makers[0].moments[1])
    assert (variance > 4.0).all()
    assert_allclose(line.slope, variance / (variance + 1.0), rtol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"sd": 1.0}, "then the value never jumps: give one of them"),
        ({"sd": -1.0, "probability": 0.1}, "sd is -1.0"),
        ({"sd": 1.0, "probability": 1.5}, "probability is 1.5, but must be from 0 to 1"),
        ({"sd": 1.0, "at": [-1]}, "at is -1"),
        ({"sd": 1.0, "at": 50}, r"at is 50, but must list periods: give as \[50\]"),
        ({"sd": 1.0, "at": [1.5]}, "at is 1.5"),
        ({"sd": 1.0, "at": None}, "must list periods"),
        ({"sd": 1.0, "at": np.int64(3)}, "must list periods"),
        ({"sd": 1.0, "at": b"5"}, "must list periods"),
        ({"sd": 1.0, "at": [1], "announced": "yes"}, "announced is 'yes'"),
    ],
)
def test_jumps_that_cannot_be_are_refused(arguments: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        Jumps(**arguments)


def test_a_jump_past_the_end_of_an_experiment_is_refused() -> None:
    points = grid(makers=["optimal"], value=[Jumps(1.0, at=[20])])
    with pytest.raises(ValueError, match="moves in period 20, but there are 20 periods, from 0"):
        Experiment(points, replications=10, periods=20)
    assert Experiment(points, replications=10, periods=21).periods == 21


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_type_may_be_all_or_none(share: float) -> None:
    traders: Any = [NoisyTrader, partial(UninformedTrader, share=share, reach=2.0)]
    assert np.isfinite(Exchange("optimal", traders, replications=5).run(3).inside.spread).all()


def test_a_wide_second_type_is_looked_at() -> None:
    wide = partial(AdaptiveTrader, share=0.3, need_sd=30.0)
    solution = solve(Problem(0.9, [NoisyTrader, wide]))
    assert solution.converged
    assert float(solution.half_spread(0.0)) > 15.0


@pytest.mark.parametrize(
    ("tell", "says"),
    [
        (lambda: 0.5, "Odd.move tells 0.5, but must tell a Move"),
        (lambda: Move(2.0, 1.0), "probability of a Move is 2.0, but must be from 0 to 1"),
        (lambda: Move(np.nan, 1.0), "probability of a Move is nan, but"),
        (lambda: Move(0.5, np.inf), "sd of a Move is inf, but must be one finite number"),
        (lambda: Move(0.5, -1.0), "sd of a Move is -1.0, but"),
        (lambda: Move(0.5, cast(float, np.ones(2))), "sd of a Move is .*, but must be one"),
        (lambda: Move(np.ones(2), 1.0), "tells probabilities of 2 markets, but there are 3"),
    ],
)
def test_a_process_that_tells_no_move_is_named(tell: Any, says: str) -> None:
    class Odd(ValueProcess):
        def move(self, value: Array, *_: Any) -> tuple[Array, Move]:
            return value, tell()

    market = Exchange("zero-profit", value=Odd(), replications=3)
    with pytest.raises((ValueError, TypeError), match=says):
        market.run(1)


def test_a_plan_for_learners_needs_the_publics_belief() -> None:
    other = partial(Optimal, belief=GaussianBelief(0.0, 3.0))
    with pytest.raises(ValueError, match="her plan holds only where she believes that as well"):
        Exchange(other, AdaptiveTrader, prior_sd=1.0)


def test_a_process_may_move_the_value_in_place() -> None:
    class InPlace(ValueProcess):
        def move(self, value: Array, period: int, draws: Draws) -> tuple[Array, Move]:  # noqa: ARG002
            value += 0.5
            return value, STILL

    market = Exchange("zero-profit", value=InPlace(), replications=3, rng=1).run(4)
    values = market.tape.market.pivot(index="period", columns="replication", values="value")
    np.testing.assert_allclose(values.diff().iloc[1:], 0.5)
