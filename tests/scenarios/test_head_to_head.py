"""The scenario `head-to-head`: tables against pandas, who pays for what all learn, refusals."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats

from abm import Exchange, Optimal
from analysis import Run, load
from scenarios.head_to_head import METRICS, HeadToHead
from tests.commands import Call, read_error
from tests.intervals import expect_interval

SIZE, SHOCKS, MAKERS = 2_000, [3.0, 5.0], ["optimal", "zero-profit"]
POINT = ("makers", "prior_sd", "transparency")
COMPANIES = ["alone", "public", "own"]
FIGURES = {"market-share", "profit", "spread"}
TABLES = {"results", "differences", "market-share"}
SMALL: dict[str, Any] = {
    "makers": "optimal,zero-profit", "prior_sd": "2", "replications": 30, "periods": 4,
    "discount": 0.6, "seed": 8,
}  # fmt: skip
STUDY = HeadToHead(prior_sd="3,5", replications=SIZE)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "head-to-head", "--out", "run")


@pytest.fixture(scope="module")
def markets(log: Run) -> Any:
    """Return what every market came to, by shock, company, maker and replication."""
    table = log.blocks("totals")
    names = table["makers"].astype(str)
    together = names.str.contains("+", regex=False)
    table["company"] = np.where(together, table["transparency"], "alone")
    table["learnt"] = table["learning_time"].notna().astype(float)
    keys = ["prior_sd", "company", "maker", "replication"]
    return table.astype({"maker": "str"}).set_index(keys).sort_index()


@pytest.fixture(scope="module")
def results(folder: Path) -> Any:
    keys = ["prior_sd", "company", "maker", "metric"]
    return pd.read_csv(folder / "results.csv").set_index(keys).sort_index()


@pytest.fixture(scope="module")
def differences(folder: Path) -> Any:
    keys = ["prior_sd", "maker", "difference", "metric"]
    return pd.read_csv(folder / "differences.csv").set_index(keys).sort_index()


def with_interval(mean: float, se: float, count: int, metric: str = "") -> list[float]:
    if metric in ("learnt", "market share"):
        ends = stats.binomtest(round(mean * count), count).proportion_ci()
        return [mean, se, count, ends.low, ends.high]
    return expect_interval(mean, se, count).to_numpy()[0].tolist()


def assert_noted(row: Any, expected: list[float]) -> None:
    found = row[["mean", "se", "count", "low", "high"]].to_numpy(float)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11)


def test_a_run_leaves_blocks_tables_and_pictures(folder: Path, log: Run) -> None:
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {f"{name}.png" for name in FIGURES} | {f"{name}.csv" for name in TABLES} < left
    assert log.scenario == "head-to-head"
    assert {tuple(point[key] for key in POINT) for point in log.points} == {
        (makers, shock, transparency)
        for shock in SHOCKS
        for makers, transparency in [
            ("optimal", "public"), ("zero-profit", "public"),
            ("optimal+zero-profit", "public"), ("optimal+zero-profit", "own"),
        ]
    }  # fmt: skip
    for name in FIGURES:
        assert imread(folder / f"{name}.png").std() > 0.05, name


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "share"])
def test_results_are_those_of_all_markets(results: Any, markets: Any, metric: str) -> None:
    found = results.xs(metric, level="metric")
    assert len(found) == len(SHOCKS) * len(COMPANIES) * len(MAKERS)
    for keys, row in found.iterrows():
        sample = markets.loc[keys, metric]
        assert_noted(row, with_interval(sample.mean(), sample.sem(), SIZE, metric))


def cochran(hers: Any, traded: Any) -> tuple[float, float]:
    """Return the ratio of two means and its standard error (Cochran 1977, section 6.3)."""
    share = hers.sum() / traded.sum()
    squares = ((hers - share * traded) ** 2).sum() / (len(hers) - 1)
    return share, np.sqrt(squares / len(hers)) / traded.mean()


def test_shares_are_of_all_trades_in_the_market(results: Any, markets: Any) -> None:
    found = results.xs("share", level="metric")
    for shock in SHOCKS:
        for company in ("public", "own"):
            here = markets.loc[(shock, company)]["trades"].unstack("maker")
            traded = here.sum(axis=1)
            for maker in MAKERS:
                share, error = cochran(here[maker], traded)
                assert_noted(found.loc[(shock, company, maker)], with_interval(share, error, SIZE))
            assert found["mean"].loc[(shock, company)].sum() == pytest.approx(1, rel=1e-12)
    assert found["mean"][3.0, "alone"].tolist() == [1.0, 1.0]


def test_a_share_by_period_is_that_of_the_trades_of_its_markets(small: Path) -> None:
    table = pd.read_csv(small / "market-share.csv")
    assert table.columns.tolist() == [
        "prior_sd", "company", "maker", "period", "mean", "se", "count", "low", "high"
    ]  # fmt: skip
    patient: Any = [partial(Optimal, discount=0.6), "zero-profit"]
    assert len(table) == 2 * len(MAKERS) * 4
    found: Any = table.set_index(["prior_sd", "company", "maker", "period"])
    for company in ("public", "own"):
        market = Exchange(patient, prior_sd=2.0, transparency=company, replications=30, rng=8)
        makers = market.run(4).tape.makers.astype({"maker": "str"})
        filled: Any = makers.groupby(["maker", "period"])["filled"].sum()
        for maker in MAKERS:
            for period in range(4):
                hers, traded = filled[maker][period], int(filled.xs(period, level="period").sum())
                share = hers / traded
                se = np.sqrt(share * (1 - share) / traded)
                row = found.loc[(2.0, company, maker, period)]
                assert_noted(row, with_interval(share, se, traded, "market share"))


def test_tables_name_the_metric_before_its_estimate(folder: Path) -> None:
    noted = ["metric", "mean", "se", "count", "low", "high"]
    for name, keys in (
        ("results", ["prior_sd", "company", "maker"]),
        ("differences", ["prior_sd", "maker", "difference"]),
    ):
        assert pd.read_csv(folder / f"{name}.csv").columns.tolist() == [*keys, *noted]


def test_differences_are_taken_market_by_market(differences: Any, markets: Any) -> None:
    for keys, row in differences.iterrows():
        shock, maker, difference, metric = keys
        if metric == "share":
            continue
        one, other = difference.split(" - ")
        gap = markets.loc[(shock, one, maker), metric] - markets.loc[(shock, other, maker), metric]
        assert_noted(row, with_interval(gap.mean(), gap.sem(), SIZE))
    whole = len(SHOCKS) * len(MAKERS) * 2 * len(METRICS)
    assert len(differences) == whole - 1  # where alone nobody trades, no share is taken away


def test_differences_of_shares_are_those_of_the_ratios(differences: Any, results: Any) -> None:
    share = results["mean"].xs("share", level="metric")
    for maker in MAKERS:
        for one, other in (("own", "public"), ("public", "alone")):
            found = differences.loc[(3.0, maker, f"{one} - {other}", "share"), "mean"]
            gap = share[3.0, one, maker] - share[3.0, other, maker]
            assert found == pytest.approx(gap, rel=1e-9)


def test_seed_and_discount_reach_the_markets(small: Path) -> None:
    totals = load(small).blocks("totals")
    totals = totals[totals["makers"].astype(str) == "optimal+zero-profit"]
    patient: Any = [partial(Optimal, discount=0.6), "zero-profit"]
    for transparency in ("public", "own"):
        market = Exchange(
            patient, prior_sd=2.0, transparency=transparency, replications=30, rng=8
        ).run(4)
        for maker, expected in zip(MAKERS, market.tape.discounted_profit(0.6), strict=True):
            rows = (totals["transparency"] == transparency) & (totals["maker"] == maker)
            hers = totals[rows].sort_values("replication")["discounted_profit"]
            np.testing.assert_allclose(hers, expected, rtol=1e-12, atol=1e-14)


def test_beside_a_rival_who_sees_all_trades_the_optimal_maker_loses(results: Any) -> None:
    row = results.loc[(3.0, "public", "optimal", "discounted_profit")]
    assert abs(row["mean"] + 0.170) < 4 * row["se"]
    assert row["high"] < 0


def test_beside_a_rival_who_sees_her_own_trades_she_earns_as_if_alone(
    results: Any, differences: Any
) -> None:
    row = results.loc[(3.0, "own", "optimal", "discounted_profit")]
    assert abs(row["mean"] - 1.58) < 4 * row["se"]
    alone = results.loc[(3.0, "alone", "optimal", "discounted_profit")]
    assert abs(alone["mean"] - 1.620) < 4 * alone["se"]
    assert differences.loc[(3.0, "optimal", "own - public", "discounted_profit"), "low"] > 1.5


def test_a_market_frozen_for_a_competitive_maker_alone_is_opened_by_company(
    results: Any,
) -> None:
    mean = results["mean"][5.0]
    assert mean["alone", "zero-profit", "profit"] == 0.0
    assert np.isnan(mean["alone", "zero-profit", "share"])
    assert mean["alone", "zero-profit", "learnt"] == 0.0
    assert mean["public", "zero-profit", "learnt"] == 1.0
    assert mean["public", "zero-profit", "share"] > 0.9
    assert mean["public", "zero-profit", "inside_spread"] < mean["alone", "optimal", "spread"]


def test_one_shock_has_its_place_in_the_tables(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in TABLES:
        assert (pd.read_csv(small / f"{name}.csv")["prior_sd"] == 2.0).all()
    HeadToHead(**SMALL).run(str(small), resume=True)
    said = capsys.readouterr().out
    for words in ("public - alone", "own - public", "share", "2.0   alone     optimal"):
        assert words in said
    assert f"All files are in {small}" in said


@pytest.mark.usefixtures("no_pictures")
def test_two_makers_of_a_kind_share_the_trades(tmp_path: Path) -> None:
    out = tmp_path / "twins"
    HeadToHead(makers="optimal,optimal", prior_sd="2", replications=300, periods=20).run(str(out))
    assert len(load(out).points) == 3
    table: Any = pd.read_csv(out / "results.csv").set_index(["company", "maker", "metric"])
    shares = table["mean"]
    for company in ("public", "own"):
        first, second = (shares[company, maker, "share"] for maker in ("optimal", "optimal-2"))
        assert first + second == pytest.approx(1, rel=1e-12)
        assert abs(first - 0.5) < 4 * table.loc[(company, "optimal", "share"), "se"]
        for metric in ("spread", "inside_spread"):
            alone = shares["alone", "optimal", metric]
            assert shares[company, "optimal-2", metric] == pytest.approx(alone, rel=1e-12)
    rows: Any = pd.read_csv(out / "differences.csv").set_index(["difference", "maker", "metric"])[
        "mean"
    ]
    assert rows["public - alone", "optimal", "profit"] < 0
    assert "optimal-2" not in rows["public - alone"].index
    assert rows["own - public", "optimal-2", "profit"] == 0.0


@pytest.mark.usefixtures("no_pictures")
def test_replications_past_a_block_come_in_several(tmp_path: Path) -> None:
    out = tmp_path / "many"
    HeadToHead(prior_sd="2", replications=20_000, periods=2).run(str(out))
    assert len(list((out / "blocks").iterdir())) == 2 * 4
    table: Any = pd.read_csv(out / "results.csv").set_index(["company", "maker", "metric"])
    totals: Any = load(out).blocks("totals")
    totals = totals[(totals["makers"].astype(str) == "optimal") & (totals["maker"] == "optimal")]
    assert len(totals) == totals["replication"].nunique() == 20_000
    row = table.loc[("alone", "optimal", "profit")]
    profit = totals["profit"]
    assert_noted(row, with_interval(profit.mean(), profit.sem(), 20_000))


def test_one_market_has_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    HeadToHead(prior_sd="1", replications=1, periods=1).run(str(tmp_path / "one"))
    assert "±" not in capsys.readouterr().out


@pytest.mark.usefixtures("my_makers", "no_pictures")
def test_a_maker_of_a_file_in_this_folder_takes_part(call: Call, tmp_path: Path) -> None:
    code, said, error = call("--makers", "optimal,my_makers:Cautious", "--prior-sd", "3",
                             "--replications", "10", "--periods", "3")  # fmt: skip
    assert (code, error) == (0, "")
    assert "cautious" in said
    table = pd.read_csv(tmp_path / "run" / "results.csv")
    for company in COMPANIES:
        assert set(table[table["company"] == company]["maker"]) == {"optimal", "cautious"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--makers", "optimal"], "makers is 'optimal', but must name at least 2: give as"),
        (["--makers", "optimal,zero-proft"], "which is unknown: did you mean 'zero-profit'?"),
        (["--makers", "optimal+myopic,optimal"], "maker is 'optimal+myopic', which is unknown"),
        (["--makers", ",optimal"], "maker is '', which is unknown: known: "),
        (["--makers", "optimal,nowhere:She"], "maker 'nowhere:She' cannot be loaded, for nowhere"),
        (["--prior-sd", "large"], "prior_sd is 'large', but must be numbers: give as 1 or"),
        (["--prior-sd", "0"], "prior_sd is 0.0, but must be finite and above zero: give"),
        (["--prior-sd", "3,3.0"], "is there twice, but results are told apart by it"),
        (["--discount", "nan"], "discount is nan, but must be at least 0 and below 1: "),
        (["--periods", "0"], "periods is 0, but must be at least 1 and at most 32767: give"),
        (["--replications", "10001"], "above 10000 they come in blocks: give a multiple of 10000"),
        (["--workers", "0"], "workers is 0, but must be at least 1"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_line(
    call: Call, tmp_path: Path, options: list[str], says: str
) -> None:
    assert says in read_error(call(*options))
    assert list(tmp_path.iterdir()) == []
