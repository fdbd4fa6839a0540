"""The scenario `breakdown`: closed forms, tables against pandas, where markets freeze, refusals."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats
from scipy.optimize import brentq

from analysis import Run
from scenarios._common.freezing import describe_freezing
from scenarios.breakdown import METRICS, Breakdown
from tests.commands import Call, read_error
from tests.files import read_files
from tests.intervals import expect_interval

MAKERS, SHOCKS, SIZE = ["optimal", "myopic", "zero-profit"], [1.0, 3.0, 5.0], 400
SMALL: dict[str, Any] = {
    "makers": "zero-profit,optimal", "prior_sd": "5,1", "replications": 20, "periods": 4,
    "seed": 8,
}  # fmt: skip
TRADE, FREEZE = "most trade", "most have no trade in 100 periods"
FIGURES = ("spread", "frozen")
STUDY = Breakdown(prior_sd="5,1,3", replications=SIZE)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "breakdown", "--out", "run")


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    """Return the run's results by maker, shock and metric."""
    return pd.read_csv(folder / "results.csv").set_index(["maker", "prior_sd", "metric"])


def spread_at(rho: float, excess: Callable[[float, float], float]) -> float:
    """Return the spread whose depth makes an excess zero (noise_sd is 1)."""
    return float(2 * np.hypot(1, rho) * brentq(lambda depth: excess(rho, depth), 1e-9, 60))


def hazard(depth: float) -> float:
    return float(np.exp(stats.norm.logpdf(depth) - stats.norm.logsf(depth)))


def zero_profit(rho: float, depth: float) -> float:
    return depth - rho**2 / (1 + rho**2) * hazard(depth)


def myopic(rho: float, depth: float) -> float:
    return depth * hazard(depth) - 1 - rho**2


def test_a_run_leaves_blocks_a_table_and_pictures(folder: Path, log: Run) -> None:
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"results.csv", "spread.png", "frozen.png", "summary.parquet"} < left
    assert log.scenario == "breakdown"
    assert {(point["makers"], point["prior_sd"]) for point in log.points} == {
        (maker, shock) for maker in MAKERS for shock in SHOCKS
    }
    for name in FIGURES:
        assert imread(folder / f"{name}.png").std() > 0.05


def test_the_table_has_every_metric_at_every_point(table: Any) -> None:
    assert set(table.index) == {
        (maker, shock, metric) for maker in MAKERS for shock in SHOCKS for metric in METRICS
    }
    assert len(table) == len(MAKERS) * len(SHOCKS) * len(METRICS)


def test_fractions_are_those_of_the_markets(log: Run, table: Any) -> None:
    totals = log.blocks("totals")
    totals["frozen"] = (totals["no_trade"] == 1).astype(float)
    totals["learnt"] = (totals["belief_sd"] < 0.5).astype(float)  # it never rises
    groups: Any = totals.groupby(["maker", "prior_sd"], observed=True)
    for (maker, shock), rows in groups:
        for metric in ("no_trade", "frozen", "learnt"):
            row, sample = table.loc[(maker, shock, metric)], rows[metric]
            expected = expect_interval(sample.mean(), sample.sem(), SIZE).to_numpy()[0]
            if metric != "no_trade":
                expected[3:] = stats.binomtest(int(sample.sum()), SIZE).proportion_ci()
            np.testing.assert_allclose(row[["mean", "se", "count", "low", "high"]], expected,
                                       rtol=1e-9, atol=1e-12)  # fmt: skip


def test_spreads_are_those_of_the_first_and_the_last_period(log: Run, table: Any) -> None:
    summary = log.table("summary")
    spreads = summary[(summary["metric"] == "spread") & summary["maker"].notna()]
    for name, period in (("first_spread", 0), ("last_spread", 99)):
        rows = spreads[spreads["period"] == period]
        for _, row in rows.iterrows():
            found = table.loc[(row["maker"], row["prior_sd"], name)]
            assert found["mean"] == pytest.approx(row["mean"], rel=1e-12)
            error = np.sqrt(row["variance"] / row["count"])
            assert found["se"] == pytest.approx(error, rel=1e-9, abs=1e-14)
        assert len(rows) == len(MAKERS) * len(SHOCKS)


