"""The sequential problem of the monopolist, whose quotes also pay by what they teach her.

`solve` returns her value function and half-spread in the Gaussian world; `asymmetric` lets bid and
ask depth differ, `bounds` gives what no policy can exceed, and `exact` approximates the optimum on
exact beliefs. Knows one period, beliefs, the market and numerics.
"""

from abm.bellman.problem import Problem
from abm.bellman.search import NotConvergedError
from abm.bellman.solution import Solution
from abm.bellman.solver import evaluate, range_for, solve
from abm.bellman.stage import backup

__all__ = [
    "NotConvergedError", "Problem", "Solution", "backup", "evaluate", "range_for", "solve",
]  # fmt: skip
