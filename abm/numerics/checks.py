"""Argument checks: each error gives the value, the rule and what to do."""

from collections.abc import Iterable
from operator import index
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array, Flags
from abm.numerics.names import describe_unknown


def floats(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise TypeError unless it holds numbers; text does not count."""
    try:
        if np.asarray(value).dtype.kind in "US":
            raise TypeError
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}, but must be a number: give a float") from None


def require_finite(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is NaN or infinite."""
    numbers = floats(name, value)
    return _require(np.isfinite(numbers), name, numbers, "finite: give a number")


def require_positive(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is not finite and above zero."""
    numbers = floats(name, value)
    right = np.isfinite(numbers) & (numbers > 0)
    return _require(right, name, numbers, "finite and above zero: give a positive number")


def require_not_negative(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise ValueError where one is negative or NaN."""
    numbers = floats(name, value)
    return _require(numbers >= 0, name, numbers, "at least 0: give 0 or more")


def _require(right: Flags, name: str, numbers: Array, rule: str) -> Array:
    """Return the numbers, or raise ValueError with the first that is not right."""
    if not right.all():
        raise ValueError(f"{name} is {numbers[~right][0]}, but must be {rule}")
    return numbers


def finite_number(name: str, value: float) -> float:
    """Return `value` as a float, or raise unless it is one finite number."""
    return float(require_finite(name, _scalar(name, value)))


def positive_number(name: str, value: float) -> float:
    """Return `value` as a float, or raise unless it is one finite number above zero."""
    return float(require_positive(name, _scalar(name, value)))


def not_negative_number(name: str, value: float) -> float:
    """Return `value` as a float, or raise unless it is one finite number of at least 0."""
    return float(require_not_negative(name, finite_number(name, value)))


def require_in_range(name: str, value: float, above: float, most: float) -> float:
    """Return `value` as a float, or raise unless it is one number in (above, most]."""
    number = finite_number(name, value)
    if not above < number <= most:
        raise ValueError(
            f"{name} is {number}, but must be above {above:g} and at most {most:g}: "
            f"give a number in between"
        )
    return number


def _scalar(name: str, value: float) -> float:
    """Return `value`, or raise ValueError if it is an array of some dimension."""
    if np.ndim(value):
        raise ValueError(f"{name} has shape {np.shape(value)}, but must be one number: give one")
    return value


def require_compatible(**arrays: Array) -> None:
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
    if not 0 <= floats("discount", _scalar("discount", value)) < 1:
        raise ValueError(
            f"discount is {value}, but must be at least 0 and below 1: "
            f"0 is the myopic maker, 0.9 the paper's setting"
        )
    return float(value)


def require_whole(name: str, value: SupportsIndex, least: int, most: int) -> int:
    """Return `value` as an int, or raise unless it is a whole number from `least` to `most`."""
    if not hasattr(value, "__index__") or isinstance(value, bool):
        raise TypeError(
            f"{name} is {value!r}, a {type(value).__name__}, but must be a whole number: "
            f"give an int (a NumPy integer is fine)"
        )
    number = index(value)
    if not least <= number <= most:
        raise ValueError(
            f"{name} is {number}, but must be at least {least} and at most {most}: "
            f"give a whole number in that range"
        )
    return number


def require_one_of(name: str, value: str, known: Iterable[str]) -> str:
    """Return `value`, or raise ValueError with the nearest known name unless it is known."""
    names = list(known)
    if value not in names:
        raise ValueError(describe_unknown(name, value, names))
    return value
