"""What is given as a number, or an array of numbers, as floats."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array
from abm.numerics.describe import show_value

NUMBER_KINDS = "fiu"  # of NumPy's dtypes: floats and whole numbers


def floats(name: str, value: ArrayLike) -> Array:
    """Return `value` as floats, or raise unless it holds real numbers.

    Text, dates, truth values, complex numbers and masked arrays do not count.

    Raises
    ------
    TypeError
        If it holds anything else, or lists of different lengths.
    ValueError
        If a number is too large for a float.

    Examples
    --------
    >>> floats("price", [1, 2.5])
    array([1. , 2.5])
    """
    if type(value) is np.ndarray and value.dtype.char == "d":
        return value
    try:
        given = np.asarray(_require_no_others(value))
        if given.dtype.kind == "O" and all(map(_is_real, given.flat)):
            return given.astype(np.float64)
        if given.dtype.kind in NUMBER_KINDS:
            return _convert(given)
    except OverflowError:
        raise ValueError(
            f"{name} is {show_value(value)}, but must be below 1.8e308: give a smaller number"
        ) from None
    except Exception:  # whatever an object raises when it is asked for numbers
        given = None
    raise TypeError(
        f"{name} is {show_value(value)}, but must be a number, or an array of numbers: give a float"
    )


def _require_no_others(value: Any) -> Any:
    """Return `value`, or raise TypeError if NumPy would take what is no number in it for one."""
    if isinstance(value, list | tuple):
        for part in value:
            _require_no_others(part)
    elif isinstance(value, np.ma.MaskedArray | bool | np.bool_ | bytearray | memoryview) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "b"
    ):
        raise TypeError
    return value


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _convert(given: Any) -> Array:
    """Return numbers as floats, or raise OverflowError if one becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        numbers = np.asarray(given, dtype=np.float64)
    wider = given.dtype.itemsize > numbers.dtype.itemsize
    if wider and (np.isinf(numbers) & ~np.isinf(given)).any():
        raise OverflowError
    return numbers
