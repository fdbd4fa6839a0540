"""What the Gaussian approximation costs: every maker on it, and on the exact posterior.

Das and Magdon-Ismail (2008, section 2.2) call the exact posterior computationally prohibitive, and
its effect insignificant. Every maker quotes alone, once with each belief, and meets the same values
and traders. Beside the one who keeps a Gaussian, an onlooker tells how far that is from the truth.
"""

from collections.abc import Sequence
from inspect import signature

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from abm.bellman import solve
from abm.bellman.solver import range_for
from abm.experiment import Experiment, grid
from abm.makers.exact_optimal import ExactOptimal
from abm.participants.registry import MAKER_TYPES
from abm.runs.folder import RunFolder
from analysis import Run, facets, metrics
from analysis.precision import CONFIDENCE, interval
from analysis.results import (
    ESTIMATE_COLUMNS,
    estimate_metrics,
    format_estimates,
    records,
    with_point_parameters,
)
from scenarios._common.study import (
    Asked,
    Discount,
    How,
    Makers,
    Out,
    Periods,
    Replications,
    Resume,
    Seed,
    Shocks,
    Verify,
    Workers,
    by_shock,
    carried_out,
    contestants,
    numbers,
    write_figures,
    write_tables,
)
from scenarios._common.terminal import say, say_where, show_table
from scenarios._onlooker import APART, SIGNALS, BeliefMarkets

BELIEFS = ("gaussian", "exact")
KEYS = ["maker", "prior_sd"]
OF_A_POINT = ["makers", "prior_sd", "belief"]
LABELS = {
    "total_variation": "total variation",
    "mean_gap": "|difference of means| (sds)",
    "sd_gap": "|difference of sds| (sds)",
    "skewness": "|skewness| of the exact one",
}
SHOWN = ("W", *BELIEFS, "difference", "total_variation", "mean_gap", "sd_gap", "skewness")
WORDS = ["maker", "metric"]
COMPARED = 10  # signals, after which the table tells how far apart beliefs are


def run(
    makers: Makers = "optimal,myopic,zero-profit",
    prior_sd: Shocks = "0.5,1,2,3,4,5,6,8",
    replications: Replications = 10_000,
    discount: Discount = 0.9,
    seed: Seed = 0,
    periods: Periods = 100,
    out: Out = "runs/exact-vs-gaussian",
    workers: Workers = "1",
    resume: Resume = False,
    verify: Verify = False,
) -> None:
    """Measure what the Gaussian approximation of beliefs costs, and where it is far off."""
    points = grid(makers=believers(makers), prior_sd=numbers("prior_sd", prior_sd), belief=BELIEFS)
    asked = Asked(makers, prior_sd, replications, discount, seed, periods)
    experiment = Experiment(
        points, BeliefMarkets(discount), replications=replications, periods=periods, seed=seed
    )
    log = carried_out(
        "exact-vs-gaussian", experiment, asked._asdict(), How(out, workers, resume, verify), write
    )
    table = log.csv("results.csv", WORDS)
    say(
        f"Discounted profit in {periods} periods on either belief, and by how much more it is on "
        f"the exact one, with 95 % confidence intervals; W is the value function in the Gaussian "
        f"world, for ever. Then how far the Gaussian belief is from the exact one after "
        f"{compared_after(periods)} signals, on average:"
    )
    show_table(format_estimates(table, SHOWN))
    for maker, rows in table[table["metric"] == "difference"].groupby("maker", sort=False):
        say(verdict(maker, rows))
    say_where(out)


def compared_after(periods: int) -> int:
    """Return after how many signals the table compares beliefs."""
    return max(seen for seen in SIGNALS if seen <= min(periods, COMPARED))


def write(folder: RunFolder, log: Run) -> None:
    """Write profits, their differences and distances, and draw them."""
    profits, distances = realised(log), between(log)
    theory = worth(sorted(profits["prior_sd"].unique()), log.parameters["discount"])
    write_tables(folder, {"results": results(profits, distances, theory), "distances": distances})
    write_figures(folder, drawn(profits, distances, theory))


