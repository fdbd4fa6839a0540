"""What the paper says of its equations, computed beside this project's solutions of them.

Each quantity is found the paper's way, and exactly, that is by `abm.bellman` or
`abm.one_period.depths`. The paper (Das and Magdon-Ismail 2008) solves

    W(rho) = max over q of  r(rho, q)
             + discount * [ P_trade(q) W(rho_trade) + P_none(q) W(rho_none) ]

in one pass over ascending rho, linear between the nodes (section 2.5), and the depths of the other
two makers by ten fixed point iterations. It does not say from where; here they begin at q = 0:

    zero-profit:  q <- K hazard(q), K = rho^2 / (1 + rho^2)
    myopic:       q <- (1 + rho^2) / hazard(q)

The return of an ask at q valuation sds above the mean is s [q (1 - Phi(q)) - K phi(q)] (section
2.3).
"""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from abm.bellman import solve
from abm.bellman.solution import Solution
from abm.bellman.stage import stage
from abm.numerics.arrays import Array
from abm.numerics.truncated_normal import mean_excess
from abm.one_period.depths import myopic_depth, zero_profit_depth
from abm.runs.folder import RunFolder
from abm.runs.schema import Column
from scenarios.paper.estimate import SHOCK

ITERATIONS = 10
MOST_RHO = 6.0  # the largest shock of Fig. 3a
RHO = np.linspace(0.0, MOST_RHO, 601)  # nodes of the single pass; where maxima are counted
DEPTHS = np.linspace(0.0, 4.0, 401)  # tried at each node of the single pass
ASKS = np.linspace(-5.0, 10.0, 1501)  # valuation sds above the mean, at which returns are compared
IMPATIENT = (0.5, 0.1)  # discounts at which the future counts little
LEARNING = np.linspace(0.0, SHOCK, 61)  # rho at which the myopic maker is compared there

COMPUTED = (
    Column("quantity", "category", "", "what is computed"),
    Column("discount", "float64", "1", "per period; NaN if it is of one period only"),
    Column("rho", "float64", "1", "information disadvantage"),
    Column("found", "float64", "of the quantity", "the paper's way"),
    Column("exact", "float64", "of the quantity", "by this project's solution"),
)

Row = tuple[str, float, Array, Array, Array]  # in the order of COMPUTED


def write_computed(folder: RunFolder, discount: float) -> None:
    """Write each quantity by rho, found the paper's way and exactly."""
    rows: list[Row] = [
        ("value by the single pass", discount, RHO,
         solve_in_one_pass(RHO, discount), solve(discount).value_function(RHO)),
        ("zero-profit depth", np.nan, RHO, iterate_zero_profit(RHO), zero_profit_depth(RHO)),
        ("myopic depth", np.nan, RHO, iterate_myopic(RHO), myopic_depth(RHO)),
        ("maxima of the return", np.nan, RHO, count_maxima(RHO), np.ones_like(RHO)),
        *(row for low in IMPATIENT for row in compare_myopic(low)),
    ]  # fmt: skip
    for row in rows:
        table = dict(zip((column.name for column in COMPUTED), row, strict=True))
        folder.write("computed", pd.DataFrame(table), COMPUTED)


def solve_in_one_pass(rho: Array, discount: float) -> Array:
    """Return W at evenly spaced rho that begin at 0, linear between them, by one ascending pass.

    A successor in the last cell lies between a known value and the very one being solved for. Its
    weight on that one moves to the left side of the equation.
    """
    period = stage(rho[:, np.newaxis], DEPTHS)
    values = np.zeros_like(rho)
    for node in range(len(rho)):
        known, own = period.profit[node].copy(), np.zeros_like(DEPTHS)
        before = max(node - 1, 0)
        for probability, successor in zip(period.probability, period.successor, strict=True):
            place = successor[node] / rho[1]
            weight = np.clip(place - before, 0.0, 1.0) if node else np.ones_like(DEPTHS)
            lower = np.interp(successor[node], rho[: before + 1], values[: before + 1])
            known += discount * probability[node] * (1 - weight) * lower
            own += discount * probability[node] * weight
        values[node] = (known / (1 - own)).max()
    return values


def iterate_zero_profit(rho: Array) -> Array:
    """Return the depth after ITERATIONS fixed point iterations for zero profit, from 0."""
    depth, share = np.zeros_like(rho), rho * rho / (1 + rho * rho)
    for _ in range(ITERATIONS):
        depth = share * (depth + mean_excess(depth))
    return depth


def iterate_myopic(rho: Array) -> Array:
    """Return the depth after ITERATIONS fixed point iterations for the most profit, from 0."""
    depth = np.zeros_like(rho)
    for _ in range(ITERATIONS):
        depth = (1 + rho * rho) / (depth + mean_excess(depth))
    return depth


def count_maxima(rho: Array) -> Array:
    """Return how many local maxima the return of an ask has among ASKS, at each rho."""
    share = rho * rho / (1 + rho * rho)
    density = np.exp(-ASKS * ASKS / 2) / np.sqrt(2 * np.pi)
    return count_peaks(ASKS * ndtr(-ASKS) - share[:, np.newaxis] * density)


def count_peaks(returns: Array) -> Array:
    """Return how often each row turns from rising to falling."""
    rises = np.diff(returns, axis=1) > 0
    return np.sum(rises[:, :-1] & ~rises[:, 1:], axis=1).astype(float)


def compare_myopic(discount: float) -> list[Row]:
    """Return the myopic maker's value and half-spread by rho beside the optimal ones."""
    solution = solve(discount, SHOCK)
    spread = myopic_depth(LEARNING) * np.sqrt(1 + LEARNING * LEARNING)
    return [
        ("value of the myopic maker", discount, LEARNING,
         evaluate_myopic(solution, LEARNING), solution.value_function(LEARNING)),
        ("myopic half-spread", discount, LEARNING, spread, solution.half_spread(LEARNING)),
    ]  # fmt: skip


def evaluate_myopic(solution: Solution, rho: Array) -> Array:
    """Return what the myopic maker's quotes earn over all periods, on a solution's mesh."""
    mesh, discount = solution.value_by_rho.mesh, solution.discount
    period = stage(mesh.nodes, myopic_depth(mesh.nodes))
    values, change = period.profit, np.inf
    while change > 1e-12:
        future = mesh.cubic(values)
        expected = sum(
            p * future(after) for p, after in zip(period.probability, period.successor, strict=True)
        )
        change = abs(period.profit + discount * expected - values).max()
        values = period.profit + discount * expected
    return mesh.cubic(values)(rho)
