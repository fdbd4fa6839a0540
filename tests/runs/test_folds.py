"""Folds over periods, at the edges: what counts as learnt, what is missing, what is discounted."""

import numpy as np
import pytest

from abm.runs.folds import Average, DiscountedSum, Last, LearningTime, Loss, Sum

NOW = np.array([0.5, 0.4999, 2.0])


def feed(fold: Sum, *periods: list[float]) -> Sum:
    for period in periods:
        fold.add(np.array(period))
    return fold


def test_a_maker_has_learnt_below_half_a_noise_sd_and_not_at_it() -> None:
    fold = feed(LearningTime(0.9, noise_sd=1.0), [1.0, 1.0, 1.0], [0.5, 0.4999, 3.0])
    np.testing.assert_array_equal(fold.finish(NOW), [np.nan, 1.0, np.nan])


def test_who_learns_from_the_last_trade_has_learnt_after_all_periods() -> None:
    fold = feed(LearningTime(0.9, noise_sd=2.0), [3.0, 3.0, 3.0], [2.0, 1.5, 3.0])
    np.testing.assert_array_equal(fold.finish(np.array([0.99, 0.9, 1.0])), [2.0, 2.0, np.nan])


def test_who_has_no_belief_never_learns() -> None:
    fold = feed(LearningTime(0.9, noise_sd=1.0), [np.nan], [np.nan])
    assert np.isnan(fold.finish(np.array([np.nan]))).all()


def test_profit_is_discounted_from_the_second_period_on() -> None:
    fold = feed(DiscountedSum(0.5, noise_sd=1.0), [1.0, -4.0], [2.0, 0.0], [8.0, 4.0])
    np.testing.assert_array_equal(fold.finish(NOW), [4.0, -3.0])


@pytest.mark.parametrize(("kind", "result"), [(Sum, [3.0, -1.0]), (Loss, [-3.0, 1.0])])
def test_a_sum_is_of_all_periods_and_a_loss_its_negative(
    kind: type[Sum], result: list[float]
) -> None:
    assert feed(kind(0.5, noise_sd=1.0), [1.0, -2.0], [2.0, 1.0]).finish(NOW).tolist() == result


@pytest.mark.parametrize("kind", [Sum, Loss, DiscountedSum, Average, LearningTime])
def test_neither_a_period_nor_a_result_is_changed_by_the_periods_that_follow(
    kind: type[Sum],
) -> None:
    fold, periods = kind(0.5, noise_sd=1.0), [np.array([1.0, -2.0]), np.array([2.0, 0.3])]
    fold.add(periods[0])
    before = fold.finish(NOW[:2])
    result = before.copy()
    fold.add(periods[1])
    np.testing.assert_array_equal(before, result)
    np.testing.assert_array_equal(periods, [[1.0, -2.0], [2.0, 0.3]])


def test_an_average_is_of_the_periods_that_have_the_metric() -> None:
    fold = feed(Average(0.9, noise_sd=1.0), [1.0, np.nan, np.nan], [3.0, 5.0, np.nan])
    np.testing.assert_array_equal(fold.finish(NOW), [2.0, 5.0, np.nan])


def test_the_last_is_what_stands_in_the_end() -> None:
    assert feed(Last(0.9, noise_sd=1.0), [7.0, 7.0, 7.0]).finish(NOW) is NOW
