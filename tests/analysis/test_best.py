"""The best of several choices: paired, with a set that holds the best as often as it says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.best import find_best


def make_frame(means: list[float], size: int, seed: int = 1) -> pd.DataFrame:
    """Return records of choices that share most of their noise."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=size), rng.normal(size=(len(means), size))
    return pd.concat(
        pd.DataFrame(
            {
                "replication": np.arange(size),
                "choice": str(number),
                "gain": mean + shared + 0.3 * of,
            }
        )
        for number, (mean, of) in enumerate(zip(means, own, strict=True))
    )


def test_a_difference_is_paired_and_its_limit_is_students_over_the_others() -> None:
    frame = make_frame([0.0, 0.1, 0.02], size=50)
    table: Any = find_best(frame, "gain", "choice").set_index("choice")
    wide: Any = frame.pivot(index="replication", columns="choice", values="gain")
    best = str(wide.mean().idxmax())
    assert table.index[table["best"]].tolist() == [best]
    for choice in wide:
        gap = wide[best] - wide[choice]
        row = table.loc[choice]
        assert row["mean"] == pytest.approx(wide[choice].mean(), rel=1e-12)
        assert row["behind"] == pytest.approx(gap.mean(), abs=1e-12)
        assert row["se"] == pytest.approx(gap.sem(), abs=1e-12)
        limit = stats.t.ppf(1 - 0.05 / 2, 49) * gap.sem()
        assert row["candidate"] == (choice == best or gap.mean() <= limit)


def test_the_least_is_the_best_if_so_asked() -> None:
    frame = make_frame([1.0, 0.0, 2.0], size=30)
    table = find_best(frame, "gain", "choice", least=True)
    assert table.loc[table["best"], "choice"].tolist() == ["1"]
    assert (table["behind"] >= 0).all()
    mirrored = find_best(frame.assign(gain=-frame["gain"]), "gain", "choice")
    pd.testing.assert_series_equal(table["candidate"], mirrored["candidate"])


def test_each_group_has_a_best_of_its_own() -> None:
    groups = {"low": make_frame([0.0, 5.0], 20), "high": make_frame([5.0, 0.0], 20)}
    frame = pd.concat(rows.assign(shock=shock) for shock, rows in groups.items())
    table = find_best(frame, "gain", "choice", ["shock"])
    assert table.loc[table["best"], ["shock", "choice"]].to_numpy().tolist() == [
        ["low", "1"], ["high", "0"],
    ]  # fmt: skip
    assert table.columns.tolist() == [
        "shock", "choice", "mean", "behind", "se", "best", "candidate",
    ]  # fmt: skip


def test_choices_that_are_alike_in_every_market_are_all_candidates() -> None:
    frame = make_frame([0.0], size=10)
    both = pd.concat([frame, frame.assign(choice="same")])
    assert find_best(both, "gain", "choice")["candidate"].all()


@pytest.mark.parametrize("means", [[0.0, 0.0, 0.0, 0.0], [0.05, 0.0, 0.0, 0.0], [0.2, 0.1, 0.0]])
def test_the_set_holds_the_best_at_least_as_often_as_it_says(means: list[float]) -> None:
    held = [
        find_best(make_frame(means, 20, seed), "gain", "choice").set_index("choice")["candidate"][
            "0"
        ]
        for seed in range(100)
    ]
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 100)
