"""The scenario `learning-makers`: benchmarks, the index, what learners do and forget, refusals."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from abm import Exchange
from abm.experiment import Simulation
from abm.experiment.simulation import BlockTask
from analysis import Run, load
from scenarios.learning_makers import (
    DEPTHS,
    FADING,
    LATE,
    METRICS,
    Learner,
    LearningMakers,
    compute_benchmarks,
    gather_learners,
)
from tests.commands import Call, read_error

SIZE, PERIODS, COUNTS, SHOCKS = 120, 600, [1, 2, 4], [0.5, 1.0]
SMALL: dict[str, Any] = {
    "learners": "2", "prior_sd": "0.5", "replications": 6, "periods": 100, "seed": 8,
}  # fmt: skip
FIGURES = ("spread", "index")
STUDY = LearningMakers(replications=SIZE, periods=PERIODS)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "learning-makers", "--out", "run")


@pytest.fixture(scope="module")
def results(folder: Path) -> Any:
    keys = ["prior_sd", "learners", "metric"]
    return pd.read_csv(folder / "results.csv").set_index(keys).sort_index()


def reward(rho: float, depth: float) -> float:
    """Return the expected profit of a period (Das and Magdon-Ismail 2008, section 2.3)."""
    sd = np.hypot(1.0, rho)
    return float(2 * (depth * sd * stats.norm.sf(depth) - rho**2 / sd * stats.norm.pdf(depth)))


def monopoly(rho: float) -> float:
    """Return the depth at which a period brings most."""
    best = minimize_scalar(lambda depth: -reward(rho, depth), bounds=(0, 9), method="bounded",
                           options={"xatol": 1e-10})  # fmt: skip
    return float(best.x)


def competitive(rho: float) -> float:
    """Return the depth at which a period brings nothing."""
    return float(brentq(lambda depth: reward(rho, depth), 1e-9, monopoly(rho), xtol=1e-13))


def test_a_run_leaves_blocks_tables_and_pictures(folder: Path, log: Run) -> None:
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"results.csv", "benchmarks.csv", "spread.png", "index.png", "summary.parquet"} < left
    assert log.scenario == "learning-makers"
    assert log.points == [
        {"prior_sd": shock, "learners": count} for shock in SHOCKS for count in COUNTS
    ]
    for name in FIGURES:
        assert imread(folder / f"{name}.png").std() > 0.05


def test_the_index_is_joint_profit_over_the_monopolists(log: Run, results: Any) -> None:
    totals: Any = log.blocks("totals")
    late = PERIODS // LATE
    keys = ["prior_sd", "learners", "replication"]
    joint = totals.groupby(keys)["profit"].sum() / late
    inside = totals.groupby(keys)["inside_spread"].first()
    for shock in SHOCKS:
        most = reward(shock, monopoly(shock))
        for count in COUNTS:
            here = joint[shock, count]
            for metric, sample in (("profit", here), ("index", here / most),
                                   ("inside_spread", inside[shock, count])):  # fmt: skip
                row = results.loc[(shock, count, metric)]
                half = stats.t.ppf(0.975, SIZE - 1) * sample.sem()
                expected = [sample.mean(), sample.sem(), SIZE, sample.mean() - half,
                            sample.mean() + half]  # fmt: skip
                found = row[["mean", "se", "count", "low", "high"]].to_numpy(float)
                np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
    assert len(results) == len(SHOCKS) * len(COUNTS) * 3


def test_the_last_tenth_of_the_periods_is_measured(log: Run, results: Any) -> None:
    summary = log.table("summary")
    late = summary[summary["maker"].isna() & (summary["period"] >= PERIODS - PERIODS // LATE)]
    means: Any = late.groupby(["prior_sd", "learners", "metric"], observed=True)["mean"].mean()
    for shock in SHOCKS:
        for count in COUNTS:
            for metric, of_summary in (("profit", "profit"), ("inside_spread", "spread")):
                found = results.loc[(shock, count, metric), "mean"]
                assert found == pytest.approx(means[shock, count, of_summary], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("shock", SHOCKS)
def test_the_more_learn_the_more_competitive_they_become(results: Any, shock: float) -> None:
    index = results.xs("index", level="metric").loc[shock]
    for fewer, more in ((1, 2), (2, 4)):
        gap = index.loc[fewer, "mean"] - index.loc[more, "mean"]
        assert gap > 3 * np.hypot(index.loc[fewer, "se"], index.loc[more, "se"])
    assert index.loc[1, "mean"] < 1 + 3 * index.loc[1, "se"]
    inside = results["mean"].xs("inside_spread", level="metric")[shock]
    assert inside[1] > inside[2] > inside[4]


@pytest.mark.parametrize("rho", [0.1, 0.5, 1.0, 1.2])
def test_benchmarks_are_closed_forms(rho: float) -> None:
    table: Any = compute_benchmarks([rho]).set_index("benchmark")
    tick = min(depth for depth in DEPTHS if reward(rho, depth) > 0)
    depths = {"zero-profit": competitive(rho), "tick": tick, "myopic": monopoly(rho)}
    assert table.index.tolist() == list(depths)
    for name, depth in depths.items():
        expected = reward(rho, depth)
        row = table.loc[name]
        assert row["profit"] == pytest.approx(expected, rel=1e-7, abs=1e-9)
        assert row["inside_spread"] == pytest.approx(2 * depth * np.hypot(1, rho), rel=1e-6)
        assert row["index"] == pytest.approx(expected / reward(rho, monopoly(rho)), abs=1e-8)
    assert table["index"]["zero-profit"] == pytest.approx(0.0, abs=1e-12)
    assert table["index"]["myopic"] == 1.0
    assert 0 < table["index"]["tick"] < 1


def test_benchmarks_of_a_run_are_those_of_its_shocks(folder: Path) -> None:
    table = pd.read_csv(folder / "benchmarks.csv")
    pd.testing.assert_frame_equal(table, compute_benchmarks(SHOCKS), rtol=1e-12)


@pytest.mark.parametrize("period", [0, PERIODS - 1])
def test_learners_forget_the_value(log: Run, period: int) -> None:
    summary = log.table("summary")
    hers = summary[summary["maker"].notna() & (summary["period"] == period)]
    sd = hers[hers["metric"] == "belief_sd"]
    mean = hers[hers["metric"] == "belief_mean"]
    assert len(sd) == len(mean) == len(SHOCKS) * sum(COUNTS)
    np.testing.assert_allclose(sd["mean"], sd["prior_sd"], rtol=1e-12)
    assert (mean["mean"] == 0).all()
    assert (mean["variance"] == 0).all()


def test_learners_quote_the_depths_they_can_choose_around_the_prior() -> None:
    learning = partial(gather_learners, learning_rate=0.01, decay=0.01)
    simulation = Simulation(record="full", exchange_of=learning)
    task = BlockTask("0000-00000", {"prior_sd": 0.5, "learners": 2}, 0, 40, 60, 3)
    makers = simulation.run(task)["makers"].to_pandas()
    np.testing.assert_allclose(makers["bid"], -makers["ask"], rtol=1e-12)
    depths = np.unique((makers["ask"] / np.hypot(1, 0.5)).round(9))
    assert set(depths) == set(DEPTHS)
    assert makers["maker"].unique().tolist() == ["learner", "learner-2"]


def test_every_period_has_a_value_of_its_own() -> None:
    learning = partial(gather_learners, learning_rate=0.01, decay=0.0)
    simulation = Simulation(record="full", exchange_of=learning)
    task = BlockTask("0000-00000", {"prior_sd": 0.5, "learners": 1}, 0, 400, 20, 3)
    value = simulation.run(task)["market"].to_pandas().pivot(
        index="replication", columns="period", values="value"
    ).to_numpy()  # fmt: skip
    before, after = value[:, :-1].ravel(), value[:, 1:].ravel()
    assert abs(np.corrcoef(before, after)[0, 1]) < 4 / np.sqrt(before.size)
    assert value.std() == pytest.approx(0.5, rel=4 / np.sqrt(2 * value.size))


@pytest.mark.usefixtures("no_pictures")
def test_options_reach_the_learners(small: Path, tmp_path: Path) -> None:
    learner: Any = partial(Learner, learning_rate=0.3, decay=FADING / 100, depths=DEPTHS)
    market = Exchange([learner] * 2, prior_sd=0.5, value="redrawn", replications=6, rng=8).run(100)
    late = market.tape.makers.query("period >= 90").groupby(["replication", "maker"], observed=True)
    LearningMakers(**SMALL, learning_rate=0.3).run(str(tmp_path / "fast"))
    totals = load(tmp_path / "fast").blocks("totals").set_index(["replication", "maker"])
    profit = late["profit"].sum()
    np.testing.assert_allclose(totals["profit"][profit.index], profit, rtol=1e-12, atol=1e-14)
    slow = load(small).blocks("totals").set_index(["replication", "maker"])
    assert (slow["profit"][profit.index] != profit).any()


def test_one_number_and_one_shock_have_their_place_in_the_tables(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.read_csv(small / "results.csv")
    assert table["metric"].tolist() == list(METRICS)
    assert (table["learners"] == 2).all()
    assert (table["prior_sd"] == 0.5).all()
    LearningMakers(**SMALL).run(str(small), resume=True)
    said = capsys.readouterr().out
    assert "The last 10 of 100 periods" in said
    assert "tick" in said
    assert f"All files are in {small}" in said


def test_a_shock_too_large_for_any_depth_is_refused(call: Call, tmp_path: Path) -> None:
    assert competitive(2.0) > max(DEPTHS)
    code, _, error = call("--prior-sd", "2", "--learners", "1", "--replications", "2",
                          "--periods", "10")  # fmt: skip
    assert code == 1
    assert (
        "prior_sd is 2.0, where none of the depths that makers choose from is profitable" in error
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--learners", "0"], "learners is '0', but must be whole numbers from 1 to 100: give as"),
        (["--learners", "1.5"], "learners is '1.5', but must be whole numbers from 1 to 100: give"),
        (["--learners", "101"], "learners is '101', but must be whole numbers from 1 to 100: give"),
        (["--learners", "nan"], "learners is 'nan', but must be whole numbers from 1 to 100: give"),
        (["--learners", "inf"], "learners is 'inf', but must be whole numbers from 1 to 100: give"),
        (["--learners", "two"], "learners is 'two', but must be whole numbers from 1 to 100: give"),
        (["--learners", "1,"], "learners is '1,', but must be whole numbers from 1 to 100: give"),
        (["--learners", "2,2"], "is there twice, but results are told apart by it"),
        (["--prior-sd", "half"], "prior_sd is 'half', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "-1"], "prior_sd is -1.0, but must be finite and above zero: give"),
        (["--learning-rate", "0"], "learning_rate is 0.0, but must be above 0 and at most 1: give"),
        (["--learning-rate", "2"], "learning_rate is 2.0, but must be above 0 and at most 1: give"),
        (["--periods", "9"], "periods is 9, but must be at least 10 and at most 32767: give"),
        (["--periods", "40000"], "periods is 40000, but must be at least 10 and at most 32767"),
        (["--replications", "12000"], "above 10000 they come in blocks: give a multiple of 10000"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_line(
    call: Call, tmp_path: Path, options: list[str], says: str
) -> None:
    assert says in read_error(call(*options))
    assert list(tmp_path.iterdir()) == []
