"""Tables of results and comparisons against the full record, pandas and pairs formed by hand."""

from math import floor, log10
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from abm import Exchange
from abm.experiment import Experiment, Simulation, Target, grid
from abm.runs.folder import RunFolder
from abm.runs.schema import EXCHANGE, MAKERS, MARKET
from analysis import Run, load, metrics
from analysis.load import LogError
from analysis.results import (
    METRICS,
    comparisons,
    format_estimates,
    records,
    results,
    totals,
    totals_by_block,
)
from tests.intervals import expect_interval

DISCOUNT, BLOCK, PERIODS = 0.8, 20, 6
COMPANY = ["myopic", "fixed-spread"]
POINTS = grid(makers=["zero-profit", "myopic", COMPANY], prior_sd=[2.0, 10.0])
NOTED = ["mean", "se", "count", "low", "high"]


def left_by(folder: Path, points: Any = POINTS, **more: Any) -> Run:
    """Return a small experiment in three blocks, recorded in full."""
    given = {"replications": 3 * BLOCK, "periods": PERIODS, "block": BLOCK} | more
    Experiment(points, Simulation(DISCOUNT, "full"), **given).run(folder)
    return load(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return left_by(tmp_path_factory.mktemp("results") / "run")


@pytest.fixture(scope="module")
def table_of_results(run: Run) -> pd.DataFrame:
    return results(run)


@pytest.fixture(scope="module")
def table_of_comparisons(run: Run) -> pd.DataFrame:
    return comparisons(run)


@pytest.fixture(scope="module")
def one_point(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return left_by(tmp_path_factory.mktemp("results") / "one", grid(makers=[COMPANY]))


@pytest.fixture(scope="module")
def rows(run: Run) -> pd.DataFrame:
    """Return every metric of every replication, by hand from the full record."""
    keys = ["makers", "prior_sd", "block", "replication"]
    makers, market = run.blocks("makers"), run.blocks("market")
    market["no_trade"] = (market["side"] == 0) * 1.0
    market["pricing_error"] = ((market["bid"] + market["ask"]) / 2 - market["value"]).abs()
    makers["discounted_profit"] = makers["profit"] * DISCOUNT ** makers["period"]
    makers["spread"] = makers["ask"] - makers["bid"]
    makers["belief_error"] = metrics.belief_error(makers, market)
    hers = makers.groupby([*keys, "maker"], observed=True)
    market["inside_spread"] = market["ask"] - market["bid"]
    price = np.where(market["side"] > 0, market["ask"], market["bid"])
    market["surplus"] = market["side"] * (market["valuation"] - price)
    market["traders_gain"] = market["side"] * (market["value"] - price)
    table = hers.agg(
        discounted_profit=("discounted_profit", "sum"), profit=("profit", "sum"),
        spread=("spread", "mean"), trades=("filled", "sum"),
        belief_error=("belief_error", "mean"),
    ).reset_index()  # fmt: skip
    of_market = market.groupby(keys, observed=True).agg(
        no_trade=("no_trade", "mean"), pricing_error=("pricing_error", "mean"),
        inside_spread=("inside_spread", "mean"), surplus=("surplus", "sum"),
        traders_gain=("traders_gain", "sum"),
    )  # fmt: skip
    last = run.blocks("totals")[[*keys, "maker", "belief_sd"]]
    table = table.merge(of_market.reset_index(), on=keys).merge(last, on=[*keys, "maker"])
    return table.assign(learnt=1.0 * (table["belief_sd"] < 0.5), frozen=table["no_trade"] // 1.0)


def by_hand(sample: Any, metric: str = "") -> list[float]:
    """Return mean, se, count and the ends of Student's interval, or of Clopper and Pearson's."""
    known = np.asarray(sample.dropna(), float)
    mean, se = known.mean(), known.std(ddof=1) / np.sqrt(known.size)
    if metric in ("learnt", "frozen"):
        ends = binomtest(int(known.sum()), known.size).proportion_ci()
        return [mean, se, known.size, ends.low, ends.high]
    return expect_interval(mean, se, known.size).to_numpy()[0].tolist()


def assert_noted(table: pd.DataFrame, expected: list[float]) -> None:
    assert len(table) == 1
    np.testing.assert_allclose(table[NOTED].to_numpy()[0], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_results_are_the_estimates_of_the_full_record(
    table_of_results: pd.DataFrame, rows: pd.DataFrame, metric: str
) -> None:
    table = table_of_results
    assert table.columns.tolist() == ["makers", "prior_sd", "maker", "metric", *NOTED]
    table = table[table["metric"] == metric]
    groups = rows.groupby(["makers", "prior_sd", "maker"], observed=True)
    assert len(table) == groups.ngroups == 8
    for (makers, prior_sd, maker), own in groups:
        found = table[(table["makers"] == makers) & (table["prior_sd"] == prior_sd)]
        assert_noted(found[found["maker"] == maker], by_hand(own[metric], metric))


@pytest.mark.parametrize("metric", METRICS)
def test_comparisons_are_those_of_pairs_of_replications(
    table_of_comparisons: pd.DataFrame, rows: pd.DataFrame, metric: str
) -> None:
    table = table_of_comparisons
    assert table.columns.tolist() == ["prior_sd", "first", "second", "metric", *NOTED]
    table = table[table["metric"] == metric]
    frame = rows.copy()
    frame["who"] = frame["maker"].astype(str)
    company = frame["makers"] == "+".join(COMPANY)
    frame.loc[company, "who"] += " in myopic+fixed-spread"
    assert set(table["first"]) == {"zero-profit"}
    others = ["myopic", "myopic in myopic+fixed-spread", "fixed-spread in myopic+fixed-spread"]
    for prior_sd in (10.0, 2.0):
        here = table[table["prior_sd"] == prior_sd]
        assert set(here["second"]) == set(others)
        for other in others:
            at = frame["prior_sd"] == prior_sd
            pair = frame[at & frame["who"].isin(["zero-profit", other])]
            direct = metrics.paired_difference(pair, metric, "zero-profit", other, between="who")
            found = here[here["second"] == other]
            np.testing.assert_allclose(found[NOTED], direct, rtol=1e-10, atol=1e-12)
            wide = pair.pivot(index="replication", columns="who", values=metric)
            assert_noted(found, by_hand(wide["zero-profit"] - wide[other]))


def test_rows_are_in_the_order_of_the_points(run: Run) -> None:
    table = results(run)
    order = table[["makers", "prior_sd"]].astype({"makers": str}).drop_duplicates()
    assert order.to_numpy().tolist() == [[one["makers"], one["prior_sd"]] for one in run.points]
    assert comparisons(run)["prior_sd"].unique().tolist() == [2.0, 10.0]
    assert format_estimates(table)["prior_sd"].tolist() == [
        2.0,
        10.0,
        2.0,
        10.0,
        2.0,
        2.0,
        10.0,
        10.0,
    ]


def test_records_are_the_totals_of_all_markets_with_the_parameters_asked_for(
    run: Run, one_point: Run
) -> None:
    table, expected = records(run, ["prior_sd"]), run.blocks("totals")
    assert len(table) == len(expected) == 8 * 3 * BLOCK
    assert table.index.is_unique
    keys = ["makers", "prior_sd", "maker", "replication"]
    columns = ["profit", "trades", "traders_gain", "learning_time"]
    one, other = (
        frame.astype({"makers": "str", "maker": "str"}).set_index(keys).sort_index()[columns]
        for frame in (table, expected)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    placed = records(one_point, ["makers"])
    assert set(placed["makers"]) == {"+".join(COMPANY)}


def test_the_summary_by_blocks_is_in_disorder_nowhere(run: Run) -> None:
    table = totals_by_block(run)
    assert table.groupby("metric").size().tolist() == [3 * 8] * len(METRICS)
    assert set(table["block"]) == {0, 1, 2}
    assert (table["count"] <= BLOCK).all()


def test_a_single_point_has_results_and_comparisons_of_its_makers(one_point: Run) -> None:
    table = results(one_point)
    assert table.columns.tolist() == ["maker", "metric", *NOTED]
    frame = one_point.blocks("totals")
    profit = table[table["metric"] == "profit"].set_index("maker")
    for maker in COMPANY:
        assert_noted(profit.loc[[maker]], by_hand(frame[frame["maker"] == maker]["profit"]))
    pairs = comparisons(one_point)
    assert pairs.columns.tolist() == ["first", "second", "metric", *NOTED]
    assert (set(pairs["first"]), set(pairs["second"])) == ({"myopic"}, {"fixed-spread"})
    wide = frame.pivot(index="replication", columns="maker", values="profit")
    found = pairs[pairs["metric"] == "profit"]
    assert_noted(found, by_hand(wide["myopic"] - wide["fixed-spread"]))


def test_one_maker_has_nobody_to_be_compared_with(tmp_path: Path) -> None:
    table = comparisons(left_by(tmp_path / "run", grid(makers=["myopic"], prior_sd=[1.0, 2.0])))
    assert table.empty
    assert table.columns.tolist() == ["prior_sd", "first", "second", "metric", *NOTED]
    assert format_estimates(table).empty


def test_makers_are_compared_in_the_blocks_that_both_have(tmp_path: Path) -> None:
    points = grid(makers=["myopic", "zero-profit", "fixed-spread"], prior_sd=[2.5])
    target = Target(0.05, "profit", 20 * BLOCK)
    run = left_by(tmp_path / "run", points, replications=BLOCK, target=target)
    frame = run.blocks("totals")
    sizes = frame.groupby("maker", observed=True).size()
    assert sizes["myopic"] < sizes["zero-profit"] < sizes["fixed-spread"]
    table = comparisons(run)
    assert set(table["first"]) == {"myopic"}
    assert (table["count"] == sizes["myopic"]).all()
    wide = frame.pivot(index="replication", columns="maker", values="profit")
    for other in ("zero-profit", "fixed-spread"):
        found = table[(table["second"] == other) & (table["metric"] == "profit")]
        assert_noted(found, by_hand(wide["myopic"] - wide[other]))


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_a_plain_record_has_results_too(tmp_path: Path, *, together: bool, named: bool) -> None:
    exchanges: list[Any] = [["zero-profit", "myopic"]] if together else ["zero-profit", "myopic"]
    with RunFolder(tmp_path / "run", "mine", {"seed": 3}) as folder:
        for makers in exchanges:
            tape = Exchange(makers, prior_sd=2.0, replications=30, rng=3).run(5).tape
            label, more = "both" if together else makers, (EXCHANGE,) if named else ()
            folder.write("market", tape.market.assign(exchange=label), (*more, *MARKET))
            folder.write("makers", tape.makers.assign(exchange=label), (*more, *MAKERS))
    run = load(tmp_path / "run")
    rows = run.table("makers").assign(spread=lambda rows: rows["ask"] - rows["bid"])
    rows = rows.rename(columns={"filled": "trades"})
    hers = rows.groupby(["maker", "replication"], observed=True)
    means = {"profit": "sum", "spread": "mean", "trades": "sum"}
    expected: Any = hers[[*means]].agg(means)
    table = results(run)
    assert set(table["metric"]) == {"profit", "spread", "trades"}
    for maker in ("zero-profit", "myopic"):
        for metric in ("profit", "spread", "trades"):
            found = table[(table["maker"] == maker) & (table["metric"] == metric)]
            assert_noted(found, by_hand(expected.loc[maker, metric], metric))
    gap = expected.loc["zero-profit", "profit"] - expected.loc["myopic", "profit"]
    pairs = comparisons(run)
    assert_noted(pairs[pairs["metric"] == "profit"], by_hand(gap))
    assert format_estimates(table)["maker"].tolist() == ["zero-profit", "myopic"]


def test_a_run_without_totals_or_records_is_an_error_that_says_what_it_has(tmp_path: Path) -> None:
    tape = Exchange("myopic", replications=3, rng=1).run(2).tape
    with RunFolder(tmp_path / "run", "mine", {"seed": 1}) as folder:
        folder.write("market", tape.market, MARKET)
    with pytest.raises(LogError, match="has no table 'makers': it has market"):
        results(load(tmp_path / "run"))


def test_totals_come_in_pieces_of_one_block(run: Run) -> None:
    pieces = list(totals(run, ["makers", "prior_sd", "block"]))
    assert len(pieces) == len(POINTS) * 3
    for piece in pieces:
        assert len(piece.drop_duplicates(["makers", "prior_sd", "block"])) == 1
        assert piece["replication"].nunique() == BLOCK


def measured(*rows: tuple[float, float], metric: str = "profit") -> pd.DataFrame:
    """Return a table of results with these means and half-widths, a maker each."""
    mean, half = (np.array(column) for column in zip(*rows, strict=True))
    return pd.DataFrame(
        {
            "maker": [f"maker-{number}" for number in range(len(rows))],
            "metric": metric,
            "mean": mean,
            "se": half / 2,
            "count": 9,
            "low": mean - half,
            "high": mean + half,
        }
    )


@pytest.mark.parametrize(
    ("mean", "half", "cell"),
    [
        (1.23456, 0.0456, "1.235 ± 0.046"),
        (-0.5, 0.25, "-0.50 ± 0.25"),
        (123.456, 12.3, "123 ± 12"),
        (0.5, 0.0996, "0.50 ± 0.10"),
        (5.0, 0.996, "5.0 ± 1.0"),
        (50.0, 9.96, "50 ± 10"),
        (1234.5, 345.6, "1234 ± 346"),
        (2.0, 0.0, "2"),
        (51.0244123, 0.0, "51.0244"),
        (0.25, np.nan, "0.25 (no interval)"),
        (np.nan, np.nan, "nan"),
    ],
)
def test_half_widths_are_quoted_with_two_digits(mean: float, half: float, cell: str) -> None:
    assert format_estimates(measured((mean, half)))["profit"].item() == cell


def test_what_was_alike_in_all_markets_is_said_to_be() -> None:
    table = measured((51.25, np.nan), (0.0, np.nan), (0.5, 0.25)).assign(se=[0.0, 0.0, 0.125])
    cells = ["51.25 (all alike)", "0 (all alike)", "0.50 ± 0.25"]
    assert format_estimates(table)["profit"].tolist() == cells


@pytest.mark.parametrize("half", np.geomspace(2e-5, 99.0, 60))
def test_a_quoted_interval_is_the_interval(half: float) -> None:
    mean = 7 / 3
    left, right = format_estimates(measured((mean, half)))["profit"].item().split(" ± ")
    unit = 10.0 ** (floor(log10(half)) - 1)
    assert float(right) == pytest.approx(half, abs=0.51 * unit)
    assert float(left) == pytest.approx(mean, abs=0.51 * unit)
    assert len(right.replace(".", "").lstrip("0")) == 2
    assert len(left.partition(".")[2]) == len(right.partition(".")[2])


@pytest.mark.parametrize("half", [1e-8, 1e-12])
def test_a_half_width_is_never_quoted_as_nothing(half: float) -> None:
    cell = format_estimates(measured((51.0244, half)))["profit"].item()
    assert not cell.endswith("± 0.000000")
    assert float(cell.partition(" ± ")[0]) == pytest.approx(51.0244)


def test_quoted_tables_have_a_column_for_each_metric_and_a_row_for_each_maker() -> None:
    table = pd.concat(
        [measured((1.0, 0.1), (2.0, 0.2), metric=metric) for metric in ("spread", "profit")]
    )
    wide = format_estimates(table.assign(makers=table["maker"]))
    assert wide.columns.tolist() == ["maker", "markets", "profit", "spread"]
    assert wide.to_numpy().tolist() == [
        ["maker-0", 9, "1.00 ± 0.10", "1.00 ± 0.10"],
        ["maker-1", 9, "2.00 ± 0.20", "2.00 ± 0.20"],
    ]
    company = format_estimates(table.assign(makers="maker-0+maker-1"))
    assert set(company.columns) == {"makers", "maker", "markets", "profit", "spread"}


def test_rows_are_quoted_in_the_order_of_the_table() -> None:
    table = measured((1.0, 0.1), (2.0, 0.2), (3.0, 0.3))
    table["maker"] = ["zero-profit", "optimal", "myopic"]
    assert format_estimates(table)["maker"].tolist() == ["zero-profit", "optimal", "myopic"]


def test_a_metric_that_a_maker_lacks_is_quoted_as_missing() -> None:
    table = pd.concat([measured((1.0, 0.1), (2.0, 0.2)), measured((3.0, 0.3), metric="spread")])
    wide = format_estimates(table)
    assert wide["profit"].tolist() == ["1.00 ± 0.10", "2.00 ± 0.20"]
    assert wide["spread"].tolist()[0] == "3.00 ± 0.30"
    assert pd.isna(wide["spread"].tolist()[1]) or wide["spread"].tolist()[1] == ""


def test_an_interval_that_is_not_symmetric_is_given_by_its_ends() -> None:
    row = {"maker": ["m"], "metric": "frozen", "mean": 0.02, "se": 0.014, "count": 100}
    table = pd.DataFrame(row | {"low": 0.0024, "high": 0.0704})
    assert format_estimates(table, ["frozen"])["frozen"].item() == "0.020 (0.002 to 0.070)"
