"""The scenario `monopolist-vs-competitive`: tables against pandas, the paper's facts, refusals."""

from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats

from abm import Exchange, Optimal
from abm.bellman import solve
from analysis import Run, load
from scenarios.monopolist_vs_competitive import BY_PERIOD, METRICS, MonopolistVsCompetitive
from tests.commands import Call, read_error
from tests.intervals import expect_interval

MAKERS, SHOCKS, PERIODS = ["optimal", "myopic", "zero-profit"], [0.5, 3.0], 40
BLOCKS, BLOCK = 20, 125
FIGURES = {"spread", "no-trade", "pricing-error", "profit", "surplus", "who-pays"}
TABLES = {"results", "comparisons", "by-period", "learning-times", "answers"}
SMALL: dict[str, Any] = {
    "makers": "optimal,zero-profit", "prior_sd": "3", "replications": 21, "periods": 4,
    "discount": 0.6, "seed": 8,
}  # fmt: skip
STUDY = MonopolistVsCompetitive(
    makers=",".join(MAKERS), prior_sd="0.5,3", replications=BLOCKS * BLOCK, periods=PERIODS
)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "monopolist-vs-competitive", "--out", "run")


@pytest.fixture(scope="module")
def markets(log: Run) -> Any:
    """Return what every market came to, by makers, shock and replication."""
    table = log.blocks("totals")
    table["learnt"] = table["learning_time"].notna().astype(float)
    table["frozen"] = (table["no_trade"] == 1).astype(float)
    table["makers"] = table["makers"].astype(str)
    return table.set_index(["makers", "prior_sd", "replication"]).sort_index()


def by_hand(sample: Any) -> list[float]:
    """Return mean, se, count and the ends of Student's interval."""
    known = sample.dropna().to_numpy(float)
    mean, se = known.mean(), known.std(ddof=1) / np.sqrt(known.size)
    return expect_interval(mean, se, known.size).to_numpy()[0].tolist()


def noted(table: pd.DataFrame) -> Any:
    return table[["mean", "se", "count", "low", "high"]].to_numpy(float)


def test_a_run_leaves_blocks_tables_and_pictures(folder: Path, log: Run) -> None:
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {f"{name}.png" for name in FIGURES} | {f"{name}.csv" for name in TABLES} < left
    assert {path.suffix for path in folder.glob("*.p*")} == {".png", ".parquet"}
    assert len(list((folder / "blocks").iterdir())) == BLOCKS * len(MAKERS) * len(SHOCKS)
    assert log.scenario == "monopolist-vs-competitive"
    assert [(point["makers"], point["prior_sd"]) for point in log.points] == [
        (maker, shock) for shock in SHOCKS for maker in MAKERS
    ]
    for name in FIGURES:
        picture = imread(folder / f"{name}.png")
        assert picture.std() > 0.05, name


def test_results_are_those_of_all_markets(folder: Path, markets: Any) -> None:
    table = pd.read_csv(folder / "results.csv")
    assert set(METRICS) < set(table["metric"])
    assert len(table) == table["metric"].nunique() * len(MAKERS) * len(SHOCKS)
    expected = [
        by_hand(markets.loc[(row["makers"], row["prior_sd"]), row["metric"]])
        for _, row in table[~table["metric"].isin(["learnt", "frozen"])].iterrows()
    ]
    table = table[~table["metric"].isin(["learnt", "frozen"])]
    np.testing.assert_allclose(noted(table), expected, rtol=1e-9, atol=1e-12)


def test_comparisons_are_of_the_first_maker_market_by_market(folder: Path, markets: Any) -> None:
    table = pd.read_csv(folder / "comparisons.csv")
    assert set(table["first"]) == {"optimal"}
    assert set(table["second"]) == {"myopic", "zero-profit"}
    expected = [
        by_hand(
            markets.loc[("optimal", row["prior_sd"]), row["metric"]]
            - markets.loc[(row["second"], row["prior_sd"]), row["metric"]]
        )
        for _, row in table.iterrows()
    ]
    np.testing.assert_allclose(noted(table), expected, rtol=1e-9, atol=1e-11)


def in_words(ahead: Any) -> str:
    """Return reigns with their first and last period, given who is ahead in each, if anybody."""
    decided = [(period, name) for period, name in enumerate(ahead) if name]
    reigns = [list(reign) for _, reign in groupby(decided, key=itemgetter(1))]
    said = []
    for reign in reigns:
        (low, name), (high, _) = reign[0], reign[-1]
        gaps = high - low + 1 - len(reign)
        said.append(f"{name} {low}-{high}" if low < high else f"{name} {low}")
        said[-1] += f" ({gaps} undecided)" if gaps else ""
    return ", ".join(said) or "undecided"


