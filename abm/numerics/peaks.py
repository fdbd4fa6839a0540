"""The highest peak of a function of one variable, elementwise: a scan, then parabolas."""

from collections.abc import Callable

import numpy as np

from abm.numerics.arrays import Array

WIDTHS = np.array(
    [0.4, 0.1, 0.02, 3e-3, 4e-4]
)  # between the three points of a parabola, in steps of the scan
PEAKS = 2  # how many of those that a scan shows are followed to their tops

Objective = Callable[[Array], Array]
"""Takes and returns arrays of shape (N, K), for any K."""


def find_highest_peak(objective: Objective, points: Array) -> tuple[Array, Array]:
    """Return where each objective is largest, to some 1e-7 of a step of the scan, and its value.

    Parameters
    ----------
    objective : callable
        Smooth around its peaks.
    points : ndarray, shape (N, K) or (1, K)
        Where it is scanned, in even steps upwards. The search keeps between the first and the last.

    Returns
    -------
    tuple of two ndarrays, shape (N,)

    Examples
    --------
    >>> find_highest_peak(lambda x: np.cos(x - 1.0), np.linspace(0.0, 4.0, 33)[np.newaxis])
    (array([1.]), array([1.]))
    """
    values = objective(points)
    points = np.broadcast_to(points, values.shape)
    step = points[:, 1:2] - points[:, :1]
    outside = np.full((len(values), 1), -np.inf)
    left = np.concatenate([outside, values[:, :-1]], axis=1)
    right = np.concatenate([values[:, 1:], outside], axis=1)
    tops = np.where((values >= left) & (values > right), values, -np.inf)
    chosen = np.clip(np.argpartition(tops, -PEAKS, axis=1)[:, -PEAKS:], 1, values.shape[1] - 2)
    middle, *around = (np.take_along_axis(of, chosen, 1) for of in (points, values, left, right))
    range_ = points[:, :1], points[:, -1:]
    value, before, after = around
    best = _climb(objective, middle, step, value, before, after)
    return _pick_best(*_follow(objective, *best, step, *range_))


def _follow(
    objective: Objective, best: Array, value: Array, step: Array, low: Array, high: Array | float
) -> tuple[Array, Array]:
    """Return peaks' tops and the values there, by parabolas through ever closer points."""
    for width in WIDTHS[:, np.newaxis, np.newaxis] * step:
        middle = np.clip(best, low + width, high - width)
        left, at_middle, right = (objective(middle + by) for by in (-width, 0.0, width))
        top, at_top = _climb(objective, middle, width, at_middle, left, right)
        better = at_top > value
        best, value = np.where(better, top, best), np.where(better, at_top, value)
    return best, value


def _climb(
    objective: Objective, middle: Array, width: Array,
    at_middle: Array, at_left: Array, at_right: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Return the best of three points and of the top of the parabola through them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        move = 0.5 * (at_left - at_right) / (at_left - 2 * at_middle + at_right)
    top = middle + width * np.where(np.abs(move) < 1, move, 0.0)
    best, value = middle, at_middle
    sides = (middle - width, at_left), (middle + width, at_right), (top, objective(top))
    for point, at_point in sides:
        better = at_point > value
        best, value = np.where(better, point, best), np.where(better, at_point, value)
    return best, value


def _pick_best(points: Array, values: Array) -> tuple[Array, Array]:
    """Return in each row the point with the largest value, and that."""
    chosen = values.argmax(axis=1)[:, np.newaxis]
    best, value = (np.take_along_axis(of, chosen, axis=1)[:, 0] for of in (points, values))
    return best, value
