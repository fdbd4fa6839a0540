"""Makers that learn by trial: do they come to the competitive spread, or to a monopolist's.

As in Colliard, Foucault and Lovo (2022) every period is a new shock: the value is drawn anew from
what all believe of it, and nothing that is learnt about one value tells of the next. Makers only
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

from abm.bellman.problem import stage
from abm.exchange.model import MOST_PERIODS
from abm.experiment import Experiment, grid
from abm.experiment.experiment import Markets
from abm.experiment.points import Point
from abm.makers.q_learning import QLearning
from abm.numerics.checks import positive_number, whole
from abm.one_period.depths import myopic_depth, zero_profit_depth
from abm.participants.transparency import MarketView
from abm.runs.folder import RunFolder
from analysis import Run, facets, metrics
from analysis.results import estimate_metrics, format_estimates, records, with_point_parameters
from scenarios._common.study import (
    How,
    Out,
    Periods,
    Replications,
    Resume,
    Seed,
    Shocks,
    Verify,
    Workers,
    by_shock,
    carried_out,
    numbers,
    words,
    write_figures,
    write_tables,
)
from scenarios._common.terminal import say, say_where, show_table

DEPTHS = tuple(round(0.05 * step, 2) for step in range(1, 31))
FADING = 8.0  # by the last period, experiments are exp(-FADING) as frequent as in the first
LATE = 10  # one period in so many is measured, the last ones
MOST_LEARNERS = 100
KEYS = ["prior_sd", "learners"]
METRICS = ("index", "profit", "inside_spread")
WORDS = ["metric", "benchmark"]


class Learner(QLearning):
    """Learns what a depth earns, and forgets the value: the next period has another."""

    name = "learner"

    def observe(self, view: MarketView) -> None:
        """Learn from the period, and return to the prior."""
        prior = self.belief
        super().observe(view)
        self.belief = prior


@dataclass(frozen=True)
class LearningMarkets(Markets):
    """Simulates points that give a number of learners and the size of the shocks."""

    learning_rate: float = 0.01
    decay: float = 0.0

    def terms(self, point: Point) -> Point:
        """Return the parameters of the exchange that a point stands for."""
        learner = partial(
            Learner, learning_rate=self.learning_rate, decay=self.decay, depths=DEPTHS
        )
        makers = [learner] * point["learners"]
        return {"makers": makers, "prior_sd": point["prior_sd"], "world": "gaussian"}


def run(
    learners: Annotated[str, Option(help="How many makers, with commas.")] = "1,2,4",
    prior_sd: Shocks = "0.5,1",
    learning_rate: Annotated[float, Option(help="Above 0, at most 1.")] = 0.01,
    replications: Replications = 500,
    periods: Periods = 20_000,
    seed: Seed = 0,
    out: Out = "runs/learning-makers",
    workers: Workers = "1",
    resume: Resume = False,
    verify: Verify = False,
) -> None:
    """Let makers learn which depth pays, and measure how competitive they become."""
    whole("periods", periods, LATE, MOST_PERIODS)
    markets = LearningMarkets(
        burn_in=periods - periods // LATE, learning_rate=learning_rate, decay=FADING / periods
    )
    experiment = Experiment(
        grid(prior_sd=payable(numbers("prior_sd", prior_sd)), learners=counted(learners)), markets,
        replications=replications, periods=periods, seed=seed,
    )  # fmt: skip
    parameters = {
        "learners": learners, "prior_sd": prior_sd, "learning_rate": learning_rate,
        "replications": replications, "periods": periods, "seed": seed,
    }  # fmt: skip
    log = carried_out(
        "learning-makers", experiment, parameters, How(out, workers, resume, verify), write
    )
    say(f"The last {periods // LATE} of {periods} periods, with 95 % confidence intervals:")
    show_table(format_estimates(log.csv("results.csv", WORDS), METRICS))
    say(
        "What a single price would bring (tick: the tightest depth that they can choose at a gain):"
    )
    show_table(log.csv("benchmarks.csv", WORDS).round(4))
    say_where(out)


def counted(learners: str) -> list[int]:
    """Return the numbers of makers between the commas of the option."""
    try:
        return [whole("learners", int(word), 1, MOST_LEARNERS) for word in words(learners)]
    except ValueError:
        raise ValueError(
            f"learners is {learners!r}, but must be whole numbers from 1 to {MOST_LEARNERS}: "
            f"give as 1,2,4"
        ) from None


def payable(shocks: list[float]) -> list[float]:
    """Return the shocks, or raise ValueError if one is so large that no depth pays."""
    for shock in shocks:
        positive_number("prior_sd", shock)
        if zero_profit_depth(shock) >= DEPTHS[-1]:
            raise ValueError(
                f"prior_sd is {shock}, at which none of the depths that makers choose from pays: "
                f"give a smaller shock"
            )
    return shocks


def write(folder: RunFolder, log: Run) -> None:
    """Write indices and benchmarks, and draw."""
    table = outcomes(log)
    found = estimate_metrics(table, METRICS, KEYS)
    known = benchmarks(sorted(table["prior_sd"].unique()))
    write_tables(folder, {"results": found, "benchmarks": known})
    write_figures(folder, drawn(log, found, known))


def outcomes(log: Run) -> pd.DataFrame:
    """Return one row a market: joint profit and inside spread a late period, and the index."""
    periods = log.parameters["periods"] // LATE
    table = records(log, KEYS)
    markets = table.groupby([*KEYS, "replication"])
    found = markets.agg(profit=("profit", "sum"), inside_spread=("inside_spread", "first"))
    found = found.reset_index().assign(profit=lambda rows: rows["profit"] / periods)
    most = found["prior_sd"].map(lambda rho: reward(rho, float(myopic_depth(rho))))
    return found.assign(index=found["profit"] / most)


def reward(rho: float, depth: float) -> float:
    """Return the expected profit of a period at a depth (noise_sd is 1)."""
    return float(stage(np.asarray(rho), np.asarray(depth)).reward)


def benchmarks(shocks: list[float]) -> pd.DataFrame:
    """Return index, profit and spread if all quoted one depth: zero-profit, tick or myopic."""
    rows = []
    for rho in shocks:
        competitive, monopoly = float(zero_profit_depth(rho)), float(myopic_depth(rho))
        tick = min(depth for depth in DEPTHS if depth > competitive)
        for name, depth in (("zero-profit", competitive), ("tick", tick), ("myopic", monopoly)):
            profit = reward(rho, depth)
            spread = 2 * depth * np.hypot(1.0, rho)
            rows.append((rho, name, profit / reward(rho, monopoly), profit, spread))
    return pd.DataFrame(rows, columns=["prior_sd", "benchmark", *METRICS])


def drawn(log: Run, found: pd.DataFrame, known: pd.DataFrame) -> dict[str, Figure]:
    """Return the inside spread over time beside the benchmarks, and the index by number."""
    summary = with_point_parameters(log.table("summary"), log, KEYS)
    spread = metrics.by_period(summary[summary["maker"].isna()], "spread", KEYS)
    learning = spread.assign(maker=spread["learners"].map("{} learning".format))
    ends = pd.DataFrame({"period": [0, spread["period"].max()]})
    levels = known[known["benchmark"] != "tick"].merge(ends, how="cross")
    levels = levels.rename(columns={"benchmark": "maker", "inside_spread": "mean"}).assign(se=0.0)
    lines = pd.concat([learning, levels], ignore_index=True)
    index = found[found["metric"] == "index"].assign(maker="learner")
    tick = known[known["benchmark"] == "tick"].merge(
        pd.DataFrame({"learners": index["learners"].unique()}), how="cross"
    )
    tick = tick.assign(maker="tick", mean=tick["index"], se=0.0)
    return {
        "spread": facets.by_period(
            by_shock(lines), "inside spread (noise sd)", "panel", scale="log"
        ),
        "index": facets.by_parameter(
            by_shock(pd.concat([index, tick])), "collusion index", "learners", "panel"
        ),
    }
