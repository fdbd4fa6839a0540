"""The solution of a sequential problem: value function and optimal half-spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from abm.bellman.problem import Problem
from abm.numerics.arrays import Array
from abm.numerics.conversion import floats
from abm.numerics.describe import describe, draw_thumbnail, make_html
from abm.numerics.kernels import find_span
from abm.numerics.piecewise_cubic import PiecewiseCubic


@dataclass(frozen=True, eq=False)
class Solution:
    """A policy under a problem and its value, for noise_sd = 1.

    Its functions are of rho at the start of a period, before the value moves, and raise ValueError
    where one is negative, NaN or past `rho_max`, and TypeError if one is no number. For the paper's
    traders the half-spread is right to 1e-6 up to a rho of 10,000.

    Parameters
    ----------
    problem : Problem
        With a horizon the solution is that of its first period.
    rho_max : float
        The solution holds for rho from 0 to here.
    residual, tolerance : float
        Largest |max_q (...) - M| of the Bellman equation, at three points inside every cell, in
        units of the noise sd; and what it may be.
    iterations : int
        Policy evaluations (linear solves) in all.
    value_by_rho : PiecewiseCubic
        M over rho when she quotes, in units of the noise sd.
    depth : PiecewiseCubic
        The optimal q over rho when she quotes, dimensionless.
    exempt : ndarray
        Where cells of least width are: there the depth jumps, or W does, and the residual is not
        asked for.
    least : float
        What W cannot fall below: 0, or -inf for a policy of one's own or a terminal value.

    Examples
    --------
    >>> from abm.bellman import solve
    >>> solve(discount=0.9).value_function([0.0, 1.0, 3.0]).round(4)
    array([3.3994, 2.4802, 1.5851])
    """

    problem: Problem
    rho_max: float
    residual: float
    tolerance: float
    iterations: int
    value_by_rho: PiecewiseCubic
    depth: PiecewiseCubic
    exempt: Array
    least: float

    def __repr__(self) -> str:
        accuracy = f"residual {self.residual:.2g} after {self.iterations} iterations"
        return describe(self, f"discount={self.discount:g}", f"rho from 0 to {self.rho_max:g}",
                        accuracy, "" if self.converged else "not converged")  # fmt: skip

    def _repr_html_(self) -> str:
        rho = np.linspace(0.0, self.rho_max, 121)
        first, last = (f"{f:.4g}" for f in self.value_function(rho)[[0, -1]])
        rows = {
            "value at rho = 0": first, f"value at rho = {self.rho_max:g}": last,
            "residual": f"{self.residual:.2g}", "iterations": self.iterations,
        }  # fmt: skip
        picture = draw_thumbnail(2 * self.half_spread(rho), "spread by rho")
        return make_html(f"Solution, discount {self.discount:g}", rows, picture)

    @property
    def discount(self) -> float:
        """Of the problem."""
        return self.problem.discount

    @property
    def converged(self) -> bool:
        """Whether the residual is within the tolerance; always so for what `solve` returns."""
        return self.residual <= self.tolerance

    def value_function(self, rho: ArrayLike) -> Array:
        """Return W(rho), the expected discounted profit, in units of the noise sd."""

        def find_value(rho: Array) -> Array:
            return np.maximum(self.value_by_rho(rho), self.least)

        return self.problem.expect_move(find_value, self._inside(rho), self.rho_max)

    def half_spread(self, rho: ArrayLike) -> Array:
        """Return the optimal half-spread, in units of the noise sd.

        Where it is announced whether the value moved, it is that where it did not.
        """
        rho = self._inside(rho)
        return self.quote(np.minimum(np.sqrt(rho * rho + self.problem.moves[0][1]), self.rho_max))

    def quote(self, rho: ArrayLike) -> Array:
        """Return the optimal half-spread by rho when she quotes, after the value has moved."""
        rho = self._inside(rho)
        return self.depth(rho) * self.problem.find_scale(rho)

    def _inside(self, rho: ArrayLike) -> Array:
        rho = floats("rho", rho)
        least, largest = find_span(rho) if rho.size else (0.0, 0.0)
        if not (least >= 0 and largest <= self.rho_max):
            wrong = ~((rho >= 0) & (rho <= self.rho_max))
            raise ValueError(
                f"rho is {rho[wrong][0]}, but this solution holds from 0 to {self.rho_max:g}: "
                f"call solve(discount={self.discount:g}, rho_max=...) with a larger rho_max"
            )
        return rho