def by_blocks(log: Run) -> Any:
    """Return the mean of each block, by metric, makers, shock, period and block."""
    table = log.blocks("summary")
    shocks = pd.Series([point["prior_sd"] for point in log.points])
    if shocks.nunique() == 1:
        table["prior_sd"] = shocks[0]
    table = table[table["maker"].isna()].astype({"makers": "str", "metric": "str"})
    keys = ["metric", "makers", "prior_sd", "period", "block"]
    return table.set_index(keys)["mean"].sort_index()


def gaps(by_block: Any, metric: str, shock: float, second: str, family: int) -> pd.DataFrame:
    """Return the optimal maker's difference from another by period, by hand."""
    table = (by_block[metric]["optimal"][shock] - by_block[metric][second][shock]).unstack("block")
    mean, se, count = table.mean(axis=1), table.sem(axis=1), table.count(axis=1)
    found = expect_interval(mean, se, count, 1 - 0.05 / (family * len(table))).set_index(
        table.index
    )
    sure = found["se"] == 0  # for 2^(1 - 20) is less than 0.05 / (12 * 40)
    return found.assign(**{end: found[end].mask(sure, found["mean"]) for end in ("low", "high")})


@pytest.mark.parametrize("run", ["folder", "small"])
def test_differences_by_period_are_paired_by_blocks_and_hold_together(
    run: str, request: pytest.FixtureRequest
) -> None:
    out = request.getfixturevalue(run)
    table, by_block = pd.read_csv(out / "by-period.csv"), by_blocks(load(out))
    noted = ["mean", "se", "count", "low", "high"]
    assert table.columns.tolist() == ["prior_sd", "first", "second", "metric", "period", *noted]
    assert set(table["first"]) == {"optimal"}
    shocks, rivals, periods = (SHOCKS, MAKERS[1:], PERIODS) if run == "folder" else (
        [3.0], ["zero-profit"], SMALL["periods"]
    )  # fmt: skip
    family = len(shocks) * len(rivals) * 3
    groups: Any = table.groupby(["prior_sd", "second", "metric"], sort=False)
    assert {keys for keys, _ in groups} == {
        (shock, second, metric)
        for shock in shocks
        for second in rivals
        for metric in ("spread", "no_trade", "pricing_error")
    }
    for (shock, second, metric), rows in groups:
        assert rows["period"].tolist() == list(range(periods))
        expected = gaps(by_block, metric, shock, second, family)
        np.testing.assert_allclose(rows[noted], expected, rtol=1e-8, atol=1e-11)
        assert set(rows["count"]) == {BLOCKS if run == "folder" else SMALL["replications"]}


def test_answers_say_who_is_ahead_in_which_periods(folder: Path, log: Run) -> None:
    answers: Any = pd.read_csv(folder / "answers.csv").set_index(["prior_sd", "second"])
    assert len(answers) == 4
    by_block = by_blocks(log)
    for metric, says in BY_PERIOD.items():
        for shock, second in answers.index:
            table = gaps(by_block, metric, shock, second, 3 * 2 * 2)  # metrics, rivals, shocks
            ahead = pd.Series(np.where(table["high"] < 0, "optimal", ""), table.index)
            ahead = ahead.mask(table["low"] > 0, second).mask(table["mean"].abs() <= 1e-6, "")
            assert answers.loc[(shock, second), says] == in_words(ahead), (metric, shock, second)


def median_by_hand(times: Any) -> list[float]:
    """Return the median of all times, and the innermost ordered pair that covers it in 95 %."""
    ordered = np.sort(times.fillna(np.inf))
    rank = int(np.searchsorted(stats.binom.cdf(range(len(ordered)), len(ordered), 0.5), 0.025))
    return [float(np.median(ordered)), ordered[rank - 1], ordered[-rank], len(ordered)]


def show_median(median: float, low: float, high: float, *_: float) -> str:
    return f"{median:g} ({low:g} to {high:g})"


def test_learning_times_are_the_medians_of_all_markets(folder: Path, markets: Any) -> None:
    table = pd.read_csv(folder / "learning-times.csv")
    assert table.columns.tolist() == ["prior_sd", "makers", "median", "low", "high", "count"]
    assert {(row["prior_sd"], row["makers"]) for _, row in table.iterrows()} == {
        (shock, maker) for shock in SHOCKS for maker in MAKERS
    }
    assert len(table) == len(SHOCKS) * len(MAKERS)
    assert (table["low"] < table["high"]).any()
    for _, row in table.iterrows():
        times = markets.loc[(row["makers"], row["prior_sd"]), "learning_time"]
        assert row[["median", "low", "high", "count"]].tolist() == median_by_hand(times)


