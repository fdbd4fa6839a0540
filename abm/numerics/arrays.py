"""The arrays that flow through a market, whose last axis is the replication."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Sides = NDArray[np.int8]
Index = NDArray[np.intp]


def keep(array: Array, size: int) -> Array:
    """Return an array of shape (size,) that is closed to writing: a copy, if this one is not.

    Who opens again what was closed is not guarded against.
    """
    own = array.shape == (size,) and array.base is None and not array.flags.writeable
    return array if own else copy_broadcast(array, size)


def copy_broadcast(array: Array, size: int) -> Array:
    """Return a copy of an array, of shape (size,); ValueError unless it broadcasts to that."""
    return array.copy() if array.shape == (size,) else np.array(np.broadcast_to(array, size))
