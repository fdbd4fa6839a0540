"""Learners in a market whose optimum is known: how much of it they earn, and what they learn.

Every maker quotes alone, in the same markets as the optimal one, so that shares of her profit are
paired. Learners see log rho, inventory and time, and act by a depth (`abm.environments`); they
differ in how their rewards are marked. Then two learn in one market: their joint profit, in units
of the optimal monopolist's, is the collusion index of Calvano, Calzolari, Denicolo and Pastorello
(2020), for competition earns nothing. Whether they have come to rest is tried by a
reply: the first goes on to learn, near what she has learnt, against the second as it then is.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure
from typer import Option

from abm.bellman import solve
from abm.environments.setting import MARKS
from abm.experiment import Simulation
from abm.experiment.points import Point
from abm.numerics.checks import positive_number, require_one_of, require_whole
from analysis import Run, facets
from analysis.results import (
    estimate_metrics,
    format_estimates,
    records,
    with_point_parameters,
)
from analysis.shares import ratio
from scenarios._common import options as option
from scenarios._common.options import split_commas
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_ends
from scenarios._common.terminal import say, show_table
from scenarios.reinforcement.learners import (
    CROSS_ENTROPY,
    MARKED,
    PPO,
    REPLY,
    RHO,
    TWO,
    keep_learnt,
    place_makers,
)
from scenarios.reinforcement.ppo import IS_INSTALLED

OPTIMAL = "optimal"
OTHERS = ("myopic", "zero-profit", "random")
KEYS = ["policy", "mark", "seed"]
METRICS = ("share", "discounted_profit")
REPLIES = ("profit", "of_reply", "gain")
FIRST = "policy"  # the label of the first of two
NONE = "none"  # the mark of who does not learn
MOST_SEEDS = 100


@dataclass(frozen=True, kw_only=True)
class Reinforcement(Study):
    """Let makers learn where the optimum is known, and measure which share of it they earn.

    Examples
    --------
    >>> Reinforcement(seeds=2).list_points()[-1]
    {'policy': 'reply', 'mark': 'belief', 'seed': 2}
    """

    prior_sd: Annotated[float, Option(help="Sd of the value after the shock.")] = 3.0
    marks: Annotated[
        str, Option(help="How rewards are marked: expected, belief and value, or some of them.")
    ] = "expected,belief,value"
    seeds: Annotated[int, Option(help="Learners of each kind, each with a seed of its own.")] = 3
    iterations: Annotated[int, Option(help="Of the cross-entropy method.")] = 60
    ppo_steps: Annotated[
        int, Option(help="Periods that PPO learns, where Stable-Baselines3 is installed.")
    ] = 1_500_000
    replications: option.Replications = 20_000

    @property
    def block(self) -> int:
        """Replications that are simulated at once: all, for each block learns its policy anew."""
        return max(self.replications, 1)

    def list_points(self) -> list[Point]:
        """Return each maker, and each learner by how it is marked and by its seed."""
        marks = [require_one_of("marks", mark, MARKS) for mark in split_commas(self.marks)]
        seeds = range(1, 1 + require_whole("seeds", self.seeds, 1, MOST_SEEDS))
        kinds = [(CROSS_ENTROPY, mark) for mark in marks]
        if IS_INSTALLED:
            kinds += [(PPO, mark) for mark in marks]
        kinds += [(TWO, MARKED), (REPLY, MARKED)]
        return [
            *({"policy": maker, "mark": NONE, "seed": 0} for maker in (OPTIMAL, *OTHERS)),
            *({"policy": kind, "mark": mark, "seed": seed} for kind, mark in kinds
              for seed in seeds),
        ]  # fmt: skip

    def make_simulation(self) -> Simulation:
        """Return a simulation that learns, and keeps how."""
        place = partial(
            place_makers,
            prior_sd=positive_number("prior_sd", self.prior_sd),
            iterations=require_whole("iterations", self.iterations, 1, 10_000),
            steps=require_whole("ppo_steps", self.ppo_steps, 1, 10**9),
        )
        return Simulation(self.discount, exchange_of=place, keep=keep_learnt)

    def make_tables(self, log: Run) -> Tables:
        learnt, learning = (
            with_point_parameters(log.blocks(name), log, KEYS) for name in ("learnt", "learning")
        )
        markets = records(log, KEYS)
        return {
            "results": estimate_metrics(measure_shares(markets), METRICS, KEYS),
            "replies": estimate_replies(markets),
            "learnt": learnt.assign(optimal=learnt["rho"].map(self.find_optimal())),
            "learning": learning,
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        return {
            "half-spread": self.draw_half_spreads(tables["learnt"]),
            "learning": draw_learning(tables["learning"]),
        }

    def show(self, tables: Tables) -> None:
        say("Profit as a share of the optimal maker's, in the same markets, with 95 % intervals:")
        show_table(format_estimates(tables["results"].query("policy != @TWO"), METRICS))
        say("Two learners in one market; the share of both together is their collusion index:")
        show_table(format_estimates(tables["results"].query("policy == @TWO"), METRICS))
        say("What the first earns, and what the reply found to the second earns in her place:")
        show_table(format_estimates(tables["replies"], REPLIES))
        if not IS_INSTALLED:
            say("PPO is not among them: pip install stable-baselines3, and it is")

    def find_optimal(self) -> dict[float, float]:
        """Return the optimal half-spread by rho, in units of the noise sd."""
        return dict(zip(RHO, solve(self.discount).half_spread(RHO), strict=True))

    def draw_half_spreads(self, learnt: pd.DataFrame) -> Figure:
        """Return half-spreads by rho, of learners who are alone and of the optimal maker."""
        alone = learnt[~learnt["policy"].isin([TWO, REPLY])]
        panels = alone["policy"] + ", mark " + alone["mark"]
        lines = alone.assign(panel=panels, maker="seed " + alone["seed"].astype(str))
        best = lines.drop_duplicates(["panel", "rho"]).assign(
            maker=OPTIMAL, half_spread=lambda rows: rows["optimal"]
        )
        return facets.by_parameter(
            add_ends(pd.concat([best, lines]), "half_spread"), "half-spread (noise sd)", "rho",
            "panel", scale="log-log",
        )  # fmt: skip


def measure_shares(markets: pd.DataFrame) -> pd.DataFrame:
    """Return a row a market and point: joint profit, and its share of the optimal maker's."""
    table = markets[markets["policy"] != REPLY]
    joint = table.groupby([*KEYS, "replication"], sort=False, observed=True)["discounted_profit"]
    total = joint.sum().reset_index()
    optimal = total[total["policy"] == OPTIMAL].set_index("replication")["discounted_profit"]
    total = total.join(optimal.rename("optimum"), on="replication")
    return total.assign(share=ratio(total, "discounted_profit", "optimum", KEYS))


def estimate_replies(markets: pd.DataFrame) -> pd.DataFrame:
    """Return by seed what the first of two earns, what her reply does, and the difference."""
    first = markets[markets["maker"] == FIRST].set_index(["seed", "replication"])
    profit = {
        name: first.loc[first["policy"] == policy, "discounted_profit"]
        for name, policy in (("profit", TWO), ("of_reply", REPLY))
    }
    both = pd.DataFrame(profit).assign(gain=profit["of_reply"] - profit["profit"])
    return estimate_metrics(both.dropna().reset_index(), REPLIES, ["seed"])


def draw_learning(learning: pd.DataFrame) -> Figure:
    """Return the mean reward by iteration, of each learner."""
    panels = learning["policy"] + ", mark " + learning["mark"]
    lines = learning.assign(panel=panels, maker="seed " + learning["seed"].astype(str))
    joint = lines.groupby(["panel", "maker", "iteration"], sort=False)["reward"].sum()
    return facets.by_parameter(
        add_ends(joint.reset_index(), "reward"), "reward (noise sd)", "iteration", "panel"
    )
