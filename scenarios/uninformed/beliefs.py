"""What the Gaussian belief costs the zero-profit maker where some traders know nothing.

Exact beliefs take long here, so they are compared in fewer markets: these, with either belief.
"""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from abm.experiment.points import Point
from abm.experiment.simulation import BlockTask, Simulation
from abm.makers.zero_profit import ZeroProfit
from abm.runs.folder import RunFolder
from abm.runs.schema import REPLICATION, Column
from analysis import Run, metrics
from analysis.results import ESTIMATE_COLUMNS, estimate_metrics
from scenarios.uninformed.markets import POINT, make_traders

BELIEFS = ("gaussian", "exact")
DIFFERENCE = "exact less gaussian"
BY_BELIEF = ("inside_spread", "no_trade", "pricing_error", "profit")
COMPARED = (
    Column("kind", "category", "", "of the uninformed"),
    Column("share", "float64", "1", "of all traders that they are"),
    Column("prior_sd", "float64", "price", "sd of the value after the shock"),
    Column("belief", "category", "", "of the zero-profit maker"),
    REPLICATION,
    *(Column(name, "float64", "as in totals", "as in totals") for name in BY_BELIEF),
)


def write_beliefs(
    folder: RunFolder, points: Sequence[Point], markets: int, periods: int, seed: int
) -> None:
    """Write the totals of markets with either belief."""
    for point in points:
        for belief in BELIEFS:
            terms = {
                "makers": partial(ZeroProfit, belief=belief),
                "traders": make_traders(point["kind"], point["share"]),
                "prior_sd": point["prior_sd"],
            }
            tables = Simulation().run(BlockTask("", terms, 0, markets, periods, seed))
            totals = tables["totals"].to_pandas().assign(**point, belief=belief)
            folder.write("beliefs", totals, COMPARED)


def compare_beliefs(log: Run) -> pd.DataFrame:
    """Return estimates of BY_BELIEF with either belief, and of their paired difference."""
    table = log.table("beliefs").astype({"belief": "str", "kind": "str"})
    own = estimate_metrics(table, BY_BELIEF, [*POINT, "belief"])
    gaps = pd.concat(
        metrics.paired_difference(table, metric, *BELIEFS[::-1], between="belief", by=POINT).assign(
            metric=metric, belief=DIFFERENCE
        )
        for metric in BY_BELIEF
    )
    return pd.concat([own, gaps])[[*POINT, "belief", "metric", *ESTIMATE_COLUMNS]]
