"""Names that are not known lead to the one that was meant."""

import pytest

from abm.numerics.names import describe_unknown, find_meant, suggest

KNOWN = ["prior_sd", "noise_sd", "replications", "rng"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sigma", "prior_sd"), ("Sigma", "prior_sd"), ("prior-sd", "prior_sd"),
        ("noise", "noise_sd"), ("n", "replications"), ("seed", "rng"), ("steps", ""), ("x", ""),
    ],
)  # fmt: skip
def test_a_synonym_means_a_name_that_is_known(name: str, meant: str) -> None:
    assert find_meant(name, KNOWN) == meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [("replicatoins", "replications"), ("noise_ds", "noise_sd"), ("rho", "prior_sd"), ("qq", "")],
)
def test_a_misspelt_name_leads_to_the_nearest(name: str, meant: str) -> None:
    assert suggest(name, KNOWN) == meant


def test_a_synonym_comes_before_a_name_that_is_spelt_alike() -> None:
    assert suggest("shock", ["prior_sd", "shocked"]) == "prior_sd"


def test_an_unknown_name_is_described_with_all_known_ones() -> None:
    assert describe_unknown("maker", "optimum", ["optimal", "myopic"]) == (
        "maker is 'optimum', which is unknown: did you mean 'optimal'? known: myopic, optimal"
    )
    assert describe_unknown("maker", None, ["optimal"]) == (
        "maker is None, which is unknown: known: optimal"
    )