def test_markets_that_learn_too_late_make_their_median_infinite(small: Path) -> None:
    table: Any = pd.read_csv(small / "learning-times.csv").set_index("makers")
    totals = load(small).blocks("totals").astype({"makers": "str"})
    times: Any = totals.set_index("makers")["learning_time"]
    assert set(table.index) == {"optimal", "zero-profit"}
    for maker, row in table.iterrows():
        assert row[["median", "low", "high", "count"]].tolist() == median_by_hand(times[maker])
    assert np.isinf(table["median"]["zero-profit"])


def test_answers_say_who_pays_and_who_learns_first(folder: Path, markets: Any) -> None:
    answers: Any = pd.read_csv(folder / "answers.csv").set_index(["prior_sd", "second"])
    for shock, second in answers.index:
        row = answers.loc[(shock, second)]
        assert "profit" not in row
        one, other = markets.loc["optimal"].loc[shock], markets.loc[second].loc[shock]
        for metric, gap in {
            "traders_gain": other["profit"] - one["profit"],
            "surplus": one["surplus"] - other["surplus"],
        }.items():
            mean, _, _, _, high = by_hand(gap)
            middle, _, half = str(row[metric]).partition(" ± ")
            assert float(middle) == pytest.approx(mean, abs=0.06 * (high - mean))
            assert float(half) == pytest.approx(high - mean, rel=0.06)
        said = [
            show_median(*median_by_hand(markets.loc[maker].loc[shock]["learning_time"]))
            for maker in ("optimal", second)
        ]
        assert row["median periods to learn"] == " : ".join(said)
    assert answers["median periods to learn"].str.contains(r"\d \(\d+ to \d+\)").any()


def test_after_a_large_shock_the_monopolist_is_tighter_at_first_and_competition_later(
    folder: Path,
) -> None:
    answers: Any = pd.read_csv(folder / "answers.csv").set_index(["prior_sd", "second"])
    says = str(answers.loc[(3.0, "zero-profit"), "tighter"])
    first, last = says.split(", ")
    assert first.startswith("optimal 0-")
    assert last.startswith("zero-profit ")
    assert last.endswith(f"-{PERIODS - 1}")
    assert 8 <= int(first.rpartition("-")[2]) < int(last.split(" ")[1].split("-")[0]) <= 12
    assert answers.loc[(0.5, "zero-profit"), "tighter"] == f"zero-profit 0-{PERIODS - 1}"
    assert str(answers.loc[(3.0, "zero-profit"), "trades more"]).startswith("optimal 0-")


@pytest.mark.parametrize(("maker", "spread"), [("optimal", 9.083), ("zero-profit", 17.267),
                                               ("myopic", 19.130)])  # fmt: skip
def test_the_first_spreads_are_the_papers(log: Run, maker: str, spread: float) -> None:
    summary = log.table("summary")
    row = summary[(summary["makers"] == maker) & (summary["prior_sd"] == 3.0)
                  & (summary["period"] == 0) & (summary["metric"] == "spread")]  # fmt: skip
    np.testing.assert_allclose(row["mean"], spread, atol=5e-4)


def test_a_monopolist_earns_what_competition_leaves_to_traders(markets: Any) -> None:
    optimal, competitive = markets.loc["optimal"].loc[3.0], markets.loc["zero-profit"].loc[3.0]
    for metric, sign in (("profit", 1), ("surplus", -1)):
        gap = sign * (optimal[metric] - competitive[metric])
        assert gap.mean() > 4 * gap.sem()
    theory = markets.loc["optimal"].loc[0.5]["discounted_profit"]
    assert abs(theory.mean() - solve(0.9).value_function(0.5)) < 4 * theory.sem() + 0.9**PERIODS * 4


def test_seed_and_discount_reach_the_markets(small: Path) -> None:
    totals = load(small).blocks("totals")
    patient: Any = partial(Optimal, discount=0.6)
    for maker in (patient, "zero-profit"):
        runs = [
            Exchange(maker, prior_sd=3.0, block=block, rng=8).run(4)
            for block in range(SMALL["replications"])
        ]
        label = runs[0].makers[0].label
        hers = totals[totals["maker"] == label].sort_values("replication")
        expected = np.concatenate([market.tape.discounted_profit(0.6)[0] for market in runs])
        np.testing.assert_allclose(hers["discounted_profit"], expected, rtol=1e-12)