def believers(makers: str) -> list[str]:
    """Return the makers between the commas, or raise ValueError if one takes not every belief."""
    chosen = contestants(makers)
    for word in chosen:
        if "belief" not in signature(MAKER_TYPES.find(word)).parameters or issubclass(
            MAKER_TYPES.find(word), ExactOptimal
        ):
            raise ValueError(
                f"makers is {makers!r}, where {word} does not quote by either belief, Gaussian "
                f"and exact: leave her out"
            )
    return chosen


def realised(log: Run) -> pd.DataFrame:
    """Return the discounted profit of each market: maker, prior_sd, belief, replication."""
    table = records(log, OF_A_POINT)
    return in_order(table, log)[[*KEYS, "belief", "replication", "discounted_profit"]]


def between(log: Run) -> pd.DataFrame:
    """Return the estimates of APART, by maker, prior_sd and period."""
    markets = in_order(with_point_parameters(log.blocks("distances"), log, OF_A_POINT), log)
    return estimate_metrics(markets, APART, [*KEYS, "period"])


def in_order(table: pd.DataFrame, log: Run) -> pd.DataFrame:
    """Return a table with a column `maker`, its makers in the order in which they were given."""
    order = list(dict.fromkeys(point["makers"] for point in log.points))
    return table.assign(maker=pd.Categorical(table["makers"], order))


def worth(shocks: Sequence[float], discount: float) -> pd.DataFrame:
    """Return the value function at each shock: prior_sd, mean."""
    solution = solve(discount, range_for(max(shocks)))
    return pd.DataFrame({"prior_sd": shocks, "mean": solution.value_function(shocks)})


def results(profits: pd.DataFrame, distances: pd.DataFrame, theory: pd.DataFrame) -> pd.DataFrame:
    """Return one row a maker, shock and metric of SHOWN: mean, se, count, low, high."""
    metric = "discounted_profit"
    means = metrics.estimates(profits, metric, [*KEYS, "belief"])
    lead = metrics.paired_difference(
        profits, metric, "exact", "gaussian", between="belief", by=KEYS
    )
    exactly = means[KEYS].drop_duplicates().merge(theory, on="prior_sd").assign(se=0.0)
    parts = [
        exactly.assign(metric="W", count=means["count"].max()),
        means.rename(columns={"belief": "metric"}),
        lead.assign(metric="difference"),
    ]
    table = interval(pd.concat(parts))
    compared = distances["period"] == compared_after(distances["period"].max())
    return pd.concat([table, distances[compared].drop(columns="period")])[
        [*KEYS, "metric", *ESTIMATE_COLUMNS]
    ]


def verdict(maker: object, leads: pd.DataFrame) -> str:
    """Say at which shocks the exact belief earns more or less, 95 % sure of all together."""
    rows = interval(leads, 1 - (1 - CONFIDENCE) / len(leads))
    state = np.select([rows["low"] > 0, rows["high"] < 0], ["more", "less"], "no difference found")
    said = []
    for says in dict.fromkeys(state):
        shocks = ", ".join(map("{:g}".format, rows.loc[state == says, "prior_sd"]))
        said.append(f"{says} at shocks of {shocks}")
    return f"{maker} earns on the exact belief: {'; '.join(said)}"


def drawn(
    profits: pd.DataFrame, distances: pd.DataFrame, theory: pd.DataFrame
) -> dict[str, Figure]:
    """Return profits on both beliefs by the size of the shock, and distances by signals seen."""
    means = metrics.estimates(profits, "discounted_profit", [*KEYS, "belief"])
    lines = means.rename(columns={"maker": "panel", "belief": "maker"})
    value = [
        theory.assign(panel=panel, maker="W, in theory", se=0.0)
        for panel in lines["panel"].unique()
    ]
    first = distances[distances["maker"] == distances["maker"].iloc[0]]
    far = by_shock(first).assign(maker=first["metric"].map(LABELS))
    return {
        "profit": facets.by_parameter(
            pd.concat([lines, *value]), "discounted profit (noise sd)", "prior_sd", "panel"
        ),
        "distance": facets.by_period(far, "distance of the Gaussian belief", "panel"),
    }
