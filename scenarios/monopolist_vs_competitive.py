"""Who gives more liquidity, a monopolist or competing makers; when, and who pays for it.

Every maker quotes alone, in an exchange of her own, and meets the same values and traders as the
others; the zero-profit maker stands for competition. All are compared with the first. A value is
the same for everybody, so what makers earn their traders lose: a transfer. By their own
valuations, which is why they trade, traders gain all the same.
"""

import pandas as pd
from matplotlib.figure import Figure

from abm.experiment import Experiment, Markets, grid
from abm.run_folder import RunFolder
from analysis import Run, facets, metrics
from analysis.leads import differences, lower
from analysis.results import comparisons, overall, placed, quoted, results, totals
from scenarios._study import (
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
    carried_out,
    contestants,
    numbers,
    write_figures,
    write_tables,
)
from scenarios._terminal import say, show_table

BLOCK = 500  # markets whose mean is one observation of a period
METRICS = ("inside_spread", "no_trade", "pricing_error", "learnt", "profit", "surplus")
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
    experiment = Experiment(
        points, Markets(discount), replications=replications, periods=periods, seed=seed,
        block=BLOCK,
    )  # fmt: skip
    parameters = {
        "makers": makers, "prior_sd": prior_sd, "replications": replications,
        "discount": discount, "seed": seed, "periods": periods,
    }  # fmt: skip
    log = carried_out(
        "monopolist-vs-competitive", experiment, parameters, How(out, workers, resume, verify),
        write,
    )  # fmt: skip
    say("Means over all periods (profit, surplus: sums), with 95 % confidence intervals:")
    show_table(quoted(log.csv("results.csv", WORDS), METRICS))
    say("First less second, market by market:")
    show_table(quoted(log.csv("comparisons.csv", WORDS), METRICS))
    say(
        f"Who gives more liquidity, in which periods (95 % confidence in all together, from blocks "
        f"of {BLOCK} markets); who pays is the profit, which traders lose:"
    )
    show_table(log.csv("answers.csv", WORDS))
    say(f"Blocks, tables and figures are in {out}; market-shock report {out} makes a page of them")


def write(folder: RunFolder, log: Run) -> None:
    """Write results, comparisons and answers, and draw."""
    compared = comparisons(log)
    write_tables(
        folder,
        {"results": results(log), "comparisons": compared, "answers": answers(log, compared)},
    )
    write_figures(folder, drawn(log))


def answers(log: Run, compared: pd.DataFrame) -> pd.DataFrame:
    """Return one row a shock and rival of the first maker: who is ahead when, and who pays."""
    blocks = placed(log.blocks("summary"), log, ["prior_sd"])
    market = blocks[blocks["maker"].isna()]
    times = learning_times(log)
    compared = placed(compared, log, ["prior_sd"])
    pairs = compared.drop_duplicates(["prior_sd", "second"])
    rows = []
    for shock, first, second in pairs[["prior_sd", "first", "second"]].itertuples(index=False):
        one, other = (name.rpartition(" in ")[2] for name in (first, second))
        at_shock = market[market["prior_sd"] == shock]
        family = len(BY_PERIOD) * len(pairs)
        ahead = {
            says: lower(differences(at_shock, metric, one, other, family=family), one, other)
            for metric, says in BY_PERIOD.items()
        }
        learnt = " : ".join(f"{times[shock, maker]:g}" for maker in (one, other))
        pays = compared[(compared["prior_sd"] == shock) & (compared["second"] == second)]
        told = quoted(pays, ("profit", "surplus")).iloc[0]
        rows.append(
            {"prior_sd": shock, "first": one, "second": other}
            | ahead
            | {"median periods to learn": learnt}
            | {name: told[name] for name in ("profit", "surplus")}
        )
    return pd.DataFrame(rows)


def learning_times(log: Run) -> "pd.Series[float]":
    """Return the median period in which rho falls below 0.5, by shock and maker; inf if later."""
    pieces = [placed(piece, log, ["prior_sd"]) for piece in totals(log, ["makers"])]
    table = pd.concat(pieces)[["prior_sd", "makers", "learning_time"]].fillna(float("inf"))
    medians: pd.Series[float] = table.groupby(["prior_sd", "makers"])["learning_time"].median()
    return medians


def drawn(log: Run) -> dict[str, Figure]:
    """Return a figure for each metric by period, and two over shocks."""
    summary = placed(log.table("summary"), log, ["prior_sd"])
    market = summary[summary["maker"].isna()].assign(
        panel=lambda rows: "σ = " + rows["prior_sd"].map("{:g}".format)
    )
    by = ["makers", "prior_sd", "panel"]
    figures = {
        metric.replace("_", "-"): facets.by_period(
            metrics.by_period(market, metric, by), label, "panel",
            scale="log" if metric in ("spread", "pricing_error") else "linear",
        )
        for metric, label in LABELS.items()
    }  # fmt: skip
    whole = placed(overall(log), log, ["prior_sd"])
    panels = {"profit": "maker's profit = traders' loss", "surplus": "traders' perceived surplus"}
    transfer = pd.concat(
        metrics.estimates(whole, metric, ["makers", "maker", "prior_sd"]).assign(panel=says)
        for metric, says in panels.items()
    )
    figures["who-pays"] = facets.by_parameter(transfer, "over all periods (noise sd)", "prior_sd",
                                              "panel")  # fmt: skip
    return figures
