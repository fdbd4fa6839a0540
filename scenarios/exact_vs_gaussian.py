"""What the Gaussian approximation costs: every maker on it, and on the exact posterior.

Das and Magdon-Ismail (2008, section 2.2) call the exact posterior computationally prohibitive, and
its effect insignificant. Every maker quotes alone, once with each belief, and faces the same values
and traders. Beside the one with a Gaussian belief, an onlooker measures its distance from the
exact posterior.
"""

from collections.abc import Sequence
from inspect import signature

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from abm.bellman import solve
from abm.bellman.solver import range_for
from abm.experiment import Experiment, Simulation, grid
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
from scenarios._common import options as option
from scenarios._common.options import RunOptions, StudyParameters, parse_makers, parse_numbers
from scenarios._common.study import add_panels, run_study, write_figures, write_tables
from scenarios._common.terminal import say, say_where, show_table
from scenarios._onlooker import DISTANCE_METRICS, SIGNALS, keep_distances, place_onlooker

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
TEXT_COLUMNS = ["maker", "metric"]
COMPARED = 10  # signals, after which the table gives the distance of beliefs


def run(
    makers: option.Makers = "optimal,myopic,zero-profit",
    prior_sd: option.Shocks = "0.5,1,2,3,4,5,6,8",
    replications: option.Replications = 10_000,
    discount: option.Discount = 0.9,
    seed: option.Seed = 0,
    periods: option.Periods = 100,
    out: option.Out = "runs/exact-vs-gaussian",
    workers: option.Workers = "1",
    resume: option.Resume = False,
    verify: option.Verify = False,
) -> None:
    """Measure what the Gaussian approximation of beliefs costs, and where it is inaccurate."""
    shocks = parse_numbers("prior_sd", prior_sd)
    points = grid(makers=parse_believers(makers), prior_sd=shocks, belief=BELIEFS)
    parameters = StudyParameters(makers, prior_sd, replications, discount, seed, periods)
    simulation = Simulation(discount, exchange_of=place_onlooker, keep=keep_distances)
    experiment = Experiment(
        points, simulation, replications=replications, periods=periods, seed=seed
    )
    log = run_study(
        "exact-vs-gaussian",
        experiment,
        parameters._asdict(),
        RunOptions(out, workers, resume, verify),
        write,
    )
    table = log.csv("results.csv", TEXT_COLUMNS)
    say(
        f"Discounted profit in {periods} periods on either belief, and by how much more it is on "
        f"the exact one, with 95 % confidence intervals; W is the value function in the Gaussian "
        f"world, for ever. Then how far the Gaussian belief is from the exact one after "
        f"{count_signals(periods)} signals, on average:"
    )
    show_table(format_estimates(table, SHOWN))
    for maker, rows in table[table["metric"] == "difference"].groupby("maker", sort=False):
        say(describe_gain(maker, rows))
    say_where(out)


def count_signals(periods: int) -> int:
    """Return the number of signals after which the table compares beliefs."""
    return max(seen for seen in SIGNALS if seen <= min(periods, COMPARED))


def write(folder: RunFolder, log: Run) -> None:
    """Write profits, their differences and the distances of beliefs, and figures."""
    profits, distances = read_profits(log), estimate_distances(log)
    theory = tabulate_value(sorted(profits["prior_sd"].unique()), log.parameters["discount"])
    write_tables(
        folder, {"results": estimate_results(profits, distances, theory), "distances": distances}
    )
    write_figures(folder, draw_figures(profits, distances, theory))


def parse_believers(makers: str) -> list[str]:
    """Return the makers of an option; ValueError if one cannot quote on both beliefs."""
    chosen = parse_makers(makers)
    for word in chosen:
        if "belief" not in signature(MAKER_TYPES.find(word)).parameters or issubclass(
            MAKER_TYPES.find(word), ExactOptimal
        ):
            raise ValueError(
                f"makers is {makers!r}, but {word} cannot quote on both a Gaussian and an exact "
                f"belief: leave her out"
            )
    return chosen


def read_profits(log: Run) -> pd.DataFrame:
    """Return the discounted profit of each market: maker, prior_sd, belief, replication."""
    table = records(log, OF_A_POINT)
    return order_makers(table, log)[[*KEYS, "belief", "replication", "discounted_profit"]]


def estimate_distances(log: Run) -> pd.DataFrame:
    """Return the estimates of DISTANCE_METRICS, by maker, prior_sd and period."""
    markets = order_makers(with_point_parameters(log.blocks("distances"), log, OF_A_POINT), log)
    return estimate_metrics(markets, DISTANCE_METRICS, [*KEYS, "period"])


def order_makers(table: pd.DataFrame, log: Run) -> pd.DataFrame:
    """Return a table with a column `maker`, its makers in the order in which they were given."""
    order = list(dict.fromkeys(point["makers"] for point in log.points))
    return table.assign(maker=pd.Categorical(table["makers"], order))


def tabulate_value(shocks: Sequence[float], discount: float) -> pd.DataFrame:
    """Return the value function at each shock: prior_sd, mean."""
    solution = solve(discount, range_for(max(shocks)))
    return pd.DataFrame({"prior_sd": shocks, "mean": solution.value_function(shocks)})


def estimate_results(
    profits: pd.DataFrame, distances: pd.DataFrame, theory: pd.DataFrame
) -> pd.DataFrame:
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
    compared = distances["period"] == count_signals(distances["period"].max())
    return pd.concat([table, distances[compared].drop(columns="period")])[
        [*KEYS, "metric", *ESTIMATE_COLUMNS]
    ]


def describe_gain(maker: object, leads: pd.DataFrame) -> str:
    """Return a sentence: at which shocks a maker earns more or less on exact beliefs.

    The intervals hold 95 % jointly.
    """
    rows = interval(leads, 1 - (1 - CONFIDENCE) / len(leads))
    state = np.select([rows["low"] > 0, rows["high"] < 0], ["more", "less"], "no difference found")
    lines = []
    for says in dict.fromkeys(state):
        shocks = ", ".join(map("{:g}".format, rows.loc[state == says, "prior_sd"]))
        lines.append(f"{says} at shocks of {shocks}")
    return f"{maker} earns on the exact belief: {'; '.join(lines)}"


def draw_figures(
    profits: pd.DataFrame, distances: pd.DataFrame, theory: pd.DataFrame
) -> dict[str, Figure]:
    """Return figures: profits on both beliefs by shock, and distances by signals seen."""
    means = metrics.estimates(profits, "discounted_profit", [*KEYS, "belief"])
    lines = means.rename(columns={"maker": "panel", "belief": "maker"})
    value = [
        theory.assign(panel=panel, maker="W, in theory", se=0.0)
        for panel in lines["panel"].unique()
    ]
    first = distances[distances["maker"] == distances["maker"].iloc[0]]
    gaps = add_panels(first).assign(maker=first["metric"].map(LABELS))
    return {
        "profit": facets.by_parameter(
            pd.concat([lines, *value]), "discounted profit (noise sd)", "prior_sd", "panel"
        ),
        "distance": facets.by_period(gaps, "distance of the Gaussian belief", "panel"),
    }
