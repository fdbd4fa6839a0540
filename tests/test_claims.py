"""Verdicts: what the confidence interval decides, and what it leaves open."""

from math import inf, nan

import pandas as pd
import pytest

from analysis.claims import Claim, claims_table

COLUMNS = ["exhibit", "says", "measured", "se", "low", "high", "holds"]


def verdict(measured: float, se: float, low: float = -inf, high: float = inf) -> str:
    return Claim("Fig. 0", "it is so", measured, se, low, high).holds


@pytest.mark.parametrize(
    ("measured", "expected"), [(0.5, "yes"), (-0.5, "no"), (0.1, "undecided"), (-0.1, "undecided")]
)
def test_a_lower_bound_is_judged_by_the_interval(measured: float, expected: str) -> None:
    assert verdict(measured, 0.1, low=0) == expected


@pytest.mark.parametrize(
    ("measured", "expected"), [(-0.5, "yes"), (0.5, "no"), (0.1, "undecided"), (-0.1, "undecided")]
)
def test_an_upper_bound_is_judged_by_the_interval(measured: float, expected: str) -> None:
    assert verdict(measured, 0.1, high=0) == expected


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(0.0, "yes"), (0.9, "undecided"), (-1.1, "undecided"), (1.3, "no"), (-1.3, "no")],
)
def test_two_bounds_are_judged_by_the_interval(measured: float, expected: str) -> None:
    assert verdict(measured, 0.1, low=-1, high=1) == expected


def test_an_interval_wider_than_the_bounds_decides_nothing() -> None:
    assert verdict(0.0, 10.0, low=-1, high=1) == "undecided"


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(1.97, "yes"), (1.95, "undecided"), (-1.95, "undecided"), (-1.97, "no")],
)
def test_the_interval_is_of_95_percent(measured: float, expected: str) -> None:
    assert verdict(measured, 1.0, low=0) == expected


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(0.0, "yes"), (0.999, "yes"), (1.0, "no"), (1.001, "no"), (-1.0, "no"), (-1.001, "no")],
)
def test_without_error_the_measurement_decides_and_a_bound_itself_is_outside(
    measured: float, expected: str
) -> None:
    assert verdict(measured, 0.0, low=-1, high=1) == expected


@pytest.mark.parametrize("measured", [5.0, -5.0, nan])
def test_an_unknown_error_decides_nothing(measured: float) -> None:
    assert verdict(measured, nan, low=0) == "undecided"


@pytest.mark.parametrize("se", [0.0, 1.0])
def test_an_unknown_measurement_decides_nothing(se: float) -> None:
    assert verdict(nan, se, low=0) == "undecided"


def test_a_table_has_a_row_for_each_claim_in_order() -> None:
    claims = [Claim("Fig. 2", "up", 3.0, 1.0, 0.0), Claim("Fig. 1", "down", 3.0, 0.5, high=0.0)]
    rows = [
        ("Fig. 2", "up", 3.0, 1.0, 0.0, inf, "yes"),
        ("Fig. 1", "down", 3.0, 0.5, -inf, 0.0, "no"),
    ]
    pd.testing.assert_frame_equal(claims_table(claims), pd.DataFrame(rows, columns=COLUMNS))
