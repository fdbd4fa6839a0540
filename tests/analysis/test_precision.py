"""Confidence intervals, medians and convergence against SciPy, pandas and simulated coverage."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy import stats

from analysis import metrics
from analysis.metrics import add_interval
from analysis.precision import STEPS, convergence, median


def record(draws: Iterable[Any], names: Sequence[str] = ("a", "b")) -> pd.DataFrame:
    """Return one row a replication of each group's draws, in disorder."""
    groups = [
        pd.DataFrame({"group": name, "replication": np.arange(len(own)), "x": own})
        for name, own in zip(names, draws, strict=False)
    ]
    return pd.concat(groups).sample(frac=1, random_state=5)


def by_blocks(frame: pd.DataFrame, size: int) -> pd.DataFrame:
    """Return the summary of a record by blocks of so many replications, in disorder."""
    groups = frame.assign(block=frame["replication"] // size).groupby(["group", "block"])["x"]
    summary = groups.agg(count="count", mean="mean", variance="var").reset_index()
    return summary.assign(metric="x").sample(frac=1, random_state=6)


@pytest.mark.parametrize("count", [2, 3, 30, 10_000, 10**9])
def test_an_interval_is_students_t(count: int) -> None:
    table = add_interval(pd.DataFrame({"mean": [5.0, -1.0], "se": [0.5, 2.0], "count": count}))
    expected = stats.t.interval(0.95, count - 1, loc=[5.0, -1.0], scale=[0.5, 2.0])
    found = table[["low", "high"]].to_numpy().T
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-12)


@pytest.mark.parametrize("count", [0, 1])
def test_there_is_no_interval_below_two_observations(count: int) -> None:
    table = add_interval(pd.DataFrame({"mean": [5.0], "se": [np.nan], "count": [count]}))
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["mean"].item() == 5.0


def test_of_a_sample_that_is_all_alike_there_is_no_interval() -> None:
    table = add_interval(pd.DataFrame({"mean": [5.0], "se": [0.0], "count": [4]}))
    assert table[["low", "high"]].isna().to_numpy().all()


@pytest.mark.parametrize("size", [2, 4, 20])
def test_intervals_cover_the_truth_in_95_of_100_samples(size: int) -> None:
    samples, truth = 20_000, 3.0
    draws = np.random.default_rng(8).normal(truth, 2.0, size=(samples, size))
    frame = pd.DataFrame({"sample": np.repeat(np.arange(samples), size), "x": draws.ravel()})
    table = add_interval(metrics.estimates(frame, "x", ["sample"]))
    covered = ((table["low"] < truth) & (truth < table["high"])).mean()
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / samples)


def of_one(sample: Any) -> Any:
    """Return the median, its interval and the count of one sample."""
    table = median(record([sample], "a"), "x", ["group"])
    assert table.columns.tolist() == ["group", "median", "low", "high", "count"]
    return table.iloc[0]


