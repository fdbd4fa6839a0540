"""The passes of `abm.numerics.passes`, done by kernels.c: the same names, and the same bytes.

Arrays are of floats, sides of int8, all of the shape that their pass says.
"""

import os
import warnings
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from abm.numerics.arrays import Array, Flags, Index, Sides

Arrays = tuple[Any, ...]

SWITCH = "MARKET_SHOCK_KERNELS"  # in the environment; 0 turns them off
SOURCE = Path(__file__).with_name("kernels.c")
STALE = (
    "the compiled kernels are not used: {}. NumPy does all, with the same results in more time; "
    "build this package again, as by: uv sync --reinstall-package market-shock"
)


def find_kernels() -> Any:
    """Return the library; None if it was not built, not of this source, or is turned off."""
    if os.environ.get(SWITCH) == "0" or find_spec("abm.numerics._kernels") is None:
        return None
    try:
        library = import_module("abm.numerics._kernels")
        if library.find_source() == sha256(SOURCE.read_bytes()).hexdigest():
            return library
        fault = "they were compiled from another kernels.c"
    except (ImportError, AttributeError) as error:
        fault = str(error)
    warnings.warn(STALE.format(fault), RuntimeWarning, stacklevel=2)
    return None


LIBRARY = find_kernels()


def find_span(numbers: Array) -> tuple[float, float]:
    """Do as `abm.numerics.passes.find_span`."""
    try:
        return LIBRARY.find_span(numbers)
    except ValueError:
        return LIBRARY.find_span(_lay_out(numbers))


def are_ordered(lower: Array, upper: Array) -> bool:
    """Do as `abm.numerics.passes.are_ordered`."""
    if lower.shape != upper.shape:
        lower, upper = np.broadcast_arrays(lower, upper)
    return _run(LIBRARY.are_ordered, (lower, upper))


def take_sides(valuation: Array, bid: Array, ask: Array) -> Sides:
    """Do as `abm.numerics.passes.take_sides`."""
    side = np.empty(valuation.shape, np.int8)
    _run(LIBRARY.take_sides, (valuation, bid, ask), side)
    return side


def find_prices(side: Sides, bid: Array, ask: Array) -> Array:
    """Do as `abm.numerics.passes.find_prices`."""
    price = np.empty(side.shape)
    _run(LIBRARY.find_prices, (side, bid, ask), price)
    return price


def find_ends(side: Sides, bid: Array, ask: Array) -> tuple[Array, Array]:
    """Do as `abm.numerics.passes.find_ends`."""
    lower, upper = np.empty(side.shape), np.empty(side.shape)
    _run(LIBRARY.find_ends, (side, bid, ask), lower, upper)
    return lower, upper


def hide_rivals(
    side: Sides, own: tuple[Array, Array], inside: tuple[Array, Array], at: tuple[Array, Array]
) -> tuple[Sides, Array, Array]:
    """Do as `abm.numerics.passes.hide_rivals`."""
    seen, bid, ask = np.empty(side.shape, np.int8), np.empty(side.shape), np.empty(side.shape)
    _run(LIBRARY.hide_rivals, (side, *own, *inside, *at), seen, bid, ask)
    return seen, bid, ask


def fold_interval(lower: Array, upper: Array, centre: Array, scale: Array) -> tuple[Array, bool]:
    """Do as `abm.numerics.passes.fold_interval`."""
    folded = np.empty((7, *lower.shape))
    delicate = _run(LIBRARY.fold_interval, (lower, upper, centre, scale), folded)
    return folded, delicate


def close_moments(folded: Array) -> Array:
    """Do as `abm.numerics.passes.close_moments`."""
    moments = np.empty((2, *folded.shape[1:]))
    _run(LIBRARY.close_moments, (folded,), moments)
    return moments


def widen(sd: Array, noise_sd: float) -> Array:
    """Do as `abm.numerics.passes.widen`."""
    wide = np.empty(sd.shape)
    _run(LIBRARY.widen, (sd,), wide, noise_sd)
    return wide


def tilt_normal(
    mean: Array, sd: Array, noise_sd: float, scale: Array, moments: Array
) -> tuple[Array, Array]:
    """Do as `abm.numerics.passes.tilt_normal`."""
    moved, left = np.empty(mean.shape), np.empty(mean.shape)
    _run(LIBRARY.tilt_normal, (mean, sd, scale, moments), moved, left, noise_sd)
    return moved, left


def evaluate_cubic(
    x: Array, nodes: Array, coefficients: Array, buckets: Index, crowded: Flags
) -> Array:
    """Do as `abm.numerics.passes.evaluate_cubic`."""
    y = np.empty(x.shape)
    LIBRARY.evaluate_cubic(_lay_out(x), nodes, coefficients, buckets, crowded, y)
    return y


def _run(kernel: Callable[..., bool], read: Arrays, *rest: Any) -> bool:
    """Run a kernel, on copies of what it reads if that is not laid out as it must be."""
    try:
        return kernel(*read, *rest)
    except ValueError:
        return kernel(*map(_lay_out, read), *rest)


def _lay_out(array: Any) -> Any:
    """Return an array in one piece, of int8 or else of floats."""
    return np.ascontiguousarray(array, None if array.dtype.char == "b" else np.float64)
