"""What other traders, and a value that moves, cost: ratios within one run, taken by turns.

    uv run pytest tests/benchmarks/test_law_speed.py -s -n 0 --benchmark-enable

Each line is a median over rounds, by user time, of one run over another in the same round; the
targets are those that the tests hold, and the ratios measured stand in `tests/README.md`.
"""

from functools import partial
from typing import Any

import pytest

from abm import Exchange, GridBelief, Jumps, NoisyTrader
from abm.beliefs.points import PointBelief
from abm.bellman import Problem
from abm.bellman.solver import RHO_MAX, SOLVED, solve
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.traders import AdaptiveTrader, UninformedTrader
from tests.benchmarks.turns import compare

REPLICATIONS, PERIODS = 10_000, 20
ELASTIC = [NoisyTrader, partial(UninformedTrader, share=0.3, reach=3.0)]
HALF = [NoisyTrader, partial(UninformedTrader, share=0.3)]
JUMPS = Jumps(1.0, probability=0.05)
BELIEFS, ARRIVALS = 500, 100  # markets, and periods, of which exact beliefs learn


def simulate(maker: str, traders: Any = NoisyTrader, value: Any = "fixed") -> None:
    Exchange(
        maker, traders, value=value, prior_sd=3.0, replications=REPLICATIONS, record="summary",
        rng=1,
    ).run(PERIODS)  # fmt: skip


def solve_anew(problem: Problem) -> None:
    SOLVED.clear()
    solve(problem, RHO_MAX)


def watch(traders: Any = NoisyTrader, value: Any = "fixed") -> list[tuple[Move, Likelihood]]:
    """Return what a zero-profit maker with a Gaussian belief is told, and shown, in each period."""
    market = Exchange(
        "zero-profit", traders, value=value, prior_sd=3.0, replications=BELIEFS, record="summary",
        rng=5,
    )  # fmt: skip
    seen = []
    for _ in range(ARRIVALS):
        market.step()
        view = market.makers[0].last
        assert view is not None
        seen.append((market.moved, view.likelihood))
    return seen


def learn(seen: list[tuple[Move, Likelihood]]) -> None:
    belief: PointBelief = GridBelief(0.0, 3.0).broadcast(BELIEFS)
    for moved, shown in seen:
        belief = belief.predict(moved).revise(shown)


@pytest.mark.parametrize(
    ("name", "traders", "value"),
    [
        ("two types", ELASTIC, "fixed"), ("jumps", NoisyTrader, JUMPS),
        ("learners", AdaptiveTrader, "fixed"),
    ],
)  # fmt: skip
def test_the_optimal_maker(name: str, traders: Any, value: Any) -> None:
    name = f"optimal maker, {name}, to the paper's market"
    compare(name, partial(simulate, "optimal", traders, value), partial(simulate, "optimal"), 1.6)


@pytest.mark.parametrize(("name", "traders"), [("elastic", ELASTIC), ("half", HALF)])
def test_zero_profit_under_a_mixture(name: str, traders: Any) -> None:
    base = partial(simulate, "zero-profit")
    compare(f"zero-profit, {name}, to the closed form's run", partial(base, traders), base, 6.0)


@pytest.mark.parametrize(
    ("name", "problem", "target"),
    [
        ("elastic .3 within 3", Problem(traders=ELASTIC), 4.0),
        ("elastic .3 within 6", Problem(
            traders=[NoisyTrader, partial(UninformedTrader, share=0.3, reach=6.0)]), 4.0),
        ("jumps", Problem(value=JUMPS), 4.0),
        ("large jumps", Problem(value=Jumps(3.0, probability=0.01)), 4.0),
        ("learners 1, 1", Problem(traders=AdaptiveTrader), 4.0),
        ("learners .5, 0", Problem(
            traders=partial(AdaptiveTrader, weight=0.5, need_sd=0.0)), 4.0),
        ("20 periods", Problem(horizon=20), 8.0),
    ],
)  # fmt: skip
def test_solving(name: str, problem: Problem, target: float) -> None:
    base = partial(solve_anew, Problem(0.9))
    compare(f"solve {name}, to solve(0.9)", partial(solve_anew, problem), base, target)


@pytest.mark.parametrize(
    ("name", "traders", "value", "target"),
    [
        ("jumps of 1 by .05", NoisyTrader, JUMPS, 5.0),
        ("jumps of 1 by .01", NoisyTrader, Jumps(1.0, probability=0.01), 5.0),
        ("jumps of 3 by .05", NoisyTrader, Jumps(3.0, probability=0.05), 14.0),
        ("half", HALF, "fixed", 4.0),
        ("elastic", ELASTIC, "fixed", 4.0),
        ("learners", AdaptiveTrader, "fixed", 1.5),
    ],
)
def test_exact_beliefs(name: str, traders: Any, value: Any, target: float) -> None:
    name = f"exact belief, {name}, to the paper's"
    compare(name, partial(learn, watch(traders, value)), partial(learn, watch()), target)
