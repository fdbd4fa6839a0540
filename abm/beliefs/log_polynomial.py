"""Windows that are moved by the polynomial through the logs of their probabilities.

After some periods a belief is narrow next to the noise. Its log density, a sum of logs of smooth
likelihoods, is then all but a polynomial over the whole window: the one through all points is right
to 1e-11 where the belief has mass (barycentric formula, Berrut and Trefethen 2004). Points may be
evenly spaced, for the new ones lie inside of the old. Unlike a Fourier series of the density it
keeps the digits of the tails, and holds on half as many points. Mass, mean and sd tell where it is
not right, as where a likelihood has a kink; there the belief is computed from its history.
"""

import numpy as np
from scipy import special

from abm.beliefs.window import Placements, Window, split_rows
from abm.numerics.arrays import Array, Flags

WIDEST = 7.0  # resolutions: the logs of likelihoods are like polynomials over such a width
TOLERANCE = 3e-11  # of mass, and of mean and sd in sds
NODE = 1e-100  # stands for a distance of 0 from a node


def interpolate(
    window: Window, placements: Placements, resolution: float
) -> tuple[list[Window], Placements]:
    """Return the beliefs on new windows, and the placements where the polynomial is not right."""
    carried, done = [], np.zeros(len(window.rows), np.bool_)
    last = window.low + (window.points - 1) * window.spacing
    inside = (placements.low >= window.low) & (placements.high <= last)
    inside &= (window.points - 1) * window.spacing <= WIDEST * resolution
    numbered = placements._replace(rows=np.arange(len(done)))
    for points, group in numbered.at(inside).group_by_size():
        for part in split_rows(len(group.rows), points * window.points):
            old, new = window.at(group.rows[part]), group.at(part)
            moved, right = _interpolate(old, new.low, new.high, points)
            right &= ~(moved.is_coarse(resolution) | moved.is_cut_off(resolution))
            carried.append(moved.at(right))
            done[new.rows[right]] = True
    return carried, placements.at(~done)


def _interpolate(window: Window, low: Array, high: Array, points: int) -> tuple[Window, Flags]:
    """Return the beliefs on so many points from low to high, and where they are still the same."""
    spacing = (high - low) / (points - 1)
    start, step = (low - window.low) / window.spacing, spacing / window.spacing
    place = start[:, np.newaxis] + step[:, np.newaxis] * np.arange(points)
    nodes = np.arange(window.points)
    apart = place[:, :, np.newaxis] - nodes
    apart[apart == 0] = NODE
    ratio = (special.binom(window.points - 1, nodes) * (1 - 2 * (nodes % 2))) / apart
    with np.errstate(all="ignore"):  # what is not right is found below
        log_weight = np.einsum("ijk,ik->ij", ratio, np.log(window.weight)) / ratio.sum(axis=-1)
        weight = np.exp(log_weight) * step[:, np.newaxis]
        mass = weight.sum(axis=-1)
        weight /= mass[:, np.newaxis]
        moved = Window(window.rows, low, spacing, weight, window.log_evidence)
        error = np.maximum(np.abs(moved.mean - window.mean), np.abs(moved.sd - window.sd))
        return moved, (np.abs(mass - 1) <= TOLERANCE) & (error <= TOLERANCE * window.sd)
