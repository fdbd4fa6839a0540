"""How far a Gaussian belief is from the exact one."""

import numpy as np
from scipy.signal import resample

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.grid import GridBelief
from abm.beliefs.window import Window
from abm.numerics.arrays import Array

FINER = 16  # times as many points as the window has: the integrand has kinks, the densities none


def total_variation(exact: GridBelief, gaussian: GaussianBelief) -> Array:
    """Return half the integral of |difference of the densities|, from 0 to 1, shape (R,).

    Right to 1e-5 where the sds are alike: the exact density is interpolated by its Fourier series,
    which loses nothing.
    """
    apart = np.empty(len(exact.mean))
    gaussian = gaussian.replicate(len(apart))
    for chunk in exact.chunks():
        apart[chunk.rows] = _of_window(chunk, gaussian.at(chunk.rows))
    return apart


def _of_window(window: Window, gaussian: GaussianBelief) -> Array:
    mean, sd = gaussian.mean[:, np.newaxis], gaussian.sd[:, np.newaxis]
    points = FINER * window.points
    step = window.spacing[:, np.newaxis] / FINER
    standard = (window.low[:, np.newaxis] + step * np.arange(points) - mean) / sd
    normal = step / sd * np.exp(-0.5 * standard**2) / np.sqrt(2 * np.pi)
    between = np.abs(resample(window.weight, points, axis=-1) / FINER - normal).sum(axis=-1)
    return 0.5 * (between + 1 - normal.sum(axis=-1))
