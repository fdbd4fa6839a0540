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


def settle_top(objective: Callable[[Array], Array], near: Array, step: Array) -> Array:
    """Return the top of the parabola through each objective at near - step, near and near + step.

    Rounding, which decides where on a flat top a golden-section search ends, hardly moves it. It is
    `near` where the three do not rise and fall, or the top is more than a step away.
    """
    at_left, at_near, at_right = (objective(near + by) for by in (-step, 0.0, step))
    with np.errstate(divide="ignore", invalid="ignore"):
        move = 0.5 * (at_right - at_left) / (2 * at_near - at_left - at_right)
    return near + step * np.where(np.abs(move) < 1, move, 0.0)
