"""Makers that learn by trial: whether they reach the competitive spread, or a monopolist's.

As in Colliard, Foucault and Lovo (2022) every period is a new shock: the value is drawn anew from
the makers' common belief, so that nothing learnt about one value bears on the next. Makers only
learn which depth pays. The index of Calvano, Calzolari, Denicolo and Pastorello (2020) is their
joint profit in units of the monopolist's: 0 is the zero-profit maker's, 1 the myopic one's.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from typer import Option

from abm.bellman.stage import stage
from abm.exchange.tape import MOST_PERIODS
from abm.experiment import Simulation, grid
from abm.experiment.points import Point
from abm.makers.q_learning import QLearning
from abm.numerics.checks import positive_number, require_whole
from abm.one_period.depths import myopic_depth, zero_profit_depth
from abm.participants.transparency import MarketView
from analysis import Run, facets, metrics
from analysis.results import estimate_metrics, format_estimates, records, with_point_parameters
from scenarios._common import options as option
from scenarios._common.options import parse_numbers, split_commas
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_panels
from scenarios._common.terminal import say, show_table

DEPTHS = tuple(round(0.05 * number, 2) for number in range(1, 31))
FADING = 8.0  # in the last period, exploration is exp(-FADING) as frequent as in the first
LATE = 10  # the last 1 / LATE of the periods is measured
MOST_LEARNERS = 100
KEYS = ["prior_sd", "learners"]
METRICS = ("index", "profit", "inside_spread")


class Learner(QLearning):
    """Learns what a depth earns; her belief returns to the prior, for values are redrawn."""

    name = "learner"

    def observe(self, view: MarketView) -> None:
        """Learn from the period, and return to the prior."""
        prior = self.belief
        super().observe(view)
        self.belief = prior


@dataclass(frozen=True, kw_only=True)
class LearningMakers(Study):
    """Let makers learn which depth pays, and measure how competitive they become."""

    learners: Annotated[str, Option(help="Numbers of makers, separated by commas.")] = "1,2,4"
    prior_sd: option.Shocks = "0.5,1"
    learning_rate: Annotated[
        float, Option(help="Weight of a new observation, above 0 and at most 1.")
    ] = 0.01
    replications: option.Replications = 500
    periods: option.Periods = 20_000

    def list_points(self) -> list[Point]:
        """Return each number of learners at each shock."""
        shocks = require_paying_depth(parse_numbers("prior_sd", self.prior_sd))
        return grid(prior_sd=shocks, learners=parse_counts(self.learners))

    def make_simulation(self) -> Simulation:
        """Return a simulation of learners whose exploration fades, which counts late periods."""
        require_whole("periods", self.periods, LATE, MOST_PERIODS)
        learning = partial(
            gather_learners, learning_rate=self.learning_rate, decay=FADING / self.periods
        )
        burn_in = self.periods - self.periods // LATE
        return Simulation(self.discount, burn_in=burn_in, exchange_of=learning)

    def make_tables(self, log: Run) -> Tables:
        table = measure_outcomes(log)
        return {
            "results": estimate_metrics(table, METRICS, KEYS),
            "benchmarks": compute_benchmarks(sorted(table["prior_sd"].unique())),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        return {
            "spread": draw_spread(log, tables["benchmarks"]),
            "index": draw_index(tables["results"], tables["benchmarks"]),
        }

    def show(self, tables: Tables) -> None:
        late = self.periods // LATE
        say(f"The last {late} of {self.periods} periods, with 95 % confidence intervals:")
        show_table(format_estimates(tables["results"], METRICS))
        say("If all quoted one depth (tick: the tightest profitable depth that they choose from):")
        show_table(tables["benchmarks"].round(4))


def gather_learners(
    point: Point,
    discount: float,  # noqa: ARG001, learners look no further than the period
    *,
    learning_rate: float,
    decay: float,
) -> Point:
    """Return the exchange of so many learners after a shock of this size in every period."""
    learner = partial(Learner, learning_rate=learning_rate, decay=decay, depths=DEPTHS)
    makers = [learner] * point["learners"]
    return {"makers": makers, "prior_sd": point["prior_sd"], "value": "redrawn"}


def parse_counts(learners: str) -> list[int]:
    """Return the numbers of makers of the option; ValueError if one is out of range."""
    try:
        return [
            require_whole("learners", int(word), 1, MOST_LEARNERS)
            for word in split_commas(learners)
        ]
    except ValueError:
        raise ValueError(
            f"learners is {learners!r}, but must be whole numbers from 1 to {MOST_LEARNERS}: "
            f"give as 1,2,4"
        ) from None


def require_paying_depth(shocks: list[float]) -> list[float]:
    """Return the shocks; ValueError if one is so large that no depth is profitable."""
    for shock in shocks:
        positive_number("prior_sd", shock)
        if zero_profit_depth(shock) >= DEPTHS[-1]:
            raise ValueError(
                f"prior_sd is {shock}, where none of the depths that makers choose from is "
                f"profitable: give a smaller shock"
            )
    return shocks


def measure_outcomes(log: Run) -> pd.DataFrame:
    """Return one row a market: joint profit and inside spread a late period, and the index."""
    periods = log.parameters["periods"] // LATE
    table = records(log, KEYS)
    markets = table.groupby([*KEYS, "replication"])
    outcomes = markets.agg(profit=("profit", "sum"), inside_spread=("inside_spread", "first"))
    outcomes = outcomes.reset_index().assign(profit=lambda rows: rows["profit"] / periods)
    most = outcomes["prior_sd"].map(lambda rho: compute_profit(rho, float(myopic_depth(rho))))
    return outcomes.assign(index=outcomes["profit"] / most)


def compute_profit(rho: float, depth: float) -> float:
    """Return the expected profit of a period at a depth (noise_sd is 1)."""
    return float(stage(np.asarray(rho), np.asarray(depth)).profit)


def compute_benchmarks(shocks: list[float]) -> pd.DataFrame:
    """Return index, profit and spread if all quote one depth: zero-profit, tick or myopic."""
    rows = []
    for rho in shocks:
        competitive, monopoly = float(zero_profit_depth(rho)), float(myopic_depth(rho))
        tick = min(depth for depth in DEPTHS if depth > competitive)
        for name, depth in (("zero-profit", competitive), ("tick", tick), ("myopic", monopoly)):
            profit = compute_profit(rho, depth)
            spread = 2 * depth * np.hypot(1.0, rho)
            rows.append((rho, name, profit / compute_profit(rho, monopoly), profit, spread))
    return pd.DataFrame(rows, columns=["prior_sd", "benchmark", *METRICS])


def draw_spread(log: Run, benchmarks: pd.DataFrame) -> Figure:
    """Return the inside spread by period, with benchmarks."""
    summary = with_point_parameters(log.table("summary"), log, KEYS)
    spread = metrics.by_period(summary[summary["maker"].isna()], "spread", KEYS)
    learning = spread.assign(maker=spread["learners"].map("{} learning".format))
    ends = pd.DataFrame({"period": [0, spread["period"].max()]})
    levels = benchmarks[benchmarks["benchmark"] != "tick"].merge(ends, how="cross")
    levels = levels.rename(columns={"benchmark": "maker", "inside_spread": "mean"})
    lines = add_panels(pd.concat([learning, levels], ignore_index=True))
    return facets.by_period(lines, "inside spread (noise sd)", "panel", scale="log")


def draw_index(results: pd.DataFrame, benchmarks: pd.DataFrame) -> Figure:
    """Return the index by number of makers, with that of the tightest depth to choose from."""
    index = results[results["metric"] == "index"].assign(maker="learner")
    tick = benchmarks[benchmarks["benchmark"] == "tick"].merge(
        pd.DataFrame({"learners": index["learners"].unique()}), how="cross"
    )
    lines = add_panels(pd.concat([index, tick.assign(maker="tick", mean=tick["index"])]))
    return facets.by_parameter(lines, "collusion index", "learners", "panel")
