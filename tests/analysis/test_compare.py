"""Two runs compared: in parameters by name, in results by standard errors that are right."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from typer.testing import CliRunner

from abm import Exchange
from abm.experiment import Experiment, Simulation, grid
from abm.runs.folder import RunFolder
from abm.runs.schema import MAKERS
from analysis import Run, load
from analysis.compare import Comparison, compare
from analysis.load import LogError
from analysis.results import METRICS, results
from scenarios._common.app import app

BLOCK = 30
POINTS = grid(makers=["zero-profit", "myopic"], prior_sd=[1.0, 2.0])
KEYS = ["makers", "prior_sd", "maker", "metric"]

Make = Callable[..., Run]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return a function that runs small experiments, each of them once."""
    known: dict[str, Run] = {}

    def made(points: Any = POINTS, *, discount: float = 0.9, **more: Any) -> Run:
        given = {"replications": 3 * BLOCK, "periods": 6, "block": BLOCK} | more
        name = f"{points}{discount}{given}"
        if name not in known:
            folder = tmp_path_factory.mktemp("compare") / "run"
            Experiment(points, Simulation(discount), **given).run(folder)
            known[name] = load(folder)
        return known[name]

    return made


def totals(run: Run, metric: str, maker: str = "myopic", prior_sd: float = 2.0) -> pd.DataFrame:
    """Return block, replication and metric at one point."""
    table = run.blocks("totals", makers=maker, prior_sd=prior_sd, maker=maker)
    table["learnt"] = 1.0 * table["learning_time"].notna()
    table["frozen"] = 1.0 * (table["trades"] == 0)
    return table[["block", "replication", metric]]


