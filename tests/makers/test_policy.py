"""Policies as makers: what they observe, how they act, and the files that hold them."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abm import Exchange, GaussianBelief, Optimal
from abm.bellman import solve
from abm.experiment import Experiment, grid
from abm.experiment.points import describe_points
from abm.makers import MakerError, PolicyMaker
from abm.makers.policy import Interface
from abm.numerics.arrays import Array
from abm.participants.policies import NetworkPolicy, PolynomialPolicy
from abm.participants.registry import MAKER_TYPES
from abm.testing import check_maker
from abm.traders import UninformedTrader

FACED: dict[str, Any] = {"prior_sd": 3.0, "replications": 40, "rng": 5}
SOLUTION = solve(0.9)


def act_optimally(observation: Array) -> Array:
    """Return the optimal maker's depth, as an action from 0 to 3 sds of a valuation."""
    rho = np.exp(observation[:, :1])
    return 2 * SOLUTION.half_spread(rho) / np.sqrt(1 + rho * rho) / 3 - 1


def act_in_the_middle(observation: Array) -> Array:
    return np.zeros((len(observation), 1))


def act_apart(observation: Array) -> Array:
    return np.tile([-0.5, 0.5], (len(observation), 1))


def random_network(inputs: int = 3, outputs: int = 1) -> NetworkPolicy:
    draw = np.random.default_rng(1).normal
    return NetworkPolicy(
        [draw(size=(inputs, 8)), draw(size=(8, outputs))], [draw(size=8), draw(size=outputs)]
    )


# Quoting


@pytest.mark.parametrize("noise_sd", [1.0, 2.5])
def test_the_optimal_rule_as_a_policy_is_the_optimal_maker(noise_sd: float) -> None:
    terms = FACED | {"noise_sd": noise_sd, "prior_mean": 40.0}
    own, other = (
        Exchange(maker, **terms).run(60) for maker in (PolicyMaker(act_optimally), "optimal")
    )
    for column in ("bid", "ask", "side"):
        np.testing.assert_allclose(
            own.tape.market[column], other.tape.market[column], rtol=0, atol=2e-13 * 40
        )


def test_two_numbers_are_the_depths_of_bid_and_ask() -> None:
    maker = PolicyMaker(act_apart, symmetric=False, depths=(0.0, 2.0))
    quote = Exchange(maker, prior_sd=3.0, prior_mean=7.0).run(1).inside
    scale = np.sqrt(10)
    np.testing.assert_allclose((quote.bid, quote.ask), ([7 - 0.5 * scale], [7 + 1.5 * scale]))


@pytest.mark.parametrize("action", [-1.0, 1.0])
def test_the_ends_of_an_action_are_the_ends_of_the_depths(action: float) -> None:
    maker = PolicyMaker(lambda seen: np.full((len(seen), 1), action), depths=(0.5, 4.0))
    quote = Exchange(maker, prior_sd=3.0).run(1).inside
    np.testing.assert_allclose(quote.ask, {-1.0: 0.5, 1.0: 4.0}[action] * np.sqrt(10))


def test_an_action_of_one_declines_its_side_if_asked() -> None:
    def decline_the_ask(observation: Array) -> Array:
        return np.tile([0.0, 1.0], (len(observation), 1))

    maker = PolicyMaker(decline_the_ask, symmetric=False, decline=True)
    market = Exchange(maker, **FACED).run(5)
    assert np.isinf(market.tape.market["ask"]).all()
    assert np.isfinite(market.tape.market["bid"]).all()
    assert (market.tape.market["side"] <= 0).all()


# Observing


def watch(**terms: Any) -> tuple[Exchange, list[Array]]:
    """Return a market of a watching policy and a rival, and what the policy observed."""
    seen: list[Array] = []

    def look(observation: Array) -> Array:
        seen.append(observation.copy())
        return np.zeros((len(observation), 1))

    maker = PolicyMaker(look, periods=8, last=True)
    return Exchange([maker, "zero-profit"], **FACED | terms).run(10), seen


