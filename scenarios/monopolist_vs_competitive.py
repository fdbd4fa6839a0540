"""Who gives more liquidity, a monopolist or competing makers; when, and who pays for it.

Every maker quotes alone, in an exchange of her own, and faces the same values and traders as the
others; the zero-profit maker stands for competition. All are compared with the first. The value is
common, so a maker's profit is her traders' loss: a transfer. By their own valuations, which are why
they trade, traders gain.
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
from scenarios._common import options as option
from scenarios._common.options import RunOptions, StudyParameters, parse_makers, parse_numbers
from scenarios._common.study import add_panels, run_comparison, write_figures, write_tables
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
TEXT_COLUMNS = ["makers", "maker", "first", "second", "metric", *BY_PERIOD.values()]


def run(
    makers: option.Makers = "optimal,myopic,zero-profit",
    prior_sd: option.Shocks = "0.5,1,2,3,4,5",
    replications: option.Replications = 10_000,
    discount: option.Discount = 0.9,
    seed: option.Seed = 0,
    periods: option.Periods = 100,
    out: option.Out = "runs/monopolist-vs-competitive",
    workers: option.Workers = "1",
    resume: option.Resume = False,
    verify: option.Verify = False,
) -> None:
    """Compare makers alone: who gives more liquidity, when, and who pays for it."""
    points = grid(
        prior_sd=parse_numbers("prior_sd", prior_sd), makers=parse_makers(makers, least=2)
    )
    parameters = StudyParameters(makers, prior_sd, replications, discount, seed, periods)
    options = RunOptions(out, workers, resume, verify)
    log = run_comparison(
        "monopolist-vs-competitive",
        points,
        parameters,
        options,
        write,
        block=max(1, replications // BLOCKS),
    )
    say("Means over all periods (profit, surplus: sums), with 95 % confidence intervals:")
    show_table(format_estimates(log.csv("results.csv", TEXT_COLUMNS), METRICS))
    say("First less second, market by market:")
    show_table(format_estimates(log.csv("comparisons.csv", TEXT_COLUMNS), METRICS))
    say(
        "Who gives more liquidity, in which periods (95 % confidence in all together), and what "
        "traders gain with the first less with the second, in money and by their own valuations:"
    )
    show_table(log.csv("answers.csv", TEXT_COLUMNS))
    say_where(out)


def write(folder: RunFolder, log: Run) -> None:
    """Write results, comparisons, leads by period, learning times, answers, and figures."""
    paired, leads, times = comparisons(log), estimate_leads(log), estimate_learning_times(log)
    tables = {"results": results(log), "comparisons": paired, "by-period": leads,
              "learning-times": times,
              "answers": summarise_answers(log, paired, leads, times)}  # fmt: skip
    write_tables(folder, tables)
    write_figures(folder, draw_figures(log))


def estimate_leads(log: Run) -> pd.DataFrame:
    """Return the first maker's differences from each other one, by shock, metric and period."""
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


def estimate_learning_times(log: Run) -> pd.DataFrame:
    """Return the median period in which rho falls below 0.5; NaN for makers without a belief."""
    table = records(log, ["prior_sd"])
    times = table["learning_time"].fillna(np.inf).where(table["belief_sd"].notna())
    return median(table.assign(learning_time=times), "learning_time", ["prior_sd", "makers"])


def summarise_answers(
    log: Run, paired: pd.DataFrame, leads: pd.DataFrame, times: pd.DataFrame
) -> pd.DataFrame:
    """Return one row a shock and rival of the first maker: who is ahead when, and who pays."""
    paired = with_point_parameters(paired, log, ["prior_sd"])
    paired["second"] = paired["second"].str.rpartition(" in ")[2]
    medians = times.set_index(["prior_sd", "makers"])["median"]
    rows = []
    for shock, first, second in leads[PAIR].drop_duplicates().itertuples(index=False):
        pair = leads[(leads["prior_sd"] == shock) & (leads["second"] == second)]
        spans = {
            says: describe_leads(pair[pair["metric"] == metric], first, second)
            for metric, says in BY_PERIOD.items()
        }
        learnt = " : ".join(f"{medians.get((shock, maker), np.nan):g}" for maker in (first, second))
        gains = paired[(paired["prior_sd"] == shock) & (paired["second"] == second)]
        row = format_estimates(gains, ("traders_gain", "surplus")).iloc[0]
        rows.append(
            dict(zip(PAIR, (shock, first, second), strict=True))
            | spans
            | {"median periods to learn": learnt}
            | {name: row[name] for name in ("traders_gain", "surplus")}
        )
    return pd.DataFrame(rows)


def draw_figures(log: Run) -> dict[str, Figure]:
    """Return a figure for each metric by period, and one over shocks."""
    summary = with_point_parameters(log.table("summary"), log, ["prior_sd"])
    market = add_panels(summary[summary["maker"].isna()])
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