def only(
    found: Comparison, metric: str, maker: str = "myopic", prior_sd: float = 2.0
) -> "pd.Series[Any]":
    table = found.results
    rows = table[
        (table["metric"] == metric) & (table["maker"] == maker) & (table["prior_sd"] == prior_sd)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_run_does_not_differ_from_itself(make: Make) -> None:
    found = compare(make(), make())
    assert found.settings.empty
    assert found.paired
    assert len(found.results) == found.identical == len(POINTS) * len(METRICS)
    assert not found.differ
    assert (found.results[["difference", "z"]] == 0).all(axis=None)


def test_settings_that_differ_are_listed_by_name(make: Make) -> None:
    first = make()
    second = replace(
        make(seed=5),
        scenario="other",
        versions=first.versions | {"numpy": "9.9"},
        code=first.code | {"code of mine:Half": "aaa"},
    )
    fewer = {name: value for name, value in second.parameters.items() if name != "discount"}
    second = replace(second, parameters=fewer)
    settings = compare(first, second).settings
    assert settings.columns.tolist() == ["name", "first", "second"]
    rows = {name: (one, other) for name, one, other in settings.itertuples(index=False)}
    assert rows == {
        "scenario": ("experiment", "other"),
        "seed": ("0", "5"),
        "discount": ("0.9", "absent"),
        "numpy": (first.versions["numpy"], "9.9"),
        "code of mine:Half": ("absent", "aaa"),
    }


@pytest.fixture(scope="module")
def beside(make: Make) -> tuple[Run, Run, Comparison]:
    """Return two runs of one seed, and what they are found to differ in."""
    first, second = make(discount=0.9, periods=6), make(discount=0.5, periods=9)
    return first, second, compare(first, second)


@pytest.mark.parametrize("metric", ["discounted_profit", "profit", "trades"])
def test_runs_of_one_seed_are_compared_replication_by_replication(
    beside: tuple[Run, Run, Comparison], metric: str
) -> None:
    first, second, found = beside
    assert found.paired
    one, other = totals(first, metric)[metric], totals(second, metric)[metric]
    gap = other - one
    expected = [one.mean(), other.mean(), gap.mean(), gap.std() / np.sqrt(3 * BLOCK)]
    row = only(found, metric)
    measured = row[["first", "second", "difference", "se"]].to_numpy(float)
    np.testing.assert_allclose(measured, expected, rtol=1e-10)
    assert row["z"] == pytest.approx(measured[2] / measured[3])


def test_pairing_finds_what_independent_runs_would_not(make: Make) -> None:
    paired = only(compare(make(), make(periods=7)), "profit", "zero-profit")
    apart = only(compare(make(), make(periods=7, seed=1)), "profit", "zero-profit")
    assert paired["se"] < 0.6 * apart["se"]


@pytest.fixture(scope="module")
def apart(make: Make) -> tuple[Run, Run, Comparison]:
    """Return two runs of other seeds, and what they are found to differ in."""
    first, second = make(), make(seed=1, replications=2 * BLOCK)
    return first, second, compare(first, second)


@pytest.mark.parametrize("metric", METRICS)
def test_runs_of_other_seeds_are_compared_as_independent(
    apart: tuple[Run, Run, Comparison], metric: str
) -> None:
    first, second, found = apart
    assert not found.paired
    one, other = totals(first, metric)[metric], totals(second, metric)[metric]
    se = np.hypot(one.std() / np.sqrt(3 * BLOCK), other.std() / np.sqrt(2 * BLOCK))
    expected = [one.mean(), other.mean(), other.mean() - one.mean(), se]
    row = only(found, metric)
    measured = row[["first", "second", "difference", "se"]].to_numpy(float)
    np.testing.assert_allclose(measured, expected, rtol=1e-10)


def test_a_longer_run_is_compared_where_both_have_replications(make: Make) -> None:
    found = compare(make(), make(replications=5 * BLOCK))
    assert found.paired
    assert found.identical == len(found.results)
    assert not found.differ


def test_a_run_in_other_blocks_is_compared_where_draws_are_the_same(make: Make) -> None:
    first, second = make(), make(block=2 * BLOCK, replications=2 * BLOCK, discount=0.5)
    found = compare(first, second)
    both = totals(first, "profit").merge(totals(second, "profit"), on=["block", "replication"])
    assert len(both) == BLOCK
    assert (both["profit_x"] == both["profit_y"]).all()
    assert only(found, "profit")["difference"] == 0.0
    both = totals(first, "discounted_profit").merge(
        totals(second, "discounted_profit"), on=["block", "replication"]
    )
    gap = both["discounted_profit_y"] - both["discounted_profit_x"]
    row = only(found, "discounted_profit")
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["se"] == pytest.approx(gap.std() / np.sqrt(BLOCK))


@pytest.mark.slow
def test_runs_that_differ_in_seed_only_differ_by_chance_only(make: Make) -> None:
    found = [compare(make(seed=2 * pair), make(seed=2 * pair + 1)) for pair in range(8)]
    assert not any(one.differ for one in found)
    z = pd.concat([one.results.query("metric in ['profit', 'pricing_error']") for one in found])[
        "z"
    ]
    assert len(z) == 8 * len(POINTS) * 2
    assert abs(z.mean()) < 0.5
    assert 0.75 < z.std() < 1.25


@pytest.mark.parametrize("more", [{}, {"seed": 1}])
def test_a_real_difference_is_found_and_stands_first(make: Make, more: dict[str, int]) -> None:
    found = compare(make(), make(periods=12, **more))
    assert found.differ
    z = found.results["z"].abs().to_numpy()
    assert np.all(np.diff(z) <= 1e-12 * z[1:])
    assert z[0] > found.results["limit"].iloc[0]
    assert found.results["metric"].iloc[0] in {"trades", "spread", "belief_sd", "learnt"}


def test_the_limit_is_that_of_the_largest_of_so_many_results(make: Make) -> None:
    found = compare(make(), make(seed=1))
    number = len(found.results)
    limit = found.results.query("metric == 'profit'")["limit"]
    np.testing.assert_allclose(2 * number * t.sf(limit, 3 * BLOCK - 1), 0.05, rtol=1e-9)
    draws = np.random.default_rng(0).standard_t(3 * BLOCK - 1, size=(20_000, number))
    alarms = (np.abs(draws).max(axis=1) > limit.iloc[0]).mean()
    assert 0.04 < alarms < 0.055


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 5])
def test_equal_runs_of_a_few_markets_are_seldom_called_different(make: Make, size: int) -> None:
    given = {"replications": size, "block": size}
    pairs = [(make(seed=2 * pair, **given), make(seed=2 * pair + 1, **given)) for pair in range(10)]
    alarms = sum(compare(*pair).differ for pair in pairs)
    assert alarms <= 2  # of 10 at 5 % each; more has a probability of 0.01


def test_rounding_of_what_has_no_noise_is_no_difference(make: Make) -> None:
    points = grid(makers=["myopic", "zero-profit"], prior_sd=[5.0, 7.0])
    known = [make(points, seed=seed, replications=size * BLOCK) for seed, size in ((0, 3), (1, 7))]
    spreads = [results(run).query("metric == 'spread' and prior_sd == 7") for run in known]
    assert all((table["se"] < 1e-12).all() for table in spreads)
    found = compare(*known)
    assert not found.differ
    assert found.results["z"].abs().max() < 5


@pytest.mark.parametrize("seed", [0, 1])
def test_a_single_replication_shows_no_difference(make: Make, seed: int) -> None:
    found = compare(make(replications=1), make(replications=1, seed=seed))
    assert len(found.results) == len(POINTS) * len(METRICS)
    assert not found.differ