@pytest.mark.parametrize("shock", SHOCKS)
def test_first_spreads_are_closed_forms(table: Any, shock: float) -> None:
    for maker, excess in (("zero-profit", zero_profit), ("myopic", myopic)):
        found = table.loc[(maker, shock, "first_spread"), "mean"]
        assert found == pytest.approx(spread_at(shock, excess), rel=1e-9)
    if shock == 3.0:
        assert table.loc[("optimal", shock, "first_spread"), "mean"] == pytest.approx(
            9.083, abs=5e-4
        )


def test_competition_freezes_where_the_monopolist_goes_on(table: Any) -> None:
    competitive, optimal = (table["mean"][maker][5.0] for maker in ("zero-profit", "optimal"))
    assert competitive["frozen"] > 0.95
    assert competitive["last_spread"] == pytest.approx(49, abs=0.3)
    assert competitive["learnt"] < 0.05
    assert optimal["frozen"] == 0.0
    assert optimal["learnt"] == 1.0
    assert optimal["last_spread"] == pytest.approx(1.53, abs=0.01)


def test_after_a_small_shock_nobody_freezes_and_competition_is_tightest(
    table: Any,
) -> None:
    at = table["mean"].unstack("metric").xs(1.0, level="prior_sd")
    assert (at["frozen"] == 0).all()
    assert (at["learnt"] == 1).all()
    assert at.loc["zero-profit", "last_spread"] < 0.05 < 1.5 < at.loc["optimal", "last_spread"]


def frozen(fractions: dict[float, float], half: float = 0.02) -> pd.DataFrame:
    """Return the rows of one maker's metric `frozen`, in disorder."""
    shocks, means = list(fractions), np.array(list(fractions.values()))
    return pd.DataFrame(
        {"prior_sd": shocks, "mean": means, "low": means - half, "high": means + half}
    ).sample(frac=1, random_state=1)


@pytest.mark.parametrize(
    ("fractions", "half", "says"),
    [
        ({1.0: 0.0, 4.5: 0.2}, 0.02, f"1 to 4.5: {TRADE}"),
        ({1.0: 0.0, 4.5: 0.6, 6.0: 1.0}, 0.02, f"1: {TRADE}; 4.5 to 6: {FREEZE}"),
        ({1.0: 0.0, 4.5: 0.51, 6.0: 1.0}, 0.02, f"1: {TRADE}; 4.5: undecided; 6: {FREEZE}"),
        ({1.0: 0.0, 6.0: 0.51}, 0.02, f"1: {TRADE}; 6: undecided"),
        ({1.0: 0.0, 6.0: 1.0}, np.nan, "1 to 6: undecided"),
        ({1.0: 0.75, 3.0: 0.25}, 0.25, "1 to 3: undecided"),
        ({1.0: 0.76, 3.0: 0.24}, 0.25, f"1: {FREEZE}; 3: {TRADE}"),
        ({0.5: 1.0, 1.0: 0.0, 2.0: 1.0, 3.0: 1.0}, 0.02,
         f"0.5: {FREEZE}; 1: {TRADE}; 2 to 3: {FREEZE}"),
    ],
)  # fmt: skip
def test_a_verdict_says_at_which_shocks_most_markets_freeze(
    fractions: dict[float, float], half: float, says: str
) -> None:
    said = describe_freezing("myopic", frozen(fractions, half), 100)
    assert said == f"myopic's markets at shocks of {says}"


def test_a_verdict_of_one_period_says_so() -> None:
    said = describe_freezing("myopic", frozen({4.0: 1.0}), 1)
    assert said == "myopic's markets at shocks of 4: most have no trade in 1 period"


