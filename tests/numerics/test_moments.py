"""Moments of samples and of their unions, against NumPy and exact fractions."""

import statistics
from collections.abc import Sequence
from itertools import chain
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abm.exchange.summary import Series, tabulate_summary
from abm.numerics.moments import Moments
from abm.runs.schema import SUMMARY

NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 6))
SAMPLES = st.lists(NUMBERS, max_size=30)
EMPTY = Moments.of(np.array([]))
PARTS = ("count", "mean", "squares")
KEYS: tuple[Series, ...] = ((None, "spread"), ("zoe", "spread"), ("ann", "profit"))


def assert_same(one: Moments, other: Moments) -> None:
    for part in PARTS:
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


def stacked(samples: Sequence[Any]) -> Moments:
    return Moments.stack(Moments.of(np.array(sample)) for sample in samples)


def pool(samples: Sequence[Any]) -> Moments:
    """Return the moments of all samples taken as one."""
    return at(stacked(samples).pool(np.zeros(len(samples), int), 1), 0)


def at(moments: Moments, place: int) -> Moments:
    return Moments(*(getattr(moments, part)[place] for part in PARTS))


def period(*samples: list[float]) -> Moments:
    return Moments.stack(Moments.of(np.array(sample)) for sample in samples)


def assert_moments_of(moments: Moments, sample: list[float]) -> None:
    scale = max(map(abs, sample))
    assert moments.count == len(sample)
    assert moments.mean == pytest.approx(np.mean(sample), rel=1e-12, abs=1e-13 * scale)
    squares = np.var(sample) * len(sample)
    assert moments.squares == pytest.approx(squares, rel=1e-9, abs=1e-13 * scale**2)


@settings(deadline=None)
@given(SAMPLES.filter(bool))
def test_moments_are_those_of_numpy(sample: list[float]) -> None:
    assert_moments_of(Moments.of(np.array(sample)), sample)


@settings(deadline=None)
@given(SAMPLES, SAMPLES.filter(bool))
def test_merged_moments_are_those_of_the_samples_together(
    one: list[float], other: list[float]
) -> None:
    assert_moments_of(pool([one, other]), one + other)


@settings(deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=8), NUMBERS)
def test_any_number_of_blocks_merges_into_the_whole(blocks: list[list[float]], one: float) -> None:
    assert_moments_of(pool([[one], *blocks]), [one, *chain(*blocks)])


@settings(deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=8).filter(any))
def test_accumulated_moments_are_those_of_the_first_samples_together(
    blocks: list[list[float]],
) -> None:
    moments = stacked(blocks).accumulate()
    assert moments.mean.shape == (len(blocks),)
    scale = max(map(abs, chain(*blocks)))
    for place in range(len(blocks)):
        if together := list(chain(*blocks[: place + 1])):
            here = at(moments, place)
            assert here.count == len(together)
            assert here.mean == pytest.approx(np.mean(together), rel=1e-12, abs=1e-12 * scale)
            squares = np.var(together) * len(together)
            assert here.squares == pytest.approx(squares, rel=1e-9, abs=1e-11 * scale**2)
        else:
            assert at(moments, place).count == 0
            assert np.isnan(at(moments, place).mean)


@settings(deadline=None)
@given(SAMPLES.filter(bool), st.lists(st.just(np.nan), max_size=5), st.randoms())
def test_missing_values_are_skipped(
    known: list[float], missing: list[float], shuffle: Random
) -> None:
    mixed = [*known, *missing]
    shuffle.shuffle(mixed)
    assert_moments_of(Moments.of(np.array(mixed)), known)


@pytest.mark.parametrize("sample", [[], [np.nan], [np.nan, np.nan]])
def test_sample_without_a_value_is_empty(sample: list[float]) -> None:
    empty = Moments.of(np.array(sample))
    assert empty.count == 0
    assert empty.squares == 0
    assert np.isnan([empty.mean, empty.variance, empty.se]).all()


def test_merging_with_the_empty_sample_changes_nothing() -> None:
    some = [1.0, 2.0, 4.0]
    for samples in ([some], [some, []], [[], some], [[], some, []]):
        assert_same(pool(samples), Moments.of(np.array(some)))
    assert_same(pool([[], []]), EMPTY)