def test_points_that_one_run_alone_has_are_left_out(make: Make) -> None:
    more = grid(makers=["fixed-spread", "myopic"], prior_sd=[2.0, 4.0])
    for seed in (0, 1):
        found = compare(make(), make(more, seed=seed))
        assert len(found.results) == len(METRICS)
        row = only(found, "profit")
        assert row["makers"] == "myopic"
        assert row["first"] == pytest.approx(totals(make(), "profit")["profit"].mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_of_one_point_is_found_in_a_larger_one(make: Make, seed: int) -> None:
    one = make(grid(makers=["myopic"], prior_sd=[2.0]), seed=seed)
    for first, second in ((one, make()), (make(), one)):
        found = compare(first, second)
        assert len(found.results) == len(METRICS)
        assert set(found.results["prior_sd"]) == {2.0}
        assert (found.identical == len(METRICS)) == (seed == 0)


@pytest.mark.parametrize(
    "points",
    [
        grid(makers=["zero-profit", "myopic"], prior_sd=[4.0]),
        grid(makers=["fixed-spread"], prior_sd=[1.0, 2.0]),
        grid(makers=["fixed-spread"], prior_sd=[7.0]),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_runs_without_a_common_point_cannot_be_compared(make: Make, points: Any, seed: int) -> None:
    first, second = make(), make(points, seed=seed)
    with pytest.raises(LogError, match="no point and maker in common: compare runs") as error:
        compare(first, second)
    assert str(first.folder) in str(error.value)
    assert str(second.folder) in str(error.value)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_parameter_that_only_one_run_sweeps_is_named(make: Make, seed: int) -> None:
    wider = make(grid(makers=["myopic"], prior_sd=[2.0], noise_sd=[0.5, 2.0]), seed=seed)
    for first, second in ((make(), wider), (wider, make())):
        with pytest.raises(LogError, match="noise_sd"):
            compare(first, second)


def plain(folder: Path, seed: int) -> Run:
    """Return a run of two exchanges that is no experiment."""
    tapes = [
        Exchange(maker, prior_sd=2.0, replications=40, rng=seed).run(6).tape
        for maker in ("myopic", "zero-profit")
    ]
    with RunFolder(folder, "mine", {"seed": seed}) as run:
        run.write("makers", pd.concat([tape.makers for tape in tapes]), MAKERS)
    return load(folder)


def test_plain_records_can_be_compared(tmp_path: Path) -> None:
    first, second = plain(tmp_path / "one", 0), plain(tmp_path / "other", 1)
    found = compare(first, second)
    assert set(found.results["metric"]) == {"profit", "spread", "trades"}
    assert len(found.results) == 6
    profits = [
        run.table("makers").query("maker == 'myopic'").groupby("replication")["profit"].sum()
        for run in (first, second)
    ]
    table = found.results
    row = table[(table["maker"] == "myopic") & (table["metric"] == "profit")].iloc[0]
    assert row["difference"] == pytest.approx(profits[1].mean() - profits[0].mean())
    se = np.hypot(*(one.std() / np.sqrt(40) for one in profits))
    assert row["se"] == pytest.approx(se)
    assert compare(first, plain(tmp_path / "again", 0)).identical == 6


def test_a_plain_record_and_an_experiment_cannot_be_compared(make: Make, tmp_path: Path) -> None:
    record = plain(tmp_path / "run", 0)
    for first, second in ((record, make()), (make(), record)):
        with pytest.raises(LogError, match="cannot be compared"):
            compare(first, second)


def test_the_command_tells_what_differs(make: Make) -> None:
    first, second = make(), make(periods=12)
    said = CliRunner().invoke(app, ["compare", str(first.folder), str(second.folder)])
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert any(line.split() == ["periods", "6", "12"] for line in lines)
    assert "replication by replication" in said.stdout
    assert lines[-1] == "The results differ significantly."
    said = CliRunner().invoke(app, ["compare", str(first.folder), str(first.folder)])
    lines = said.stdout.splitlines()
    assert lines[0] == "The settings are the same."
    number = 4 * len(METRICS)
    same = f"Of {number} results, compared replication by replication, {number} are identical"
    assert same in said.stdout
    assert lines[-1] == "The results do not differ significantly."


def test_runs_whose_points_are_not_those_of_their_data_are_not_compared(make: Make) -> None:
    first, swapped = make(), [*POINTS[2:], *POINTS[:2]]
    for points in (swapped, [point | {"prior_sd": 5 * point["prior_sd"]} for point in POINTS]):
        with pytest.raises(LogError, match=r"0000-00000.parquet is of another point or seed than"):
            compare(first, replace(make(), points=points))


def test_runs_that_lack_a_point_of_their_data_are_not_compared(make: Make) -> None:
    for points in (POINTS[:3], [*POINTS, {"makers": "optimal", "prior_sd": 9.0}]):
        says = rf"has {len(points)} points, but blocks of 4: its description was changed; repeat"
        with pytest.raises(LogError, match=says):
            compare(replace(make(), points=points), make())


@pytest.mark.parametrize("changed", [{"seed": [1]}, {"seed": 1}, {"periods": 7}])
def test_a_run_whose_seed_or_periods_are_not_its_data_s_is_not_compared(
    make: Make, changed: dict[str, Any]
) -> None:
    first = make()
    with pytest.raises(LogError, match=r"0000-00000.parquet is of another point or seed than"):
        compare(first, replace(first, parameters=first.parameters | changed))
