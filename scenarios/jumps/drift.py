"""Where a maker's uncertainty settles, and from where it grows for ever: computed, not sampled.

Unseen jumps add p s^2 to the variance of a Gaussian belief in every period, p their probability and
s their sd. A trader who comes at a depth of q valuation sds takes off, on average,

    f(rho) = rho^2 K I(q),    K = rho^2 / (1 + rho^2),    I(q) = 2 phi(q)^2 / (1 - Phi(q))

in noise sds squared. f rises with rho at first, and falls once quotes are so wide that traders stay
away. Where it crosses p s^2 upwards uncertainty settles; past the next crossing it only grows, and
where f is below p s^2 everywhere the market dies from any start. The average stands for what is
random: markets near the second crossing end on either side.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from abm.bellman import Problem, solve
from abm.experiment.points import Point
from abm.market.values import Jumps
from abm.numerics.arrays import Array
from abm.one_period.depths import zero_profit_depth

RHO = np.geomspace(0.01, 40.0, 2_000)  # at which f is compared with what jumps add
Depth = Callable[[Array], Array]
"""From rho when a maker quotes to her depth in valuation sds."""


def find_fall(depth: Depth, rho: Array) -> Array:
    """Return by how much a trader lowers rho^2 on average."""
    q, square = depth(rho), rho * rho
    with np.errstate(under="ignore"):
        information = 2 * np.exp(2 * norm.logpdf(q) - norm.logsf(q))
    return square * square / (1 + square) * information


def find_bounds(depth: Depth, rise: float) -> tuple[float, float]:
    """Return the rho at which uncertainty settles, and that past which it grows; NaN if none."""

    def exceed(rho: float) -> float:
        return float(find_fall(depth, np.array([rho]))[0]) - rise

    falls = find_fall(depth, RHO) > rise
    up, down = (np.flatnonzero(np.diff(falls.astype(int)) == turn) for turn in (1, -1))
    cells = [*up[:1], *down[:1]]
    found = [float(brentq(exceed, RHO[cell], RHO[cell + 1])) for cell in cells]
    return (found[0], found[1]) if len(found) == 2 else (np.nan, np.nan)


def tabulate_bounds(point: Point, discount: float) -> pd.DataFrame:
    """Return the bounds of both makers, and the spread where uncertainty settles."""
    size, probability = point["jump_sd"], point["probability"]
    plan = solve(Problem(discount, value=Jumps(size, probability=probability)))
    depths: dict[str, Depth] = {
        "optimal": lambda rho: plan.quote(rho) / np.hypot(rho, 1.0),
        "zero-profit": zero_profit_depth,
    }
    rows = []
    for maker, depth in depths.items():
        settles, grows = find_bounds(depth, probability * size**2)
        rho = np.array([settles])
        spread = np.nan if np.isnan(settles) else 2 * depth(rho)[0] * np.hypot(settles, 1.0)
        rows.append({"maker": maker, "settles": settles, "spread": spread, "grows": grows})
    return pd.DataFrame(rows).assign(**point, rise=probability * size**2)
