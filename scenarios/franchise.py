"""How long a monopoly does a shock need? A franchise of N periods, and competition after it.

A monopolist may lose money at first, to learn, and earn it back once she knows the value: so she
opens markets that competition leaves closed. Who is alone for N periods only maximises her profit
of these; then quotes earn nothing. Beside her stand competition from the start, the monopoly for
ever, and a planner who maximises the discounted gains from trade. Every maker quotes alone, and
faces the same values and traders.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import pandas as pd
from typer import Option

from abm.experiment import grid
from abm.experiment.points import Point
from abm.makers.franchise import Franchise as FranchiseMaker
from abm.makers.optimal import Optimal
from abm.makers.planner import Planner
from analysis import Run, facets
from analysis.best import find_best
from analysis.results import (
    ESTIMATE_COLUMNS,
    estimate_metrics,
    format_estimates,
    records,
)
from analysis.shares import ratio
from scenarios._common import options as option
from scenarios._common.options import parse_counts, parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_panels, estimate_spreads
from scenarios._common.terminal import say, show_table

COMPETITION, FOR_EVER, PLANNER = "competition", "for ever", "planner"
KEYS = ["prior_sd", "monopoly"]
METRICS = ("surplus", "gains", "of_planner", "traders_gain", "pricing_error", "belief_sd")
CRITERIA = {"surplus": False, "gains": False, "traders_gain": False, "pricing_error": True}
"""By what a length is the best, and whether less is better."""
ANY = "any"  # shock, each as likely as the others: what a regulator knows who does not see it


@dataclass(frozen=True, kw_only=True)
class Franchise(Study):
    """Measure what a monopoly of so many periods gives, and how long it should be.

    Examples
    --------
    >>> Franchise(lengths="5", prior_sd="3").make_experiment()
    Experiment(4 points in makers, 10000 markets, 100 periods, seed 0)
    """

    lengths: Annotated[str, Option(help="Periods that a monopoly lasts, separated by commas.")] = (
        "1,2,3,4,5,6,7,8,9,10,11,12,20"
    )
    prior_sd: option.Shocks = "1,2,2.5,3,4,5"

    def list_policies(self) -> dict[str, Any]:
        """Return each way to run a market, by its name: the maker that does."""
        lengths = sorted(set(parse_counts("lengths", self.lengths)))
        alone = {
            str(length): partial(FranchiseMaker, periods=length, discount=self.discount)
            for length in lengths
        }
        others = {
            FOR_EVER: partial(Optimal, discount=self.discount),
            PLANNER: partial(Planner, discount=self.discount),
        }
        return {COMPETITION: "zero-profit", **alone, **others}

    def list_points(self) -> list[Point]:
        """Return each policy at each shock."""
        shocks = parse_numbers("prior_sd", self.prior_sd)
        makers = list(self.list_policies().values())
        return grid(prior_sd=shocks, makers=makers)

    def make_tables(self, log: Run) -> Tables:
        markets = self.measure(log)
        results = estimate_metrics(markets, METRICS, KEYS)
        first = self.estimate_spreads(log).query("period == 0").assign(metric="first_spread")
        columns = [*KEYS, "metric", *ESTIMATE_COLUMNS]
        return {
            "results": pd.concat([first[columns], results[columns]], ignore_index=True),
            "best": find_best_lengths(markets),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        results, best = tables["results"], tables["best"]
        return {
            "gains": facets.by_parameter(
                make_lines(results, "gains"), "gains from trade (noise sd)", "length", "panel"
            ),
            "surplus": facets.by_parameter(
                make_lines(results, "surplus"), "perceived surplus (noise sd)", "length", "panel"
            ),
            "spread": facets.by_period(
                keep_best(self.estimate_spreads(log), best), "spread (noise sd)", "panel",
                scale="log",
            ),
        }  # fmt: skip

    def show(self, tables: Tables) -> None:
        say("Means over all periods (surplus, gains: sums), with 95 % confidence intervals:")
        show_table(format_estimates(tables["results"], ("first_spread", *METRICS)))
        say(
            "The length that is best by each measure, and in brackets those that may be "
            '(95 % confidence a cell); "any" is a shock that nobody sees, each as likely:'
        )
        show_table(describe_best(tables["best"]))

    def measure(self, log: Run) -> pd.DataFrame:
        """Return the totals of all markets, with columns monopoly, gains and of_planner."""
        table = self._name(records(log, ["prior_sd"]), log)
        table["gains"] = table["surplus"] + table["profit"]
        keys = ["prior_sd", "replication"]
        possible = table[table["monopoly"] == PLANNER].set_index(keys)["gains"]
        table = table.join(possible.rename("possible"), on=keys)
        return table.assign(of_planner=ratio(table, "gains", "possible", KEYS))

    def estimate_spreads(self, log: Run) -> pd.DataFrame:
        """Return the estimates of the spread by period, with columns prior_sd and monopoly."""
        return self._name(estimate_spreads(log, ["prior_sd", "makers"]), log)

    def _name(self, table: pd.DataFrame, log: Run) -> pd.DataFrame:
        """Return a table with a column monopoly, by the makers of its points."""
        policies = list(self.list_policies())
        makers = [point["makers"] for point in log.points]
        names = dict(zip(makers, policies * (len(makers) // len(policies)), strict=True))
        return table.assign(monopoly=table["makers"].map(names).astype(str))


def find_best_lengths(markets: pd.DataFrame) -> pd.DataFrame:
    """Return `find_best` of the lengths by each of CRITERIA, at each shock and at ANY of them."""
    markets = markets[markets["monopoly"] != PLANNER]
    names = ["replication", "monopoly"]
    mean = markets.groupby(names, sort=False)[list(CRITERIA)].mean().reset_index()
    both = pd.concat(
        [
            markets.assign(prior_sd=markets["prior_sd"].astype(str).str.removesuffix(".0")),
            mean.assign(prior_sd=ANY),
        ]
    )
    return pd.concat(
        find_best(both, metric, "monopoly", ["prior_sd"], least=least).assign(metric=metric)
        for metric, least in CRITERIA.items()
    )


def describe_best(best: pd.DataFrame) -> pd.DataFrame:
    """Return a row a shock with the best length by each measure, and those that may be."""
    cells = {
        key: f"{rows.loc[rows['best'], 'monopoly'].iloc[0]} "
        f"({', '.join(rows.loc[rows['candidate'], 'monopoly'])})"
        for key, rows in best.groupby(["prior_sd", "metric"], sort=False)
    }
    return pd.Series(cells).unstack()[list(CRITERIA)].rename_axis("prior_sd").reset_index()


def make_lines(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a metric by length: of franchises, and as level lines those that have no length."""
    table = results[results["metric"] == metric].drop(columns="metric")
    level = table["monopoly"].isin([FOR_EVER, PLANNER])
    ends = table[~level].replace({"monopoly": {COMPETITION: "0"}})
    franchises = ends.assign(length=ends["monopoly"].astype(int), maker="franchise of this length")
    levels = [
        table[level].assign(length=end, maker=table["monopoly"])
        for end in (0, franchises["length"].max())
    ]
    lines = pd.concat([franchises, *levels]).drop(columns="monopoly")
    return add_panels(lines.sort_values("length", kind="stable"))


def keep_best(spreads: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Return spreads without those of franchises but the best, by gains from trade, at a shock."""
    chosen = best[best["best"] & (best["metric"] == "gains") & (best["prior_sd"] != ANY)]
    lengths = dict(zip(chosen["prior_sd"].astype(float), chosen["monopoly"], strict=True))
    is_best = spreads["monopoly"] == spreads["prior_sd"].map(lengths)
    line = spreads["monopoly"].mask(is_best & spreads["monopoly"].str.isdigit(), "best franchise")
    kept = spreads.assign(maker=line)[~line.str.isdigit()]
    return add_panels(kept.drop(columns=["makers", "monopoly"]))
