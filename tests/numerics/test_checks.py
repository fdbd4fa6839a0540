"""What is taken for a number, and what the refusal of anything else says."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from abm import Exchange, GaussianBelief, GridBelief, Quote
from abm.bellman import solve
from abm.experiment import Target
from abm.market.noise import GaussianNoise
from abm.market.valuations import Interval, NoisyValuation
from abm.numerics.checks import require_whole
from abm.numerics.conversion import floats
from abm.one_period.depths import myopic_depth, zero_profit_depth

NO_NUMBERS: list[Any] = [
    "wide", ["1", 2.0], None, object(), 1j, [1.0, 2j], True, [True], {}, Decimal(1),
    date(2020, 1, 1), np.datetime64("2020-01-01"), np.timedelta64(3, "s"),
    np.ma.array([1.0, 2.0], mask=[False, True]), [np.ma.masked, 1.0], [[1.0], [1.0, 2.0]],
    [True, 1.0], (1.0, [np.False_]), [[np.ma.array([1.0], mask=True)], [[2.0]]], [np.array([True])],
    bytearray(b"ab"), memoryview(b"ab"),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
def test_what_is_no_number_is_refused_with_value_rule_and_fix(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^x is .*, but must be a number, .*: give a float$"):
        floats("x", value)


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), 10**5000, [10**400], np.longdouble("1e4000")], ids=type
)
def test_what_is_too_large_for_a_float_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^x is .*, but must be below 1\.8e308: give a smaller"):
        floats("x", value)


@pytest.mark.parametrize(
    ("value", "right"),
    [(Fraction(1, 4), 0.25), (10**30, 1e30), (np.float32(0.5), 0.5), ([1, 2.5], [1.0, 2.5])],
    ids=repr,
)
def test_what_is_a_number_is_its_float(value: Any, right: Any) -> None:
    assert np.array_equal(floats("x", value), right)
    assert floats("x", value).dtype == np.float64


@pytest.mark.parametrize("value", [2.0, True, np.True_, np.ones(2, int), 1j, None, "2"], ids=repr)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"n is .*, but must be a whole number: give an int"):
        require_whole("n", value, 0, 3)


def test_a_whole_number_too_long_to_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match=r"n is something of type int .* at most 3: give"):
        require_whole("n", 10**5000, 0, 3)


SOLUTION = solve(0.9)
TAKERS: dict[str, Any] = {
    "GaussianBelief mean": lambda x: GaussianBelief(x, 1.0),
    "GaussianBelief sd": lambda x: GaussianBelief(0.0, x),
    "GridBelief": lambda x: GridBelief(0.0, x),
    "update": lambda x: GaussianBelief(0.0, 1.0).update(x, np.inf, 1.0),
    "update noise": lambda x: GridBelief(0.0, 1.0).update(0.0, np.inf, x),
    "density": lambda x: GaussianBelief(0.0, 1.0).density(x),
    "exact density": lambda x: GridBelief(0.0, 1.0).density(x),
    "Quote": lambda x: Quote(x, 1.0),
    "Quote.around": lambda x: Quote.around(0.0, x),
    "Interval": lambda x: Interval(0.0, x, 1.0),
    "GaussianNoise": GaussianNoise,
    "NoisyValuation": NoisyValuation,
    "zero_profit_depth": zero_profit_depth,
    "myopic_depth": myopic_depth,
    "solve discount": solve,
    "solve rho_max": lambda x: solve(0.9, x),
    "value_function": SOLUTION.value_function,
    "half_spread": SOLUTION.half_spread,
    "Target": Target,
    "prior_mean": lambda x: Exchange("optimal", prior_mean=x),
    "noise_sd": lambda x: Exchange("optimal", noise_sd=x),
}


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, 10**400, 10**5000], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("taker", TAKERS)
def test_every_number_that_is_an_argument_is_checked(taker: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"(?s) is .*, (but|which) .*: .*give"):
        TAKERS[taker](value)