def test_what_is_printed_names_the_makers_that_freeze(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Breakdown(prior_sd="5,1,3", replications=SIZE).run(str(folder), resume=True)
    said = capsys.readouterr().out
    assert f"\noptimal's markets at shocks of 1 to 5: {TRADE}\n" in said
    assert f"\nzero-profit's markets at shocks of 1 to 3: {TRADE}; 5: {FREEZE}\n" in said
    assert "49.1231" in said


def test_shocks_are_put_in_order(small: Path, tmp_path: Path) -> None:
    Breakdown(**SMALL | {"prior_sd": "1,5"}).run(str(tmp_path / "sorted"))
    here, there = read_files(tmp_path / "sorted"), read_files(small)
    assert {name for name in here if here[name] != there[name]} == {"run.json"}


@pytest.mark.usefixtures("no_pictures")
def test_one_maker_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Breakdown(makers="zero-profit", prior_sd="1,8", periods=2).run(str(tmp_path / "a"))
    said = capsys.readouterr().out
    never = "most have no trade in 2 periods"
    assert f"\nzero-profit's markets at shocks of 1: {TRADE}; 8: {never}\n" in said


@pytest.mark.usefixtures("no_pictures")
def test_replications_past_a_block_come_in_several(tmp_path: Path) -> None:
    Breakdown(makers="zero-profit", prior_sd="1,8", replications=20_000, periods=2).run(
        str(tmp_path / "a")
    )
    assert len(list((tmp_path / "a" / "blocks").iterdir())) == 4
    table = pd.read_csv(tmp_path / "a" / "results.csv")
    assert (table["count"] == 20_000).all()


def test_one_market_has_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Breakdown(prior_sd="1,8", replications=1, periods=2).run(str(tmp_path / "a"))
    assert "±" not in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "a" / "results.csv")
    fractions = table["metric"].isin(["frozen", "learnt"])  # exact for one market, too
    assert table.loc[~fractions, "low"].isna().all()
    assert table.loc[fractions, "low"].round(12).isin([0.0, 0.025]).all()


@pytest.mark.parametrize(
    ("makers", "names"),
    [
        ("optimal,my_makers:Cautious", ["optimal", "cautious"]),
        ("my_makers:Blind,my_makers:Shut", ["blind", "shut"]),
    ],
)
@pytest.mark.usefixtures("my_makers")
def test_makers_of_a_file_in_this_folder_take_part(
    call: Call, tmp_path: Path, makers: str, names: list[str]
) -> None:
    code, said, error = call("--makers", makers, "--prior-sd", "1,3", "--replications", "10",
                             "--periods", "3")  # fmt: skip
    assert (code, error) == (0, "")
    table = pd.read_csv(tmp_path / "run" / "results.csv")
    assert table["maker"].unique().tolist() == names
    for name in names:
        assert f"\n{name}'s markets at shocks of 1" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--prior-sd", "3"], "prior_sd is '3', but must be two shocks or more: give as 1,5"),
        (["--prior-sd", "1;5"], "prior_sd is '1;5', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "1,"], "prior_sd is '1,', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "1,inf"], "prior_sd is inf, but must be finite and above zero: give"),
        (["--prior-sd", "1,1.0"], "is there twice, but results are told apart by it"),
        (["--makers", "optimal,optimal"], "is there twice, but results are told apart by it"),
        (["--makers", "zero"], "maker is 'zero', which is unknown: known: exact-optimal"),
        (["--makers", "nowhere:She"], "maker 'nowhere:She' cannot be loaded, for nowhere does not"),
        (["--discount", "-0.5"], "discount is -0.5, but must be at least 0 and below 1: "),
        (["--periods", "40000"], "periods is 40000, but must be at least 1 and at most 32767"),
        (["--replications", "15000"], "above 10000 they come in blocks: give a multiple of 10000"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_line(
    call: Call, tmp_path: Path, options: list[str], says: str
) -> None:
    assert says in read_error(call(*options))
    assert list(tmp_path.iterdir()) == []
