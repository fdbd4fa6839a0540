"""The value function of the first period of a horizon."""

import numpy as np

from abm.bellman.greedy import CLOSED
from abm.bellman.policy import find_steps, interpolate_depth
from abm.bellman.problem import Function
from abm.bellman.search import MOST_NODES, POLICY_LOSS, Search
from abm.bellman.solution import Solution
from abm.numerics.piecewise_cubic import Mesh

QUARTERS = np.array([0.25, 0.5, 0.75])


class Tabulation(Search):
    """The search for the value function of a period whose rest is solved."""

    def tabulate(self, follows: Function) -> Solution:
        """Return the solution of the first period of a horizon, whose rest is worth `follows`.

        All depths are scanned at the first nodes and between them; at later nodes those between
        the depths of nodes around.
        """
        nodes = self.place_first_nodes()
        depth, best = self.chooser.choose(follows, nodes)
        largest = max(np.abs(best).max(), np.abs(follows(nodes)).max())
        share = max(1 - self.problem.discount, 1 / (self.problem.horizon or 1))
        tolerance = self.problem.error * largest * share
        gap, unsure = np.full(nodes.size, np.inf), np.ones(nodes.size, np.bool_)  # by left node
        for iteration in range(1, self.most_iterations + 1):
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
                raise self.complain(0.0, tolerance, split.size, cells.size)
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
            raise self.complain(0.0, tolerance, split.size, cells.size)
        narrow = np.diff(nodes) <= self.narrowest * (1 + nodes[1:])
        residual, halved = gap[:-1][~narrow].max(), value.mesh.halve().nodes
        twice = np.repeat(depth, 2)
        depth, _ = self.chooser.choose_between(follows, halved, twice[:-1], twice[1:])
        depth = self.chooser.close(follows, halved, depth, largest)
        return self.make(value, halved, depth, residual, tolerance, iteration, nodes[:-1][narrow])
