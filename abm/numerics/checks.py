"""Argument checks: each error gives the value, the rule and what to do.

The range in which results are right, tried where an object is made:

    sd of a belief or a noise, half-spread    LEAST to LARGEST, so that squares are floats
    rho = sd / noise_sd, in an exchange       LEAST_RHO to LARGEST_RHO
    |mean|                                    FARTHEST times the sd at most; in an exchange, also
                                              times noise_sd and sd^2 / noise_sd
    price quoted, valuation                   LARGEST_PRICE at most, or infinite: no offer

A float has 16 digits, so at FARTHEST a price is right to 1e-7 of the smallest sd, and the spread,
as it narrows with what is learnt, to a part in 100,000 after 100 traders. Up to LARGEST_RHO the
optimal half-spread is right to 1e-6, and the points of an exact belief suffice. Measured in
tests/numerics/test_range.py.
"""

from collections.abc import Iterable
from operator import index
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array, Flags, Sides
from abm.numerics.conversion import floats
from abm.numerics.describe import show_value
from abm.numerics.names import describe_unknown

LEAST, LARGEST = 1e-100, 1e100
LEAST_RHO, LARGEST_RHO = 1e-6, 1e4
FARTHEST = 1e9
LARGEST_PRICE = 1e140
ANOTHER_UNIT = "measure prices in another unit"


def require_finite(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is NaN or infinite."""
    numbers = floats(name, value)
    return _require(np.isfinite(numbers), name, numbers, "finite: give a number")


def require_positive(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is not finite and above zero."""
    numbers = floats(name, value)
    right = np.isfinite(numbers) & (numbers > 0)
    return _require(right, name, numbers, "finite and above zero: give a positive number")


def require_scale(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is no sd of LEAST to LARGEST."""
    numbers = require_positive(name, value)
    right = (numbers >= LEAST) & (numbers <= LARGEST)
    return _require(right, name, numbers, f"from {LEAST:g} to {LARGEST:g}: {ANOTHER_UNIT}")


def require_positive_factors(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is not above 0, up to FARTHEST."""
    numbers = require_positive(name, value)
    return _require(numbers <= FARTHEST, name, numbers, f"at most {FARTHEST:g}: give less")


def require_rho(value: ArrayLike) -> Array:
    """Return rho as floats, or raise ValueError where one is not from 0 to FARTHEST."""
    rho = floats("rho", value)
    right = (rho >= 0) & (rho <= FARTHEST)
    return _require(right, "rho", rho, f"at least 0 and at most {FARTHEST:g}: give one in between")


def require_near(name: str, mean: Array, length: Array) -> None:
    """Raise ValueError where a mean is more than FARTHEST lengths away from zero."""
    far = np.abs(mean) > FARTHEST * length
    if far.any():
        worst, reach = (np.broadcast_to(part, far.shape)[far][0] for part in (mean, length))
        raise ValueError(
            f"{name} is {worst}, but must be at most {FARTHEST:g} times {reach:g} away from zero, "
            f"or prices lose the digits of the spread: take a constant off all prices"
        )


def require_comparable(name: str, mean: Array, sd: Array, noise_sd: float) -> None:
    """Raise ValueError unless a belief and the traders' noise are in the range of an exchange.

    `name` is what the belief is called: "prior" for prior_mean and prior_sd.
    """
    rho = sd / noise_sd
    wrong = ~((rho >= LEAST_RHO) & (rho <= LARGEST_RHO))
    if wrong.any():
        raise ValueError(
            f"{name}_sd is {sd[wrong][0]:g}, {rho[wrong][0]:g} times noise_sd, but must be from "
            f"{LEAST_RHO:g} to {LARGEST_RHO:g} times it: give sds that are nearer to each other"
        )
    require_near(f"{name}_mean", mean, np.minimum(sd, noise_sd) * np.minimum(rho, 1.0))


def _require(right: Flags, name: str, numbers: Array, rule: str) -> Array:
    """Return the numbers, or raise ValueError with the first that is not right."""
    if not right.all():
        raise ValueError(f"{name} is {numbers[~right][0]}, but must be {rule}")
    return numbers


def finite_number(name: str, value: ArrayLike) -> float:
    """Return `value` as a float, or raise unless it is one finite number."""
    return float(require_finite(name, _scalar(name, value)))


def positive_number(name: str, value: ArrayLike) -> float:
    """Return `value` as a float, or raise unless it is one finite number above zero."""
    return float(require_positive(name, _scalar(name, value)))


def scale_number(name: str, value: ArrayLike) -> float:
    """Return `value` as a float, or raise unless it is one sd from LEAST to LARGEST."""
    return float(require_scale(name, _scalar(name, value)))


def positive_factor(name: str, value: ArrayLike) -> float:
    """Return `value` as a float, or raise unless it is one above zero and at most FARTHEST."""
    return float(require_positive_factors(name, _scalar(name, value)))


def not_negative_factor(name: str, value: ArrayLike) -> float:
    """Return `value` as a float, or raise unless it is from 0 to FARTHEST."""
    number = _require(
        _scalar(name, value) >= 0, name, floats(name, value), "at least 0: give 0 or more"
    )
    return float(_require(number <= FARTHEST, name, number, f"at most {FARTHEST:g}: give less"))


def require_in_range(name: str, value: float, above: float, most: float) -> float:
    """Return `value` as a float, or raise unless it is one number in (above, most]."""
    number = finite_number(name, value)
    if not above < number <= most:
        raise ValueError(
            f"{name} is {number}, but must be above {above:g} and at most {most:g}: "
            f"give a number in between"
        )
    return number


def _scalar(name: str, value: ArrayLike) -> Array:
    """Return `value` as a float of no dimension, or raise ValueError if it has some."""
    number = floats(name, value)
    if number.ndim:
        raise ValueError(f"{name} has shape {number.shape}, but must be one number: give one")
    return number


def require_compatible(**arrays: Array | Sides) -> None:
    """Raise ValueError unless the arrays broadcast together."""
    shapes = {name: array.shape for name, array in arrays.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        have = " and ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"{have}, but they must broadcast: give one for each, or scalars"
        ) from None


def discount_factor(value: float) -> float:
    """Return `value` as a float, or raise ValueError unless 0 <= value < 1."""
    discount = float(_scalar("discount", value))
    if not 0 <= discount < 1:
        raise ValueError(
            f"discount is {value}, but must be at least 0 and below 1: "
            f"0 is the myopic maker, 0.9 the paper's setting"
        )
    return discount


def require_share(value: float, name: str = "share") -> float:
    """Return `value` as a float, or raise ValueError unless 0 <= value <= 1."""
    share = float(_scalar(name, value))
    if not 0 <= share <= 1:
        raise ValueError(f"{name} is {value}, but must be from 0 to 1: give a part of the whole")
    return share


def require_whole(name: str, value: SupportsIndex, least: int, most: int) -> int:
    """Return `value` as an int, or raise unless it is a whole number from `least` to `most`."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = index(value)
    except TypeError:
        raise TypeError(
            f"{name} is {show_value(value)}, a {type(value).__name__}, but must be a whole number: "
            f"give an int (a NumPy integer is fine)"
        ) from None
    if not least <= number <= most:
        raise ValueError(
            f"{name} is {show_value(number)}, but must be at least {least} and at most {most}: "
            f"give a whole number in that range"
        )
    return number


def require_one_of(name: str, value: str, known: Iterable[str]) -> str:
    """Return `value`, or raise ValueError with the nearest known name unless it is known."""
    names = list(known)
    if not isinstance(value, str) or value not in names:
        raise ValueError(describe_unknown(name, value, names))
    return value
