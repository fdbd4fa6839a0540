"""The scenario `reinforcement`: what learners learn is theirs, near the optimum, and comparable."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm import Exchange
from abm.bellman import solve
from abm.environments import MarketVectorEnv, Setting, score
from abm.makers import PolicyMaker
from abm.participants.policies import PolynomialPolicy
from analysis import Run, load
from scenarios.reinforcement import OPTIMAL, Reinforcement
from scenarios.reinforcement.cross_entropy import CANDIDATES, MARKETS, learn
from scenarios.reinforcement.learners import (
    PERIODS,
    REPLY,
    TWO,
    Learner,
    Random,
    Training,
    complete,
)

SMALL: dict[str, Any] = {
    "marks": "expected,value",
    "seeds": 2,
    "iterations": 3,
    "replications": 200,
}
WORTH = 0.02  # of profit: how near to the optimal maker's learners must come


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("reinforcement") / "run"
    Reinforcement(**SMALL).run(str(out))
    return load(out)


@pytest.fixture(scope="module")
def tables(log: Run) -> dict[str, pd.DataFrame]:
    return Reinforcement(**SMALL).make_tables(log)


def test_the_optimal_maker_has_the_whole_and_others_their_share(
    tables: dict[str, pd.DataFrame],
) -> None:
    shares = tables["results"].query("metric == 'share'").set_index(["policy", "mark", "seed"])
    assert shares.loc[(OPTIMAL, "none", 0), "mean"] == pytest.approx(1.0)
    profit = {}
    for maker in (OPTIMAL, "myopic", Random):
        market = Exchange(maker, prior_sd=3.0, replications=200).run(100)
        profit[maker] = market.tape.discounted_profit(0.9)[0].mean()
    for name, maker in (("myopic", "myopic"), ("random", Random)):
        expected = profit[maker] / profit[OPTIMAL]
        assert shares.loc[(name, "none", 0), "mean"] == pytest.approx(expected, rel=1e-12)


def test_a_learner_is_judged_as_score_judges(tables: dict[str, pd.DataFrame]) -> None:
    training = Training(3.0, 0.9, "expected", learners=1, seed=2, iterations=3)
    maker = PolicyMaker(complete(training).policies[0], periods=PERIODS)
    found = score(maker, markets=200)
    row = tables["results"].query(
        "policy == 'cross-entropy' and mark == 'expected' and seed == 2 and metric == 'share'"
    )
    assert row["mean"].item() == pytest.approx(found.share, rel=1e-12)
    assert (row["high"] - row["mean"]).item() == pytest.approx(found.half_width, rel=1e-9)


def test_the_collusion_index_is_of_joint_profit(log: Run, tables: dict[str, pd.DataFrame]) -> None:
    totals = log.table("totals")
    names = [f"{point['policy']} {point['mark']} {point['seed']}" for point in log.points]
    assert names.count("two learners belief 1") == 1
    row = tables["results"].query("policy == @TWO and seed == 1").set_index("metric")["mean"]
    best = tables["results"].query("policy == @OPTIMAL").set_index("metric")["mean"]
    ratio = row["discounted_profit"] / best["discounted_profit"]
    assert row["share"] == pytest.approx(ratio, rel=1e-12)
    pair = Training(3.0, 0.9, "belief", learners=2, seed=1, iterations=3)
    makers = [Learner(pair, number).maker for number in (0, 1)]
    market = Exchange(makers, prior_sd=3.0, replications=200).run(100)
    joint = market.tape.discounted_profit(0.9).sum(axis=0).mean()
    assert row["discounted_profit"] == pytest.approx(joint, rel=1e-12)
    assert len(totals)


def test_a_reply_is_to_the_second_as_it_has_learnt(tables: dict[str, pd.DataFrame]) -> None:
    replies = tables["replies"].query("seed == 1").set_index("metric")["mean"]
    pair = Training(3.0, 0.9, "belief", learners=2, seed=1, iterations=3)
    first, second = Learner(pair, 0), Learner(pair, 1)
    reply = Training(3.0, 0.9, "belief", 1, 1, 3, start=first, rival=second)
    profits = []
    for own in (first, Learner(reply, 0)):
        market = Exchange([own.maker, second.maker], prior_sd=3.0, replications=200).run(100)
        profits.append(market.tape.discounted_profit(0.9)[0].mean())
    assert replies["profit"] == pytest.approx(profits[0], rel=1e-12)
    assert replies["of_reply"] == pytest.approx(profits[1], rel=1e-12)
    assert replies["gain"] == pytest.approx(profits[1] - profits[0], rel=1e-9)


def test_what_was_learnt_is_told_beside_the_optimum(tables: dict[str, pd.DataFrame]) -> None:
    learnt = tables["learnt"]
    np.testing.assert_allclose(learnt["optimal"], solve(0.9).half_spread(learnt["rho"]))
    kept = learnt.query("policy == 'cross-entropy' and mark == 'value' and seed == 1")
    policy = complete(Training(3.0, 0.9, "value", 1, 1, 3)).policies[0]
    rho = kept["rho"].to_numpy()
    depth = 1.5 * (policy(np.log(rho)[:, np.newaxis])[:, 0] + 1)
    np.testing.assert_allclose(kept["half_spread"], depth * np.sqrt(1 + rho**2))
    assert set(learnt["policy"]) == {"cross-entropy", TWO, REPLY}
    assert len(learnt.query("policy == @TWO and seed == 1")) == 2 * len(kept)
    curves = tables["learning"].groupby(["policy", "mark", "seed", "learner"])["reward"]
    assert (curves.size() == 3).all()


def test_the_seed_alone_decides_what_is_learnt() -> None:
    setting = Setting(mark="value", periods=15)
    first, again, other = (learn(setting, 2, 3, seed) for seed in (1, 1, 2))
    for one, same, another in zip(first.policies, again.policies, other.policies, strict=True):
        np.testing.assert_array_equal(one.coefficients, same.coefficients)
        assert not np.array_equal(one.coefficients, another.coefficients)
    np.testing.assert_array_equal(first.curve, again.curve)


def test_candidates_are_tried_as_an_environment_would() -> None:
    """The first iteration's mean reward is that of the vector environment with the same draws."""
    setting = Setting(mark="expected", periods=10)
    curve = learn(setting, 1, 1, seed=5).curve
    (random,) = np.random.default_rng(5).spawn(1)
    tried = np.repeat(random.standard_normal((CANDIDATES, 4)), MARKETS, axis=0)
    policy = PolynomialPolicy(tried[:, np.newaxis])
    env = MarketVectorEnv(CANDIDATES * MARKETS, mark="expected", periods=10)
    observations, _ = env.reset(seed=5)
    total = 0.0
    for period in range(10):
        observations, rewards, *_ = env.step(policy(observations))
        total += 0.9**period * rewards.mean()
    assert curve[0, 0] == pytest.approx(total, rel=1e-12)


SEEDS = [pytest.param(1, marks=pytest.mark.slow)]
SEEDS += [pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 6)]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_learner_comes_near_the_optimum(seed: int) -> None:
    found = learn(Setting(mark="expected", periods=PERIODS), 1, 60, seed)
    assert 1.62 * score(found.policies[0]).share > 1.62 - WORTH


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"marks": "expectd"}, "marks is 'expectd', which is unknown: did you mean 'expected'"),
        ({"marks": ""}, "marks is ''"),
        ({"seeds": 0}, "seeds is 0"),
        ({"iterations": 0}, "iterations is 0"),
        ({"prior_sd": -1.0}, "prior_sd is -1"),
        ({"ppo_steps": 0}, "ppo_steps is 0"),
    ],
)
def test_options_without_meaning_are_refused_before_anything_is_learnt(
    option: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        Reinforcement(**SMALL | option).run(str(tmp_path / "run"))
    assert not list(tmp_path.iterdir())
