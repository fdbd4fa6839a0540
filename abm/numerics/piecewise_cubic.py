"""Nodes along one state, and functions on them that are cubic between neighbouring nodes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from abm.numerics.arrays import Array, Flags, Index
from abm.numerics.describe import describe
from abm.numerics.kernels import evaluate_cubic
from abm.numerics.passes import find_cells

BUCKETS = 2**15


@dataclass(frozen=True, eq=False)
class Mesh:
    """Ascending nodes, shape (N,), N >= 4; cell i lies between nodes i and i + 1."""

    nodes: Array

    def __repr__(self) -> str:
        return describe(self, f"{len(self.nodes)} nodes", f"to {self.nodes[-1]:g}")

    def cell(self, x: Array) -> Index:
        """Return the cell that holds each x; the first or last one outside the nodes."""
        return find_cells(x, self.nodes, *self.buckets)

    def weights(self, x: Array) -> tuple[Index, Array]:
        """Return four nodes around each x and their Lagrange weights, both of shape (..., 4).

        A function with values f on the nodes is, at x, the sum of weight * f[node].
        """
        first = self._first(self.cell(x))
        around = first[..., np.newaxis] + np.arange(4)
        offset = x[..., np.newaxis] - self.nodes[around]
        return around, self._barycentric[first] * _products_of_others(offset)

    def cubic(self, values: Array) -> "PiecewiseCubic":
        """Return the function whose cubic in each cell passes through the four nearest nodes."""
        first = self._first(np.arange(len(self.nodes) - 1))
        x = self.nodes[first[:, np.newaxis] + np.arange(4)]
        f = values[first[:, np.newaxis] + np.arange(4)]
        for order in (1, 2, 3):  # Newton's divided differences, in place
            f[:, order:] = (f[:, order:] - f[:, order - 1 : -1]) / (x[:, order:] - x[:, :-order])
        a, b, c, _ = (self.nodes[:-1, np.newaxis] - x).T
        c3 = f[:, 3]
        c2 = f[:, 2] + c3 * (a + b + c)
        c1 = f[:, 1] + f[:, 2] * (a + b) + c3 * (a * b + a * c + b * c)
        return PiecewiseCubic(self, np.stack([c3, c2, c1, values[:-1]]))

    def halve(self) -> "Mesh":
        """Return the mesh with every cell split in two; its even nodes are those of this one."""
        nodes = np.empty(2 * len(self.nodes) - 1)
        nodes[::2], nodes[1::2] = self.nodes, 0.5 * (self.nodes[:-1] + self.nodes[1:])
        return Mesh(nodes)

    def split(self, parts: Index) -> Array:
        """Return nodes that split each cell in so many even parts, at least 1."""
        cell = np.repeat(np.arange(parts.size), parts)
        number = np.arange(cell.size) - np.repeat(np.cumsum(parts) - parts, parts)
        width = np.diff(self.nodes)[cell] / parts[cell]
        return np.append(self.nodes[cell] + number * width, self.nodes[-1])

    @cached_property
    def buckets(self) -> tuple[Index, Flags]:
        """The cell at the left end of each even bucket, and in which more than one node follows."""
        edges = np.linspace(self.nodes[0], self.nodes[-1], BUCKETS + 1)
        cells = np.clip(np.searchsorted(self.nodes, edges, side="right") - 1, 0, None)
        return np.minimum(cells[:-1], len(self.nodes) - 2), np.diff(cells) > 1

    def _first(self, cell: Index) -> Index:
        return np.clip(cell - 1, 0, len(self.nodes) - 4)

    @cached_property
    def _barycentric(self) -> Array:
        """One over the product of each node's distances to the other three of its four."""
        four = np.lib.stride_tricks.sliding_window_view(self.nodes, 4)
        distance = four[:, :, np.newaxis] - four[:, np.newaxis, :] + np.eye(4)
        return 1 / distance.prod(axis=-1)


@dataclass(frozen=True, eq=False)
class PiecewiseCubic:
    """A cubic in each cell of a mesh, in powers of the distance from the cell's left node.

    The coefficients, shape (4, N - 1), begin with the highest power's.
    """

    mesh: Mesh
    coefficients: Array

    def __call__(self, x: Array) -> Array:
        """Return the function at x, any shape; beyond the nodes the last cell's cubic continues."""
        x = np.asarray(x, np.float64)
        return evaluate_cubic(x, self.mesh.nodes, self.coefficients, *self.mesh.buckets)


def _products_of_others(offset: Array) -> Array:
    """Return for each of four factors, along the last axis, the product of the other three."""
    a, b, c, d = np.moveaxis(offset, -1, 0)
    return np.stack([b * c * d, a * c * d, a * b * d, a * b * c], axis=-1)
