"""The same makers in one exchange: who takes the trades, and who pays for what all learn.

With public trades a rival learns for nothing from trades that another maker has paid for. For
comparison every maker also quotes alone, and all quote together where each sees only her own
trades ("own"); values and traders are the same throughout.
"""

from dataclasses import dataclass

import pandas as pd

from abm.experiment import grid
from abm.experiment.points import Point
from analysis import Run, facets, metrics
from analysis.results import (
    ESTIMATE_COLUMNS,
    estimate_metrics,
    format_estimates,
    records,
    with_point_parameters,
)
from analysis.shares import market_share, ratio
from scenarios._common import options as option
from scenarios._common.options import parse_makers, parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_panels
from scenarios._common.terminal import say, show_table

KEYS = ["prior_sd", "company", "maker"]
METRICS = ("discounted_profit", "profit", "share", "spread", "inside_spread", "learnt")
DIFFERENCES = {"public - alone": ("public", "alone"), "own - public": ("own", "public")}


@dataclass(frozen=True, kw_only=True)
class HeadToHead(Study):
    """Let makers compete in one exchange, with public trades and with own ones."""

    makers: option.Makers = "optimal,zero-profit"
    prior_sd: option.Shocks = "1,3,5"

    def list_points(self) -> list[Point]:
        """Return each maker alone and all together, at each shock."""
        together = parse_makers(self.makers, least=2)
        shocks = parse_numbers("prior_sd", self.prior_sd)
        return [
            *grid(makers=list(dict.fromkeys(together)), prior_sd=shocks, transparency=["public"]),
            *grid(makers=[together], prior_sd=shocks, transparency=["public", "own"]),
        ]

    def make_tables(self, log: Run) -> Tables:
        table = measure_shares(log)
        return {
            "results": estimate_metrics(table, METRICS, KEYS),
            "differences": estimate_differences(table),
            "market-share": market_share(keep_rivals(read_summary(log)), ["prior_sd", "company"]),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        summary = read_summary(log)
        rivals = keep_rivals(summary)
        makers = add_panels(rivals[rivals["maker"].notna()], "company")
        profit = metrics.by_period(makers, "profit", ["company", "prior_sd", "panel"])
        share = add_panels(tables["market-share"], "company")
        company = summary["makers"].where(
            summary["company"] == "alone", "together, " + summary["company"]
        )
        market = add_panels(summary.assign(exchange=company)[summary["maker"].isna()])
        spread = metrics.by_period(market.drop(columns="makers"), "spread", ["prior_sd", "panel"])
        return {
            "market-share": facets.by_period(sort_public_first(share), "share of trades", "panel"),
            "profit": facets.by_period(
                sort_public_first(profit), "profit a period (noise sd)", "panel"
            ),
            "spread": facets.by_period(spread, "inside spread (noise sd)", "panel", scale="log"),
        }

    def show(self, tables: Tables) -> None:
        say("Means with 95 % confidence intervals; a share is of all trades in the market:")
        show_table(format_estimates(tables["results"], METRICS))
        say(
            "What rivals change (public - alone), and transparency (own - public), "
            "market by market:"
        )
        show_table(format_estimates(tables["differences"], METRICS))


def read_summary(log: Run) -> pd.DataFrame:
    """Return the summary by period, with a column `company`."""
    return add_company(with_point_parameters(log.table("summary"), log, ["prior_sd"]))


def keep_rivals(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a summary that are of makers together."""
    return summary[summary["company"] != "alone"].drop(columns="makers")


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
    return pd.concat(parts)[[*keys, "difference", "metric", *ESTIMATE_COLUMNS]]


def sort_public_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the rows of public trades before those of own ones."""
    return table.sort_values("company", ascending=False, kind="stable")
