"""The sequential problem: the optimal monopolist's value function and half-spread.

From a state rho the monopolist chooses a depth q (see `abm.bellman.problem`). The value of the best
depths solves the Bellman equation (Das and Magdon-Ismail 2008, section 2.5)

    W(rho) = max over q of  r(rho, q)
             + discount * [ P_trade(q) W(rho_trade) + P_none(q) W(rho_none) ]

The unknown is W on the nodes of a mesh in rho, cubic between them. Howard's policy iteration
alternates the value of a policy (one sparse linear solve) with the policy that is greedy for it
(a scan over q, then golden sections). The residual is measured between the nodes, in the middle and
at the quarters of every cell, and cells that miss the tolerance are split. So nodes gather at the
edge past which the market all but closes. Unlike the paper's single ascending pass the method does
not need rho to fall.

The Bellman operator is a contraction by the discount, so the error of W is at most
residual / (1 - discount) anywhere (Puterman 1994, theorem 6.3.1).

Where W is below CLOSED W(0), a period without a trade teaches nothing and the probabilities of a
trade soon underflow. There the depth maximises log P_buy + log(gain of a trade +
discount W(rho_trade)). The optimal depth rises with rho; the search finds it to 1e-6, and falls
within that error are removed.
"""

from functools import cache
from math import ceil, log2

import numpy as np
from scipy import sparse
from scipy.interpolate import PchipInterpolator

from abm.bellman.problem import stage
from abm.bellman.solution import TOLERANCE, Solution
from abm.numerics.arrays import Array, Flags
from abm.numerics.checks import discount_factor, positive_number, require_in_range
from abm.numerics.golden_section import golden_section
from abm.numerics.piecewise_cubic import Mesh, PiecewiseCubic
from abm.one_period.depths import myopic_depth

POLICY_LOSS = 5e-10  # of W(0): what one step by the interpolated policy may lose
CLOSED = 1e-9  # of W(0)
RHO_MAX = 50.0
LEAST_RHO_MAX, LARGEST_RHO_MAX = 1e-9, 2e4  # in between the optimal q is right to 3e-6
FIRST_NODES = 120
NEAR_ZERO = 0.1  # below this rho the first nodes are evenly spaced, above it geometrically
SCAN = np.linspace(0.0, 8.0, 25)  # past a depth of 8 a trade is rarer than 1e-15: closed
ITERATIONS = 100
NARROWEST = 1e-10  # of 1 + rho: cells are not split below this


class NotConvergedError(RuntimeError):
    """An iteration did not converge to its tolerance."""


def solve(discount: float = 0.9, rho_max: float = RHO_MAX) -> Solution:
    """Return the solution of the Bellman equation; solutions are cached.

    Parameters
    ----------
    discount : float
        Per period, at least 0 and below 1. At 0 the solution is the myopic maker.
    rho_max : float
        Largest information disadvantage to solve for, from 1e-9 to 20,000.

    Raises
    ------
    ValueError, TypeError
        If the discount or rho_max is out of range, or no number.
    NotConvergedError
        If the residual does not reach the tolerance.

    Examples
    --------
    >>> solution = solve(discount=0.9)
    >>> solution.half_spread([0.0, 1.0, 3.0]).round(3)
    array([0.752, 1.46 , 4.542])
    """
    rho_max = positive_number("rho_max", rho_max)
    return _solve(
        discount_factor(discount),
        require_in_range("rho_max", rho_max, LEAST_RHO_MAX, LARGEST_RHO_MAX),
    )


@cache
@np.errstate(under="ignore")
def _solve(discount: float, rho_max: float) -> Solution:
    mesh = _place_first_nodes(rho_max)
    depth = np.minimum(myopic_depth(mesh.nodes), 1.0)
    for iteration in range(1, ITERATIONS + 1):
        value_function = mesh.cubic(_evaluate(mesh, depth, discount))
        halved = mesh.halve()
        rho = halved.nodes
        greedy = _improve(value_function, rho, discount)
        best = _backup(value_function, rho, greedy, discount)
        gap = abs(best - value_function(rho))
        policy = _interpolate_monotone(mesh, greedy[::2])
        loss = best - _backup(value_function, rho, policy(rho), discount)
        coarse = _find_coarse_cells(gap, loss, best[0])
        if gap[::2].max() <= 0.1 * TOLERANCE and not coarse.any():
            quarters = _residual_at_quarters(value_function, discount)
            if quarters.max() <= TOLERANCE:
                policy = _interpolate_monotone(halved, np.maximum.accumulate(greedy))
                residual = float(max(quarters.max(), gap.max()))
                return Solution(discount, rho_max, residual, iteration, value_function, policy)
            coarse = quarters > TOLERANCE
        kept = mesh.split(coarse & (np.diff(mesh.nodes) > NARROWEST * (1 + rho[1::2])))
        mesh, depth = Mesh(rho[kept]), greedy[kept]
    raise NotConvergedError(
        f"the Bellman equation at discount {discount} has not converged after {ITERATIONS} steps: "
        f"its nodes are off by {gap[::2].max():.1e}, but must be by at most {0.1 * TOLERANCE:.0e}, "
        f"and {coarse.sum()} of {coarse.size} cells are too coarse, but none must be: lower "
        f"rho_max (now {rho_max:g}) or the discount"
    )


