"""Moments of samples and of their unions, against NumPy and exact fractions."""

import statistics
from functools import reduce
from itertools import chain
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abm.moments import Moments

NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 6))
SAMPLES = st.lists(NUMBERS, max_size=30)
EMPTY = Moments.of(np.array([]))


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
    merged = Moments.of(np.array(one)).merged(Moments.of(np.array(other)))
    assert_moments_of(merged, one + other)


@settings(deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=8), NUMBERS)
def test_any_number_of_blocks_merges_into_the_whole(blocks: list[list[float]], one: float) -> None:
    parts = [Moments.of(np.array(block)) for block in [[one], *blocks]]
    assert_moments_of(reduce(Moments.merged, parts), [one, *chain(*blocks)])


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
    assert (empty.count, empty.squares) == (0, 0)
    assert np.isnan(empty.mean)
    assert np.isnan(empty.variance)


def test_merging_with_the_empty_sample_changes_nothing() -> None:
    some = Moments.of(np.array([1.0, 2.0, 4.0]))
    assert some.merged(EMPTY) == some == EMPTY.merged(some)
    assert EMPTY.merged(EMPTY).count == 0


def test_variance_is_the_unbiased_one() -> None:
    sample = [1.0, 2.0, 4.0, 8.0]
    assert Moments.of(np.array(sample)).variance == pytest.approx(np.var(sample, ddof=1))


def test_variance_of_one_value_is_unknown() -> None:
    assert np.isnan(Moments.of(np.array([3.0])).variance)


def test_sample_of_any_shape_is_one_sample() -> None:
    sample = np.arange(12.0)
    assert Moments.of(sample.reshape(3, 4)) == Moments.of(sample)


def test_large_offset_does_not_lose_the_variance() -> None:
    sample = 1e9 + np.random.default_rng(4).normal(size=1000)
    exact = statistics.variance(sample.tolist())
    blocks = [Moments.of(block) for block in np.split(sample, [1, 10, 500])]
    assert Moments.of(sample).variance == pytest.approx(exact, rel=1e-9)
    assert reduce(Moments.merged, blocks).variance == pytest.approx(exact, rel=1e-6)