@settings(deadline=None)
@given(st.lists(st.tuples(SAMPLES, SAMPLES), min_size=1, max_size=6))
def test_moments_in_arrays_merge_each_on_its_own(
    pairs: list[tuple[list[float], list[float]]],
) -> None:
    ones, others = zip(*pairs, strict=True)
    group = np.tile(np.arange(len(pairs)), 2)
    pooled = stacked([*ones, *others]).pool(group, len(pairs))
    assert pooled.mean.shape == (len(pairs),)
    for place, pair in enumerate(pairs):
        assert_same(at(pooled, place), pool(pair))


@settings(deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=6))
def test_moments_come_back_from_count_mean_and_variance(samples: list[list[float]]) -> None:
    before = stacked(samples)
    after = Moments.of_variance(before.count, before.mean, before.variance)
    np.testing.assert_array_equal(after.count, before.count)
    np.testing.assert_array_equal(after.mean, before.mean)
    np.testing.assert_allclose(after.squares, before.squares, rtol=1e-14, atol=1e-300)


def test_variance_is_the_unbiased_one() -> None:
    sample = [1.0, 2.0, 4.0, 8.0]
    assert Moments.of(np.array(sample)).variance == pytest.approx(np.var(sample, ddof=1))


def test_standard_error_is_that_of_the_mean() -> None:
    sample = [1.0, 2.0, 4.0, 8.0]
    expected = np.std(sample, ddof=1) / 2
    assert Moments.of(np.array(sample)).se == pytest.approx(expected)


def test_variance_of_one_value_is_unknown() -> None:
    one = Moments.of(np.array([3.0]))
    assert np.isnan([one.variance, one.se]).all()


def test_sample_of_any_shape_is_one_sample() -> None:
    sample = np.arange(12.0)
    assert_same(Moments.of(sample.reshape(3, 4)), Moments.of(sample))


def test_large_offset_does_not_lose_the_variance() -> None:
    sample = 1e9 + np.random.default_rng(4).normal(size=1000)
    exact = statistics.variance(sample.tolist())
    blocks = np.split(sample, [1, 10, 500])
    assert Moments.of(sample).variance == pytest.approx(exact, rel=1e-9)
    assert pool(blocks).variance == pytest.approx(exact, rel=1e-6)


def test_a_summary_as_a_table_has_one_row_a_period_and_series() -> None:
    periods = [period([1.0, 3.0], [], [2.0]), period([5.0], [np.nan, 7.0], [0.0, 2.0])]
    frame = tabulate_summary(KEYS, periods)
    rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
    assert list(rows) == [
        (0, None, "spread", 2, 2.0, 2.0),
        (0, "zoe", "spread", 0, None, None),
        (0, "ann", "profit", 1, 2.0, None),
        (1, None, "spread", 1, 5.0, None),
        (1, "zoe", "spread", 1, 7.0, None),
        (1, "ann", "profit", 2, 1.0, 2.0),
    ]


@pytest.mark.parametrize("periods", [[], [period([1.0], [2.0, 3.0], [])]], ids=len)
def test_columns_of_a_summary_are_those_of_the_schema(periods: list[Moments]) -> None:
    frame = tabulate_summary(KEYS, periods)
    dtypes = [(column.name, column.dtype) for column in SUMMARY]
    assert list(frame.dtypes.astype(str).items()) == dtypes


@pytest.mark.parametrize("size", [1, 2, 7, 129, 10_000])
def test_moments_of_several_samples_are_those_of_each_alone_bit_for_bit(size: int) -> None:
    draws = np.random.default_rng(5).normal(1e3, 1.0, (6, size))
    draws[1] = 0.1  # all alike
    draws[2, size // 2] = np.nan
    draws[3] = np.nan
    draws[4, -1] = draws[4, 0]
    samples = list(draws)
    samples.append(samples[0])
    rows = Moments.of_each(samples)
    for row, sample in enumerate(samples):
        alone = Moments.of(sample)
        for of_rows, of_one in zip(vars(rows).values(), vars(alone).values(), strict=True):
            np.testing.assert_array_equal(of_rows[row], of_one)