def test_an_observation_is_what_the_tape_says_of_her() -> None:
    market, seen = watch()
    interface = Interface(periods=8, last=True)
    tape = market.tape.makers.query("maker == 'policy'")
    for period, observation in enumerate(seen):
        now = tape[tape["period"] == period]
        named = dict(zip(interface.observations, observation.T, strict=True))
        np.testing.assert_allclose(named["log_rho"], np.log(now["belief_sd"]), atol=1e-15)
        assert set(named["periods_left"]) == {max(8 - period, 0)}
        if period == 0:
            assert not np.any([named[name] for name in interface.observations[3:]])
            assert not named["inventory"].any()
            continue
        before = tape[tape["period"] == period - 1]
        inside = market.tape.market.query("period == @period - 1")
        np.testing.assert_array_equal(named["inventory"], before["inventory"])
        np.testing.assert_array_equal(named["side"], inside["side"])
        scale = np.sqrt(1 + now["belief_sd"].to_numpy() ** 2)
        for whose, quoted in (("own", before), ("inside", inside)):
            for side in ("bid", "ask"):
                price = quoted[side].to_numpy()
                shown = (price - now["belief_mean"].to_numpy()) / scale
                np.testing.assert_allclose(named[f"{whose}_{side}"], shown, atol=1e-13)


def test_an_observation_is_within_its_bounds_whatever_happens() -> None:
    def refuse(observation: Array) -> Array:
        return np.ones((len(observation), 1))

    interface = Interface(periods=3, last=True, decline=True)
    market = Exchange(PolicyMaker(refuse, periods=3, last=True, decline=True), **FACED).run(6)
    observation = interface.observe(market.makers[0])
    assert (observation >= interface.low).all()
    assert (observation <= interface.high).all()
    assert set(observation[:, 3]) == {-10.0}  # a side that was declined


@pytest.mark.parametrize("transparency", ["public", "own"])
@pytest.mark.parametrize("prior_sd", [3.0, (1.0, 5.0)])
def test_nothing_that_is_observed_reveals_the_value(transparency: str, prior_sd: Any) -> None:
    """Where the value is another, and the same traders come all the same, the same is observed."""
    maker, interface = PolicyMaker(act_in_the_middle, last=True), Interface(last=True)
    terms = FACED | {"prior_sd": prior_sd, "transparency": transparency}
    market, other = (Exchange([maker, "zero-profit"], **terms) for _ in range(2))
    drawn, come = other.value, other.arrivals.come
    other.value = np.random.default_rng(9).normal(0.0, 30.0, drawn.size)
    other.arrivals.come = lambda _, *rest: come(drawn, *rest)  # type: ignore[method-assign]
    for _ in range(12):
        market.step()
        other.step()
        seen, also_seen = (interface.observe(one.makers[0]) for one in (market, other))
        np.testing.assert_array_equal(seen, also_seen)
    assert not np.isclose(market.clearing.value, other.clearing.value).any()


def test_the_unit_of_price_is_not_observed() -> None:
    small, large = (
        watch(prior_sd=3.0 * unit, noise_sd=unit, prior_mean=5.0 * unit)[1] for unit in (1.0, 1e6)
    )
    np.testing.assert_allclose(small, large, rtol=1e-9, atol=1e-9)


# As any other maker


@pytest.mark.parametrize(
    "maker",
    [
        PolicyMaker(act_in_the_middle),
        PolicyMaker(act_apart, symmetric=False),
        PolicyMaker(PolynomialPolicy([0.1, 0.2, 0.05])),
        PolicyMaker(random_network(8), last=True),
        PolicyMaker(act_optimally, belief="exact"),
    ],
    ids=["function", "two-sided", "polynomial", "network", "exact"],
)
def test_a_policy_keeps_the_rules_of_makers(maker: PolicyMaker) -> None:
    check_maker(maker)


def test_two_policies_compete_under_two_labels() -> None:
    market = Exchange([PolicyMaker(act_in_the_middle)] * 2, **FACED).run(3)
    assert [maker.label for maker in market.makers] == ["policy", "policy-2"]
    assert "policy" not in MAKER_TYPES.list_names()


