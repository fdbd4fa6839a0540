"""How far a Gaussian belief is from the exact one."""

import numpy as np
from scipy.signal import resample

from abm.beliefs.base import Belief
from abm.beliefs.window import Window, iterate_chunks
from abm.numerics.arrays import Array

FINER = 24  # times the window's points: the densities are smooth, but the integrand has kinks


def total_variation(exact: Belief, gaussian: Belief) -> Array:
    """Return half the integral of |difference of the densities|, from 0 to 1, shape (R,).

    The exact belief must have windows; the other is taken for a normal of its mean and sd. Right to
    2e-5 where the sds are alike: the root of the exact density, whose frequencies are lower than
    its own, is interpolated by its Fourier series, which loses 1e-6 at most.
    """
    distance = np.empty(len(exact.mean))
    normal = gaussian.broadcast(len(distance))
    for chunk in iterate_chunks(exact.windows):
        distance[chunk.rows] = _measure(chunk, normal.mean[chunk.rows], normal.sd[chunk.rows])
    return distance


def _measure(window: Window, mean: Array, sd: Array) -> Array:
    """Return the total variation between a window's beliefs and N(mean, sd^2)."""
    mean, sd = mean[:, np.newaxis], sd[:, np.newaxis]
    points = FINER * window.points
    step = window.spacing[:, np.newaxis] / FINER
    standard = (window.low[:, np.newaxis] + step * np.arange(points) - mean) / sd
    normal = step / sd * np.exp(-0.5 * standard**2) / np.sqrt(2 * np.pi)
    density = np.square(resample(np.sqrt(window.weight), points, axis=-1)) / FINER
    inside = np.abs(density - normal).sum(axis=-1)
    return 0.5 * (inside + 1 - normal.sum(axis=-1))