def _place_first_nodes(rho_max: float) -> Mesh:
    stretch = np.linspace(0, np.arcsinh(rho_max / NEAR_ZERO), FIRST_NODES)
    return Mesh(np.minimum(NEAR_ZERO * np.sinh(stretch), rho_max))


def _find_coarse_cells(gap: Array, loss: Array, w0: float) -> Flags:
    """Return where, in a cell's middle, the equation or the policy is off by more than at nodes."""
    at_nodes = gap[::2].max()
    coarse = gap[1::2] > max(at_nodes, TOLERANCE)
    return coarse | (loss[1::2] > max(at_nodes, POLICY_LOSS * w0))


def range_for(rho: float) -> float:
    """Return a rho_max for `solve` that exceeds rho by a margin: RHO_MAX times a power of two."""
    return RHO_MAX * 2 ** max(0, ceil(log2(1.01 * rho / RHO_MAX)))


def _backup(value_function: PiecewiseCubic, rho: Array, depth: Array, discount: float) -> Array:
    """Return the right side of the Bellman equation without its maximum."""
    period = stage(rho, depth)
    future = sum(
        p * value_function(after)
        for p, after in zip(period.probability, period.successor, strict=True)
    )
    return period.reward + discount * future


def _evaluate(mesh: Mesh, depth: Array, discount: float) -> Array:
    """Return the value of this policy at the nodes."""
    size = len(mesh.nodes)
    period = stage(mesh.nodes, depth)
    row = np.repeat(np.arange(size), 4)
    system = sparse.identity(size, format="csc")
    for probability, rho in zip(period.probability, period.successor, strict=True):
        node, weight = mesh.weights(rho)
        entries = discount * probability[:, np.newaxis] * weight
        system = system - sparse.csc_matrix((entries.ravel(), (row, node.ravel())), (size, size))
    return sparse.linalg.spsolve(system, period.reward)


def _improve(value_function: PiecewiseCubic, rho: Array, discount: float) -> Array:
    """Return the depth that maximises the right side of the Bellman equation at each rho."""
    backups = _backup(value_function, rho[:, np.newaxis], SCAN, discount)
    best = np.clip(backups.argmax(axis=-1), 1, len(SCAN) - 2)
    depth = golden_section(
        lambda q: _backup(value_function, rho, q, discount), SCAN[best - 1], SCAN[best + 1]
    )
    negligible = CLOSED * value_function.coefficients[3, 0]
    low = np.flatnonzero(abs(value_function(rho)) < negligible)
    shut = _closed_depth(value_function, rho[low], discount)
    opened, closed = (_backup(value_function, rho[low], q, discount) for q in (depth[low], shut))
    depth[low] = np.where(opened > closed + 0.1 * negligible, depth[low], shut)
    return depth


def _closed_depth(value_function: PiecewiseCubic, rho: Array, discount: float) -> Array:
    """Return the depth where the market all but closes (see the module's docstring)."""

    def log_gain(depth: Array) -> Array:
        period = stage(rho, depth)
        gain = period.gain + discount * value_function(period.successor[0])
        with np.errstate(divide="ignore"):
            return period.log_buy + np.log(np.maximum(gain, 0.0))

    return golden_section(log_gain, np.zeros_like(rho), myopic_depth(rho) + 1)


def _interpolate_monotone(mesh: Mesh, values: Array) -> PiecewiseCubic:
    """Return a cubic that is monotone wherever its values are."""
    return PiecewiseCubic(mesh, PchipInterpolator(mesh.nodes, values).c)


def _residual_at_quarters(value_function: PiecewiseCubic, discount: float) -> Array:
    """Return the residual of each cell, the larger of those a quarter from its two ends."""
    left, right = value_function.mesh.nodes[:-1], value_function.mesh.nodes[1:]
    points = np.stack([0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right])
    depth = _improve(value_function, points.ravel(), discount)
    best = _backup(value_function, points.ravel(), depth, discount)
    return abs(best.reshape(points.shape) - value_function(points)).max(axis=0)
