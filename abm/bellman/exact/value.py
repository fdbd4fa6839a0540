"""The value function U: W of the Gaussian world, corrected for the posterior's shape.

See `abm.bellman.exact`; units are noise sds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from abm.beliefs.window import Window
from abm.bellman.solution import Solution
from abm.bellman.solver import solve
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor
from abm.numerics.describe import describe

FITTED = Path(__file__).with_name("value.csv")
KNOTS = np.array([0.25, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])  # sds; fitted at all but the ends
WIDEST = 12.0  # sds up to which U is fitted well; beyond, the Gaussian rule is more reliable
SHAPES = ("1", "s2", "k", "k2", "s2k")
SKEWNESS, KURTOSIS = (-2.0, 2.0), (-1.3, 6.0)  # log-concave densities are inside


def shapes(skewness: Array, kurtosis: Array) -> Array:
    """Return 1, s^2, k, k^2 and s^2 k of posteriors, along a new last axis."""
    s, k = np.clip(skewness, *SKEWNESS), np.clip(kurtosis, *KURTOSIS)
    return np.stack([np.ones_like(s), s * s, k, k * k, s * s * k], axis=-1)


@dataclass(frozen=True, eq=False)
class ExactValue:
    """U, the approximate value of exact posteriors at one discount.

    Parameters
    ----------
    discount : float
    coefficients : ndarray, shape (5, 5)
        The c_j at each knot but the first and last.
    """

    discount: float
    coefficients: Array

    def __repr__(self) -> str:
        return describe(self, f"discount={self.discount:g}", f"sds from 0 to {WIDEST:g}")

    def __call__(self, sd: Array, skewness: Array, kurtosis: Array) -> Array:
        """Return U of posteriors, arrays of any shape; sd and result in noise sds."""
        corrections = self._splines(_log(sd)) * shapes(skewness, kurtosis)
        return self.value_if_gaussian(sd) + corrections.sum(axis=-1)

    def of(self, window: Window, noise_sd: float) -> Array:
        """Return U of a window's posteriors, shape (N,), in noise sds."""
        return self(window.sd / noise_sd, window.skewness, window.excess_kurtosis)

    def value_if_gaussian(self, sd: Array) -> Array:
        """Return W, the value if beliefs stayed normal."""
        return self.solution.value_function(np.minimum(sd, self.solution.rho_max))

    @cached_property
    def solution(self) -> Solution:
        """The solution of the Gaussian world's Bellman equation."""
        return solve(self.discount)

    @cached_property
    def _splines(self) -> CubicSpline:
        ends = np.zeros((1, self.coefficients.shape[1]))
        return CubicSpline(
            np.log(KNOTS), np.concatenate([ends, self.coefficients, ends]), bc_type="clamped"
        )


def features(sd: Array, skewness: Array, kurtosis: Array) -> Array:
    """Return what the coefficients multiply in U, shape (..., 25)."""
    inner = np.eye(len(KNOTS))[:, 1:-1]
    basis = CubicSpline(np.log(KNOTS), inner, bc_type="clamped")(_log(sd))
    products = basis[..., :, np.newaxis] * shapes(skewness, kurtosis)[..., np.newaxis, :]
    return products.reshape(*np.shape(sd), -1)


def load_fitted(discount: float) -> ExactValue:
    """Return the value function that was fitted for a discount, or raise ValueError if none was."""
    return _load_fitted(discount_factor(discount))


@cache
def _load_fitted(discount: float) -> ExactValue:
    table = pd.read_csv(FITTED, dtype="str").astype(float)
    rows = table[table["discount"] == discount]
    if rows.empty:
        known = ", ".join(map(str, table["discount"].unique()))
        raise ValueError(
            f"discount is {discount}, but the value of exact beliefs was fitted for {known}: "
            f"give that, or fit one by python -m abm.bellman.exact.fit {discount}"
        )
    return ExactValue(discount, rows[list(SHAPES)].to_numpy())


def _log(sd: Array) -> Array:
    return np.log(np.clip(sd, KNOTS[0], KNOTS[-1]))