def test_a_small_run_comes_in_blocks_of_one_market_and_is_decided(small: Path) -> None:
    assert len(list((small / "blocks").iterdir())) == 2 * SMALL["replications"]
    (row,) = pd.read_csv(small / "answers.csv").to_dict("records")
    says = BY_PERIOD.values()
    assert {row[name] for name in says} == {"optimal 0-3", "undecided"}
    for name in ("traders_gain", "surplus"):
        assert "±" in row[name]
    assert row["prior_sd"] == 3.0


@pytest.mark.parametrize(("replications", "blocks"), [(1, 1), (4, 4), (10, 5), (15, 5)])
@pytest.mark.usefixtures("no_pictures")
def test_replications_come_in_so_many_blocks(
    replications: int, blocks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenarios.monopolist_vs_competitive.BLOCKS", 5)
    given = SMALL | {"replications": replications, "periods": 1}
    MonopolistVsCompetitive(**given).run(str(tmp_path / "run"))
    assert len(list((tmp_path / "run" / "blocks").iterdir())) == 2 * blocks
    table = pd.read_csv(tmp_path / "run" / "by-period.csv")
    assert (table["count"] == blocks).all()
    assert len(load(tmp_path / "run").blocks("totals")) == 2 * replications


def test_what_is_printed_is_what_the_tables_hold(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    MonopolistVsCompetitive(**SMALL).run(str(small), resume=True)
    said = capsys.readouterr().out
    (row,) = pd.read_csv(small / "answers.csv").to_dict("records")
    assert row["traders_gain"] in said
    assert row["surplus"] in said
    assert "optimal 0-3" in said
    assert str(row["median periods to learn"]) in said
    assert said.count("±") >= 8
    assert f"All files are in {small}" in said


@pytest.mark.parametrize("makers", ["my_makers:Cautious,myopic", "myopic,my_makers:Cautious"])
@pytest.mark.usefixtures("my_makers", "no_pictures")
def test_a_maker_of_a_file_in_this_folder_takes_part(
    call: Call, tmp_path: Path, makers: str
) -> None:
    code, said, error = call("--makers", makers, "--prior-sd", "1,3", "--replications", "3",
                             "--periods", "3")  # fmt: skip
    assert (code, error) == (0, "")
    assert "my_makers" in said or "cautious" in said
    assert len(pd.read_csv(tmp_path / "run" / "answers.csv")) == 2


@pytest.mark.usefixtures("my_makers", "no_pictures")
def test_a_maker_without_a_belief_has_no_learning_time(call: Call, tmp_path: Path) -> None:
    code, _, error = call("--makers", "optimal,my_makers:Blind", "--prior-sd", "1,3",
                          "--replications", "6", "--periods", "3")  # fmt: skip
    assert (code, error) == (0, "")
    times = pd.read_csv(tmp_path / "run" / "learning-times.csv")
    assert times["makers"].tolist() == ["optimal", "optimal"]
    answers = pd.read_csv(tmp_path / "run" / "answers.csv")
    ends = times[["median", "low", "high"]].itertuples(index=False)
    said = [f"{show_median(*row)} : nan" for row in ends]
    assert answers["median periods to learn"].tolist() == said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--makers", "optimal"], "makers is 'optimal', but must name at least 2: give as"),
        (["--makers", "optimal,myopik"], "maker is 'myopik', which is unknown: did you mean"),
        (["--makers", "optimal+myopic,optimal"], "maker is 'optimal+myopic', which is unknown"),
        (["--makers", "optimal,"], "maker is '', which is unknown: known: "),
        (["--makers", "optimal,nowhere:She"], "maker 'nowhere:She' cannot be loaded, for nowhere"),
        (["--makers", "optimal,optimal"], "is there twice, but results are told apart by it"),
        (["--prior-sd", "large"], "prior_sd is 'large', but must be numbers: give as 1 or"),
        (["--prior-sd", "1,-3"], "prior_sd is -3.0, but must be finite and above zero: give"),
        (["--prior-sd", "nan"], "prior_sd is nan, but must be finite and above zero: give"),
        (["--discount", "1"], "discount is 1.0, but must be at least 0 and below 1: "),
        (["--periods", "0"], "periods is 0, but must be at least 1 and at most 32767: give"),
        (["--replications", "701"], "replications is 701, but above 35 they come in blocks: give"),
        (["--replications", "0"], "replications is 0, but must be at least 1 and at most"),
        (["--seed", "-1"], "seed is -1, but must be at least 0"),
        (["--workers", "some"], "workers is 'some', but must be a number of processes"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_line(
    call: Call, tmp_path: Path, options: list[str], says: str
) -> None:
    assert says in read_error(call(*options))
    assert list(tmp_path.iterdir()) == []
