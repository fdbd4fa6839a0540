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

from abm.bellman.greedy import REWARDS, Chooser
from abm.bellman.policy_iteration import PolicyIteration
from abm.bellman.problem import Function, Problem
from abm.bellman.solution import Solution
from abm.bellman.tabulation import Tabulation
from abm.numerics.checks import positive_number, require_in_range, require_one_of

RHO_MAX = 50.0
LEAST_RHO_MAX, LARGEST_RHO_MAX = 1e-9, 2e4  # in between the optimal q is right to 3e-6

SOLVED: dict[Hashable, Solution] = {}


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
            given = posed, rho_max, Chooser(posed, reward, policy)
            solved[key] = (
                Tabulation(*given).tabulate(follows)
                if problem.horizon
                else PolicyIteration(*given).iterate()
            )
        follows = solved[key].value_function
    return solved[key]
