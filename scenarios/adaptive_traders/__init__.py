"""Does the paper's surprise survive traders who learn? Monopolist and competition before them.

The traders of Das and Magdon-Ismail (2008) go by what they see. Here they weigh the tape as well,
the paper's next step: by Bayes' rule at a weight of 1, with a need to trade of their own. All have
the same belief, so that its sd is still the only state; what one period is worth goes by rho_eff in
place of rho (`abm.market.adapted`). Every maker quotes alone, and faces the same values and
traders.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Annotated, Any

import pandas as pd
from typer import Option

from abm.exchange.tape import MOST_PERIODS
from abm.experiment import Experiment, Simulation, grid
from abm.experiment.points import Point
from abm.numerics.checks import require_whole
from abm.runs.folder import RunFolder
from abm.traders import AdaptiveTrader
from analysis import Run, facets
from analysis.results import (
    ESTIMATE_COLUMNS,
    comparisons,
    format_estimates,
    results,
    with_point_parameters,
)
from scenarios._common import options as option
from scenarios._common.options import parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_ends, estimate_first_spreads, tabulate_each
from scenarios._common.terminal import say, show_table
from scenarios.adaptive_traders.learning import MEASURED, NEEDS, estimate_learning, write_learning
from scenarios.adaptive_traders.theory import MAKERS, Theory

TYPE = ["weight", "need_sd"]  # what tells types of traders apart
POINT = [*TYPE, "prior_sd"]
KEYS = [*POINT, "makers"]
LEAST_NEED, MOST_NEED = 0.01, 100.0  # noise sds
MOST_WEIGHT = 0.9  # without a need
METRICS = ("first_spread", "frozen", "learnt", "pricing_error", "discounted_profit", "traders_gain",
           "surplus")  # fmt: skip
COMPARED = ("pricing_error", "traders_gain", "surplus")


@dataclass(frozen=True, kw_only=True)
class AdaptiveTraders(Study):
    """Compare the monopolist with competition where traders learn from the tape.

    Examples
    --------
    >>> AdaptiveTraders(weight="0,1", need_sd="0,1", prior_sd="3").make_experiment()
    Experiment(6 points in weight, need_sd, makers, 10000 markets, 100 periods, seed 0)
    """

    weight: Annotated[
        str, Option(help="What traders give the tape, from 0 to 1, separated by commas.")
    ] = "0,0.75,1"
    need_sd: Annotated[
        str, Option(help="Sds of their own needs to trade, in noise sds, separated by commas.")
    ] = "0,0.5,1,2"
    prior_sd: option.Shocks = "1,2,3,4,5"
    long_run: Annotated[
        int,
        Option(
            help="Traders over whom learning is followed, in markets of the paper's traders "
            "and of those who apply Bayes' rule with a need of 1."
        ),
    ] = 10_000

    def list_types(self) -> list[Point]:
        """Return weight and need of each type of trader, but for the one who would never trade."""
        weights, needs = (parse_numbers(name, getattr(self, name)) for name in TYPE)
        for need in needs:
            if need and not LEAST_NEED <= need <= MOST_NEED:
                raise ValueError(
                    f"need_sd is {need:g}, but must be 0 or from {LEAST_NEED:g} to {MOST_NEED:g}: "
                    f"give one in between"
                )
        for weight in weights:
            if MOST_WEIGHT < weight < 1 and min(needs) == 0:
                raise ValueError(
                    f"weight is {weight:g} where need_sd is 0, but who nearly believes what the "
                    f"public does, and has no reason of her own, hardly ever trades: give a need, "
                    f"or a weight of at most {MOST_WEIGHT:g}"
                )
        types = grid(weight=weights, need_sd=needs)
        return [one for one in types if one != {"weight": 1.0, "need_sd": 0.0}] or types

    def list_points(self) -> list[Point]:
        """Return each maker before each type of trader, at each shock."""
        require_whole("long_run", self.long_run, 1, MOST_PERIODS)
        markets = grid(prior_sd=parse_numbers("prior_sd", self.prior_sd), makers=MAKERS)
        return [kind | market for kind in self.list_types() for market in markets]

    def make_simulation(self) -> Simulation:
        """Return a simulation with the traders of each point."""
        return Simulation(self.discount, exchange_of=place_traders)

    def write_logs(self, folder: RunFolder, experiment: Experiment) -> None:
        """Write the summary of the points, and what makers believe in long markets."""
        experiment.summarise(folder)
        write_learning(folder, self.long_run, self.discount, self.seed)

    def make_tables(self, log: Run) -> Tables:
        shocks = parse_numbers("prior_sd", self.prior_sd)
        worth = self.tabulate(lambda theory: theory.tabulate_worth(shocks))
        effective = worth[[*POINT, "rho_eff"]]
        found = pd.concat([estimate_first_spreads(log, KEYS), estimate_results(log)])
        found = found.rename(columns={"makers": "maker"})
        gaps = with_point_parameters(comparisons(log), log, POINT)
        return {
            "bounds": self.tabulate(lambda theory: theory.tabulate_bounds(self.periods)),
            "spreads": self.tabulate(Theory.tabulate_spreads),
            "worth": worth,
            "results": effective.merge(found, on=POINT),
            "comparisons": effective.merge(gaps, on=POINT),
            "learning": estimate_learning(log),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        bounds, spreads, gaps = (
            name_types(tables[name]) for name in ("bounds", "spreads", "comparisons")
        )
        surplus = gaps[gaps["metric"] == "surplus"].assign(maker=gaps["weights"])
        learning = tables["learning"].query("metric == 'variance'")
        variance = name_types(learning.assign(need_sd=learning["weight"].map(NEEDS)))
        return {
            "map": facets.by_parameter(
                add_ends(bounds.dropna().assign(maker=bounds["bound"]), "prior_sd"),
                "past a shock of (noise sd)", "need_sd", "weights",
            ),
            "spread": facets.by_parameter(
                add_ends(spreads.assign(maker=spreads["needs"]), "ratio"),
                "optimal / zero-profit spread", "rho_eff", "weights", scale="log",
            ),
            "surplus": facets.by_parameter(
                surplus, "surplus less competition's (noise sd)", "rho_eff", "needs"
            ),
            "learning": facets.by_parameter(
                variance, "variance of belief (noise sd squared)", "traders", "weights",
                scale="log-log",
            ),
        }  # fmt: skip

    def show(self, tables: Tables) -> None:
        say(
            "Shocks past which the monopolist is the tighter one, and past which half of the "
            "markets see no trade; in brackets their rho_eff (computed):"
        )
        show_table(describe_bounds(tables["bounds"]))
        say("Means over all periods, with 95 % confidence intervals (frozen, learnt: fractions):")
        show_table(format_estimates(tables["results"], METRICS))
        say("The monopolist less competition, market by market:")
        show_table(format_estimates(tables["comparisons"], COMPARED))
        learning = tables["learning"]
        last = learning["traders"] == learning["traders"].max()
        say(
            "Variance of the belief in long markets; its constant by the law that it tends to, and "
            "its rate over the last tenfold of traders:"
        )
        show_table(format_estimates(learning[last], MEASURED))
        say("worth.csv has W and its parts, spreads.csv the spreads by rho_eff")

    def tabulate(self, make: Callable[[Theory], pd.DataFrame]) -> pd.DataFrame:
        """Return a table of each type of trader, in one with columns weight and need_sd."""
        largest = max(parse_numbers("prior_sd", self.prior_sd))
        return tabulate_each(
            self.list_types(),
            lambda kind: make(Theory(**kind, discount=self.discount, largest=largest)),
        )


def make_traders(weight: float, need_sd: float) -> Any:
    """Return a type of trader."""
    return partial(AdaptiveTrader, weight=weight, need_sd=need_sd)


def place_traders(point: Point, discount: float) -> Point:  # noqa: ARG001, as `use_point`
    """Return the arguments of a point's exchange."""
    terms = {name: value for name, value in point.items() if name not in TYPE}
    return terms | {"traders": make_traders(*(point[name] for name in TYPE))}


def estimate_results(log: Run) -> pd.DataFrame:
    """Return the estimates of METRICS but the first spread, by point and maker."""
    found = with_point_parameters(results(log), log, KEYS)
    return found.loc[found["metric"].isin(METRICS), [*KEYS, "metric", *ESTIMATE_COLUMNS]]


def name_types(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with columns `weights` and `needs`: those of traders as text."""
    return table.assign(
        weights=table["weight"].map("weight {:g}".format),
        needs=table["need_sd"].map("need {:g}".format),
    )


def describe_bounds(bounds: pd.DataFrame) -> pd.DataFrame:
    """Return a row a type of trader with its bounds, and their rho_eff in brackets."""
    cells = [
        "none" if isnan(shock) else f"{shock:.4f} ({rho:.4f})"
        for shock, rho in zip(bounds["prior_sd"], bounds["rho_eff"], strict=True)
    ]
    wide = bounds.assign(cell=cells).pivot(index=TYPE, columns="bound", values="cell")
    return wide[bounds["bound"].unique()].reset_index().rename_axis(columns=None)
