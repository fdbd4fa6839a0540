"""The arrays that flow through a market, whose last axis is the replication."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Sides = NDArray[np.int8]
Index = NDArray[np.intp]


def align(*given: ArrayLike) -> tuple[tuple[int, ...], list[Array]]:
    """Return the shape to which arrays broadcast, and them in it, of one dimension at least."""
    arrays = [np.asarray(one, np.float64) for one in given]
    shape = arrays[0].shape
    if not (shape and all(one.shape == shape for one in arrays)):
        shape = np.broadcast_shapes(*(one.shape for one in arrays))
        arrays = [np.atleast_1d(np.broadcast_to(one, shape)) for one in arrays]
    return shape, arrays


def keep(array: Array, size: int) -> Array:
    """Return an array of shape (size,) that is closed to writing: a copy, if this one is not.

    Who opens again what was closed is not guarded against.
    """
    own = array.shape == (size,) and array.base is None and not array.flags.writeable
    return array if own else copy_broadcast(array, size)


def copy_broadcast(array: Array, size: int) -> Array:
    """Return a copy of an array, of shape (size,); ValueError unless it broadcasts to that."""
    return array.copy() if array.shape == (size,) else np.array(np.broadcast_to(array, size))
