"""Fig. 1: the Gaussian update beside the exact posterior, for the scenario `paper`."""

from functools import partial

import numpy as np
import pandas as pd

from abm import Exchange, Optimal, Quote
from abm.beliefs.base import Belief
from abm.beliefs.distance import total_variation
from abm.makers import MarketMaker
from abm.numerics.arrays import Index
from abm.runs.folder import RunFolder
from abm.runs.schema import PERIOD, REPLICATION, Column
from scenarios.paper.estimate import SHOCK

COMPARED = 200  # replications with an exact posterior beside the Gaussian belief
REACH, POINTS = 8.0, 321  # of the densities in the first replication, in sds
SNAPSHOTS = (1, 3, 10, 30)  # signals after which the two are compared

POSTERIORS = (
    PERIOD,
    Column("value", "float64", "price", "V"),
    Column("exact", "float64", "1 / price", "density of the exact posterior"),
    Column("gaussian", "float64", "1 / price", "density of the Gaussian belief"),
)
DISTANCES = (
    REPLICATION,
    PERIOD,
    Column("total_variation", "float64", "1", "between exact posterior and Gaussian belief"),
)


class Spectator(MarketMaker):
    """Does not trade, and only learns."""

    name = "spectator"

    def quote(self) -> Quote:
        """Return a quote that offers neither side."""
        return Quote(-np.inf, np.inf)


def write_posteriors(
    folder: RunFolder, discount: float, seed: int, replications: int, periods: int
) -> None:
    """Write the exact and the Gaussian belief after some signals of the optimal maker's market."""
    market = Exchange(
        [partial(Optimal, discount=discount), partial(Spectator, belief="exact")],
        prior_sd=SHOCK, replications=min(replications, COMPARED), rng=seed,
    )  # fmt: skip
    for period in range(1, min(periods, max(SNAPSHOTS)) + 1):
        market.step()
        if period in SNAPSHOTS:
            beliefs = [maker.require_belief() for maker in market.makers]
            write_snapshot(folder, market.replication, period, *beliefs)


def write_snapshot(
    folder: RunFolder, replication: Index, period: int, gaussian: Belief, exact: Belief
) -> None:
    """Write both densities of the first replication, and the distance of beliefs in each."""
    gap = {"replication": replication, "total_variation": total_variation(exact, gaussian)}
    folder.write("distances", pd.DataFrame(gap).assign(period=period), DISTANCES)
    value = exact.mean[0] + exact.sd[0] * np.linspace(-REACH, REACH, POINTS)
    curves = {"exact": exact.density(value)[0], "gaussian": gaussian.density(value)[0]}
    folder.write("posteriors", pd.DataFrame(curves).assign(value=value, period=period), POSTERIORS)
