"""Verdicts: what the confidence interval decides, and what it leaves open."""

from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from abm.runs.folder import RunFolder
from analysis import load
from analysis.claims import CLAIMS_FILE, Claim, claims_table, judge_together, read_claims

COLUMNS = ["exhibit", "says", "measured", "se", "count", "low", "high", "confidence", "holds"]
MANY = 1_000_000  # observations, whose means are normal


def verdict(measured: float, se: float, low: float = -inf, high: float = inf) -> str:
    return Claim("Fig. 0", "it is so", measured, se, MANY if se else 0, low, high).holds


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
    ("count", "measured", "expected"),
    [(2, 12.71, "yes"), (2, 12.70, "undecided"), (2, -12.71, "no"), (6, 2.58, "yes"),
     (6, 2.56, "undecided"), (1, 100.0, "undecided")],
)  # fmt: skip
def test_few_markets_widen_the_interval(count: int, measured: float, expected: str) -> None:
    assert Claim("Fig. 0", "it is so", measured, 1.0, count, low=0).holds == expected


@pytest.mark.parametrize("count", [1, 2, 100, MANY])
def test_a_sample_that_is_all_alike_decides_nothing(count: int) -> None:
    assert Claim("Fig. 0", "no trade", 0.0, 0.0, count, high=0.05).holds == "undecided"


def test_a_standard_error_is_of_some_observations() -> None:
    with pytest.raises(ValueError, match=r"^count is 0, but se is 0\.5: give the number of obs"):
        Claim("Fig. 0", "it is so", 1.0, 0.5)


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_a_claim_whose_truth_is_at_the_bound_is_decided_in_5_of_100_samples(count: int) -> None:
    samples = np.random.default_rng(7).normal(size=(4_000, count))
    means, errors = samples.mean(axis=1), samples.std(axis=1, ddof=1) / count**0.5
    claims = [Claim("", "", *pair, count, low=0) for pair in zip(means, errors, strict=True)]
    decided = np.mean([claim.holds != "undecided" for claim in claims])
    assert abs(decided - 0.05) < 4 * (0.05 * 0.95 / 4_000) ** 0.5


def test_claims_judged_together_share_five_percent_among_those_sampled() -> None:
    claims = [Claim("", "", 1.0, 0.1, 50), Claim("", "", 1.0, 0.0), *[Claim("", "", 0, 1, 9)] * 3]
    judged = judge_together(claims)
    assert [claim.confidence for claim in judged] == [0.9875, 0.95, 0.9875, 0.9875, 0.9875]
    assert [claim.measured for claim in judged] == [claim.measured for claim in claims]
    assert judge_together(claims[1:2]) == claims[1:2]
    assert judge_together([]) == []


@pytest.mark.parametrize(("measured", "expected"), [(2.50, "yes"), (2.49, "undecided")])
def test_one_of_four_claims_needs_two_and_a_half_standard_errors(
    measured: float, expected: str
) -> None:
    four = judge_together([Claim("", "", measured, 1.0, MANY, low=0)] * 4)
    assert {claim.holds for claim in four} == {expected}


def test_all_of_20_claims_that_are_true_at_the_bound_stay_open_in_95_of_100_families() -> None:
    families = np.random.default_rng(3).normal(size=(1_000, 20))
    decided = [
        any(claim.holds != "undecided" for claim in judge_together(
            [Claim("", "", mean, 1.0, MANY, low=0) for mean in family]))
        for family in families
    ]  # fmt: skip
    assert abs(np.mean(decided) - 0.0488) < 4 * (0.05 * 0.95 / 1_000) ** 0.5


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
    claims = [
        Claim("Fig. 2", "up", 3.0, 1.0, 90, 0.0),
        Claim("Fig. 1", "down", 3.0, 0.5, 90, high=0.0),
    ]
    rows = [
        ("Fig. 2", "up", 3.0, 1.0, 90, 0.0, inf, 0.95, "yes"),
        ("Fig. 1", "down", 3.0, 0.5, 90, -inf, 0.0, 0.95, "no"),
    ]
    pd.testing.assert_frame_equal(claims_table(claims), pd.DataFrame(rows, columns=COLUMNS))


def left_by(folder: Path, claims: list[Claim]) -> list[Claim]:
    """Return the claims of a run that wrote these."""
    with RunFolder(folder, "mine", {"seed": 1}) as run:
        run.store.write(CLAIMS_FILE, claims_table(claims).to_csv(index=False).encode())
    return read_claims(load(folder))


def test_a_run_keeps_its_claims_to_the_last_digit(tmp_path: Path) -> None:
    claims = [
        Claim("Fig. 1", "over a third", 0.1 + 0.2, 1 / 3, 12, 1 / 7),
        Claim("Fig. 2", "exact, without bounds", -1e-300, 0.0),
        Claim("Fig. 2", "one of three", 1.0, 0.1, 9, 0.0, confidence=1 - 0.05 / 3),
        Claim("Fig. 2", 'says "it, there"; ± σ\non two lines', 12345678.9, 0.1, 3, -inf, 2.0**0.5),
    ]
    assert left_by(tmp_path / "run", claims) == claims


@pytest.mark.parametrize(("exhibit", "says"), [("3", "12"), ("", "nan"), ("NA", "null")])
def test_the_words_of_a_claim_stay_words(tmp_path: Path, exhibit: str, says: str) -> None:
    claims = [Claim(exhibit, says, 1.0, 0.5, 9)]
    assert left_by(tmp_path / "run", claims) == claims


def test_a_claim_that_nothing_was_measured_for_stays_undecided(tmp_path: Path) -> None:
    (claim,) = left_by(tmp_path / "run", [Claim("Fig. 1", "so it is", nan, nan, 0, 0.0)])
    assert pd.isna([claim.measured, claim.se]).all()
    assert claim.holds == "undecided"


def test_a_run_without_claims_has_none(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "mine", {"seed": 1}):
        pass
    assert read_claims(load(tmp_path / "run")) == []


def test_claims_of_a_run_before_they_were_judged_together_are_judged_at_95_percent(
    tmp_path: Path,
) -> None:
    table = claims_table([Claim("Fig. 1", "above zero", 2.0, 1.0, MANY, 0.0)])
    with RunFolder(tmp_path / "run", "mine", {"seed": 1}) as run:
        old = table.drop(columns="confidence").to_csv(index=False)
        run.store.write(CLAIMS_FILE, old.encode())
    (claim,) = read_claims(load(tmp_path / "run"))
    assert (claim.confidence, claim.holds) == (0.95, "yes")
