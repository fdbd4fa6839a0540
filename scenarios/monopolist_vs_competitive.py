"""Who gives more liquidity, a monopolist or competing makers; when, and who pays for it.

Every maker quotes alone, in an exchange of her own, and faces the same values and traders as the
others; the zero-profit maker stands for competition. All are compared with the first. The value is
common, so a maker's profit is her traders' loss: a transfer. By their own valuations, which are why
they trade, traders gain.
"""

from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from abm.experiment import grid
from abm.experiment.points import Point
from abm.runs.metrics import OF_MARKET
from analysis import Run, facets, metrics
from analysis.leads import describe_leads, differences
from analysis.precision import median
from analysis.results import (
    comparisons,
    format_estimates,
    records,
    results,
    with_point_parameters,
)
from scenarios._common import options as option
from scenarios._common.options import parse_makers, parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_panels
from scenarios._common.terminal import say, show_table

BLOCKS = 20  # whose means are the observations of a period
PAIR = ["prior_sd", "first", "second"]
METRICS = ("inside_spread", "no_trade", "pricing_error", "learnt", "profit", "traders_gain",
           "surplus")  # fmt: skip
BY_PERIOD = {"spread": "tighter", "no_trade": "trades more", "pricing_error": "prices better"}
PAID = {"profit": "maker's profit = traders' loss", "surplus": "traders' perceived surplus"}


@dataclass(frozen=True, kw_only=True)
class MonopolistVsCompetitive(Study):
    """Compare makers alone: who gives more liquidity, when, and who pays for it."""

    makers: option.Makers = "optimal,myopic,zero-profit"
    prior_sd: option.Shocks = "0.5,1,2,3,4,5"

    def list_points(self) -> list[Point]:
        """Return each maker at each shock."""
        shocks = parse_numbers("prior_sd", self.prior_sd)
        return grid(prior_sd=shocks, makers=parse_makers(self.makers, least=2))

    @property
    def block(self) -> int:
        """As many replications as give BLOCKS blocks."""
        return max(1, self.replications // BLOCKS)

    def make_tables(self, log: Run) -> Tables:
        paired, leads, times = comparisons(log), estimate_leads(log), estimate_learning_times(log)
        return {
            "results": results(log),
            "comparisons": paired,
            "by-period": leads,
            "learning-times": times,
            "answers": summarise_answers(log, paired, leads, times),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        summary = with_point_parameters(log.table("summary"), log, ["prior_sd"])
        market = add_panels(summary[summary["maker"].isna()])
        by = ["makers", "prior_sd", "panel"]
        figures = {
            metric.name.replace("_", "-"): facets.by_period(
                metrics.by_period(market, metric.name, by), metric.label_axis("noise sd"), "panel",
                scale=metric.scale,
            )
            for metric in OF_MARKET
        }  # fmt: skip
        whole = with_point_parameters(tables["results"], log, ["prior_sd"])
        transfer = whole[whole["metric"].isin(PAID)].assign(panel=whole["metric"].map(PAID))
        label = "over all periods (noise sd)"
        return figures | {"who-pays": facets.by_parameter(transfer, label, "prior_sd", "panel")}

    def show(self, tables: Tables) -> None:
        say("Means over all periods (profit, surplus: sums), with 95 % confidence intervals:")
        show_table(format_estimates(tables["results"], METRICS))
        say("First less second, market by market:")
        show_table(format_estimates(tables["comparisons"], METRICS))
        say(
            "Who gives more liquidity, in which periods (95 % confidence in all together), and what"
            " traders gain with the first less with the second, in money and by their own "
            "valuations:"
        )
        show_table(tables["answers"])


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
    """Return one row a shock and rival of the first maker: who is ahead when, and who pays.

    Medians have 95 % confidence intervals.
    """
    paired = with_point_parameters(paired, log, ["prior_sd"])
    paired["second"] = paired["second"].str.rpartition(" in ")[2]
    medians = format_medians(times)
    rows = []
    for shock, first, second in leads[PAIR].drop_duplicates().itertuples(index=False):
        pair = leads[(leads["prior_sd"] == shock) & (leads["second"] == second)]
        spans = {
            says: describe_leads(pair[pair["metric"] == metric], first, second)
            for metric, says in BY_PERIOD.items()
        }
        learnt = " : ".join(medians.get((shock, maker), "nan") for maker in (first, second))
        gains = paired[(paired["prior_sd"] == shock) & (paired["second"] == second)]
        row = format_estimates(gains, ("traders_gain", "surplus")).iloc[0]
        rows.append(
            dict(zip(PAIR, (shock, first, second), strict=True))
            | spans
            | {"median periods to learn": learnt}
            | {name: row[name] for name in ("traders_gain", "surplus")}
        )
    return pd.DataFrame(rows)


def format_medians(times: pd.DataFrame) -> dict[tuple[float, str], str]:
    """Return each maker's median learning time at each shock, with the ends of its interval."""
    rows: Any = times.itertuples(index=False)
    return {
        (row.prior_sd, row.makers): f"{row.median:g} "
        + ("(no interval)" if isnan(row.low) else f"({row.low:g} to {row.high:g})")
        for row in rows
    }