def test_a_policy_has_the_name_that_it_is_given(tmp_path: Path) -> None:
    maker = PolicyMaker(PolynomialPolicy([0.1]), name="mine")
    maker.save(tmp_path / "saved.json")
    makers: list[Any] = [maker, f"policy:{tmp_path / 'saved.json'}", "optimal"]
    market = Exchange(makers, **FACED).run(1)
    assert [one.label for one in market.makers] == ["mine", "mine-2", "optimal"]
    with pytest.raises(ValueError, match=r"maker 'optimal' is .* has that name"):
        Exchange(PolicyMaker(act_in_the_middle, name="optimal"))
    with pytest.raises(ValueError, match="name of a PolicyMaker is 'my maker', but must be"):
        PolicyMaker(act_in_the_middle, name="my maker")


def test_a_belief_of_her_own_is_hers() -> None:
    maker = PolicyMaker(act_in_the_middle, belief=GaussianBelief(2.0, 1.0))
    assert Exchange(maker, prior_sd=3.0).run(1).inside.mid == 2.0


def test_an_error_of_a_policy_names_her_and_the_period() -> None:
    def fail(observation: Array) -> Array:
        raise ZeroDivisionError(f"at {len(observation)}")

    with pytest.raises(MakerError, match="'policy' raised an error when she quoted in period 0"):
        Exchange(PolicyMaker(fail)).run(1)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ([[0.5], [0.5]], r"action has shape \(2, 1\), but must have \(1, 1\): depth for each of 1"),
        ([0.5], r"action has shape \(1,\)"),
        ([[0.5, 0.5]], r"action has shape \(1, 2\)"),
        ([[np.nan]], "action is nan, but must be from -1 to 1"),
        ([[1.01]], r"action is 1.01, but must be from -1 to 1.*clip it"),
        ([[np.inf]], "action is inf"),
        (None, "action is None, but must be a number"),
        ("wide", "action is 'wide'"),
    ],
)
def test_an_action_that_is_none_is_refused(action: Any, says: str) -> None:
    with pytest.raises(MakerError, match=says):
        Exchange(PolicyMaker(lambda _: action)).run(1)


