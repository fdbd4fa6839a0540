"""A value that jumps: where liquidity settles, when a market dies, and what one jump does.

The value jumps now and then, by N(0, jump_sd^2) with a probability in every period, and nobody is
told. Competition and the monopolist know how often and how far, and quote alone on Gaussian beliefs
before the same values and traders. In other markets one jump comes for all at once, announced or
not, and a zero-profit maker on exact beliefs is beside them.
"""

from dataclasses import dataclass
from typing import Annotated

import pandas as pd
from typer import Option

from abm.exchange.model import MOST_REPLICATIONS
from abm.exchange.tape import MOST_PERIODS
from abm.experiment import Experiment, Simulation, grid
from abm.experiment.points import Point
from abm.market.values import Jumps as JumpsOfValue
from abm.numerics.checks import require_whole
from abm.runs.folder import RunFolder
from analysis import Run, facets
from analysis.results import format_estimates, results, with_point_parameters
from scenarios._common import options as option
from scenarios._common.options import parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import tabulate_each
from scenarios._common.terminal import say, show_table
from scenarios.jumps.drift import tabulate_bounds
from scenarios.jumps.shock import estimate_regimes, estimate_shock, write_shock

MAKERS = ["optimal", "zero-profit"]
JUMPS = ["jump_sd", "probability"]
POINT = [*JUMPS, "prior_sd"]
LEAST_PERIODS = 12  # so that some are before and some after one jump
METRICS = ("inside_spread", "pricing_error", "no_trade", "frozen", "profit")


@dataclass(frozen=True, kw_only=True)
class Jumps(Study):
    """Measure markets in which the value jumps, once they have settled.

    Examples
    --------
    >>> Jumps(jump_sd="1", probability="0.05", prior_sd="1").make_experiment()
    Experiment(2 points in makers, 10000 markets, 300 periods, seed 0)
    """

    jump_sd: Annotated[str, Option(help="Sds of jumps, in noise sds, separated by commas.")] = "1,3"
    probability: Annotated[
        str, Option(help="Of a jump in a period, from 0 to 1, separated by commas.")
    ] = "0.01,0.05,0.2"
    prior_sd: option.Shocks = "1,3"
    shock_markets: Annotated[
        int,
        Option(
            help="Markets in which one jump, of 3 noise sds, is followed over a third of periods."
        ),
    ] = 100
    periods: option.Periods = 300

    def list_jumps(self) -> list[Point]:
        """Return how far and how often the value jumps."""
        return grid(**{name: parse_numbers(name, getattr(self, name)) for name in JUMPS})

    def list_points(self) -> list[Point]:
        """Return each maker with each jumps, after each shock."""
        require_whole("periods", self.periods, LEAST_PERIODS, MOST_PERIODS)
        require_whole("shock_markets", self.shock_markets, 2, MOST_REPLICATIONS)
        rest = grid(prior_sd=parse_numbers("prior_sd", self.prior_sd), makers=MAKERS)
        return [jumps | market for jumps in self.list_jumps() for market in rest]

    def make_simulation(self) -> Simulation:
        """Return a simulation of which the last third counts."""
        return Simulation(self.discount, burn_in=self.periods * 2 // 3, exchange_of=place_jumps)

    def write_logs(self, folder: RunFolder, experiment: Experiment) -> None:
        """Write the summary of the points, and the logs of markets with one jump."""
        experiment.summarise(folder)
        write_shock(folder, self.shock_markets, self.periods // 3, self.discount, self.seed)

    def make_tables(self, log: Run) -> Tables:
        found = with_point_parameters(results(log), log, POINT)
        bounds = tabulate_each(
            self.list_jumps(), lambda jumps: tabulate_bounds(jumps, self.discount)
        )
        return {
            "results": found.sort_values(POINT, kind="stable"),
            "bounds": bounds,
            "shock": estimate_shock(log),
            "regimes": estimate_regimes(log),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        found = name_panels(tables["results"])
        by_metric = dict(list(found.groupby("metric", sort=False)))
        shock = dict(list(tables["shock"].groupby("metric", sort=False)))
        return {
            "spread": facets.by_parameter(
                by_metric["inside_spread"], "spread (noise sd)", "probability", "panel", scale="log"
            ),
            "shock-spread": facets.by_period(
                shock["spread"], "spread (noise sd)", "told", scale="log"
            ),
            "shock-error": facets.by_period(
                shock["belief_error"], "|mean of belief - value| (noise sd)", "told", scale="log"
            ),
        }

    def show(self, tables: Tables) -> None:
        say(
            "The last third of periods, with 95 % confidence intervals (profit: a sum; frozen: "
            "markets without a trade in it):"
        )
        show_table(format_estimates(tables["results"], METRICS))
        say(
            "Rho at which uncertainty settles with the spread there (nan: nowhere), and past which "
            "it grows for ever (nan: from anywhere; inf: none found; computed):"
        )
        show_table(tables["bounds"].round(6))
        say("Spreads before and after one jump, and by how much wider they are after:")
        show_table(format_estimates(tables["regimes"], ("before", "after", "late", "widening")))


def place_jumps(point: Point, discount: float) -> Point:  # noqa: ARG001, as `use_point`
    """Return the arguments of a point's exchange."""
    process = JumpsOfValue(point["jump_sd"], probability=point["probability"])
    return {"makers": point["makers"], "prior_sd": point["prior_sd"], "value": process}


def name_panels(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a column `panel` that names the sd of jumps, and the shock."""
    jumps, shocks = (table[name].map("{:g}".format) for name in ("jump_sd", "prior_sd"))
    return table.assign(panel="jumps of " + jumps + ", σ = " + shocks + " at first")
