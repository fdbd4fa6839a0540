"""The same makers in one exchange: who takes the trades, and who pays for what all learn.

With public trades a rival learns for nothing from those that a maker has paid for. Every maker is
also seen alone, and all together where each sees but her own trades ("own"); values and traders
are the same throughout.
"""

import pandas as pd
from matplotlib.figure import Figure

from abm.experiment import grid
from abm.runs.folder import RunFolder
from analysis import Run, facets, metrics
from analysis.precision import interval
from analysis.results import estimate_metrics, format_estimates, records, with_point_parameters
from analysis.shares import market_share, ratio
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

KEYS = ["prior_sd", "company", "maker"]
METRICS = ("discounted_profit", "profit", "share", "spread", "inside_spread", "learnt")
DIFFERENCES = {"public - alone": ("public", "alone"), "own - public": ("own", "public")}
WORDS = ["company", "maker", "metric", "difference"]


def run(
    makers: Makers = "optimal,zero-profit",
    prior_sd: Shocks = "1,3,5",
    replications: Replications = 10_000,
    discount: Discount = 0.9,
    seed: Seed = 0,
    periods: Periods = 100,
    out: Out = "runs/head-to-head",
    workers: Workers = "1",
    resume: Resume = False,
    verify: Verify = False,
) -> None:
    """Let makers compete in one exchange, with public trades and with own ones."""
    together = contestants(makers, least=2)
    shocks = numbers("prior_sd", prior_sd)
    points = [
        *grid(makers=list(dict.fromkeys(together)), prior_sd=shocks, transparency=["public"]),
        *grid(makers=[together], prior_sd=shocks, transparency=["public", "own"]),
    ]
    asked = Asked(makers, prior_sd, replications, discount, seed, periods)
    how = How(out, workers, resume, verify)
    log = compared("head-to-head", points, asked, how, write)
    say("Means with 95 % confidence intervals; a share is of all trades in the market:")
    show_table(format_estimates(log.csv("results.csv", WORDS), METRICS))
    say("What company and its secrecy change, market by market:")
    show_table(format_estimates(log.csv("differences.csv", WORDS), METRICS))
    say_where(out)


def write(folder: RunFolder, log: Run) -> None:
    """Write results, differences and market shares by period, and draw."""
    table, summary = (
        shares_of(log),
        in_company(with_point_parameters(log.table("summary"), log, ["prior_sd"])),
    )
    found = estimate_metrics(table, METRICS, KEYS)
    rivals = summary[summary["company"] != "alone"].drop(columns="makers")
    share = interval(market_share(rivals, ["prior_sd", "company"]))
    tables = {"results": found, "differences": differences(table), "market-share": share}
    write_tables(folder, tables)
    write_figures(folder, drawn(summary, rivals, share))


def shares_of(log: Run) -> pd.DataFrame:
    """Return the totals of all markets, with columns `company` and `share`."""
    table = in_company(records(log, ["prior_sd"]))
    market = table.groupby(["prior_sd", "makers", "company", "replication"])
    table["traded"] = market["trades"].transform("sum")
    return table.assign(share=ratio(table, "trades", "traded", KEYS))


def in_company(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a column `company`: alone, or together with public or own trades."""
    together = table["makers"].str.contains("+", regex=False)
    return table.assign(company=table["transparency"].where(together, "alone"))


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Return what a maker has in one company less what she has in another."""
    keys = ["prior_sd", "maker"]
    rows = {name: one.set_index([*keys, "replication"]) for name, one in table.groupby("company")}
    found = []
    for name, (one, other) in DIFFERENCES.items():
        for metric in METRICS:
            gap = (rows[one][metric] - rows[other][metric]).rename("gap").reset_index()
            estimates = metrics.estimates(gap, "gap", keys).dropna(subset="mean")
            found.append(estimates.assign(difference=name, metric=metric))
    columns = [*keys, "difference", "metric", "mean", "se", "count"]
    return interval(pd.concat(found)[columns])


def drawn(summary: pd.DataFrame, rivals: pd.DataFrame, share: pd.DataFrame) -> dict[str, Figure]:
    """Return figures by period: market share and profit of each maker, spread of each exchange."""
    hers = by_shock(rivals[rivals["maker"].notna()], "company")
    profit = metrics.by_period(hers, "profit", ["company", "prior_sd", "panel"])
    company = summary["makers"].where(
        summary["company"] == "alone", "together, " + summary["company"]
    )
    market = by_shock(summary.assign(exchange=company)[summary["maker"].isna()])
    spread = metrics.by_period(market.drop(columns="makers"), "spread", ["prior_sd", "panel"])
    return {
        "market-share": facets.by_period(
            public_first(by_shock(share, "company")), "share of trades", "panel"
        ),
        "profit": facets.by_period(public_first(profit), "profit a period (noise sd)", "panel"),
        "spread": facets.by_period(spread, "inside spread (noise sd)", "panel", scale="log"),
    }


def public_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the rows of public trades before those of own ones."""
    return table.sort_values("company", ascending=False, kind="stable")
