"""Where a maker's uncertainty settles, and from where it grows for ever: computed, not sampled.

Unseen jumps add p s^2 to the variance of a Gaussian belief in every period, p their probability and
s their sd. A trader who comes at a depth of q valuation sds takes off, on average,

    f(rho) = rho^2 K I(q),    K = rho^2 / (1 + rho^2)

in noise sds squared, I as in `abm.one_period.depths.find_information`. f rises with rho at first,
and falls once quotes are so wide that traders stay away. Where it crosses p s^2 upwards uncertainty
settles; past the next crossing it only grows, and where f is below p s^2 everywhere the market dies
from any start. The average stands for what is random: markets near the second crossing end on
either side.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from abm.bellman import Problem, solve
from abm.experiment.points import Point
from abm.market.values import Jumps
from abm.numerics.arrays import Array
from abm.one_period.depths import find_information, zero_profit_depth

RHO = np.geomspace(1e-4, 40.0, 4_000)  # at which f is compared with what jumps add
Depth = Callable[[Array], Array]
"""From rho when a maker quotes to her depth in valuation sds."""


def find_fall(depth: Depth, rho: Array) -> Array:
    """Return by how much a trader lowers rho^2 on average."""
    square = rho * rho
    return square * square / (1 + square) * find_information(depth(rho))


def find_bounds(depth: Depth, rise: float) -> tuple[float, float]:
    """Return the rho at which uncertainty settles, and that past which it grows.

    The first is NaN if it settles nowhere, so that it grows from anywhere; the second is infinite
    if it was not found to grow from any rho up to the last.
    """

    def exceed(rho: float) -> float:
        return float(find_fall(depth, np.array([rho]))[0]) - rise

    falls = find_fall(depth, RHO) > rise
    up, down = (np.flatnonzero(np.diff(falls.astype(int)) == turn) for turn in (1, -1))
    settles, grows = (
        float(brentq(exceed, *RHO[cells[0] + np.arange(2)])) if len(cells) else np.nan
        for cells in (up, down)
    )
    return settles, np.inf if falls[-1] else grows


def tabulate_bounds(point: Point, discount: float) -> pd.DataFrame:
    """Return the bounds of both makers, and the spread where uncertainty settles."""
    size, probability = point["jump_sd"], point["probability"]
    plan = solve(Problem(discount, value=Jumps(size, probability=probability)))
    depths: dict[str, Depth] = {
        "optimal": lambda rho: plan.quote(rho) / np.hypot(rho, 1.0),
        "zero-profit": zero_profit_depth,
    }
    rise, rows = probability * size**2, []
    for maker, depth in depths.items():
        settles, grows = find_bounds(depth, rise)
        rho = np.array([settles])
        spread = np.nan if np.isnan(settles) else 2 * depth(rho)[0] * np.hypot(settles, 1.0)
        bounds = {"settles": settles, "spread": spread, "grows": grows}
        rows.append({"rise": rise, "maker": maker} | bounds)
    return pd.DataFrame(rows)
