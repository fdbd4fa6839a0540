"""Who gives more liquidity, a monopolist or competing makers; when, and who pays for it.

Every maker quotes alone, in an exchange of her own, and meets the same values and traders as the
others; the zero-profit maker stands for competition. All are compared with the first. A value is
the same for everybody, so what makers earn their traders lose: a transfer. By their own
valuations, which is why they trade, traders gain all the same.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from abm.experiment import grid
from abm.runs.folder import RunFolder
from analysis import Run, facets, metrics
from analysis.leads import describe_leads, differences
from analysis.precision import median
from analysis.results import (
    comparisons,
    format_estimates,
    records,
    results,
    totals_by_block,
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
    compared,
    contestants,
    numbers,
    write_figures,
    write_tables,
)
from scenarios._common.terminal import say, say_where, show_table

BLOCKS = 20  # whose means are the observations of a period
PAIR = ["prior_sd", "first", "second"]
METRICS = ("inside_spread", "no_trade", "pricing_error", "learnt", "profit", "traders_gain",
           "surplus")  # fmt: skip
BY_PERIOD = {"spread": "tighter", "no_trade": "trades more", "pricing_error": "prices better"}
LABELS = {
    "spread": "spread (noise sd)",
    "no_trade": "probability of no trade",
    "pricing_error": "|mid - value| (noise sd)",
    "profit": "profit a period (noise sd)",
    "surplus": "perceived surplus (noise sd)",
}
WORDS = ["makers", "maker", "first", "second", "metric", *BY_PERIOD.values()]


def run(
    makers: Makers = "optimal,myopic,zero-profit",
    prior_sd: Shocks = "0.5,1,2,3,4,5",
    replications: Replications = 10_000,
    discount: Discount = 0.9,
    seed: Seed = 0,
    periods: Periods = 100,
    out: Out = "runs/monopolist-vs-competitive",
    workers: Workers = "1",
    resume: Resume = False,
    verify: Verify = False,
) -> None:
    """Compare makers alone: who gives more liquidity, when, and who pays for it."""
    points = grid(prior_sd=numbers("prior_sd", prior_sd), makers=contestants(makers, least=2))
    asked = Asked(makers, prior_sd, replications, discount, seed, periods)
    how = How(out, workers, resume, verify)
    log = compared(
        "monopolist-vs-competitive", points, asked, how, write, block=max(1, replications // BLOCKS)
    )
    say("Means over all periods (profit, surplus: sums), with 95 % confidence intervals:")
    show_table(format_estimates(log.csv("results.csv", WORDS), METRICS))
    say("First less second, market by market:")
    show_table(format_estimates(log.csv("comparisons.csv", WORDS), METRICS))
    say(
        "Who gives more liquidity, in which periods (95 % confidence in all together), and what "
        "traders gain with the first less with the second, in money and by their own valuations:"
    )
    show_table(log.csv("answers.csv", WORDS))
    say_where(out)


def write(folder: RunFolder, log: Run) -> None:
    """Write results, comparisons, differences by period, learning times and answers, and draw."""
    compared, ahead, times = comparisons(log), by_period(log), learning_times(log)
    tables = {"results": results(log), "comparisons": compared, "by-period": ahead,
              "learning-times": times, "answers": answers(log, compared, ahead, times)}  # fmt: skip
    write_tables(folder, tables)
    write_figures(folder, drawn(log))


def by_period(log: Run) -> pd.DataFrame:
    """Return the differences of the first maker from each other one, in every period and metric."""
    blocks = with_point_parameters(log.blocks("summary"), log, ["prior_sd"])
    market = blocks[blocks["maker"].isna()]
    first, *others = dict.fromkeys(market["makers"])
    family = len(BY_PERIOD) * len(others) * market["prior_sd"].nunique()
    return pd.concat(
        differences(at_shock, metric, first, second, family=family).assign(
            prior_sd=shock, first=first, second=second, metric=metric
        )
        for shock, at_shock in market.groupby("prior_sd")
        for second in others
        for metric in BY_PERIOD
    )[[*PAIR, "metric", "period", "mean", "se", "count", "low", "high"]]


def learning_times(log: Run) -> pd.DataFrame:
    """Return the median period in which rho falls below 0.5; none for makers without a belief."""
    table = records(log, ["prior_sd"])
    times = table["learning_time"].fillna(np.inf).where(table["belief_sd"].notna())
    return median(table.assign(learning_time=times), "learning_time", ["prior_sd", "makers"])


def answers(
    log: Run, compared: pd.DataFrame, ahead: pd.DataFrame, times: pd.DataFrame
) -> pd.DataFrame:
    """Return one row a shock and rival of the first maker: who is ahead when, and who pays."""
    compared = with_point_parameters(compared, log, ["prior_sd"])
    compared["second"] = compared["second"].str.rpartition(" in ")[2]
    medians = times.set_index(["prior_sd", "makers"])["median"]
    rows = []
    for shock, first, second in ahead[PAIR].drop_duplicates().itertuples(index=False):
        pair = ahead[(ahead["prior_sd"] == shock) & (ahead["second"] == second)]
        leads = {
            says: describe_leads(pair[pair["metric"] == metric], first, second)
            for metric, says in BY_PERIOD.items()
        }
        learnt = " : ".join(f"{medians.get((shock, one), np.nan):g}" for one in (first, second))
        pays = compared[(compared["prior_sd"] == shock) & (compared["second"] == second)]
        told = format_estimates(pays, ("traders_gain", "surplus")).iloc[0]
        rows.append(
            dict(zip(PAIR, (shock, first, second), strict=True))
            | leads
            | {"median periods to learn": learnt}
            | {name: told[name] for name in ("traders_gain", "surplus")}
        )
    return pd.DataFrame(rows)


def drawn(log: Run) -> dict[str, Figure]:
    """Return a figure for each metric by period, and one over shocks."""
    summary = with_point_parameters(log.table("summary"), log, ["prior_sd"])
    market = by_shock(summary[summary["maker"].isna()])
    by = ["makers", "prior_sd", "panel"]
    figures = {
        metric.replace("_", "-"): facets.by_period(
            metrics.by_period(market, metric, by), label, "panel",
            scale="log" if metric in ("spread", "pricing_error") else "linear",
        )
        for metric, label in LABELS.items()
    }  # fmt: skip
    whole = with_point_parameters(totals_by_block(log), log, ["prior_sd"])
    panels = {"profit": "maker's profit = traders' loss", "surplus": "traders' perceived surplus"}
    transfer = pd.concat(
        metrics.estimates(whole, metric, ["makers", "maker", "prior_sd"]).assign(panel=says)
        for metric, says in panels.items()
    )
    label = "over all periods (noise sd)"
    figures["who-pays"] = facets.by_parameter(transfer, label, "prior_sd", "panel")
    return figures
