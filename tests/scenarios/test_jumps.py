"""The scenario `jumps`: where uncertainty settles, which markets die, and quotes around a jump."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from abm import Exchange, GaussianBelief
from abm.one_period.depths import zero_profit_depth
from analysis import Run
from scenarios.jumps import Jumps
from scenarios.jumps.drift import find_bounds, find_fall, tabulate_bounds
from scenarios.jumps.shock import OneJump
from tests.commands import Call, read_error

SIZE = 1_000
STUDY = Jumps(
    jump_sd="1,3",
    probability="0.05",
    prior_sd="1,3",
    replications=SIZE,
    periods=150,
    shock_markets=20,
)
KEYS = ["metric", "jump_sd", "prior_sd", "makers"]
SPREADS = {"zero-profit": 0.4907, "optimal": 1.9950}  # after 300 periods, derived elsewhere
TRADES = {"zero-profit": 0.828, "optimal": 0.376}


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    """Return the results by metric, jumps, shock and maker."""
    return pd.read_csv(folder / "results.csv").set_index(KEYS).sort_index()


@pytest.fixture(scope="module")
def regimes(folder: Path) -> Any:
    """Return spreads around the jump, by whether it is told, maker and when."""
    return pd.read_csv(folder / "regimes.csv").set_index(["told", "maker", "metric"]).sort_index()


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "jumps", "--out", "run")


def test_markets_settle_as_they_are_known_to(table: Any) -> None:
    for maker, spread in SPREADS.items():
        for shock in (1.0, 3.0):
            row = table.loc[("inside_spread", 1.0, shock, maker)]
            assert row["mean"] == pytest.approx(spread, abs=4 * row["se"] + 6e-5)
            idle = table.loc[("no_trade", 1.0, shock, maker)]
            assert 1 - idle["mean"] == pytest.approx(TRADES[maker], abs=4 * idle["se"] + 1e-3)


def test_they_settle_where_the_average_fall_is_what_jumps_add(folder: Path, table: Any) -> None:
    bounds = pd.read_csv(folder / "bounds.csv").set_index(["jump_sd", "maker"])
    for size in (1.0, 3.0):
        for maker in SPREADS:
            found = table.loc[("inside_spread", size, 1.0, maker), "mean"]
            assert found == pytest.approx(bounds.loc[(size, maker), "spread"], rel=0.01)


def test_competition_dies_after_a_large_shock_and_not_after_a_small_one(table: Any) -> None:
    frozen = table.loc["frozen", "mean"]
    assert frozen.loc[(3.0, 3.0, "zero-profit")] > 0.9
    assert frozen.loc[(3.0, 1.0, "zero-profit")] == 0
    assert frozen.xs("optimal", level="makers").max() == 0
    assert frozen.loc[1.0].max() == 0


@pytest.mark.parametrize("rho", [0.3, 1.0, 3.0])
def test_the_fall_of_a_trader_is_that_of_beliefs_on_average(rho: float) -> None:
    depth, belief = 0.8, GaussianBelief(0.0, rho)
    half = depth * np.hypot(rho, 1.0)
    bought = belief.update(half, np.inf, noise_sd=1.0).sd
    none = belief.update(-half, half, noise_sd=1.0).sd
    chance = 2 * norm.sf(depth)
    after = chance * bought**2 + (1 - chance) * none**2
    fall = find_fall(lambda rho: np.full_like(rho, depth), np.array([rho]))[0]
    assert fall == pytest.approx(rho**2 - after, rel=1e-9)


def test_bounds_are_where_the_fall_is_what_jumps_add() -> None:
    settles, grows = find_bounds(zero_profit_depth, 0.45)
    rho = np.array([settles, grows])
    np.testing.assert_allclose(find_fall(zero_profit_depth, rho), 0.45, atol=1e-9)
    beside = find_fall(zero_profit_depth, np.array([0.99 * settles, 1.01 * settles, 1.01 * grows]))
    assert (beside < 0.45).tolist() == [True, False, True]
    assert grows == pytest.approx(3.0256, abs=1e-4)
    assert np.isnan(find_bounds(zero_profit_depth, 1.4)).all()
    assert find_bounds(zero_profit_depth, 1e-6)[0] == pytest.approx(
        (1e-6 * np.pi / 2) ** 0.25, rel=0.01
    )  # where f is rho^4 2 / pi


def test_a_patient_monopolist_was_not_found_to_die_of_small_jumps() -> None:
    bounds = tabulate_bounds({"jump_sd": 1.0, "probability": 0.01}, 0.99).set_index("maker")
    assert bounds.loc["optimal", "settles"] == pytest.approx(0.3444, abs=1e-3)
    assert bounds["grows"].to_dict()["optimal"] == np.inf


def test_where_jumps_add_too_much_either_maker_dies_from_any_start() -> None:
    bounds = tabulate_bounds({"jump_sd": 3.0, "probability": 0.2}, 0.9)
    assert bounds["rise"].tolist() == pytest.approx([1.8, 1.8])
    assert bounds[["settles", "spread", "grows"]].isna().all(axis=None)


def test_the_spread_widens_after_a_jump_if_it_is_told(regimes: Any) -> None:
    for maker in ("optimal", "zero-profit", "zero-profit, exact"):
        row = regimes.loc[("announced", maker)]
        assert row.loc["widening", "low"] > 0
        assert row.loc["late", "mean"] < 0.1 * row.loc["after", "mean"] or maker == "optimal"


def test_of_a_jump_that_nobody_tells_only_exact_beliefs_take_notice(regimes: Any) -> None:
    untold = regimes.loc["unannounced"]
    exact = untold.loc[("zero-profit, exact", "widening")]
    assert exact["low"] > 0.1
    for maker in ("optimal", "zero-profit"):
        assert abs(untold.loc[(maker, "widening"), "mean"]) < 0.1


def test_widening_is_after_less_before_market_by_market(regimes: Any, log: Run) -> None:
    shock = log.table("shock")
    rows = shock[(shock["told"] == "announced") & (shock["maker"] == "zero-profit")]
    spread = rows.pivot(index="period", columns="replication", values="spread")
    gap = spread.loc[26:30].mean() - spread.loc[20:24].mean()
    row = regimes.loc[("announced", "zero-profit", "widening")]
    assert (row["mean"], row["se"]) == pytest.approx((gap.mean(), gap.sem()), rel=1e-9)


def test_errors_are_of_beliefs_and_not_of_quotes(folder: Path) -> None:
    """On exact beliefs quotes are askew while a surprise is not explained; beliefs are not."""
    table = pd.read_csv(folder / "shock.csv").set_index(["metric", "told", "maker", "period"])
    error = table["mean"].loc["belief_error"].loc["unannounced"]
    calm = {
        maker: error.loc[maker].loc[10:24].mean() for maker in ("zero-profit, exact", "optimal")
    }
    assert calm["zero-profit, exact"] < 1.3 * calm["optimal"]


def test_the_jump_comes_once_for_all_and_is_told_then_or_never() -> None:
    for announced in (True, False):
        process = OneJump(when=3, announced=announced)
        market = Exchange("zero-profit", value=process, replications=500, rng=1).run(6)
        values = market.tape.market.pivot(index="period", columns="replication", values="value")
        moves = values.diff().iloc[1:]
        assert (moves.drop(index=3) == 0).all(axis=None)
        assert moves.loc[3].std() == pytest.approx(3.0, abs=4 * 3 / np.sqrt(2 * 500))
        sds = market.tape.makers.groupby("period")["belief_sd"].mean()
        assert (sds[3] > 2) == announced


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--jump-sd 0", "sd is 0"),
        ("--probability 2", "probability is 2"),
        ("--probability often", "probability is 'often', but must be numbers"),
        ("--probability 0", "the value never jumps"),
        ("--shock-markets 1", "shock_markets is 1"),
        ("--periods 11", "periods is 11, but must be"),
    ],
)
def test_options_without_meaning_are_refused(call: Call, options: str, says: str) -> None:
    assert says in read_error(call(*options.split()))