@pytest.mark.parametrize(
    ("setting", "error", "says"),
    [
        ({"policy": 3}, TypeError, "policy is 3, but must be a function"),
        ({"periods": 0}, ValueError, "periods is 0"),
        ({"belief": "foo"}, ValueError, "belief is 'foo', which is unknown"),
        ({"last": 1}, TypeError, "last is 1, but must be true or false"),
        ({"depths": (2.0, 1.0)}, ValueError, r"depths is \(2.0, 1.0\), but must be two numbers"),
        ({"depths": (-1.0, 1.0)}, ValueError, "depths is"),
        ({"depths": 3.0}, ValueError, "depths is 3.0"),
        ({"depths": (0.0, np.inf)}, ValueError, "depths is inf, but must be finite"),
    ],
)
def test_settings_out_of_range_are_refused(setting: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        PolicyMaker(**{"policy": act_in_the_middle} | setting)


@pytest.mark.parametrize(
    ("policy", "setting", "says"),
    [
        (random_network(8), {}, "takes in 8 numbers, but an observation holds 3.*as last=True"),
        (random_network(3, 2), {}, "policy gives 2 numbers, but an action is depth"),
        (PolynomialPolicy([0.1]), {"symmetric": False}, "policy gives 1 numbers, but an action is"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_when_the_maker_is_made(
    policy: Any, setting: Any, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        PolicyMaker(policy, **setting)


def test_what_is_shown_of_a_policy_is_short() -> None:
    maker = PolicyMaker(random_network(8), last=True, name="mine")
    assert repr(maker).startswith("PolicyMaker(mine, NetworkPolicy(8-8-1, tanh), Interface(")
    assert repr(PolynomialPolicy([0.5])) == "PolynomialPolicy(coefficients [[0.5]])"


def test_depths_need_a_belief_and_valuations() -> None:
    nobody: Any = None
    with pytest.raises(ValueError, match="has no belief"):
        Exchange(PolicyMaker(act_in_the_middle, belief=nobody))
    with pytest.raises(ValueError, match="no sd of a valuation"):
        Exchange(PolicyMaker(act_in_the_middle), partial(UninformedTrader, share=1.0))


# Policies of numbers, and their files


def test_a_network_is_its_layers() -> None:
    network = random_network()
    seen = np.random.default_rng(2).normal(size=(5, 3))
    hidden = np.tanh(seen @ network.weights[0] + network.biases[0])
    expected = np.clip(hidden @ network.weights[1] + network.biases[1], -1, 1)
    np.testing.assert_allclose(network(seen), expected, rtol=1e-14)
    rectified = NetworkPolicy(network.weights, network.biases, "relu")
    hidden = np.maximum(seen @ network.weights[0] + network.biases[0], 0)
    expected = np.clip(hidden @ network.weights[1] + network.biases[1], -1, 1)
    np.testing.assert_allclose(rectified(seen), expected, rtol=1e-14)


@pytest.mark.parametrize("policy", [random_network(), PolynomialPolicy([0.1, 0.2, 0.3])])
def test_an_action_does_not_depend_on_how_many_markets_there_are(policy: Any) -> None:
    seen = np.random.default_rng(4).normal(size=(1_001, 3))
    together = policy(seen)
    for few in (1, 2, 3, 7, 64):
        np.testing.assert_array_equal(policy(seen[:few]), together[:few])


def test_a_polynomial_may_be_another_in_each_replication() -> None:
    seen = np.log([[1.0], [2.0], [3.0]])
    each = np.random.default_rng(3).normal(size=(3, 2, 4))
    together = PolynomialPolicy(each)(seen)
    alone = [PolynomialPolicy(one)(row[np.newaxis])[0] for one, row in zip(each, seen, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-14)
    assert np.abs(together).max() <= 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PolynomialPolicy([]), "coefficients has shape"),
        (lambda: PolynomialPolicy(np.ones((1, 1, 1, 1))), "coefficients has shape"),
        (lambda: PolynomialPolicy([np.nan]), "coefficients is nan"),
        (lambda: NetworkPolicy([], []), "weights have shapes"),
        (lambda: NetworkPolicy([np.ones((3, 2))], [np.ones(3)]), "with a bias for each out"),
        (lambda: NetworkPolicy([np.ones((3, 2)), np.ones((3, 1))], [np.ones(2), np.ones(1)]),
         "take in what the one before gives"),
        (lambda: NetworkPolicy([np.ones((3, 1))], [np.ones(1)], "tahn"), "did you mean 'tanh'"),
    ],
)  # fmt: skip
def test_policies_that_do_not_fit_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


SAVED = {
    "polynomial": PolicyMaker(PolynomialPolicy([1 / 3, 0.1, 1e-17])),
    "network": PolicyMaker(
        random_network(8, 2), periods=40, last=True, symmetric=False, depths=(0.1, 2.0),
        decline=True, belief="exact",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAVED)
def test_a_file_gives_back_every_digit(name: str, tmp_path: Path) -> None:
    maker, file = SAVED[name], tmp_path / "saved.json"
    maker.save(file)
    again = PolicyMaker.load(file)
    assert (again.interface, again.belief) == (maker.interface, maker.belief)
    one, other = (Exchange(choice, **FACED).run(20) for choice in (maker, f"policy:{file}"))
    assert one.tape.makers.equals(other.tape.makers)
    assert [path.name for path in tmp_path.iterdir()] == ["saved.json"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text[: len(text) // 2], "does not read as JSON.*truncated, or foreign"),
        (lambda _: "", "does not read as JSON"),
        (lambda _: "[" * 100_000, "does not read as JSON"),
        (lambda _: "[1, 2]", "has the format None, but must have 'market-shock policy 1'"),
        (lambda _: '{"format": "other"}', "has the format 'other'"),
        (lambda text: text.replace("0.1", "0.2"), "it was edited, or is not whole"),
        (lambda text: text.replace('"periods": 100', '"periods": 99'), "was edited"),
    ],
)
def test_a_file_that_is_not_whole_or_foreign_is_refused(
    spoil: Any, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "saved.json"
    SAVED["polynomial"].save(file)
    file.write_text(spoil(file.read_text()))
    with pytest.raises(ValueError, match=says) as caught:
        PolicyMaker.load(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PK\x03\x04"])
def test_a_file_of_bytes_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ValueError, match="does not read as JSON"):
        PolicyMaker.load(tmp_path / "other")


def rewrite(file: Path, change: Any) -> None:
    """Change a policy's file, and give it the digest of what it then holds."""
    from abm.participants.policies import _digest

    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content | {"digest": _digest(content)}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content["made for"].update(observations=["log_rho", "cash"]),
         r"was made for the observation \['log_rho', 'cash'\]"),
        (lambda content: content["made for"].pop("observations"), "was made for the observation"),
        (lambda content: content["made for"].update(observations=3), "for the observation 3"),
        (lambda content: content["made for"].update(belief="foo"), "belief is 'foo'"),
        (lambda content: content.update({"made for": None}), "holds no policy of this version"),
        (lambda content: content.pop("policy"), "holds no policy of this version"),
        (lambda content: content.update(policy=["x"]), "holds no policy of this version"),
        (lambda content: content.update(numbers={}), "holds no policy of this version"),
        (lambda content: content.update(numbers=[]), "holds no policy of this version"),
        (lambda content: content.update(numbers={"coefficients": ["a"]}), "coefficients is"),
        (lambda content: content["made for"].update(colour="red"), "colour.*none of this version"),
        (lambda content: content["made for"].update(symmetric=False), "none of this version"),
        (lambda content: content.update(policy="forest"), "policy is 'forest', which is unknown"),
    ],
)  # fmt: skip
def test_a_file_made_for_another_observation_is_refused(
    change: Any, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "saved.json"
    SAVED["polynomial"].save(file)
    rewrite(file, change)
    with pytest.raises(ValueError, match=says):
        PolicyMaker.load(file)


def test_what_is_no_policy_of_numbers_is_not_saved(tmp_path: Path) -> None:
    file = tmp_path / "saved.json"
    with pytest.raises(TypeError, match="only a PolynomialPolicy or a NetworkPolicy"):
        PolicyMaker(act_in_the_middle).save(file)
    with pytest.raises(TypeError, match=r"belief is .*a file can hold a word only"):
        PolicyMaker(PolynomialPolicy([0.1]), belief=GaussianBelief(0.0, 1.0)).save(file)
    with pytest.raises(ValueError, match="coefficients are of 2 replications"):
        PolicyMaker(PolynomialPolicy(np.ones((2, 1, 3)))).save(file)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        PolicyMaker(PolynomialPolicy([0.1])).save(tmp_path / "none" / "saved.json")
    assert not list(tmp_path.iterdir())


# In experiments


def test_points_of_policies_are_told_apart_by_all_that_they_do() -> None:
    makers: list[Any] = [
        PolicyMaker(act_in_the_middle),
        PolicyMaker(act_in_the_middle, periods=50),
        PolicyMaker(PolynomialPolicy([0.1])),
        PolicyMaker(PolynomialPolicy([0.2])),
        PolicyMaker(lambda seen: seen[:, :1] * 0),
        "optimal",
    ]
    described = [point["makers"] for point in describe_points(grid(makers=makers))]
    assert len(set(described)) == len(makers)
    assert described[0].startswith("policy(act_in_the_middle ")
    again = PolicyMaker(PolynomialPolicy([0.1]))
    assert describe_points([{"makers": again}])[0]["makers"] == described[2]


def test_an_experiment_compares_a_policy_by_its_file_and_knows_it_again(tmp_path: Path) -> None:
    file = tmp_path / "tight.json"
    PolicyMaker(PolynomialPolicy([-0.3, 0.2])).save(file)
    points = grid(makers=[f"policy:{file}", partial(Optimal, discount=0.9)])
    study = partial(Experiment, points, replications=60, periods=5, seed=1)
    study().run(tmp_path / "run")
    study().run(tmp_path / "run", resume=True)  # as it was
    code = json.loads((tmp_path / "run" / "run.json").read_text())["code"]
    assert any("PolicyMaker" in name for name in code)
    PolicyMaker(PolynomialPolicy([-0.3, 0.3])).save(file)
    with pytest.raises(Exception, match="PolicyMaker"):
        study().run(tmp_path / "run", resume=True)
