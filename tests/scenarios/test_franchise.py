"""The scenario `franchise`: known spreads, gains by hand, the best lengths, refusals."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import Run
from scenarios.franchise import ANY, COMPETITION, FOR_EVER, METRICS, PLANNER, Franchise
from tests.commands import Call, read_error

LENGTHS, SHOCKS, SIZE = ["4", "6", "10"], [3.0, 5.0], 1_000
POLICIES = [COMPETITION, *LENGTHS, FOR_EVER, PLANNER]
STUDY = Franchise(lengths="6,4,10", prior_sd="3,5", replications=SIZE)
FIRST_SPREADS = {  # derived by code that shares nothing with this project
    3.0: {COMPETITION: 17.267, "4": 15.71, "6": 9.81, "10": 9.227},
    5.0: {COMPETITION: 49.123, "4": 45.35, "6": 40.27, "10": 17.97},
}
GAINS_OF_PLANNER = {3.0: 76.332, 5.0: 75.912}  # in the world where her belief is true


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    """Return the results by shock, monopoly and metric."""
    return pd.read_csv(folder / "results.csv").set_index(["prior_sd", "monopoly", "metric"])


@pytest.fixture(scope="module")
def best(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "best.csv")


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "franchise", "--out", "run")


def test_the_table_has_every_metric_of_every_policy_at_every_shock(table: Any) -> None:
    assert set(table.index) == {
        (shock, policy, metric)
        for shock in SHOCKS
        for policy in POLICIES
        for metric in ("first_spread", *METRICS)
    }
    assert list(dict.fromkeys(table.index.get_level_values("monopoly"))) == POLICIES


@pytest.mark.parametrize("shock", SHOCKS)
def test_first_spreads_are_those_known(table: Any, shock: float) -> None:
    for policy, spread in FIRST_SPREADS[shock].items():
        found = table.loc[(shock, policy, "first_spread"), "mean"]
        assert found == pytest.approx(spread, abs=6e-3)


def test_gains_are_what_traders_value_more_than_the_asset_is_worth(log: Run, table: Any) -> None:
    totals = log.blocks("totals")
    gains: Any = (totals["surplus"] + totals["profit"]).groupby(
        [totals["prior_sd"], totals["makers"]], observed=True
    )
    makers = {"zero-profit": COMPETITION, "planner(discount=0.9)": PLANNER}
    for (shock, maker), sample in gains:
        if maker in makers:
            row = table.loc[(shock, makers[maker], "gains")]
            assert row["mean"] == pytest.approx(sample.mean(), rel=1e-12)
            assert row["se"] == pytest.approx(sample.sem(), rel=1e-9)


@pytest.mark.parametrize("shock", SHOCKS)
def test_a_planners_gains_are_near_what_the_belief_promises_and_never_beaten(
    table: Any, shock: float
) -> None:
    gains = table.xs((shock, "gains"), level=("prior_sd", "metric"))
    planner = gains.loc[PLANNER]
    assert planner["mean"] == pytest.approx(GAINS_OF_PLANNER[shock], abs=4 * planner["se"] + 0.4)
    assert (gains["mean"] <= planner["mean"] + 1e-9).all()
    of_planner = table.xs((shock, "of_planner"), level=("prior_sd", "metric"))["mean"]
    np.testing.assert_allclose(of_planner, gains["mean"] / planner["mean"], rtol=1e-9)


def test_the_best_length_is_just_long_enough_that_the_first_spread_tips(
    best: pd.DataFrame,
) -> None:
    for metric in ("surplus", "gains"):
        rows = best[best["best"] & (best["metric"] == metric)]
        assert dict(zip(rows["prior_sd"], rows["monopoly"], strict=True)) == {
            "3": "6", "5": "10", ANY: "10",
        }  # fmt: skip
    longest = best[best["best"] & (best["metric"] == "pricing_error")]
    assert set(longest["monopoly"]) == {FOR_EVER}


def test_one_period_too_few_loses_nearly_all(table: Any) -> None:
    of_planner = table.xs((5.0, "of_planner"), level=("prior_sd", "metric"))["mean"]
    assert of_planner["6"] < 0.01
    assert of_planner["10"] > 0.95


def test_a_planner_is_no_length_that_can_be_the_best(best: pd.DataFrame) -> None:
    assert PLANNER not in set(best["monopoly"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--lengths 0,3", "periods is 0"),
        ("--lengths 3,few", "lengths is '3,few', but must be whole numbers: give as 5 or as 1,2,5"),
        ("--lengths 2.5", "lengths is '2.5', but must be whole numbers"),
    ],
)
def test_lengths_without_meaning_are_refused(call: Call, options: str, says: str) -> None:
    assert says in read_error(call(*options.split()))
