"""An exchange among Mesa's own things: its scenarios, and models that hold an exchange."""

from collections.abc import Iterator
from typing import Any

import mesa
import numpy as np
import pytest

from abm import Exchange, Optimal

MARKET: dict[str, Any] = {"makers": ["optimal", "zero-profit"], "prior_sd": 3.0, "replications": 5}


class StandIn:
    """What a Scenario of Mesa 3.5 and 4 gives, for Mesa 3.3, which has none."""

    def __init__(self, *, rng: Any = None, **parameters: Any) -> None:
        self.rng, self._parameters = rng, parameters

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._parameters.items())


def find_scenarios() -> list[type]:
    try:
        from mesa.experimental.scenarios import Scenario
    except ImportError:
        return [StandIn]
    return [StandIn, Scenario]


@pytest.fixture(params=find_scenarios())
def scenario_type(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_scenario_holds_the_arguments(scenario_type: Any) -> None:
    scenario = scenario_type(rng=7, **MARKET)
    seed = 7 if scenario.rng == 7 else int(np.random.default_rng(7).integers(2**63))  # in Mesa 4
    market = Exchange(scenario=scenario).run(5)
    alone = Exchange(**MARKET, rng=seed).run(5)
    assert market.tape.makers.equals(alone.tape.makers)
    assert dict(market.scenario)["prior_sd"] == 3.0


def test_the_generator_of_a_scenario_gives_a_seed(scenario_type: Any) -> None:
    markets = [
        Exchange(scenario=scenario_type(rng=np.random.default_rng(seed), **MARKET)).run(3)
        for seed in (1, 1, 2)
    ]
    first, again, other = (market.tape.market for market in markets)
    same = StandIn(rng=np.random.default_rng(1), **MARKET)  # Mesa 3.5 gives one to one model
    assert all(Exchange(scenario=same).run(3).tape.market.equals(first) for _ in range(2))
    assert first.equals(again)
    assert not first["value"].isin(other["value"]).any()


def test_a_scenario_with_an_unknown_name_or_no_maker_is_refused(scenario_type: Any) -> None:
    with pytest.raises(TypeError, match=r"sigma is 3\.0, but an exchange does not take it"):
        Exchange(scenario=scenario_type(rng=1, makers="optimal", sigma=3.0))
    with pytest.raises(ValueError, match="makers is empty"):
        Exchange(scenario=scenario_type(rng=1))


def test_a_scenario_without_a_seed_is_refused() -> None:  # but in Mesa 4, where it has one
    with pytest.raises(TypeError, match="rng is None, but must be a whole number"):
        Exchange(scenario=StandIn(**MARKET))


def test_arguments_stand_in_a_scenario_or_beside_it_not_both() -> None:
    scenario = StandIn(rng=1, **MARKET)
    with pytest.raises(TypeError, match="scenario is given beside prior_sd, rng, but must hold"):
        Exchange(scenario=scenario, prior_sd=2.0, rng=3)
    with pytest.raises(TypeError, match="scenario is given beside makers"):
        Exchange("optimal", scenario=scenario)


@pytest.mark.parametrize("scenario", [{"makers": "optimal"}, 3, "optimal"])
def test_a_scenario_must_be_one_of_mesa(scenario: Any) -> None:
    with pytest.raises(TypeError, match="must be a Scenario of Mesa: give one, or its parameters"):
        Exchange(scenario=scenario)


class District(mesa.Model):
    """Two markets in one model, the seed of each drawn by it."""

    def __init__(self, rng: int) -> None:
        super().__init__(rng=rng)
        self.markets = [
            Exchange("optimal", prior_sd=3.0, rng=int(self.rng.integers(2**63))) for _ in range(2)
        ]

    def step(self) -> None:
        for market in self.markets:
            market.step()


def test_a_model_may_hold_exchanges() -> None:
    first, again, other = (District(rng) for rng in (1, 1, 2))
    for district in (first, again, other):
        for _ in range(4):
            district.step()
    for market, same, another in zip(first.markets, again.markets, other.markets, strict=True):
        assert market.period == 4
        assert market.tape.market.equals(same.tape.market)
        assert market.value != another.value
        assert set(market.agents) == {*market.makers, *market.traders}
    assert first.markets[0].value != first.markets[1].value
    assert not len(first.agents)


def test_a_maker_of_a_market_within_sees_that_market_alone() -> None:
    district = District(1)
    maker = district.markets[0].makers[0]
    assert isinstance(maker, Optimal)
    assert maker.model is district.markets[0]
