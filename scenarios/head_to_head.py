"""The same makers in one exchange: who takes the trades, and who pays for what all learn.

With public trades a rival learns for nothing from trades that another maker has paid for. For
comparison every maker also quotes alone, and all quote together where each sees only her own
trades ("own"); values and traders are the same throughout.
"""

import pandas as pd
from matplotlib.figure import Figure

from abm.experiment import grid
from abm.runs.folder import RunFolder
from analysis import Run, facets, metrics
from analysis.precision import interval
from analysis.results import estimate_metrics, format_estimates, records, with_point_parameters
from analysis.shares import market_share, ratio
from scenarios._common import options as option
from scenarios._common.options import RunOptions, StudyParameters, parse_makers, parse_numbers
from scenarios._common.study import add_panels, run_comparison, write_figures, write_tables
from scenarios._common.terminal import say, say_where, show_table

KEYS = ["prior_sd", "company", "maker"]
METRICS = ("discounted_profit", "profit", "share", "spread", "inside_spread", "learnt")
DIFFERENCES = {"public - alone": ("public", "alone"), "own - public": ("own", "public")}
TEXT_COLUMNS = ["company", "maker", "metric", "difference"]


def run(
    makers: option.Makers = "optimal,zero-profit",
    prior_sd: option.Shocks = "1,3,5",
    replications: option.Replications = 10_000,
    discount: option.Discount = 0.9,
    seed: option.Seed = 0,
    periods: option.Periods = 100,
    out: option.Out = "runs/head-to-head",
    workers: option.Workers = "1",
    resume: option.Resume = False,
    verify: option.Verify = False,
) -> None:
    """Let makers compete in one exchange, with public trades and with own ones."""
    together = parse_makers(makers, least=2)
    shocks = parse_numbers("prior_sd", prior_sd)
    points = [
        *grid(makers=list(dict.fromkeys(together)), prior_sd=shocks, transparency=["public"]),
        *grid(makers=[together], prior_sd=shocks, transparency=["public", "own"]),
    ]
    parameters = StudyParameters(makers, prior_sd, replications, discount, seed, periods)
    options = RunOptions(out, workers, resume, verify)
    log = run_comparison("head-to-head", points, parameters, options, write)
    say("Means with 95 % confidence intervals; a share is of all trades in the market:")
    show_table(format_estimates(log.csv("results.csv", TEXT_COLUMNS), METRICS))
    say("What rivals change (public - alone), and transparency (own - public), market by market:")
    show_table(format_estimates(log.csv("differences.csv", TEXT_COLUMNS), METRICS))
    say_where(out)


def write(folder: RunFolder, log: Run) -> None:
    """Write results, differences and market shares by period, and figures."""
    table, summary = (
        measure_shares(log),
        add_company(with_point_parameters(log.table("summary"), log, ["prior_sd"])),
    )
    estimates = estimate_metrics(table, METRICS, KEYS)
    rivals = summary[summary["company"] != "alone"].drop(columns="makers")
    share = interval(market_share(rivals, ["prior_sd", "company"]))
    tables = {
        "results": estimates,
        "differences": estimate_differences(table),
        "market-share": share,
    }
    write_tables(folder, tables)
    write_figures(folder, draw_figures(summary, rivals, share))


def measure_shares(log: Run) -> pd.DataFrame:
    """Return the totals of all markets, with columns `company` and `share` (of all trades)."""
    table = add_company(records(log, ["prior_sd"]))
    market = table.groupby(["prior_sd", "makers", "company", "replication"])
    table["traded"] = market["trades"].transform("sum")
    return table.assign(share=ratio(table, "trades", "traded", KEYS))


def add_company(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a column `company`: alone, or together with public or own trades."""
    together = table["makers"].str.contains("+", regex=False)
    return table.assign(company=table["transparency"].where(together, "alone"))


def estimate_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Return the DIFFERENCES of a maker's metrics between companies, market by market."""
    keys = ["prior_sd", "maker"]
    rows = {
        name: group.set_index([*keys, "replication"]) for name, group in table.groupby("company")
    }
    parts = []
    for name, (first, second) in DIFFERENCES.items():
        for metric in METRICS:
            gap = (rows[first][metric] - rows[second][metric]).rename("gap").reset_index()
            estimates = metrics.estimates(gap, "gap", keys).dropna(subset="mean")
            parts.append(estimates.assign(difference=name, metric=metric))
    columns = [*keys, "difference", "metric", "mean", "se", "count"]
    return interval(pd.concat(parts)[columns])


def draw_figures(
    summary: pd.DataFrame, rivals: pd.DataFrame, share: pd.DataFrame
) -> dict[str, Figure]:
    """Return figures by period: share and profit of each maker, spread of each exchange."""
    profits = add_panels(rivals[rivals["maker"].notna()], "company")
    profit = metrics.by_period(profits, "profit", ["company", "prior_sd", "panel"])
    company = summary["makers"].where(
        summary["company"] == "alone", "together, " + summary["company"]
    )
    market = add_panels(summary.assign(exchange=company)[summary["maker"].isna()])
    spread = metrics.by_period(market.drop(columns="makers"), "spread", ["prior_sd", "panel"])
    return {
        "market-share": facets.by_period(
            sort_public_first(add_panels(share, "company")), "share of trades", "panel"
        ),
        "profit": facets.by_period(
            sort_public_first(profit), "profit a period (noise sd)", "panel"
        ),
        "spread": facets.by_period(spread, "inside spread (noise sd)", "panel", scale="log"),
    }


def sort_public_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the rows of public trades before those of own ones."""
    return table.sort_values("company", ascending=False, kind="stable")
