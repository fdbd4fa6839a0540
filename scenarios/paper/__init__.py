"""Das and Magdon-Ismail (2008), reproduced: Fig. 1, 3a to 3c, 4a and 4b, Theorem 2.1, and the text.

Every maker quotes alone, in an exchange of her own, and faces the same values and traders as the
others. The logs hold every period at the size of shock SHOCK, and discounted profits at all sizes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from abm.bellman import solve
from abm.exchange.model import MOST_REPLICATIONS
from abm.experiment import Experiment, Simulation, grid
from abm.experiment.blocks import merge_summaries, read_table
from abm.experiment.points import Point, describe_points
from abm.experiment.simulation import RecordFirst
from abm.numerics.checks import require_whole
from abm.one_period.depths import myopic_depth, zero_profit_depth
from abm.runs.folder import RunFolder
from abm.runs.schema import EXCHANGE, MAKER, REPLICATION, SUMMARY, Column
from analysis import Run, figures, metrics
from analysis.claims import claims_table
from scenarios._common.study import Figures, Study, Tables
from scenarios.paper.beliefs import write_posteriors
from scenarios.paper.claims import add_realised, find_crossing, measure_claims
from scenarios.paper.essence import show_claims
from scenarios.paper.estimate import SHOCK
from scenarios.paper.text import write_adapted, write_learning
from scenarios.paper.theory import write_computed

SHOCKS = (0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0)
SOCIAL = (SHOCK, 4.0, 5.0)  # at which the traders' gain is compared with competition's
POINTS = [
    *grid(makers=["optimal"], value=["fixed", "redrawn"], prior_sd=SHOCKS),
    *grid(makers=["myopic"], value=["fixed"], prior_sd=SHOCKS),
    *grid(makers=["zero-profit"], value=["fixed"], prior_sd=SOCIAL),
]
IN_FULL = grid(makers=["optimal", "myopic", "zero-profit"], value=["fixed"], prior_sd=[SHOCK])

THEORY = (
    Column("prior_sd", "float64", "noise sd", "sd of the value after the shock"),
    Column("value", "float64", "noise sd", "the value function W there"),
)
POLICIES = (
    MAKER,
    Column("rho", "float64", "1", "information disadvantage"),
    Column("spread", "float64", "noise sd", "ask - bid there"),
)
TOTALS = (
    Column("process", "category", "", "fixed: the value stays; redrawn: from the belief"),
    Column("prior_sd", "float64", "price", "sd of the value after the shock"),
    REPLICATION,
    MAKER,
    Column("discounted_profit", "float64", "price", "sum of discount^period * profit"),
    Column("belief_sd", "float64", "price", "sd of the belief after the last trade"),
    Column("surplus", "float64", "price", "traders' gain by their own valuations"),
)


@dataclass(frozen=True, kw_only=True)
class Paper(Study):
    """Reproduce the figures and claims of Das and Magdon-Ismail (2008)."""

    def list_points(self) -> list[Point]:
        """Return the points of all figures; standard errors need two replications."""
        require_whole("replications", self.replications, 2, MOST_REPLICATIONS)
        return POINTS

    def make_simulation(self) -> Simulation:
        """Return a simulation whose first blocks are recorded in full where figures need it."""
        return Simulation(self.discount, RecordFirst(IN_FULL))

    def write_theory(self, folder: RunFolder) -> None:
        """Write theory, and what a few more markets show of beliefs and of other traders."""
        write_solution(folder, self.discount)
        write_computed(folder, self.discount)
        write_posteriors(folder, self.discount, self.seed, self.replications, self.periods)
        first = min(self.replications, self.block)
        write_learning(folder, self.seed, first, self.periods)
        write_adapted(folder, self.discount, self.seed, first, self.periods)

    def write_logs(self, folder: RunFolder, experiment: Experiment) -> None:
        """Write the logs of the points."""
        write_points(folder, experiment)

    def make_tables(self, log: Run) -> Tables:
        return {"claims": claims_table(measure_claims(log))}

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        summary = log.table("summary")
        of_makers = summary[summary["maker"].notna()]
        totals = add_realised(log)
        monopolists = totals[totals["maker"] != "zero-profit"]
        profits = metrics.estimates(monopolists, "realised", ["maker", "process", "prior_sd"])
        theory, policies = log.table("theory"), log.table("policies")
        theory = theory[theory["prior_sd"] >= min(SHOCKS)]
        market, makers = (
            log.table(table, exchange="optimal", replication=0) for table in ("market", "makers")
        )
        return {
            "fig-1-posteriors": figures.posteriors(log.table("posteriors")),
            "fig-3a-discounted-profit": figures.discounted_profit(profits, theory),
            "fig-3b-spread-by-rho": figures.spread_by_rho(policies, find_crossing(log)),
            "fig-3c-profit": figures.profit_by_period(metrics.by_period(of_makers, "profit")),
            "fig-4a-spread": figures.spread_by_period(metrics.by_period(of_makers, "spread")),
            "fig-4b-no-trade": figures.no_trade_by_period(metrics.by_period(summary, "no_trade")),
            "one-market": figures.one_market(market, makers),
        }

    def show(self, tables: Tables) -> None:
        show_claims(tables["claims"])


def write_points(folder: RunFolder, experiment: Experiment) -> None:
    """Write the totals of all points, the summary of those IN_FULL, and a view of their record."""
    recorded: dict[str, dict[str, str]] = {}
    schedule = experiment.make_schedule(folder)
    labels = describe_points(POINTS)
    for number, point in enumerate(POINTS):
        tasks = schedule.list_tasks(number)
        for task in tasks:
            totals = read_table(folder.store, task, "totals")
            folder.write("totals", totals.assign(**labels[number]), TOTALS)
        if point in IN_FULL:
            exchange = {EXCHANGE.name: point["makers"]}
            summary = merge_summaries(folder.store, tasks)
            folder.write("summary", summary.assign(**exchange), (EXCHANGE, *SUMMARY))
            recorded[tasks[0].name] = exchange
    for table in ("market", "makers"):
        folder.add_view(table, recorded)


def write_solution(folder: RunFolder, discount: float) -> None:
    """Write the value function by shock, and the spreads of the three makers by rho."""
    solution = solve(discount)
    shock = np.union1d(np.linspace(0.0, max(SHOCKS), 601), SHOCKS)
    rho = np.linspace(0.0, 5.0, 501)
    valuation_sd = np.sqrt(1 + rho * rho)
    spreads = {
        "optimal": 2 * solution.half_spread(rho),
        "myopic": 2 * myopic_depth(rho) * valuation_sd,
        "zero-profit": 2 * zero_profit_depth(rho) * valuation_sd,
    }
    theory = pd.DataFrame({"prior_sd": shock, "value": solution.value_function(shock)})
    folder.write("theory", theory, THEORY)
    for maker, spread in spreads.items():
        folder.write(
            "policies", pd.DataFrame({"maker": maker, "rho": rho, "spread": spread}), POLICIES
        )
