"""The scenario `uninformed`: known quotes, profits and jumps, who pays, and beliefs compared."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from abm.market.laws import Law
from abm.participants.admission import find_law
from analysis import Run
from scenarios.uninformed import Uninformed
from scenarios.uninformed.beliefs import BELIEFS, BY_BELIEF, DIFFERENCE
from scenarios.uninformed.markets import HALF, UNAWARE, make_traders
from scenarios.uninformed.quotes import find_half_spreads, find_jumps, tabulate_quotes
from tests.commands import Call, read_error

SIZE = 1_000
STUDY = Uninformed(
    kind="half,3", share="0.3", prior_sd="3", replications=SIZE, periods=50, exact_markets=20
)
ELASTIC = "within 3"
KEYS = ["kind", "share", "prior_sd", "policy", "metric"]
FIRST_SPREADS = {  # derived by code that shares nothing with this project
    (HALF, "zero-profit"): 3.8867, (ELASTIC, "zero-profit"): 2 * 3.0536,
    (ELASTIC, "optimal"): 2 * 3.7921, (ELASTIC, "zero-profit, unaware"): 17.267,
}  # fmt: skip
PROFITS = {  # of other markets, with standard errors: the public knows the share in all
    "optimal": (3.0125, 0.0109), "zero-profit": (-0.015, 0.013),
    "zero-profit, unaware": (-1.316, 0.033),
}  # fmt: skip


@cache
def law(kind: str, share: float) -> Law:
    return find_law(make_traders(kind, share), 1.0)


def read(folder: Path, name: str, keys: list[str]) -> Any:
    """Return a table of the study by these keys."""
    return pd.read_csv(folder / f"{name}.csv").set_index(keys).sort_index()


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    """Return the results by market, policy and metric."""
    return read(folder, "results", KEYS)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "uninformed", "--out", "run")


def test_every_policy_is_in_every_market_but_where_profit_has_no_bound(table: Any) -> None:
    found = set(table.index.droplevel("metric"))
    policies = {maker + aware for maker in ("zero-profit", "optimal") for aware in ("", UNAWARE)}
    assert found == {
        (kind, 0.3, 3.0, policy)
        for kind in (HALF, ELASTIC)
        for policy in policies
        if (kind, policy) != (HALF, "optimal")
    }


def test_first_spreads_are_those_known(table: Any) -> None:
    for (kind, policy), spread in FIRST_SPREADS.items():
        found = table.loc[(kind, 0.3, 3.0, policy, "first_spread"), "mean"]
        assert found == pytest.approx(spread, abs=2e-4, rel=2e-5)


def test_profits_are_those_known(table: Any) -> None:
    for policy, (profit, se) in PROFITS.items():
        row = table.loc[(ELASTIC, 0.3, 3.0, policy, "discounted_profit")]
        assert row["mean"] == pytest.approx(profit, abs=4 * np.hypot(se, row["se"]))


def test_what_either_type_pays_is_what_a_maker_earns(table: Any, log: Run) -> None:
    means = table["mean"].unstack("metric")
    np.testing.assert_allclose(
        means["of_informed"] + means["of_uninformed"], means["discounted_profit"], atol=1e-10
    )
    paid, totals = log.blocks("paid"), log.blocks("totals")
    both = paid["of_informed"] + paid["of_uninformed"]
    np.testing.assert_allclose(both, totals["discounted_profit"], atol=1e-10)


def test_who_knows_nothing_pays_a_zero_profit_maker_what_she_loses_to_others(table: Any) -> None:
    for kind in (HALF, ELASTIC):
        rows = table.loc[(kind, 0.3, 3.0, "zero-profit")]
        whole = rows.loc["discounted_profit"]
        assert abs(whole["mean"]) < 4 * whole["se"]
        assert rows.loc["of_informed", "high"] < 0 < rows.loc["of_uninformed", "low"]


def test_half_of_what_trades_at_any_price_has_no_surplus(table: Any) -> None:
    surplus = table["mean"].xs("surplus", level="metric")
    assert surplus.xs(HALF).isna().all()
    assert surplus.xs(ELASTIC).notna().all()


def test_who_is_unaware_loses_by_it_market_by_market(folder: Path, log: Run) -> None:
    table = read(folder, "comparisons", ["metric", "kind", "prior_sd", "maker"])
    profits = table.loc["discounted_profit"]
    for kind in (HALF, ELASTIC):
        assert profits.loc[(kind, 3.0, "zero-profit"), "low"] > 0
    assert profits.loc[(ELASTIC, 3.0, "optimal"), "low"] > 0
    assert (HALF, 3.0, "optimal") not in profits.index
    totals = log.blocks("totals").query("kind == 'within 3'")
    by_policy = totals.pivot(index="replication", columns="policy", values="discounted_profit")
    gap = by_policy["optimal"] - by_policy["optimal" + UNAWARE]
    row = profits.loc[(ELASTIC, 3.0, "optimal")]
    assert (row["mean"], row["se"]) == pytest.approx((gap.mean(), gap.sem()), rel=1e-9)


def test_all_spreads_that_earn_nothing_are_found() -> None:
    for shock, spread in ((1.0, 0.9110), (5.0, 6.7095)):
        assert find_half_spreads(law(HALF, 0.3), shock) == pytest.approx([spread / 2], abs=3e-5)
    spreads = [2 * half for half in find_half_spreads(law(ELASTIC, 0.5), 4.0)]
    assert spreads == pytest.approx([6.182, 17.93, 30.73], abs=6e-3)
    assert len(find_half_spreads(law(ELASTIC, 0.5), 3.0)) == 1
    assert len(find_half_spreads(law(HALF, 0.5), 4.0)) == 1


@pytest.mark.parametrize("kind", [HALF, ELASTIC])
@pytest.mark.parametrize("shock", [0.5, 2.0, 4.0])
def test_spreads_that_earn_nothing_solve_the_formula_of_informed_and_others(
    kind: str, shock: float
) -> None:
    share, s = 0.5, np.hypot(shock, 1.0)
    for half in find_half_spreads(law(kind, share), shock):
        others = 0.5 if kind == HALF else norm.sf(half / 3.0)
        bought = (1 - share) * norm.sf(half / s) + share * others
        known = (1 - share) * shock**2 / s * norm.pdf(half / s)
        assert half * bought == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(
    ("share", "jumps"),
    [
        (0.1, []),
        (0.3, [(3.67829, 17.495, 18.474)]),
        (0.31, [(3.69631, 16.010, 21.451)]),
        (0.5, [(4.31294, 9.927, 36.346)]),
    ],
)
def test_the_smallest_spread_jumps_where_it_meets_another(
    share: float, jumps: list[tuple[float, float, float]]
) -> None:
    found = find_jumps(law(ELASTIC, share))
    assert [tuple(row) for row in found.to_numpy()] == [
        pytest.approx(jump, abs=1e-3, rel=1e-5) for jump in jumps
    ]


def test_quotes_are_numbered_by_shock() -> None:
    table = tabulate_quotes(law(ELASTIC, 0.5))
    several = table.groupby("prior_sd")["number"].max()
    assert set(several) == {1, 3}
    assert (several.index[several == 3] > 3.8).all()
    assert (table.groupby("prior_sd")["spread"].diff().dropna() > 0).all()


def test_beliefs_are_compared_in_the_same_markets(folder: Path, log: Run) -> None:
    table = read(folder, "beliefs", ["kind", "prior_sd", "belief", "metric"])
    logged = log.table("beliefs")
    for metric in BY_BELIEF:
        wide = logged.query("kind == 'half'").pivot(
            index="replication", columns="belief", values=metric
        )
        gap = wide["exact"] - wide["gaussian"]
        row = table.loc[(HALF, 3.0, DIFFERENCE, metric)]
        assert row["mean"] == pytest.approx(gap.mean(), abs=1e-12)
        for belief in BELIEFS:
            assert table.loc[(HALF, 3.0, belief, metric), "mean"] == pytest.approx(
                wide[belief].mean()
            )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--kind some", "kind is 'some', but must be numbers"),
        ("--kind half,", "kind is '', but must be numbers"),
        ("--kind 0", "reach is 0"),
        ("--share 0.95", "share is 0.95, but must be from 0 to 0.9"),
        ("--share few", "share is 'few', but must be numbers"),
        ("--exact-markets 1", "exact_markets is 1"),
    ],
)
def test_options_without_meaning_are_refused(call: Call, options: str, says: str) -> None:
    assert says in read_error(call(*options.split()))
