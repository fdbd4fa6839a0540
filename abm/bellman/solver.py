"""The sequential problem: the optimal dealer's value function and half-spread.

From a state rho the dealer chooses a depth q (see `abm.bellman.problem`). The value of the best
depths solves the Bellman equation (Das and Magdon-Ismail 2008, section 2.5)

    M(rho) = max over q of  r(rho, q)
             + discount * [ P_trade(q) W(rho_trade) + P_none(q) W(rho_none) ]
    W(rho) = expectation of M(rho after the value has moved)

with W = M where the value stays. The unknown is M on the nodes of a mesh in rho, cubic between
them. Howard's policy iteration alternates the value of a policy (one sparse linear solve) with the
policy that is greedy for it (see `abm.bellman.greedy`). The residual is measured between the nodes,
in the middle and at the quarters of every cell, and cells that miss the tolerance are split. So
nodes gather at the edge past which the market all but closes, and where the optimal depth jumps
between two peaks, which is a kink of M. Unlike the paper's single ascending pass the method does
not need rho to fall. With a horizon every period has a mesh of its own, and M follows from the next
period's W at once.

The Bellman operator is a contraction by the discount, so the error of W is at most
residual / (1 - discount) anywhere (Puterman 1994, theorem 6.3.1), or with a horizon the sum of the
residuals of its periods. Where rho may rise, as where the value jumps, W itself may jump far out,
at a millionth of its largest or less: cells of least width there are exempt, and listed.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil, log2

import numpy as np
from scipy import sparse

from abm.bellman.greedy import CLOSED, REWARDS, Chooser
from abm.bellman.policy import find_steps, interpolate_depth
from abm.bellman.problem import Function, Problem
from abm.bellman.solution import Solution
from abm.bellman.stage import stage
from abm.numerics.arrays import Array, Flags, Index
from abm.numerics.checks import positive_number, require_in_range, require_one_of
from abm.numerics.piecewise_cubic import Mesh, PiecewiseCubic

POLICY_LOSS = 5e-10  # of the largest W: what one step by the interpolated policy may lose
RHO_MAX = 50.0
LEAST_RHO_MAX, LARGEST_RHO_MAX = 1e-9, 2e4  # in between the optimal q is right to 3e-6
FIRST_NODES = 120
NEAR_ZERO = 0.1  # below this rho the first nodes are evenly spaced, above it geometrically
ITERATIONS = 100
NARROWEST = 1e-8  # of 1 + rho: cells are not split below this
NARROWEST_OF_RISING = 1e-6  # where rho may rise: W may jump at many rho far out
MOST_PARTS = 8  # of a cell at once
MOST_NODES = 20_000  # with more it does not converge
QUARTERS = np.array([0.25, 0.5, 0.75])
VANISHED = 1e-6  # of the largest W: below it rho may leave the range
SELDOM = 1e-9  # how probably it may

SOLVED: dict[Hashable, Solution] = {}


class NotConvergedError(RuntimeError):
    """An iteration did not converge to its tolerance."""


def solve(
    discount: float | Problem = 0.9, rho_max: float = RHO_MAX, *, reward: str = "profit"
) -> Solution:
    """Return the solution of the Bellman equation; a problem is solved once, and kept.

    Parameters
    ----------
    discount : float or Problem
        The problem; a number stands for the paper's at this discount.
    rho_max : float
        Largest information disadvantage to solve for, from 1e-9 to 20,000.
    reward : {"profit", "gains"}
        What is maximised: the dealer's profit, or as a planner does the gains from trade.

    Raises
    ------
    ValueError, TypeError
        If the problem or rho_max is out of range, or no number; if nothing bounds what is
        maximised; or if rho may rise past rho_max from where W has not vanished.
    NotConvergedError
        If the residual does not reach the tolerance.

    Examples
    --------
    >>> solution = solve(discount=0.9)
    >>> solution.half_spread([0.0, 1.0, 3.0]).round(3)
    array([0.752, 1.46 , 4.542])
    """
    problem = discount if isinstance(discount, Problem) else Problem(discount)
    return _solve(problem, rho_max, reward, None, SOLVED)


def evaluate(
    problem: Problem, half_spread: Function, rho_max: float = RHO_MAX, *, reward: str = "profit"
) -> Solution:
    """Return what a policy is worth under a problem: a `Solution` whose policy is this one.

    Parameters
    ----------
    problem : Problem
    half_spread : callable
        The policy: half-spreads for arrays of rho when she quotes, in units of the noise sd.
    rho_max, reward
        As of `solve`.

    Examples
    --------
    >>> from abm.bellman import Problem, evaluate
    >>> wide = evaluate(Problem(discount=0.9), lambda rho: 1.0 + rho)
    >>> wide.value_function([1.0, 3.0]).round(4)
    array([1.8966, 1.1413])
    """
    return _solve(problem, rho_max, reward, half_spread, {})


def range_for(rho: float) -> float:
    """Return a rho_max for `solve` that exceeds rho by a margin: RHO_MAX times a power of two."""
    return RHO_MAX * 2 ** max(0, ceil(log2(1.01 * rho / RHO_MAX)))


@np.errstate(under="ignore")
def _solve(
    problem: Problem, rho_max: float, reward: str, policy: Function | None,
    solved: dict[Hashable, Solution],
) -> Solution:  # fmt: skip
    """Return the solution, or what the policy is worth; with a horizon those of its rest first."""
    rho_max = positive_number("rho_max", rho_max)
    require_in_range("rho_max", rho_max, LEAST_RHO_MAX, LARGEST_RHO_MAX)
    require_one_of("reward", reward, REWARDS)
    key = problem.key, rho_max, reward
    if key in solved:
        return solved[key]
    problem.require_solvable()
    follows: Function = problem.terminal or np.zeros_like
    for periods in range(1, (problem.horizon or 1) + 1):
        posed = problem.shorten(periods) if problem.horizon else problem
        key = posed.key, rho_max, reward
        if key not in solved:
            search = _Search(posed, rho_max, Chooser(posed, reward, policy))
            solved[key] = search.tabulate(follows) if problem.horizon else search.iterate()
        follows = solved[key].value_function
    return solved[key]


class _Search:
    """The search for the value function of a problem, on a mesh that is refined."""

    def __init__(self, problem: Problem, rho_max: float, chooser: Chooser) -> None:
        self.problem, self.rho_max, self.chooser = problem, rho_max, chooser
        self.narrowest = NARROWEST_OF_RISING if problem.rises else NARROWEST

    def iterate(self) -> Solution:
        """Return the solution without a horizon, by Howard's policy iteration."""
        nodes = self._place_first_nodes()
        depth, _ = self.chooser.choose(np.zeros_like, nodes)
        for iteration in range(1, ITERATIONS + 1):
            mesh = Mesh(nodes)
            value = mesh.cubic(self._evaluate(mesh, depth))
            largest = np.abs(value.coefficients[3]).max()
            tolerance = self.problem.error * largest * (1 - self.problem.discount)
            follows = self._follow(value)
            halved = mesh.halve().nodes
            greedy, best = self.chooser.choose(follows, halved)
            gap = np.abs(best - value(halved))
            narrow = np.diff(nodes) <= self.narrowest * (1 + halved[1::2])
            at_nodes = gap[::2][~_touch(narrow)].max()
            loss = best[1::2] - self._back_up_between(follows, nodes, greedy[::2], halved[1::2])
            may_lose = np.where(find_steps(greedy[::2]), tolerance, POLICY_LOSS * largest)
            error = np.maximum(
                gap[1::2] / max(at_nodes, tolerance), loss / np.maximum(at_nodes, may_lose)
            )
            error[narrow] = 0.0
            if at_nodes <= 0.1 * tolerance and not (error > 1).any():
                quarters = self._measure_quarters(value, follows, greedy)
                error = np.where(narrow, 0.0, quarters / tolerance)
                if not (error > 1).any():
                    residual = np.maximum(quarters, gap[1::2])[~narrow].max()
                    depth = self.chooser.close(follows, halved, greedy, largest)
                    return self._make(value, halved, depth, residual, tolerance, iteration,
                                      nodes[:-1][narrow])  # fmt: skip
            nodes = mesh.split(count_parts(error))
            if nodes.size > MOST_NODES:
                break
            depth = interpolate_depth(halved, greedy)(nodes)
        raise self._complain(at_nodes, tolerance, int((error > 1).sum()), error.size)

    def tabulate(self, follows: Function) -> Solution:
        """Return the solution of the first period of a horizon, whose rest is worth `follows`.

        All depths are scanned at the first nodes and between them; at later nodes those between
        the depths of nodes around.
        """
        nodes = self._place_first_nodes()
        depth, best = self.chooser.choose(follows, nodes)
        largest = max(np.abs(best).max(), np.abs(follows(nodes)).max())
        share = max(1 - self.problem.discount, 1 / (self.problem.horizon or 1))
        tolerance = self.problem.error * largest * share
        gap, unsure = np.full(nodes.size, np.inf), np.ones(nodes.size, np.bool_)  # by left node
        for iteration in range(1, ITERATIONS + 1):
            value, policy = Mesh(nodes).cubic(best), interpolate_depth(nodes, depth)
            cells = np.flatnonzero(unsure[:-1])
            left, right = nodes[cells], nodes[cells + 1]
            points = (left[:, np.newaxis] + (right - left)[:, np.newaxis] * QUARTERS).ravel()
            if iteration == 1:
                greedy, at_points = self.chooser.choose(follows, points)
            else:
                around = (np.repeat(depth[at], QUARTERS.size) for at in (cells, cells + 1))
                greedy, at_points = self.chooser.choose_between(follows, points, *around)
            loss = at_points - self.chooser.back_up(follows, points, policy(points))
            loss[at_points < CLOSED * largest] = 0.0
            loss, missed = (
                one.reshape(-1, QUARTERS.size).max(axis=1)
                for one in (loss, np.abs(at_points - value(points)))
            )
            gap[cells] = missed
            may_lose = np.where(find_steps(depth)[cells], tolerance, POLICY_LOSS * largest)
            wide = right - left > self.narrowest * (1 + right)
            split = cells[wide & ((missed > tolerance) | (loss > may_lose))]
            if not split.size:
                break
            if nodes.size > MOST_NODES:
                raise self._complain(0.0, tolerance, split.size, cells.size)
            new = np.repeat(np.isin(cells, split), QUARTERS.size)
            order = np.argsort(np.concatenate([nodes, points[new]]), kind="stable")
            unsure[:] = False
            unsure[np.clip(np.concatenate([split - 1, split, split + 1]), 0, nodes.size - 1)] = True
            nodes, depth, best, gap, unsure = (
                np.concatenate([old, added])[order]
                for old, added in (
                    (nodes, points[new]), (depth, greedy[new]), (best, at_points[new]),
                    (gap, np.full(new.sum(), np.inf)), (unsure, np.ones(new.sum(), np.bool_)),
                )
            )  # fmt: skip
        else:
            raise self._complain(0.0, tolerance, split.size, cells.size)
        narrow = np.diff(nodes) <= self.narrowest * (1 + nodes[1:])
        residual, halved = gap[:-1][~narrow].max(), value.mesh.halve().nodes
        twice = np.repeat(depth, 2)
        depth, _ = self.chooser.choose_between(follows, halved, twice[:-1], twice[1:])
        depth = self.chooser.close(follows, halved, depth, largest)
        return self._make(value, halved, depth, residual, tolerance, iteration, nodes[:-1][narrow])

    def _complain(self, off: float, tolerance: float, coarse: int, cells: int) -> NotConvergedError:
        return NotConvergedError(
            f"the Bellman equation at discount {self.problem.discount} has not converged after "
            f"{ITERATIONS} steps or at {MOST_NODES} nodes: its nodes are off by {off:.1e}, but "
            f"must be by at most {0.1 * tolerance:.0e}, and {coarse} of {cells} cells are too "
            f"coarse, but none must be: lower rho_max (now {self.rho_max:g}) or the discount"
        )

    def _make(
        self, value: PiecewiseCubic, nodes: Array, depth: Array, residual: float,
        tolerance: float, iterations: int, exempt: Array,
    ) -> Solution:  # fmt: skip
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

    def _place_first_nodes(self) -> Array:
        stretch = np.linspace(0, np.arcsinh(self.rho_max / NEAR_ZERO), FIRST_NODES)
        return np.minimum(NEAR_ZERO * np.sinh(stretch), self.rho_max)

    def _follow(self, value: PiecewiseCubic) -> Function:
        """Return W, from M; past the last node it is held."""
        return lambda rho: self.problem.expect_move(value, rho, self.rho_max)

    def _back_up_between(self, follows: Function, nodes: Array, depth: Array, rho: Array) -> Array:
        """Return the right side of the Bellman equation at the depths that are interpolated."""
        return self.chooser.back_up(follows, rho, interpolate_depth(nodes, depth)(rho))

    def _evaluate(self, mesh: Mesh, depth: Array) -> Array:
        """Return the value of this policy at the nodes."""
        size = len(mesh.nodes)
        period = stage(mesh.nodes, depth, self.problem)
        row = np.repeat(np.arange(size), 4)
        system = sparse.identity(size, format="csc")
        for mass, after in zip(period.probability, period.successor, strict=True):
            for probability, rise in self.problem.moves:
                reached = np.minimum(np.sqrt(after * after + rise), self.rho_max)
                node, weight = mesh.weights(reached)
                factor = self.problem.discount * probability * mass[:, np.newaxis]
                entries = ((factor * weight).ravel(), (row, node.ravel()))
                system = system - sparse.csc_matrix(entries, (size, size))
        return sparse.linalg.spsolve(system, self.chooser.earn(period))

    def _measure_quarters(self, value: PiecewiseCubic, follows: Function, depth: Array) -> Array:
        """Return the residual of each cell, the larger of those a quarter from its two ends."""
        left, right = value.mesh.nodes[:-1], value.mesh.nodes[1:]
        points = np.stack([0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right])
        each = depth.size // left.size  # depths a cell
        ends = np.tile(depth[:-1:each], 2), np.tile(depth[each::each], 2)
        _, best = self.chooser.choose_between(follows, points.ravel(), *ends)
        return np.abs(best.reshape(points.shape) - value(points)).max(axis=0)


def count_parts(error: Array) -> Index:
    """Return in how many parts to split cells, whose errors are so many times what they may be.

    The error of a cubic falls with the fourth power of a cell's width. Where one is split, so are
    its neighbours, whose cubics pass through its nodes.
    """
    needed = np.exp2(np.ceil(np.log2(np.maximum(error, 1.0)) / 4))
    parts = np.where(error > 1, np.clip(needed, 2, MOST_PARTS), 1).astype(np.intp)
    split = parts > 1
    parts[1:][split[:-1]] = np.maximum(parts[1:][split[:-1]], 2)
    parts[:-1][split[1:]] = np.maximum(parts[:-1][split[1:]], 2)
    return parts


def _touch(cells: Flags) -> Flags:
    """Return which nodes are ends of these cells."""
    ends = np.zeros(cells.size + 1, np.bool_)
    ends[:-1] |= cells
    ends[1:] |= cells
    return ends
