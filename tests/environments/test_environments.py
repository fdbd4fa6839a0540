"""Environments: the markets of an exchange, by the interfaces of Gymnasium and PettingZoo."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import RecordEpisodeStatistics
from gymnasium.wrappers.vector import RecordEpisodeStatistics as RecordStatisticsOfMany
from pettingzoo.test import parallel_api_test, parallel_seed_test

from abm import Exchange, Jumps, Myopic
from abm.environments import (
    ID,
    Lockstep,
    MarketEnv,
    MarketVectorEnv,
    Setting,
    parallel_env,
    score,
)
from abm.makers import PolicyMaker
from abm.numerics.arrays import Array
from abm.one_period.profit import expected_profit
from abm.participants.policies import PolynomialPolicy
from abm.traders import AdaptiveTrader, UninformedTrader

WIDENING = PolynomialPolicy([-0.31, 0.2, 0.06, 0.01])
EVERYTHING: dict[str, Any] = {
    "prior_sd": (1.0, 5.0), "periods": 9, "rivals": ["zero-profit", "q-learning"], "last": True,
    "symmetric": False, "decline": True, "mark": "belief",
    "traders": ["noisy", partial(UninformedTrader, share=0.3, reach=3.0)],
    "value": Jumps(1.0, probability=0.2), "noise_sd": 2.0, "prior_mean": 7.0,
}  # fmt: skip
SETTINGS = {"plain": {"periods": 9}, "everything": EVERYTHING}


def play(env: Any, actions: Iterator[Any], steps: int) -> list[tuple[Any, ...]]:
    return [env.step(next(actions)) for _ in range(steps)]


def shape_of(space: gymnasium.Space[Any]) -> tuple[int, ...]:
    assert space.shape is not None
    return space.shape


def draw_actions(size: tuple[int, ...], seed: int = 0) -> Iterator[Array]:
    draws = np.random.default_rng(seed)
    while True:
        yield draws.uniform(-1, 1, size).astype(np.float32)


# The official checks, with warnings as errors


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_gymnasium_finds_nothing_wrong(setting: dict[str, Any]) -> None:
    env = gymnasium.make(ID, **setting, render_mode="rgb_array")
    check_env(env.unwrapped)


def test_it_is_found_by_module_and_name() -> None:
    env = gymnasium.make("abm.environments:MarketShock-v0", prior_sd=3.0)
    assert isinstance(env.unwrapped, MarketEnv)
    assert env.reset(seed=1)[0][0] == np.log(3.0)


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_make_vec_makes_many_both_ways(mode: str, setting: dict[str, Any]) -> None:
    envs = RecordStatisticsOfMany(
        gymnasium.make_vec(ID, num_envs=3, vectorization_mode=mode, **setting)
    )
    observations, _ = envs.reset(seed=3)
    actions = draw_actions(shape_of(envs.action_space))
    returns = np.zeros(3)
    for step in range(9):
        assert envs.observation_space.contains(observations)
        observations, rewards, terminated, truncated, infos = envs.step(next(actions))
        returns += rewards
        assert not terminated.any()
        assert truncated.tolist() == [step == 8] * 3
    np.testing.assert_allclose(infos["episode"]["r"], returns)
    assert infos["episode"]["l"].tolist() == [9, 9, 9]
    assert infos["discounted_profit"].shape == (3,)
    assert isinstance(envs.unwrapped, MarketVectorEnv) == (mode == "vector_entry_point")


def test_statistics_of_one_episode_are_recorded() -> None:
    env = RecordEpisodeStatistics(gymnasium.make(ID, periods=5))
    env.reset(seed=1)
    steps = play(env, draw_actions((1,)), 5)
    assert steps[-1][4]["episode"]["r"] == pytest.approx(sum(step[1] for step in steps))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_pettingzoo_finds_nothing_wrong(setting: dict[str, Any]) -> None:
    parallel_api_test(parallel_env(3, **setting), num_cycles=40)
    parallel_seed_test(lambda: parallel_env(2, **setting))


# One market, many, and an exchange


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_vector_of_one_is_the_single_market_to_the_last_bit(setting: dict[str, Any]) -> None:
    one, many = MarketEnv(**setting), MarketVectorEnv(1, **setting, autoreset_mode="Disabled")
    for seed in (5, None, None, 2**40):
        seen, also_seen = one.reset(seed=seed)[0], many.reset(seed=seed)[0]
        actions = draw_actions(shape_of(one.action_space))
        np.testing.assert_array_equal(seen, also_seen[0])
        for action in (next(actions) for _ in range(9)):
            alone, among = one.step(action), many.step(action[np.newaxis])
            for single, vector in zip(alone[:4], among[:4], strict=True):
                np.testing.assert_array_equal(single, vector[0])
        assert alone[4]["discounted_profit"] == among[4]["discounted_profit"][0]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_market_of_many_is_the_same_among_fewer(setting: dict[str, Any]) -> None:
    few, many = MarketVectorEnv(2, **setting), MarketVectorEnv(7, **setting)
    few.reset(seed=1)
    many.reset(seed=1)
    actions = draw_actions(shape_of(many.action_space))
    for action in (next(actions) for _ in range(9)):
        for part, whole in zip(few.step(action[:2])[:2], many.step(action)[:2], strict=True):
            np.testing.assert_allclose(np.subtract(part, whole[:2]), 0.0, atol=1e-12)


def test_what_is_learnt_here_quotes_alike_in_an_exchange() -> None:
    env = MarketVectorEnv(50, prior_sd=3.0, periods=20, autoreset_mode="Disabled")
    observations, _ = env.reset(seed=4)
    maker = PolicyMaker(WIDENING, periods=20)
    market = Exchange(maker, prior_sd=3.0, replications=50, rng=4)
    total = np.zeros(50)
    for period in range(20):
        market.step()
        observations, rewards, *_, infos = env.step(WIDENING(observations))
        np.testing.assert_array_equal(rewards, market.clearing.profit)
        total += 0.9**period * market.clearing.profit
    np.testing.assert_allclose(infos["discounted_profit"], total, rtol=1e-13)


def test_episodes_are_the_blocks_of_a_seed() -> None:
    env = MarketVectorEnv(6, autoreset_mode="Disabled")
    env.reset(seed=11)
    for block in range(3):
        expected = Exchange("fixed-spread", prior_sd=3.0, replications=6, block=block, rng=11)
        np.testing.assert_array_equal(env.episodes.market.value, expected.value)
        env.reset()


def test_a_seed_begins_the_same_episode_whatever_went_before() -> None:
    env = MarketEnv(periods=4)
    for _ in range(2):
        env.reset(seed=8)
        steps = play(env, draw_actions((1,)), 2)
        again = MarketEnv(periods=4)
        again.reset(seed=8)
        for one, other in zip(steps, play(again, draw_actions((1,)), 2), strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            assert one[1:4] == other[1:4]


def test_without_a_seed_episodes_differ() -> None:
    values = []
    for _ in range(2):
        env = MarketEnv()
        for _ in range(2):
            env.reset()
            values.append(env.episodes.market.value[0])
    assert len(set(values)) == 4


def test_an_array_that_was_given_or_told_is_not_shared() -> None:
    given = np.array([1.0, 3.0])
    env = MarketVectorEnv(2, prior_sd=given, periods=1, autoreset_mode="Disabled")
    first, _ = env.reset(seed=1)
    info = env.step(np.zeros((2, 1)))[4]
    given[0] = 9.0
    info["discounted_profit"][:] = 7.0
    assert not (env.episodes.discounted_profit == 7.0).any()
    np.testing.assert_array_equal(env.reset(seed=1)[0], first)


def test_of_a_range_each_market_of_each_episode_has_its_own_sd() -> None:
    env = MarketVectorEnv(500, prior_sd=(1.0, 5.0))
    first, second = env.reset(seed=1)[0], env.reset()[0]
    for observations in (first, second):
        assert (observations[:, 0] >= 0).all()
        assert (observations[:, 0] <= np.log(5.0)).all()
        assert len(set(observations[:, 0])) == 500
    assert not np.isin(first[:, 0], second[:, 0]).any()


def test_a_setting_makes_the_maker_of_what_was_learnt_in_it() -> None:
    setting = Setting(last=True, symmetric=False, depths=(0.5, 2.0), periods=7, belief="exact")
    maker = setting.make_maker(lambda seen: np.zeros((len(seen), 2)), name="mine")
    assert (maker.interface, maker.belief, maker.name) == (setting.interface, "exact", "mine")


# Rewards


def test_rewards_are_marked_as_asked() -> None:
    rewards: dict[str, list[Array]] = {}
    for mark in ("value", "belief", "expected"):
        env = MarketVectorEnv(400, mark=mark, prior_sd=2.0)
        observations, _ = env.reset(seed=2)
        market = Exchange(PolicyMaker(WIDENING), prior_sd=2.0, replications=400, rng=2)
        rewards[mark] = []
        for _ in range(30):
            (maker,) = market.makers
            market.open()
            before, quote, law = maker.require_belief(), market.inside, market.law
            market.clear()
            trade = market.clearing
            due = {
                "value": trade.side * (trade.price - trade.value),
                "belief": trade.side * (trade.price - maker.require_belief().mean),
                "expected": expected_profit(before, quote, law),
            }[mark]
            observations, reward, *_ = env.step(WIDENING(observations))
            np.testing.assert_allclose(reward, due, atol=1e-13)
            rewards[mark].append(reward)
    means = {mark: np.sum(given, axis=0) for mark, given in rewards.items()}
    spread = {mark: total.std() / 20 for mark, total in means.items()}
    assert spread["expected"] < spread["belief"] < spread["value"]
    assert abs(means["belief"].mean() - means["value"].mean()) < 4 * spread["value"]


def test_a_learner_with_an_adaptive_trader_may_observe_an_exact_belief() -> None:
    env = MarketVectorEnv(5, traders=partial(AdaptiveTrader, weight=0.5), belief="exact", periods=3)
    env.reset(seed=1)
    for step in play(env, draw_actions((5, 1)), 3):
        assert np.isfinite(step[0]).all()


# Autoreset


def test_the_next_episode_begins_with_the_step_after_the_last() -> None:
    env, other = MarketVectorEnv(2, periods=3), MarketVectorEnv(2, periods=3)
    env.reset(seed=1)
    play(env, draw_actions((2, 1)), 3)
    observations, rewards, terminated, truncated, infos = env.step(np.full((2, 1), np.nan))
    assert not np.any([rewards, terminated, truncated])
    assert not infos
    other.reset(seed=1)
    np.testing.assert_array_equal(observations, other.reset()[0])
    np.testing.assert_array_equal(env.episodes.market.value, other.episodes.market.value)


def test_the_next_episode_may_begin_with_the_last_step() -> None:
    env = MarketVectorEnv(2, periods=3, autoreset_mode=AutoresetMode.SAME_STEP)
    usual = MarketVectorEnv(2, periods=3)
    env.reset(seed=1)
    usual.reset(seed=1)
    last, expected = (play(one, draw_actions((2, 1)), 3)[-1] for one in (env, usual))
    assert last[3].all()
    assert (last[0][:, 2] == 3).all()  # periods left, of the new episode
    np.testing.assert_array_equal(np.stack(list(last[4]["final_obs"])), expected[0])
    assert last[4]["_final_obs"].all()
    told = last[4]["final_info"]["discounted_profit"]
    np.testing.assert_array_equal(told, expected[4]["discounted_profit"])
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP


def test_gymnasiums_own_vectors_say_the_same_at_the_end() -> None:
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP):
        ends = []
        for how in ("sync", "vector_entry_point"):
            kwargs: Any = {"autoreset_mode": mode}
            settings = {"vector_kwargs": kwargs} if how == "sync" else kwargs
            envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode=how, periods=2, **settings)
            envs.reset(seed=1)
            ends.append(play(envs, draw_actions((2, 1)), 2)[-1][4])
        assert ends[0].keys() == ends[1].keys()
        for name, told in ends[0].items():
            assert type(told) is type(ends[1][name])
            assert np.shape(told) == np.shape(ends[1][name])


def test_without_autoreset_the_end_is_the_end() -> None:
    env = MarketVectorEnv(2, periods=1, autoreset_mode="Disabled")
    env.reset(seed=1)
    env.step(np.zeros((2, 1)))
    with pytest.raises(RuntimeError, match=r"after the end of an episode.*call reset\(\) first"):
        env.step(np.zeros((2, 1)))
    env.reset(options={"reset_mask": np.array([True, True])})
    env.step(np.zeros((2, 1)))


# Pictures


def test_a_picture_of_the_story_grows_with_it() -> None:
    env = MarketEnv(render_mode="rgb_array", periods=6, rivals="zero-profit")
    env.reset(seed=1)
    pictures = [env.render()]
    for _ in range(3):
        env.step(np.zeros(1))
        pictures.append(env.render())
    for picture in pictures:
        assert picture is not None
        assert picture.shape == (480, 640, 3)
        assert picture.dtype == np.uint8
    assert len({picture.tobytes() for picture in pictures if picture is not None}) == 4
    assert MarketEnv().render() is None


def test_pictures_of_many_and_of_several_learners_are_drawn() -> None:
    many = MarketVectorEnv(3, render_mode="rgb_array")
    many.reset(seed=1)
    many.step(np.zeros((3, 1)))
    (picture,) = many.render() or ()
    assert picture.shape == (480, 640, 3)
    market = parallel_env(2, render_mode="rgb_array")
    market.reset(seed=1)
    market.step(dict.fromkeys(market.agents, np.zeros(1)))
    assert market.render() is not None


# Several learners


def test_learners_in_one_market_share_its_trades() -> None:
    market = parallel_env(2, rivals="fixed-spread", mark="value")
    market.reset(seed=3)
    for _ in range(30):
        actions = {"learner_0": np.zeros(1), "learner_1": np.full(1, -0.5)}
        _, rewards, *_ = market.step(actions)
        clearing = market.episodes.market.clearing
        told = [dealing.profit[0] for dealing in clearing.dealings]
        assert [*rewards.values()] == told[:2]
        assert not clearing.dealings[0].filled.any()  # the wider one


def test_own_trades_are_all_that_is_seen_where_trades_are_not_public() -> None:
    seen = {}
    for transparency in ("public", "own"):
        market = parallel_env(2, transparency=transparency)
        market.reset(seed=3)
        for _ in range(20):
            observations, *_ = market.step(
                {"learner_0": np.full(1, 0.9), "learner_1": np.full(1, -0.5)}
            )
        seen[transparency] = observations["learner_0"][0]
    assert seen["own"] == np.log(3.0)  # she was never at the inside
    assert seen["public"] < seen["own"]


def test_lockstep_has_many_markets_of_several_learners() -> None:
    pair = Lockstep(Setting(prior_sd=2.0), learners=2, markets=40)
    first, second = pair.begin(7, np.random.default_rng(0))
    np.testing.assert_array_equal(first, second)
    own = Exchange([PolicyMaker(WIDENING)] * 2, prior_sd=2.0, replications=40, rng=7)
    own.step()
    rewards = pair.step([WIDENING(first), WIDENING(second)])
    np.testing.assert_array_equal(rewards, [one.profit for one in own.clearing.dealings])


# Bad input


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ([np.nan], "action is nan, but must be from -1 to 1"),
        ([1.5], "action is 1.5"),
        ([0.0, 0.0], r"action has shape \(2,\), but must have \(1,\): depth"),
        (0.0, r"action has shape \(\), but must have \(1,\)"),
        ([[0.0]], r"action has shape \(1, 1\), but must have \(1,\)"),
        ("wide", "action is 'wide', but must be a number"),
        (None, "action is None"),
    ],
)
def test_an_action_that_is_none_changes_nothing(action: Any, says: str) -> None:
    env, other = MarketEnv(periods=3), MarketEnv(periods=3)
    for one in (env, other):
        one.reset(seed=2)
    with pytest.raises((ValueError, TypeError), match=says):
        env.step(action)
    for _ in range(3):
        np.testing.assert_array_equal(env.step(np.zeros(1))[0], other.step(np.zeros(1))[0])


@pytest.mark.parametrize("shape", [(3,), (2, 1), (3, 2), ()])
def test_actions_of_many_have_a_row_each(shape: tuple[int, ...]) -> None:
    env = MarketVectorEnv(3)
    env.reset(seed=1)
    with pytest.raises(ValueError, match="action has shape"):
        env.step(np.zeros(shape))
    assert env.episodes.market.period == 0


@pytest.mark.parametrize("make", [MarketEnv, partial(MarketVectorEnv, 1), parallel_env])
def test_steps_before_the_first_episode_and_after_the_last_are_refused(make: Any) -> None:
    env = make(periods=1)
    many = isinstance(env, MarketVectorEnv)
    action: Any = {} if make is parallel_env else np.zeros((1, 1) if many else 1)
    with pytest.raises(RuntimeError, match=r"before the first: call reset\(\) first"):
        env.step(action)
    env.reset(seed=1)
    agents: Any = np.zeros(1)
    env.step(dict.fromkeys(env.agents, agents) if make is parallel_env else action)
    if not many:  # which begins the next
        with pytest.raises(RuntimeError, match="after the end of an episode"):
            env.step(action)


@pytest.mark.parametrize("make", [MarketEnv, partial(MarketVectorEnv, 2), parallel_env])
@pytest.mark.parametrize("seed", [-1, 1.5, "one", 2**63, True])
def test_a_seed_that_is_none_is_refused(make: Any, seed: Any) -> None:
    env = make()
    env.reset(seed=1)
    value = env.episodes.market.value
    with pytest.raises((ValueError, TypeError), match="seed is"):
        env.reset(seed=seed)
    assert env.episodes.market.value is value


def test_a_part_of_the_markets_cannot_be_reset() -> None:
    env = MarketVectorEnv(3)
    env.reset(seed=1)
    with pytest.raises(ValueError, match="true for 1 of 3, but the 3 markets go in lockstep"):
        env.reset(options={"reset_mask": np.array([True, False, False])})
    with pytest.raises(ValueError, match="true for 2 of 2, but the 3 markets"):
        env.reset(options={"reset_mask": np.array([True, True])})


@pytest.mark.parametrize("make", [MarketEnv, partial(MarketVectorEnv, 2)])
def test_options_that_a_reset_does_not_take_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="options hold 'prior_sd', but a reset takes"):
        make().reset(options={"prior_sd": 5.0})
    with pytest.raises(TypeError, match="options is 'wide', but must be a dict"):
        make().reset(options="wide")


@pytest.mark.parametrize("make", [MarketEnv, partial(MarketVectorEnv, 2), parallel_env])
@pytest.mark.parametrize(
    ("setting", "error", "says"),
    [
        ({"rivals": "optimall"}, ValueError, "did you mean 'optimal'"),
        ({"rivals": ["zero-profit", 3]}, TypeError, "maker is 3"),
        ({"mark": "expected", "rivals": "myopic"}, ValueError, "what a monopolist expects"),
        ({"mark": "price"}, ValueError, "mark is 'price', which is unknown"),
        ({"prior_sd": -1.0}, ValueError, "prior_sd is -1.0"),
        ({"prior_sd": (5.0, 1.0)}, ValueError, "the lower first"),
        ({"prior_sd": [1.0] * 7}, ValueError, r"prior_sd has shape \(7,\)"),
        ({"periods": 0}, ValueError, "periods is 0"),
        ({"discount": 1.0}, ValueError, "discount is 1.0"),
        ({"traders": "nosy"}, ValueError, "did you mean 'noisy'"),
        ({"value": "fixt"}, ValueError, "did you mean 'fixed'"),
        ({"transparency": "pubic"}, ValueError, "did you mean 'public'"),
        ({"render_mode": "human"}, ValueError, "render_mode is 'human'"),
        ({"sigma": 3.0}, TypeError, r"sigma is 3\.0, but an environment .* did you mean prior_sd"),
        ({"prior_sds": 3.0}, TypeError, "did you mean prior_sd"),
    ],
)
def test_settings_are_refused_when_it_is_made(
    make: Any, setting: dict[str, Any], error: Any, says: str
) -> None:
    with pytest.raises(error, match=says):
        make(**setting)


def test_several_learners_have_no_expectation_of_their_own() -> None:
    with pytest.raises(ValueError, match="what a monopolist expects"):
        parallel_env(2, mark="expected")
    parallel_env(1, mark="expected")
    with pytest.raises(ValueError, match="learners is 0"):
        parallel_env(0)
    with pytest.raises(ValueError, match="autoreset_mode is 'Never'"):
        MarketVectorEnv(2, autoreset_mode="Never")
    with pytest.raises(ValueError, match="num_envs is 0"):
        MarketVectorEnv(0)


def test_lockstep_takes_an_action_of_each_learner() -> None:
    pair = Lockstep(Setting(), learners=2, markets=3)
    assert pair.discounted_profit.shape == (2, 3)
    pair.begin(1, np.random.default_rng(1))
    with pytest.raises(ValueError, match="actions are 1, but there are 2 learners"):
        pair.step([np.zeros((3, 1))])
    assert pair.market.period == 0


def test_actions_are_of_all_learners() -> None:
    market = parallel_env(2)
    market.reset(seed=1)
    with pytest.raises(ValueError, match=r"actions are of \['learner_0'\], but must be of"):
        market.step({"learner_0": np.zeros(1)})
    with pytest.raises(ValueError, match=r"actions are of \[array.*give a dict of one for each"):
        market.step([np.zeros(1), np.zeros(1)])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"learner_1's action is 7\.0, but must be from -1 to 1"):
        market.step({"learner_0": np.zeros(1), "learner_1": np.full(1, 7.0)})
    with pytest.raises(ValueError, match="agent is 'learner_2', which is unknown"):
        market.action_space("learner_2")
    assert market.episodes.market.period == 0


def test_the_state_is_what_all_learners_observe() -> None:
    market = parallel_env(2, rivals="zero-profit")
    observations, _ = market.reset(seed=1)
    np.testing.assert_array_equal(market.state(), np.concatenate([*observations.values()]))


@pytest.mark.parametrize("missing", ["gymnasium", "pettingzoo"])
def test_without_the_extra_the_import_says_which(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import abm.environments"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        f"ModuleNotFoundError: abm.environments needs {missing}, which is not installed: install "
        f"the extra, as pip install 'market-shock[rl]'"
    )


# The benchmark


def test_the_optimal_rule_has_a_share_of_one() -> None:
    from tests.makers.test_policy import act_optimally

    share, half_width = score(act_optimally, markets=500)
    assert share == pytest.approx(1.0, abs=1e-9)
    assert not half_width > 1e-9  # or NaN


def test_any_maker_of_an_exchange_is_judged() -> None:
    named = score("myopic", markets=300)
    assert named == score(Myopic, markets=300) == score(partial(Myopic), markets=300)
    assert 0.1 < named.share < 0.5


def test_a_share_is_that_of_paired_markets_with_its_interval() -> None:
    found = score(WIDENING, markets=3_000, seed=2, prior_sd=2.0)
    profits = []
    for maker in (PolicyMaker(WIDENING), "optimal"):
        market = Exchange(maker, prior_sd=2.0, replications=3_000, rng=2).run(100)
        profits.append(market.tape.discounted_profit(0.9)[0])
    own, best = profits
    share = own.mean() / best.mean()
    assert found.share == pytest.approx(share, rel=1e-12)
    error = (own - share * best).std(ddof=1) / best.mean() / np.sqrt(3_000)
    assert found.half_width == pytest.approx(1.96 * error, rel=1e-3)
    assert found.half_width < 0.5 * own.std() / own.mean() / np.sqrt(3_000) * 1.96  # pairs help


def test_more_markets_than_a_block_are_simulated_block_by_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = score(WIDENING, markets=300, seed=1)
    monkeypatch.setattr("abm.environments.benchmark.BLOCK", 200)
    parts = score(WIDENING, markets=300, seed=1)
    assert parts != whole
    assert abs(whole.share - parts.share) < 3 * (whole.half_width + parts.half_width)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"markets": 1}, "markets is 1"),
        ({"prior_sd": 0.0}, "prior_sd is 0"),
        ({"seed": -1}, "-1"),
        ({"prior_sd": [1.0, 2.0]}, r"prior_sd is \[1.0, 2.0\], but must be one number or a range"),
    ],
)
def test_a_score_refuses_what_has_no_meaning(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        score(WIDENING, **given)


# Stable-Baselines3


@pytest.mark.skipif(not find_spec("stable_baselines3"), reason="Stable-Baselines3 is no dependency")
def test_stable_baselines_learns_in_it() -> None:
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecMonitor

    from abm.environments.stable_baselines import StableMarkets

    markets = VecMonitor(StableMarkets(8, periods=10, mark="expected"))
    model = PPO("MlpPolicy", markets, n_steps=20, batch_size=40, gamma=0.9, seed=1, device="cpu")
    model.learn(400)
    observations: Any = markets.reset()
    assert observations.shape == (8, 3)
    for _ in range(10):
        action, _ = model.predict(observations, deterministic=True)
        observations, _, over, infos = markets.step(action)
    assert over.all()
    assert all(info["TimeLimit.truncated"] for info in infos)
    assert infos[0]["terminal_observation"][2] == 0
    assert infos[0]["episode"]["l"] == 10