def ranks(size: int) -> tuple[int, int]:
    """Return the ranks, from 1, of the innermost ordered pair that covers in 95 % of samples."""
    pairs = [(rank, size + 1 - rank) for rank in range(1, size // 2 + 1)]
    covers = [stats.binom.cdf(high - 1, size, 0.5) - stats.binom.cdf(low - 1, size, 0.5)
              for low, high in pairs]  # fmt: skip
    return [pair for pair, sure in zip(pairs, covers, strict=True) if sure >= 0.95][-1]


@pytest.mark.parametrize("size", [6, 7, 8, 9, 25, 100, 101, 2_500])
def test_the_ends_of_a_median_are_the_narrowest_ordered_pair_that_covers(size: int) -> None:
    sample = np.random.default_rng(size).normal(size=size)
    row, ordered = of_one(sample), np.sort(sample)
    low, high = ranks(size)
    assert row[["low", "high"]].tolist() == [ordered[low - 1], ordered[high - 1]]
    assert row["median"] == pytest.approx(np.median(sample), rel=1e-15)
    assert row["count"] == size


@pytest.mark.parametrize("size", [6, 15, 40, 101])
def test_medians_are_covered_in_95_of_100_samples_or_a_little_more(size: int) -> None:
    samples, truth = 1_000, np.log(2.0)
    draws = np.random.default_rng(9).exponential(size=(samples, size))
    frame = pd.DataFrame({"sample": np.repeat(np.arange(samples), size), "x": draws.ravel()})
    table = median(frame, "x", ["sample"])
    covered = ((table["low"] < truth) & (truth < table["high"])).mean()
    low, high = ranks(size)
    sure = stats.binom.cdf(high - 1, size, 0.5) - stats.binom.cdf(low - 1, size, 0.5)
    assert 0.95 <= sure < 0.98
    assert abs(covered - sure) < 4 * np.sqrt(sure * (1 - sure) / samples)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_fewer_than_six_values_have_a_median_without_ends(size: int) -> None:
    row = of_one(np.arange(size) + 1.0)
    assert row["median"] == (size + 1) / 2
    assert row[["low", "high"]].isna().all()


@pytest.mark.parametrize(
    ("finite", "infinite", "expected"),
    [
        (61, 39, [49.5, 39.0, 60.0]),
        (60, 40, [49.5, 39.0, np.inf]),
        (50, 50, [np.inf, 39.0, np.inf]),
        (40, 60, [np.inf, 39.0, np.inf]),
        (39, 61, [np.inf, np.inf, np.inf]),
        (51, 50, [50.0, 40.0, np.inf]),
    ],
)
def test_infinite_values_are_the_largest(finite: int, infinite: int, expected: list[float]) -> None:
    row = of_one([*range(finite), *[np.inf] * infinite])
    assert row[["median", "low", "high"]].tolist() == expected
    assert row["count"] == finite + infinite


def test_where_all_is_infinite_so_is_the_median() -> None:
    assert of_one([np.inf] * 10)[["median", "low", "high"]].tolist() == [np.inf] * 3


def test_ties_count_as_often_as_they_come() -> None:
    row = of_one([1.0] * 30 + [2.0] * 60 + [5.0] * 10)
    assert row[["median", "low", "high"]].tolist() == [2.0, 2.0, 2.0]
    row = of_one([1.0] * 45 + [2.0] * 55)
    assert row[["median", "low", "high"]].tolist() == [2.0, 1.0, 2.0]


def test_medians_leave_out_what_is_missing_and_keep_groups_apart() -> None:
    draws = np.random.default_rng(3).normal(size=(2, 40))
    draws[1] += 100.0
    gaps = draws.copy()
    gaps[0, :13] = np.nan
    table = median(record(gaps), "x", ["group"])
    assert table["group"].tolist() == ["a", "b"]
    assert table["count"].tolist() == [27, 40]
    for (_, row), own in zip(table.iterrows(), (draws[0, 13:], draws[1]), strict=True):
        low, high = ranks(len(own))
        expected = [np.median(own), np.sort(own)[low - 1], np.sort(own)[high - 1]]
        np.testing.assert_allclose(row[["median", "low", "high"]].to_numpy(float), expected)


def test_a_group_without_any_value_has_no_median() -> None:
    table = median(record([[1.0, 2.0, 4.0], [np.nan, np.nan]]), "x", ["group"])
    assert table["group"].tolist() == ["a"]
    assert table["median"].tolist() == [2.0]


def test_without_any_value_there_are_no_medians() -> None:
    table = median(record([[np.nan, np.nan]]), "x", ["group"])
    assert table.empty
    assert table.columns.tolist() == ["group", "median", "low", "high", "count"]


def test_medians_by_two_columns_are_those_of_each_pair() -> None:
    frame = pd.DataFrame({"one": list("aabb") * 5, "other": [1.0, 3.0] * 10, "x": range(20)})
    table = median(frame, "x", ["one", "other"])
    expected = frame.groupby(["one", "other"])["x"].median().reset_index(name="median")
    assert_frame_equal(table[["one", "other", "median"]], expected)
    assert table["count"].tolist() == [5] * 4


@pytest.mark.parametrize("offset", [0.0, 1e9])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_convergence_shows_the_estimates_of_the_first_replications(
    offset: float, missing: float
) -> None:
    rng = np.random.default_rng(2)
    draws = offset + np.array([3.0, 1.0])[:, None] * rng.normal(size=(2, 500))
    draws[rng.uniform(size=draws.shape) < missing] = np.nan
    table = convergence(record(draws), "x", ["group"])
    assert table.columns.tolist() == ["group", "count", "mean", "se"]
    for name, own in zip("ab", draws, strict=True):
        known = pd.Series(own).dropna()
        rows = table[table["group"] == name]
        assert rows["count"].iloc[[0, -1]].tolist() == [2, len(known)]
        assert rows["count"].is_monotonic_increasing
        prefixes = [known[:count] for count in rows["count"]]
        expected = [[first.mean(), first.sem()] for first in prefixes]
        np.testing.assert_allclose(rows[["mean", "se"]], np.array(expected, float), rtol=1e-10)


@pytest.mark.parametrize(("offset", "tolerance"), [(0.0, 1e-12), (1e9, 1e-7)])
@pytest.mark.parametrize("size", [1, 7, 25])
def test_convergence_of_blocks_is_that_of_their_replications(
    offset: float, tolerance: float, size: int
) -> None:
    frame = record(offset + np.random.default_rng(3).normal(size=(2, 200)))
    table = convergence(by_blocks(frame, size), "x", ["group"])
    for name, rows in table.groupby("group"):
        own = frame[frame["group"] == name].sort_values("replication")["x"]
        assert rows["count"].iloc[-1] == 200
        assert set(rows["count"]) <= {*range(size, 200, size), 200}
        expected = np.array([own[:count].sem() for count in rows["count"]], float)
        np.testing.assert_allclose(rows["se"], expected, rtol=tolerance)


@pytest.mark.parametrize("kept", ["record", "summary"])
def test_convergence_ends_with_the_estimate_itself(kept: str) -> None:
    frame = record(np.random.default_rng(4).normal(5.0, 1.0, size=(2, 3_000)))
    frame = frame if kept == "record" else by_blocks(frame, 100)
    table = convergence(frame, "x", ["group"])
    last = table.groupby("group").tail(1).reset_index(drop=True)
    expected = metrics.estimates(frame, "x", ["group"]).drop(columns=["low", "high"])
    assert_frame_equal(last[expected.columns], expected, rtol=1e-10)
    assert table.groupby("group").size().between(10, STEPS).all()


def test_missing_blocks_say_nothing() -> None:
    draws = np.random.default_rng(6).normal(size=(1, 60))
    draws[0, 10:30] = np.nan
    table = convergence(by_blocks(record(draws), 10), "x", ["group"])
    assert table["count"].tolist() == [10, 20, 30, 40]
    assert table["se"].notna().all()


@pytest.mark.parametrize("draws", [[[1.0]], [[np.nan, np.nan]], [[]]])
def test_without_two_observations_nothing_converges(draws: list[list[float]]) -> None:
    table = convergence(record(draws), "x", ["group"])
    assert table.empty
    assert {"group", "count", "mean", "se"} <= set(table)


def test_groups_keep_their_order() -> None:
    frame = record(np.random.default_rng(7).normal(size=(2, 20)), ("optimal", "myopic"))
    known = pd.CategoricalDtype(["optimal", "myopic"])
    ordered = frame.astype({"group": known}).sort_values("group")
    table = convergence(ordered, "x", ["group"])
    assert table["group"].unique().tolist() == ["optimal", "myopic"]
