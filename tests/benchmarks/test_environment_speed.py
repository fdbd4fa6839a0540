"""What environments, and an exchange that records nothing, cost: ratios within one run.

    uv run pytest tests/benchmarks/test_environment_speed.py -s -n 0 --benchmark-enable

As in `test_law_speed.py`. An environment is compared to an exchange whose maker quotes the same.
"""

import time

import gymnasium
import numpy as np
import pytest

from abm import Exchange
from abm.environments import ID, MarketEnv, MarketVectorEnv, Setting, score
from abm.makers import PolicyMaker
from abm.numerics.arrays import Array
from scenarios.reinforcement.cross_entropy import learn
from scenarios.reinforcement.learners import PERIODS
from tests.benchmarks.turns import compare

MARKETS = 4_096
STEPS = {1: 300, MARKETS: 60}  # of markets of so many replications
MINUTE = 60.0


def quote_wide(observation: Array) -> Array:
    return np.full((len(observation), 1), 0.5)


def run_exchange(maker: object, replications: int, record: str) -> None:
    market = Exchange(maker, prior_sd=3.0, replications=replications, record=record)  # type: ignore[arg-type]
    market.run(STEPS[replications])


def step_single() -> None:
    env, action = MarketEnv(periods=STEPS[1]), np.full(1, 0.5, np.float32)
    env.reset(seed=0)
    for _ in range(STEPS[1]):
        env.step(action)


def step_vector() -> None:
    env = MarketVectorEnv(MARKETS, periods=STEPS[MARKETS])
    action = np.full((MARKETS, 1), 0.5, np.float32)
    env.reset(seed=0)
    for _ in range(STEPS[MARKETS]):
        env.step(action)


@pytest.mark.parametrize(
    ("replications", "step", "target"), [(1, step_single, 1.2), (MARKETS, step_vector, 1.3)]
)
def test_an_environment(replications: int, step: object, target: float) -> None:
    compare(
        f"an environment of {replications}, to Exchange.run with the same quotes, no record",
        step,  # type: ignore[arg-type]
        lambda: run_exchange(PolicyMaker(quote_wide), replications, "none"),
        target,
    )


@pytest.mark.parametrize(("replications", "target"), [(1, 0.55), (MARKETS, 0.7)])
def test_no_record(replications: int, target: float) -> None:
    compare(
        f"record='none' to 'summary', {replications} markets",
        lambda: run_exchange("optimal", replications, "none"),
        lambda: run_exchange("optimal", replications, "summary"),
        target,
    )


def test_many_to_gymnasiums_own_vector() -> None:
    """A market's step among 4,096, to one among 64 single environments by SyncVectorEnv."""
    many, few, steps = MarketVectorEnv(MARKETS), 64, 20
    one_by_one = gymnasium.make_vec(ID, num_envs=few, vectorization_mode="sync")
    times = {}
    for env in (many, one_by_one):
        env.reset(seed=0)
        action = np.full((env.num_envs, 1), 0.5, np.float32)
        env.step(action)
        start = time.process_time()
        for _ in range(steps):
            env.step(action)
        times[env.num_envs] = (time.process_time() - start) / env.num_envs
    ratio = times[few] / times[MARKETS]
    print(f"\na market of SyncVectorEnv to one of {MARKETS}: {ratio:.0f}, target at least 100")
    assert ratio > 100


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_cross_entropy_learner(seed: int) -> None:
    start = time.process_time()
    found = learn(Setting(mark="expected", periods=PERIODS), 1, 60, seed)
    took = time.process_time() - start
    share, half_width = score(found.policies[0])
    print(f"\nseed {seed}: {1.62 * share:.4f} of 1.62 (share {share:.4f} +- {half_width:.4f}) "
          f"in {took:.0f} s, target 1.60 in {MINUTE:.0f} s")  # fmt: skip
    assert 1.62 * share > 1.60
    assert took < MINUTE
