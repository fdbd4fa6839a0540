"""The value function without a horizon, by Howard's policy iteration."""

import numpy as np
from scipy import sparse

from abm.bellman.policy import find_steps, interpolate_depth
from abm.bellman.problem import Function
from abm.bellman.search import MOST_NODES, POLICY_LOSS, Search
from abm.bellman.solution import Solution
from abm.bellman.stage import stage
from abm.numerics.arrays import Array, Flags, Index
from abm.numerics.piecewise_cubic import Mesh, PiecewiseCubic

MOST_PARTS = 8  # of a cell at once


class PolicyIteration(Search):
    """The search for the value function of a problem without a horizon."""

    def iterate(self) -> Solution:
        """Return the solution."""
        nodes = self.place_first_nodes()
        depth, _ = self.chooser.choose(np.zeros_like, nodes)
        for iteration in range(1, self.most_iterations + 1):
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
                    return self.make(value, halved, depth, residual, tolerance, iteration,
                                     nodes[:-1][narrow])  # fmt: skip
            nodes = mesh.split(count_parts(error))
            if nodes.size > MOST_NODES:
                break
            depth = interpolate_depth(halved, greedy)(nodes)
        raise self.complain(at_nodes, tolerance, int((error > 1).sum()), error.size)

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
