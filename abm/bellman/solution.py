"""The solution of the monopolist's sequential problem: value function and optimal half-spread."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array
from abm.numerics.conversion import floats
from abm.numerics.describe import describe, draw_thumbnail, make_html
from abm.numerics.piecewise_cubic import PiecewiseCubic

TOLERANCE = 1e-8  # of the residual: W(0) > 0.33 / (1 - discount), so W is right to 3e-8 W(0)


@dataclass(frozen=True, eq=False)
class Solution:
    """The optimal policy at one discount and its value, for noise_sd = 1.

    Both are functions of rho, and raise ValueError where one is negative, NaN or past `rho_max`,
    and TypeError if one is no number. The half-spread is right to 1e-6 up to a rho of 10,000.

    Parameters
    ----------
    discount : float
    rho_max : float
        The solution holds for rho from 0 to here.
    residual : float
        Largest |max_q (...) - W| of the Bellman equation, at three points inside every cell.
    iterations : int
        Policy evaluations (linear solves) in all.
    value_by_rho : PiecewiseCubic
        W over rho, in units of the noise sd.
    depth : PiecewiseCubic
        The optimal q over rho, dimensionless.

    Examples
    --------
    >>> from abm.bellman import solve
    >>> solve(discount=0.9).value_function([0.0, 1.0, 3.0]).round(4)
    array([3.3994, 2.4802, 1.5851])
    """

    discount: float
    rho_max: float
    residual: float
    iterations: int
    value_by_rho: PiecewiseCubic
    depth: PiecewiseCubic

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
    def converged(self) -> bool:
        """Whether the residual is within the tolerance; always so for what `solve` returns."""
        return self.residual <= TOLERANCE

    def value_function(self, rho: ArrayLike) -> Array:
        """Return W(rho), the expected discounted profit, in units of the noise sd."""
        return np.maximum(self.value_by_rho(self._inside(rho)), 0.0)

    def half_spread(self, rho: ArrayLike) -> Array:
        """Return the optimal half-spread, in units of the noise sd."""
        rho = self._inside(rho)
        return self.depth(rho) * np.sqrt(1 + rho * rho)

    def _inside(self, rho: ArrayLike) -> Array:
        rho = floats("rho", rho)
        wrong = ~((rho >= 0) & (rho <= self.rho_max))
        if wrong.any():
            raise ValueError(
                f"rho is {rho[wrong][0]}, but this solution holds from 0 to {self.rho_max:g}: "
                f"call solve(discount={self.discount:g}, rho_max=...) with a larger rho_max"
            )
        return rho
