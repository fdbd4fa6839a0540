"""All half-spreads at which a maker earns nothing of the next trader, by the size of the shock.

Where some traders know nothing there may be several. With h the half-spread and V ~ N(0, shock^2),

    E[profit] = 2 (h P(buy at h) - E[V; buy at h]) = 0.

Competition means the smallest: from there outwards a rival could undercut. It jumps with the shock
where it meets the next one and both vanish.
"""

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from abm.market.laws import Law
from abm.market.quotes import Side
from abm.numerics.arrays import Array
from abm.one_period.depths import zero_profit_depth

TRIED = 4_000  # half-spreads at which the sign of a profit is looked at
BEYOND = 1.01  # times the half-spread before the informed alone, which none exceeds
SHOCKS = np.linspace(0.1, 6.0, 119)  # at which half-spreads are compared
SHOWN = 3  # every so many, in the table
STEEP = 0.05  # relative rise from one to the next, within which a jump is looked for
JUMP = 0.01  # relative rise that is one
SAME = 1e-9  # difference of shocks that count as one


def find_half_spreads(law: Law, shock: float) -> list[float]:
    """Return the half-spreads that earn nothing, in ascending order, in noise sds."""
    mean, sd = np.zeros(1), np.array([shock])
    announced = law.announce(mean, sd)

    def earn(half_spread: Array) -> Array:
        bought, known = announced.trade(mean, sd, Side.BUY, half_spread)
        return half_spread * bought - known

    farthest = BEYOND * np.hypot(shock, 1.0) * float(zero_profit_depth(shock))
    tried = np.linspace(0.0, farthest, TRIED)
    signs = np.sign(earn(tried))
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    return [
        float(brentq(lambda half: earn(np.array([half]))[0], tried[cell], tried[cell + 1]))
        for cell in changes
    ]


def tabulate_quotes(law: Law) -> pd.DataFrame:
    """Return by shock every spread that earns nothing, numbered from the smallest."""
    rows = [
        {"prior_sd": shock, "number": number, "spread": 2 * half_spread}
        for shock in SHOCKS[::SHOWN]
        for number, half_spread in enumerate(find_half_spreads(law, shock), start=1)
    ]
    return pd.DataFrame(rows)


def find_jumps(law: Law) -> pd.DataFrame:
    """Return the shocks at which the smallest spread jumps, and the spreads before and after."""
    smallest = [find_half_spreads(law, shock)[0] for shock in SHOCKS]
    steep = np.flatnonzero(np.diff(np.log(smallest)) > STEEP)
    found = [_narrow(law, *SHOCKS[[cell, cell + 1]]) for cell in steep]
    jumps = [one for one in found if one["after"] > (1 + JUMP) * one["before"]]
    return pd.DataFrame(jumps, columns=["prior_sd", "before", "after"])


def _narrow(law: Law, low: float, high: float) -> dict[str, float]:
    """Return the steepest place between two shocks, and the smallest spreads on both sides."""
    before, after = (find_half_spreads(law, shock)[0] for shock in (low, high))
    while high - low > SAME:
        middle = 0.5 * (low + high)
        half_spread = find_half_spreads(law, middle)[0]
        if half_spread - before < after - half_spread:
            low, before = middle, half_spread
        else:
            high, after = middle, half_spread
    return {"prior_sd": high, "before": 2 * before, "after": 2 * after}
