"""Golden-section search, elementwise: the maximum of a function of one variable in each element."""

from collections.abc import Callable

import numpy as np

from abm.numerics.arrays import Array

GOLDEN = (np.sqrt(5) - 1) / 2
STEPS = 29  # GOLDEN**29 = 9e-7


def golden_section(objective: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Return where each objective is largest between low and high, to a millionth of the width.

    The objective takes and returns an array of the shape of `low`, and has one peak in between.
    """
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = objective(left), objective(right)
    for _ in range(STEPS):
        lower = at_left > at_right
        low, high = np.where(lower, low, left), np.where(lower, right, high)
        new = np.where(lower, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        at_new = objective(new)
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        at_left, at_right = np.where(lower, at_new, at_right), np.where(lower, at_left, at_new)
    return 0.5 * (low + high)
