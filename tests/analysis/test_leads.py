"""Who is ahead and when: paired intervals against SciPy, and periods put into words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pandas.testing import assert_frame_equal
from scipy import stats

from analysis.leads import NEGLIGIBLE, describe_leads, differences

Draws = NDArray[np.float64]

PERIODS, BLOCKS, SIZE = 6, 8, 50
ENDS = {"a": (-2.0, -1.0), "b": (1.0, 2.0), ".": (-1.0, 1.0), "n": (np.nan, np.nan)}


def by_blocks(maker: str, means: Draws, metric: str = "spread") -> pd.DataFrame:
    """Return the summary of one exchange, given a metric's means, of shape (periods, blocks)."""
    periods, blocks = means.shape
    return pd.DataFrame(
        {
            "makers": maker,
            "period": np.repeat(np.arange(periods, dtype=np.int16), blocks),
            "block": np.tile(np.arange(blocks), periods),
            "metric": metric,
            "count": SIZE,
            "mean": means.ravel(),
            "variance": 1.0,
        }
    )


def draws(seed: int, shape: tuple[int, int] = (PERIODS, BLOCKS)) -> Draws:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.fixture
def means() -> tuple[Draws, Draws]:
    """Return the means of two exchanges that have most of their noise in common."""
    common = 5.0 * draws(1)
    return common + draws(2) - 1.0, common + draws(3)


@pytest.fixture
def blocks(means: tuple[Draws, Draws]) -> pd.DataFrame:
    """Return a summary of three exchanges and two metrics, in disorder."""
    first, second = means
    pieces = [by_blocks("a", first), by_blocks("b", second), by_blocks("c", draws(4)),
              by_blocks("a", draws(5), "profit"), by_blocks("b", draws(6), "profit")]  # fmt: skip
    return pd.concat(pieces).sample(frac=1, random_state=7)


def intervals(signs: str, periods: Sequence[int] | None = None) -> pd.DataFrame:
    """Return a table of intervals: a below zero, b above, a dot around it, n missing."""
    low, high = np.array([ENDS[sign] for sign in signs]).reshape(-1, 2).T
    periods = range(len(signs)) if periods is None else periods
    mean = 0.5 * (low + high)
    return pd.DataFrame({"period": periods, "mean": mean, "low": low, "high": high})


@pytest.mark.parametrize("family", [1, 2, 36])
def test_intervals_are_students_of_the_blocks_differences_with_bonferronis_confidence(
    blocks: pd.DataFrame, means: tuple[Draws, Draws], family: int
) -> None:
    found = differences(blocks, "spread", "a", "b", family=family).sort_values("period")
    gaps = means[0] - means[1]
    expected = stats.t.interval(
        1 - 0.05 / (family * PERIODS), BLOCKS - 1, loc=gaps.mean(axis=1),
        scale=stats.sem(gaps, axis=1),
    )  # fmt: skip
    assert found.columns.tolist() == ["period", "mean", "se", "count", "low", "high"]
    assert found["period"].tolist() == list(range(PERIODS))
    assert (found["count"] == BLOCKS).all()
    np.testing.assert_allclose(found["mean"], gaps.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found[["low", "high"]].to_numpy().T, np.array(expected), rtol=1e-10)


def test_alone_a_table_is_read_by_itself(blocks: pd.DataFrame) -> None:
    assert_frame_equal(
        differences(blocks, "spread", "a", "b"), differences(blocks, "spread", "a", "b", family=1)
    )


def test_the_order_of_two_turns_the_sign(blocks: pd.DataFrame) -> None:
    one, other = (differences(blocks, "spread", *names) for names in ("ab", "ba"))
    np.testing.assert_allclose(one["low"], -other["high"], rtol=1e-12)
    assert describe_leads(one, "a", "b") == describe_leads(other, "b", "a")


def test_what_two_exchanges_have_in_common_widens_no_interval(blocks: pd.DataFrame) -> None:
    paired = differences(blocks, "spread", "a", "b")
    strangers = differences(blocks, "spread", "a", "c")
    assert paired["se"].mean() < 0.5 * strangers["se"].mean()


def test_a_block_that_lacks_a_metric_is_one_observation_less(
    blocks: pd.DataFrame, means: tuple[Draws, Draws]
) -> None:
    lacks = (blocks["makers"] == "b") & (blocks["period"] == 2) & (blocks["block"] == 4)
    found = differences(blocks.assign(mean=blocks["mean"].mask(lacks)), "spread", "a", "b")
    gaps = np.delete(means[0][2] - means[1][2], 4)
    row = found.set_index("period").loc[2]
    half = stats.t.ppf(1 - 0.025 / PERIODS, BLOCKS - 2) * stats.sem(gaps)
    assert row["count"] == BLOCKS - 1
    assert row["high"] == pytest.approx(gaps.mean() + half, rel=1e-10)


