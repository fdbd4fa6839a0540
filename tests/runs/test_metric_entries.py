"""Entries of metrics: whatever has one is logged, summed up and estimated."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from abm import Exchange
from abm.runs.metrics import (
    OF_MAKER,
    OF_MARKET,
    OF_TOTALS,
    TOTALS,
    find_no_trade,
    find_pricing_error,
    find_spread,
    find_surplus,
    list_headlines,
)
from abm.runs.schema import MAKERS
from analysis.results import METRICS
from tests.commands import run_python
from tests.files import ROOT

TOTAL = """    Total("held", "shares", "sum of what she held after each trade", "inventory", Sum,
          headline=8),
"""
METRIC = """    Metric("gap", "price", "|valuation - value|", lambda period:
           np.abs(period.valuation - period.value), label="distance of valuations", log=True,
           headline=5),
"""
STUDY = """
from scenarios.sweep import Sweep
from analysis import load
from analysis.report import report
Sweep(makers="myopic", prior_sd="1", replications=20, periods=3).run("swept")
run = load("swept")
print(report(run))
print(run.plot("gap").axes[0].get_yscale())
"""


def test_a_summary_has_every_metric_of_the_market_and_of_makers() -> None:
    summary = Exchange("myopic", replications=5, rng=1).run(2).tape.summary
    of_market = summary.loc[summary["maker"].isna(), "metric"]
    of_maker = summary.loc[summary["maker"].notna(), "metric"]
    assert of_market.unique().tolist() == [metric.name for metric in OF_MARKET]
    assert of_maker.unique().tolist() == [metric.name for metric in OF_MAKER]


def test_results_have_every_total_whose_mean_says_something() -> None:
    names = {total.name for total in TOTALS} | {metric.name for metric in OF_TOTALS}
    assert set(METRICS) == names - {"learning_time"}


def test_headlines_come_in_the_order_of_their_places() -> None:
    assert list_headlines(OF_MARKET) == ["spread", "profit", "no_trade", "pricing_error"]
    assert list_headlines(TOTALS) == [
        "discounted_profit", "profit", "spread", "no_trade", "pricing_error", "trades", "belief_sd"
    ]  # fmt: skip
    for entries in (OF_MARKET, TOTALS):
        places = [entry.headline for entry in entries if entry.headline]
        assert sorted(places) == list(range(1, len(places) + 1))


def test_an_axis_is_labelled_by_words_and_unit() -> None:
    labels = {metric.name: metric.label_axis("noise sd") for metric in OF_MARKET}
    assert labels == {
        "spread": "spread (noise sd)",
        "pricing_error": "|mid - value| (noise sd)",
        "surplus": "perceived surplus (noise sd)",
        "no_trade": "probability of no trade",
        "profit": "profit a period (noise sd)",
    }
    assert OF_MAKER[5].label_axis("noise sd") == "inventory (shares)"
    assert TOTALS[0].label_axis() == "discounted profit (price)"


def test_a_makers_columns_are_what_the_entries_of_her_metrics_say() -> None:
    entries = {metric.name: (metric.unit, metric.meaning) for metric in OF_MAKER}
    columns = {column.name: (column.unit, column.meaning) for column in MAKERS}
    shared = {name for name in entries if entries[name] == columns.get(name)}
    assert shared == {"belief_mean", "belief_sd", "inventory", "profit"}


def test_an_entry_says_what_it_is() -> None:
    for entry in (*OF_MARKET, *OF_MAKER, *OF_TOTALS, *TOTALS):
        assert entry.unit in {"price", "shares", "period", "1"}
        assert len(entry.meaning) > 5


def test_quotes_of_one_side_have_no_spread_and_no_mid() -> None:
    bid, ask = np.array([1.0, -np.inf, 1.0, -np.inf]), np.array([3.0, 3.0, np.inf, np.inf])
    np.testing.assert_array_equal(find_spread(bid, ask), [2.0, np.nan, np.nan, np.nan])
    error = find_pricing_error(bid, ask, np.full(4, 5.0))
    np.testing.assert_array_equal(error, [3.0, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(("side", "price", "gain"), [(1, 3.0, 1.5), (-1, 5.0, 0.5), (0, 0.0, 0.0)])
def test_a_trader_gains_what_the_valuation_is_above_the_ask_or_below_the_bid(
    side: int, price: float, gain: float
) -> None:
    sides, valuation = np.array([side], np.int8), np.array([4.5])
    assert find_surplus(sides, valuation, np.array([price])) == gain
    assert find_no_trade(sides) == (side == 0)


@pytest.mark.slow
def test_one_entry_more_is_all_that_a_new_metric_takes(tmp_path: Path) -> None:
    for package in ("abm", "analysis", "scenarios"):
        shutil.copytree(ROOT / package, tmp_path / package)
    file = tmp_path / "abm" / "runs" / "metrics.py"
    text = file.read_text()
    for entry, place in ((TOTAL, '    Total("trades",'), (METRIC, '    Metric("surplus",')):
        assert text.count(place) == 1
        text = text.replace(place, entry + place)
    file.write_text(text)
    done = run_python(["-c", STUDY], tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert " belief_sd " in done.stdout
    assert re.search(r" belief_sd +held\n", done.stdout)
    assert ">distance of valuations (price) by period<" in done.stdout
    assert done.stdout.endswith("log\n")
    table = pd.read_csv(tmp_path / "swept" / "results.csv").set_index("metric")
    market = Exchange("myopic", prior_sd=1.0, replications=20).run(3)
    held = market.tape.makers.groupby("replication")["inventory"].sum()
    assert table.loc["held", "mean"] == pytest.approx(held.mean(), abs=1e-12)
    assert table.loc["held", "count"] == 20


def test_every_metric_of_the_market_is_what_is_worked_out_by_hand() -> None:
    period = SimpleNamespace(
        value=np.array([2.0, 2.0, 2.0]), valuation=np.array([4.5, 0.25, 2.5]),
        bid=np.array([1.0, 1.0, 1.0]), ask=np.array([3.0, 4.0, 5.0]),
        side=np.array([1, -1, 0], np.int8), price=np.array([3.0, 1.0, 0.0]),
        profit=np.array([1.0, 1.0, 0.0]),
    )  # fmt: skip
    expected = {
        "spread": [2.0, 3.0, 4.0],
        "pricing_error": [0.0, 0.5, 1.0],
        "surplus": [1.5, 0.75, 0.0],  # 4.5 - 3 of a buy, 1 - 0.25 of a sale
        "no_trade": [0.0, 0.0, 1.0],
        "profit": [1.0, 1.0, 0.0],
    }
    assert {metric.name: metric.measure(period).tolist() for metric in OF_MARKET} == expected
