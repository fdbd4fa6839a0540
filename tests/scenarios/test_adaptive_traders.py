"""The scenario `adaptive-traders`: known values, where bounds are, how learning slows."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from abm import Exchange
from abm.traders import AdaptiveTrader
from scenarios.adaptive_traders import AdaptiveTraders
from scenarios.adaptive_traders.learning import NEEDS, estimate_learning, find_decay, list_counts
from scenarios.adaptive_traders.theory import MAKERS, Theory
from tests.commands import Call, read_error

SIZE = 1_000
STUDY = AdaptiveTraders(
    weight="0.5,1",
    need_sd="1",
    prior_sd="1,3,5",
    replications=SIZE,
    periods=50,
    long_run=300,
)
TYPES = [(0.5, 1.0), (1.0, 1.0)]
KNOWN = {  # W, and half-spreads optimal and zero-profit, by code that shares nothing with this
    (1.0, 2.0): {1.0: (6.101709, 1.7208, 0.2026), 5.0: (3.448758, 7.1815, 11.3643)},
    (1.0, 1.0): {1.0: (2.569986, 1.1561, 0.4197), 3.0: (1.468646, 4.3602, 7.7432)},
    (1.0, 0.5): {3.0: (0.280157, 5.5709, 15.9747), 5.0: (0.034140, 13.035, 47.836)},
    (0.5, 0.5): {1.0: (1.147149, 1.2510, 0.8546), 5.0: (0.229731, 10.7611, 28.2887)},
    (0.5, 0.0): {1.0: (0.141596, 1.6472, 1.2958), 3.0: (0.003065, 9.2651, 12.4445)},
}
CROSSINGS = {  # shock past which the monopolist is the tighter one, and rho_eff there
    (1.0, 2.0): (3.251, 1.553), (1.0, 1.0): (1.8047, 1.579), (1.0, 0.5): (1.1027, 1.634),
    (0.5, 0.5): (1.4412, 1.707), (0.5, 0.0): (1.4635, 2.299),
}  # fmt: skip


@cache
def make_theory(weight: float, need_sd: float) -> Theory:
    return Theory(weight, need_sd, discount=0.9, largest=5.0)


def find_crossing(theory: Theory) -> float:
    return theory.find_tighter()[0]


@pytest.fixture(scope="module")
def bounds(folder: Path) -> Any:
    """Return the bounds by weight, need and name."""
    table = pd.read_csv(folder / "bounds.csv")
    return table.set_index(["weight", "need_sd", "bound"])


@pytest.fixture(scope="module")
def estimates(folder: Path) -> Any:
    """Return the results by point, maker and metric."""
    keys = ["weight", "need_sd", "prior_sd", "maker", "metric"]
    return pd.read_csv(folder / "results.csv").set_index(keys)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "adaptive-traders", "--out", "run")


def test_each_type_comes_at_each_shock_but_who_would_never_trade(estimates: Any) -> None:
    found = estimates.index.droplevel(["metric", "maker"]).unique()
    assert set(found) == {(*kind, shock) for kind in TYPES for shock in (1.0, 3.0, 5.0)}
    types = AdaptiveTraders(weight="0,1", need_sd="0,2").list_types()
    assert [tuple(one.values()) for one in types] == [(0.0, 0.0), (0.0, 2.0), (1.0, 2.0)]


@pytest.mark.parametrize("kind", KNOWN)
def test_values_and_spreads_are_those_known(kind: tuple[float, float]) -> None:
    theory = make_theory(*kind)
    for shock, (value, optimal, competitive) in KNOWN[kind].items():
        sd = np.array([shock])
        assert theory.solution.value_function(sd)[0] == pytest.approx(value, abs=1e-6)
        assert theory.quote("optimal", sd)[0] == pytest.approx(optimal, abs=6e-4)
        assert theory.quote("zero-profit", sd)[0] == pytest.approx(competitive, rel=1e-5, abs=6e-5)


@pytest.mark.parametrize("kind", CROSSINGS)
def test_the_monopolist_is_the_tighter_one_past_a_known_shock(kind: tuple[float, float]) -> None:
    theory = make_theory(*kind)
    shock, rho_eff = CROSSINGS[kind]
    crossing = theory.find_tighter()[0]
    assert crossing == pytest.approx(shock, abs=6e-4)
    assert theory.find_rho_eff(crossing) == pytest.approx(rho_eff, abs=6e-4)
    beside = crossing * np.array([0.99, 1.01])
    optimal, competitive = (theory.quote(maker, beside) for maker in MAKERS)
    assert (optimal > competitive).tolist() == [True, False]


def test_with_much_weight_and_no_need_the_monopolist_is_never_tighter() -> None:
    theory = make_theory(0.75, 0.0)
    assert np.isnan(theory.find_tighter()).all()
    spreads = theory.tabulate_spreads()
    assert (spreads["ratio"] > 1).all()


def test_with_a_little_less_weight_she_is_tighter_between_two_shocks() -> None:
    theory = make_theory(0.7, 0.0)
    start, end = theory.find_tighter()
    assert (start, end) == pytest.approx((1.3156, 1.7904), abs=5e-4)
    sd = np.array([0.99 * start, 1.01 * start, 0.99 * end, 1.01 * end])
    optimal, competitive = (theory.quote(maker, sd) for maker in MAKERS)
    assert (optimal < competitive).tolist() == [False, True, True, False]


def test_without_weight_bounds_are_the_papers_in_units_of_what_traders_add() -> None:
    paper, needy = make_theory(0.0, 0.0), make_theory(0.0, 1.0)
    assert paper.find_tighter()[0] == pytest.approx(1.5442, abs=1e-4)
    for bound in (
        find_crossing,
        partial(Theory.find_freezing, maker="zero-profit", periods=20),
    ):
        assert bound(needy) / bound(paper) == pytest.approx(np.sqrt(2), rel=1e-5)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("maker", MAKERS)
def test_the_chance_that_nobody_trades_is_that_of_markets(
    kind: tuple[float, float], maker: str
) -> None:
    theory, periods = make_theory(*kind), 30
    shock = theory.find_freezing("zero-profit", periods)
    traders = partial(AdaptiveTrader, weight=kind[0], need_sd=kind[1])
    market = Exchange(maker, traders, prior_sd=shock, replications=4_000, rng=1).run(periods)
    log = market.tape.market
    frozen = (log["side"] == 0).groupby(log["replication"]).all()
    (expected,) = theory.measure_no_trade(maker, np.array([shock]), periods)
    if maker == "zero-profit":
        assert expected == pytest.approx(0.5, abs=1e-6)
    assert frozen.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 4_000))


def test_competition_freezes_near_a_rho_of_four_whatever_the_need() -> None:
    for need_sd in (0.5, 1.0, 2.0):
        theory = make_theory(1.0, need_sd)
        rho_eff = theory.find_rho_eff(theory.find_freezing("zero-profit", 100))
        assert 4.0 < rho_eff < 4.1


def test_bounds_written_are_those_computed(bounds: Any) -> None:
    for kind in TYPES:
        theory = make_theory(*kind)
        row = bounds.loc[(*kind, "the monopolist is tighter")]
        assert row["prior_sd"] == pytest.approx(theory.find_tighter()[0], rel=1e-9)
        assert row["rho_eff"] == pytest.approx(theory.find_rho_eff(row["prior_sd"]), rel=1e-9)
        row = bounds.loc[(*kind, "competition freezes")]
        freezing = theory.find_freezing("zero-profit", STUDY.periods)
        assert row["prior_sd"] == pytest.approx(freezing, rel=1e-6)


def test_the_monopolist_earns_what_her_plan_promises(folder: Path, estimates: Any) -> None:
    worth = pd.read_csv(folder / "worth.csv").set_index(["weight", "need_sd", "prior_sd"])
    for shock in (1.0, 3.0):
        row = estimates.loc[(1.0, 1.0, shock, "optimal", "discounted_profit")]
        value = worth.loc[(1.0, 1.0, shock), "value"]
        assert row["mean"] == pytest.approx(value, abs=4 * row["se"] + 1e-3)
    np.testing.assert_allclose(worth["first"] + worth["later"], worth["value"], atol=1e-12)
    assert (worth["myopic"] <= worth["value"] + 1e-7).all()


def test_what_the_first_trader_brings_is_what_markets_bring(folder: Path, log: Any) -> None:
    worth = pd.read_csv(folder / "worth.csv").set_index(["weight", "need_sd", "prior_sd"])
    summary = log.table("summary").query(
        "metric == 'profit' and period == 0 and maker == 'optimal'"
    )
    for row in summary.itertuples():
        error = 4 * np.sqrt(row.variance / row.count)
        first = worth.loc[(row.weight, 1.0, row.prior_sd), "first"]
        assert row.mean == pytest.approx(first, abs=error + 1e-9)


def test_first_spreads_are_those_of_the_theory(estimates: Any) -> None:
    for kind in TYPES:
        for maker in MAKERS:
            found = estimates.loc[(*kind, 3.0, maker, "first_spread"), "mean"]
            assert found == pytest.approx(2 * make_theory(*kind).quote(maker, np.array([3.0]))[0])


def test_competition_is_frozen_past_its_bound_and_the_monopolist_is_not(estimates: Any) -> None:
    frozen = estimates.xs((1.0, 1.0, 5.0, "frozen"), level=(0, 1, 2, 4))["mean"]
    assert frozen["zero-profit"] > 0.99
    assert frozen["optimal"] < 0.01


@pytest.mark.parametrize(("weight", "rate"), [(0.0, 1.0), (1.0, 1 / 3)])
@pytest.mark.parametrize("maker", MAKERS)
def test_the_law_of_learning_solves_its_equation(weight: float, rate: float, maker: str) -> None:
    decay = find_decay(weight, maker)
    assert decay.rate == pytest.approx(rate)
    theory, variance = make_theory(weight, NEEDS[weight]), 1e-4
    sd = np.array([np.sqrt(variance)])
    law = theory.announce(np.zeros(1), sd)
    (scale,) = law.find_line(np.zeros(1)).find_scale(sd)
    depth = theory.quote(maker, sd)[0] / scale
    (slope,) = law.slope
    explained = slope**2 * variance / scale**2
    fall = variance * explained * 2 * norm.pdf(depth) ** 2 / norm.sf(depth)
    count = (decay.constant / variance) ** (1 / decay.rate)  # at which the law has this variance
    assert fall == pytest.approx(decay.rate * variance / count, rel=0.01)


def test_learning_slows_where_traders_learn(log: Any) -> None:
    table = estimate_learning(log).set_index(["weight", "maker", "traders", "metric"])["mean"]
    for maker in MAKERS:
        assert table[(0.0, maker, 300, "rate")] == pytest.approx(0.95, abs=0.06)
        assert table[(1.0, maker, 300, "rate")] == pytest.approx(0.40, abs=0.05)
        constants = {weight: table[(weight, maker, 300, "constant")] for weight in (0.0, 1.0)}
        assert constants[0.0] == pytest.approx(find_decay(0.0, maker).constant, rel=0.05)
        assert 1 < constants[1.0] / find_decay(1.0, maker).constant < 1.2
    variance = table.xs("variance", level="metric")
    assert (
        (variance.xs("optimal", level="maker") < variance.xs("zero-profit", level="maker"))
        .loc[(slice(None), 300)]
        .all()
    )  # late on a monopolist learns more of a trader


def test_in_one_period_nobody_needs_to_be_frozen_out_to_stay_away() -> None:
    theory = make_theory(0.5, 1.0)
    assert theory.measure_no_trade("optimal", np.array([0.01]), periods=1) > 0.5
    assert np.isnan(theory.find_freezing("optimal", periods=1))


def test_counts_of_traders_end_with_the_last_and_grow_tenfold_in_four_steps() -> None:
    assert list_counts(100) == [1, 2, 3, 6, 10, 18, 32, 56, 100]
    assert list_counts(1) == [1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--weight 1 --need-sd 0", "weight is 1 and need_sd is 0"),
        ("--weight 1.5", "weight is 1.5"),
        ("--need-sd -1", "need_sd is -1"),
        ("--need-sd 1000", "need_sd is 1000, but must be 0 or from 0.01 to 100: give one in"),
        ("--need-sd 0.001", "need_sd is 0.001, but must be 0 or from 0.01 to 100: give one in"),
        ("--weight 0.95 --need-sd 0", "weight is 0.95 where need_sd is 0"),
        ("--need-sd few", "need_sd is 'few', but must be numbers: give as 1 or as 1,3,5"),
        ("--long-run 0", "long_run is 0"),
    ],
)
def test_options_without_meaning_are_refused(call: Call, options: str, says: str) -> None:
    assert says in read_error(call(*options.split()))
