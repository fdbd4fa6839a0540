"""A prior sd for each replication: as many markets apart, and drawn from a range by the seed."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from abm import Exchange, Jumps, Myopic, ZeroProfit
from abm.experiment import Experiment, grid
from abm.makers.franchise import Franchise
from abm.participants.registry import MAKER_TYPES
from abm.traders import AdaptiveTrader, UninformedTrader
from analysis import load
from analysis.results import results

SDS = np.array([0.5, 4.0, 1.0, 2.5])
EXACT = {f"exact-{kind.name}": partial(kind, belief="exact") for kind in (ZeroProfit, Myopic)}
OWN = MAKER_TYPES.load_own() | {"franchise": partial(Franchise, periods=6)}
MAKERS: dict[str, Any] = OWN | EXACT
OTHER_MARKETS: dict[str, dict[str, Any]] = {
    "uninformed": {"traders": ["noisy", partial(UninformedTrader, share=0.3, reach=3.0)]},
    "adaptive": {"traders": partial(AdaptiveTrader, weight=0.5)},
    "jumps": {"value": Jumps(1.0, probability=0.1)},
    "own": {"transparency": "own"},
    "redrawn": {"value": "redrawn"},
}


def run(prior_sd: Any, makers: Any, **terms: Any) -> Exchange:
    return Exchange(makers, prior_sd=prior_sd, replications=len(SDS), rng=3, **terms).run(12)


def require_apart(makers: Any, rtol: float, **terms: Any) -> None:
    """Require that each replication is as in markets that all have its sd."""
    together = run(SDS, makers, **terms).tape.makers
    columns = ["bid", "ask", "belief_mean", "belief_sd", "inventory", "profit"]
    for number, sd in enumerate(SDS):
        alone = run(sd, makers, **terms).tape.makers
        one, other = (
            tape.loc[tape["replication"] == number, columns] for tape in (together, alone)
        )
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", MAKERS)
def test_each_replication_is_as_in_a_market_of_its_own_sd(name: str) -> None:
    require_apart(MAKERS[name], rtol=1e-6)  # a solution of another range of rho is as near


@pytest.mark.parametrize("name", OTHER_MARKETS)
def test_also_in_other_markets(name: str) -> None:
    require_apart(["zero-profit", "myopic"], rtol=1e-9, **OTHER_MARKETS[name])
    require_apart("optimal", rtol=1e-6, **OTHER_MARKETS[name])


def test_a_range_gives_each_replication_a_sd_that_the_seed_decides() -> None:
    many = Exchange("optimal", prior_sd=(1.0, 8.0), replications=4_000, rng=1).terms.prior.sd
    assert many.min() >= 1.0
    assert many.max() <= 8.0
    level = np.log(many) / np.log(8.0)  # uniform
    assert abs(level.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(many))
    assert abs(level.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / len(many))
    few = Exchange("myopic", prior_sd=(1.0, 8.0), replications=10, rng=1).terms.prior.sd
    np.testing.assert_array_equal(few, many[:10])
    other = Exchange("myopic", prior_sd=(1.0, 8.0), replications=10, rng=1, block=1).terms.prior.sd
    assert not np.isin(other, many).any()


def test_of_a_range_the_draws_of_the_value_are_as_ever() -> None:
    some, one = (
        Exchange("optimal", prior_sd=sd, replications=6, rng=1) for sd in ((1.0, 8.0), 1.0)
    )
    np.testing.assert_allclose(some.value / some.terms.prior.sd, one.value, rtol=1e-14)


def test_a_range_of_one_sd_is_that_sd() -> None:
    market = Exchange("optimal", prior_sd=(0.3, 0.3), replications=3)
    assert market.terms.prior.sd.tolist() == [0.3, 0.3, 0.3]
    assert "prior_sd=0.3" in repr(market)
    assert "prior_sd=0.5 to 4" in repr(run(SDS, "optimal"))


def test_an_array_that_was_given_is_not_shared() -> None:
    given = SDS.copy()
    market = Exchange("optimal", prior_sd=given, replications=4, rng=3)
    given[:] = 9.0
    np.testing.assert_array_equal(market.terms.prior.sd, SDS)


@pytest.mark.parametrize(
    ("prior_sd", "says"),
    [
        (np.ones(3), r"prior_sd has shape \(3,\), but the number of replications is 4"),
        (np.ones((4, 1)), r"prior_sd has shape \(4, 1\)"),
        ([1.0, 2.0, np.nan, 1.0], "prior_sd is nan, but must be finite"),
        ([1.0, 2.0, -1.0, 1.0], "prior_sd is -1.0, but must be finite and above zero"),
        ([1.0, 2.0, 1e5, 1.0], "prior_sd is 100000, 100000 times noise_sd"),
        ((8.0, 1.0), r"prior_sd is \(8.0, 1.0\), but a range is two numbers, the lower first"),
        ((1.0, 2.0, 3.0), r"a range is two numbers"),
        ((0.0, 2.0), "prior_sd is 0.0, but must be finite and above zero"),
        ((1.0, 1e6), "times noise_sd"),
    ],
)
def test_prior_sds_out_of_range_are_refused(prior_sd: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Exchange("optimal", prior_sd=prior_sd, replications=4)


def test_a_study_takes_no_array() -> None:
    points = grid(makers=["optimal"], prior_sd=[SDS])
    with pytest.raises(ValueError, match="takes one number for all, or a range as"):
        Experiment(points, replications=4, periods=3, seed=1)


def test_a_study_may_draw_the_shock_from_a_range(tmp_path: Any) -> None:
    points = grid(makers=["optimal"], prior_sd=[1.0, (1.0, 8.0), 8.0])
    study = Experiment(points, replications=200, periods=30, seed=1, block=100)
    study.run(tmp_path / "run")
    found = results(load(tmp_path / "run")).query("metric == 'spread'")
    assert found["prior_sd"].tolist() == ["1.0", "1..8", "8.0"]
    low, some, high = found["mean"]
    assert low < some < high
