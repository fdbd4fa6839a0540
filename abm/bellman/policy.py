"""A depth over rho: cubic where it is continuous, with a step where it jumps.

Where the best of two peaks changes, the optimal depth jumps from one to the other; nothing in
between is any good, so that nothing is interpolated across.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

from abm.numerics.arrays import Array, Flags
from abm.numerics.piecewise_cubic import Mesh, PiecewiseCubic

JUMP = 0.1  # of 1 + depth: a larger step from node to node is not interpolated


def interpolate_depth(nodes: Array, depth: Array) -> PiecewiseCubic:
    """Return a function that is monotone wherever its values are, and steps where they jump."""
    steps = np.flatnonzero(find_steps(depth))
    coefficients = np.zeros((4, nodes.size - 1))
    coefficients[3] = depth[:-1]
    for first, last in zip([0, *(steps + 1)], [*steps, nodes.size - 1], strict=True):
        if last > first:
            piece = slice(first, last + 1)
            smooth = PchipInterpolator(nodes[piece], depth[piece]).c
            coefficients[:, first:last] = smooth
    return PiecewiseCubic(Mesh(nodes), coefficients)


def find_steps(depth: Array) -> Flags:
    """Return in which cells, between nodes with these depths, the depth jumps."""
    return np.abs(np.diff(depth)) > JUMP * (1 + np.abs(depth[:-1]))