def test_all_intervals_hold_together_as_often_as_they_should() -> None:
    missed = 0
    for seed in range(200):
        gaps = draws(seed, (20, BLOCKS))
        pieces = [by_blocks("a", gaps), by_blocks("b", np.zeros_like(gaps))]
        missed += (
            describe_leads(differences(pd.concat(pieces), "spread", "a", "b"), "a", "b")
            != "undecided"
        )
    assert 1 <= missed <= 10 + 4 * np.sqrt(10)  # 5 % of 200; one by one 95 % would give 128


def test_one_block_decides_nothing() -> None:
    pieces = [by_blocks("a", draws(1, (PERIODS, 1))), by_blocks("b", draws(2, (PERIODS, 1)))]
    found = differences(pd.concat(pieces), "spread", "a", "b")
    assert found[["low", "high"]].isna().all(axis=None)
    assert describe_leads(found, "a", "b") == "undecided"


def test_an_exchange_that_is_not_there_is_an_error(blocks: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="makers is 'd', which is unknown: known: a, b, c"):
        differences(blocks, "spread", "a", "d")


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        ("aaaa", "a 0-3"),
        ("bbbb", "b 0-3"),
        ("aabb", "a 0-1, b 2-3"),
        ("aa..bb", "a 0-1, b 4-5"),
        ("a..a", "a 0-3 (2 undecided)"),
        (".aa.a.", "a 1-4 (1 undecided)"),
        ("a.a.a.b..b", "a 0-4 (2 undecided), b 6-9 (2 undecided)"),
        ("a.b.a", "a 0, b 2, a 4"),
        ("abab", "a 0, b 1, a 2, b 3"),
        ("..b..", "b 2"),
        ("....", "undecided"),
        ("", "undecided"),
        ("nnnn", "undecided"),
        ("anna", "a 0-3 (2 undecided)"),
        ("an.a", "a 0-3 (2 undecided)"),
        ("nab", "a 1, b 2"),
    ],
)
def test_reigns_are_put_into_words(signs: str, said: str) -> None:
    assert describe_leads(intervals(signs), "a", "b") == said


def test_periods_are_called_as_the_table_has_them() -> None:
    table = intervals("aab.b", [3, 5, 8, 9, 20])
    assert describe_leads(table, "optimal", "zero-profit") == (
        "optimal 3-5, zero-profit 8-20 (1 undecided)"
    )


@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_an_interval_that_ends_at_zero_holds_it(low: float, high: float) -> None:
    table = pd.DataFrame({"period": [0], "mean": 0.5, "se": 0.1, "low": low, "high": high})
    assert describe_leads(table, "a", "b") == "undecided"


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_negligible_difference_decides_nothing_however_sure_it_is(sign: float) -> None:
    sizes = sign * NEGLIGIBLE * np.array([0.0, 0.5, 1.0, 1.01])
    table = pd.DataFrame(
        {"period": range(4), "mean": sizes, "se": 1e-9, "low": sizes, "high": sizes}
    )
    assert describe_leads(table[:3], "a", "b") == "undecided"
    assert describe_leads(table, "a", "b") == ("a 3" if sign < 0 else "b 3")


def test_a_difference_is_negligible_by_its_mean_whatever_its_interval() -> None:
    means = np.array([-0.5, -1e-9, 1e-9, -0.5])
    table = pd.DataFrame(
        {"period": range(4), "mean": means, "se": 1e-12, "low": means, "high": means}
    )
    assert describe_leads(table, "a", "b") == "a 0-3 (2 undecided)"
    wide = table.assign(low=means - 1e-3, high=means - 5e-4)
    assert describe_leads(wide, "a", "b") == "a 0-3 (2 undecided)"


def test_what_rounding_makes_of_two_like_exchanges_decides_nothing() -> None:
    means = np.ones((PERIODS, BLOCKS))
    pieces = [by_blocks("a", means), by_blocks("b", means + 1e-12)]
    found = differences(pd.concat(pieces), "spread", "a", "b")
    assert (found["mean"] < 0).all()
    assert describe_leads(found, "a", "b") == "undecided"


@pytest.mark.parametrize(("blocks", "said"), [(2, "undecided"), (7, "undecided"), (8, "a 0-5")])
def test_a_difference_of_all_blocks_alike_is_decided_by_their_number(
    blocks: int, said: str
) -> None:
    """By chance, all of n blocks agree with probability 2^(1 - n), here against 0.05 / 6."""
    means = draws(1)[:, :blocks]
    pieces = [by_blocks("a", means - 0.25), by_blocks("b", means)]
    assert describe_leads(differences(pd.concat(pieces), "spread", "a", "b"), "a", "b") == said
