"""How large a shock may be before nobody trades: competition freezes, the monopolist goes on.

Above some size of shock the zero-profit quote is so wide that no trader deals; nothing is learnt,
and the quote stays as wide. Every maker quotes alone and faces the same values and traders.
"""

from dataclasses import dataclass

import pandas as pd

from abm.experiment import grid
from abm.experiment.points import Point
from analysis import Run, facets, metrics
from analysis.results import ESTIMATE_COLUMNS, format_estimates, totals_by_block
from scenarios._common import options as option
from scenarios._common.freezing import describe_freezing
from scenarios._common.options import parse_makers, parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.terminal import say, show_table

METRICS = ("first_spread", "last_spread", "no_trade", "frozen", "learnt")
LABELS = {
    "first_spread": "spread in the first period (noise sd)",
    "last_spread": "spread in the last period (noise sd)",
    "frozen": "markets without any trade",
    "learnt": "markets with rho below 0.5 at the end",
}


@dataclass(frozen=True, kw_only=True)
class Breakdown(Study):
    """Measure liquidity against the size of the shock, and where markets freeze."""

    makers: option.Makers = "optimal,myopic,zero-profit"
    prior_sd: option.Shocks = "0.5,1,1.5,2,2.5,3,3.5,4,4.5,5,5.5,6,7,8"

    def list_points(self) -> list[Point]:
        """Return each maker at each shock, at least two of them."""
        shocks = sorted(parse_numbers("prior_sd", self.prior_sd))
        if len(shocks) < 2:
            raise ValueError(
                f"prior_sd is {self.prior_sd!r}, but must be two shocks or more: give as 1,5"
            )
        return grid(makers=parse_makers(self.makers), prior_sd=shocks)

    def make_tables(self, log: Run) -> Tables:
        return {"results": estimate_liquidity(log)}

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        table = tables["results"].assign(panel=tables["results"]["metric"].map(LABELS))
        spreads = table[table["metric"].isin(["first_spread", "last_spread"])]
        fractions = table[table["metric"].isin(["frozen", "learnt"])]
        return {
            "spread": facets.by_parameter(
                spreads, "spread (noise sd)", "prior_sd", "panel", scale="log"
            ),
            "frozen": facets.by_parameter(fractions, "fraction", "prior_sd", "panel"),
        }

    def show(self, tables: Tables) -> None:
        table = tables["results"]
        say("Means with 95 % confidence intervals; frozen and learnt are fractions of markets:")
        show_table(format_estimates(table, METRICS))
        for maker, rows in table[table["metric"] == "frozen"].groupby("maker", sort=False):
            say(describe_freezing(maker, rows, self.periods))


def estimate_liquidity(log: Run) -> pd.DataFrame:
    """Return the estimates of METRICS: maker, prior_sd, metric, mean, se, count, low, high."""
    keys = ["maker", "prior_sd"]
    summary, whole = log.table("summary"), totals_by_block(log)
    of_makers = summary[summary["maker"].notna()]
    spreads = metrics.by_period(of_makers, "spread", ["prior_sd"])
    ends = {"first_spread": spreads["period"].min(), "last_spread": spreads["period"].max()}
    tables = {name: spreads[spreads["period"] == period] for name, period in ends.items()}
    tables |= {name: metrics.estimates(whole, name, keys) for name in METRICS[2:]}
    parts = [part.assign(metric=name) for name, part in tables.items()]
    return pd.concat(parts)[[*keys, "metric", *ESTIMATE_COLUMNS]]
