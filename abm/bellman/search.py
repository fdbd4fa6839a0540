"""What the searches for a value function share: the mesh they begin with, and how they end."""

from typing import ClassVar

import numpy as np

from abm.bellman.greedy import Chooser
from abm.bellman.policy import interpolate_depth
from abm.bellman.problem import Problem
from abm.bellman.solution import Solution
from abm.bellman.stage import stage
from abm.numerics.arrays import Array
from abm.numerics.piecewise_cubic import PiecewiseCubic

POLICY_LOSS = 5e-10  # of the largest W: what one step by the interpolated policy may lose
NEAR_ZERO = 0.1  # below this rho the first nodes are evenly spaced, above it geometrically
NARROWEST = 1e-8  # of 1 + rho: cells are not split below this
NARROWEST_OF_RISING = 1e-6  # where rho may rise: W may jump at many rho far out
MOST_NODES = 20_000  # with more it does not converge
VANISHED = 1e-6  # of the largest W: below it rho may leave the range
SELDOM = 1e-9  # how probably it may


class NotConvergedError(RuntimeError):
    """An iteration did not converge to its tolerance."""


class Search:
    """A search for the value function of a problem, on a mesh that is refined."""

    first_nodes: ClassVar[int] = 120
    most_iterations: ClassVar[int] = 100

    def __init__(self, problem: Problem, rho_max: float, chooser: Chooser) -> None:
        self.problem, self.rho_max, self.chooser = problem, rho_max, chooser
        self.narrowest = NARROWEST_OF_RISING if problem.rises else NARROWEST

    def place_first_nodes(self) -> Array:
        """Return the nodes to begin with, shape (N,)."""
        stretch = np.linspace(0, np.arcsinh(self.rho_max / NEAR_ZERO), self.first_nodes)
        return np.minimum(NEAR_ZERO * np.sinh(stretch), self.rho_max)

    def complain(self, off: float, tolerance: float, coarse: int, cells: int) -> NotConvergedError:
        """Return the error of a search that has not ended."""
        return NotConvergedError(
            f"the Bellman equation at discount {self.problem.discount} has not converged after "
            f"{self.most_iterations} steps or at {MOST_NODES} nodes: its nodes are off by "
            f"{off:.1e}, but must be by at most {0.1 * tolerance:.0e}, and {coarse} of {cells} "
            f"cells are too coarse, but none must be: lower rho_max (now {self.rho_max:g}) or the "
            f"discount"
        )

    def make(
        self, value: PiecewiseCubic, nodes: Array, depth: Array, residual: float,
        tolerance: float, iterations: int, exempt: Array,
    ) -> Solution:  # fmt: skip
        """Return the solution, for depths at these nodes."""
        self._require_inside(value, nodes, depth)
        policy = interpolate_depth(nodes, depth)
        return Solution(
            self.problem, self.rho_max, float(residual), float(tolerance), iterations, value,
            policy, exempt, self._find_least(),
        )  # fmt: skip

    def _find_least(self) -> float:
        """Return what W cannot fall below: 0 where she may stand aside, and nothing follows."""
        free = self.chooser.half_spread is None and self.problem.terminal is None
        return 0.0 if free else -np.inf

    def _require_inside(self, value: PiecewiseCubic, nodes: Array, depth: Array) -> None:
        """Raise ValueError if rho may leave the range from where W has not vanished."""
        period, worth = stage(nodes, depth, self.problem), np.abs(value(nodes))
        farthest = max(rise for _, rise in self.problem.moves)
        leaves = np.zeros(nodes.shape, np.bool_)
        for mass, after in zip(period.probability, period.successor, strict=True):
            leaves |= (mass > SELDOM) & (after * after + farthest > self.rho_max**2 * (1 + SELDOM))
        leaves &= worth > VANISHED * worth.max()
        if leaves.any():
            raise ValueError(
                f"rho may rise past rho_max = {self.rho_max:g} from {nodes[leaves][0]:.3g}, where "
                f"W is {worth[leaves][0]:.3g}: give a larger rho_max"
            )
