"""Any grid of makers, traders and terms: profit and liquidity at each point, and between makers.

Exchanges at all points face the same values and the same draws of traders, so makers are compared
market by market. Lists are separated by commas; makers, or types of traders, joined by "+" share an
exchange. Names may have arguments, as uninformed(share=0.3, reach=3).
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import pandas as pd
from typer import Option

from abm.experiment import Experiment, Simulation, Target, grid
from abm.experiment.experiment import BLOCK
from abm.experiment.points import Point
from abm.numerics.checks import positive_number
from abm.numerics.intervals import find_effective_se
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES
from analysis import Run
from analysis.results import ESTIMATE_COLUMNS, comparisons, format_estimates, results
from scenarios._common.choices import give_noise, parse_noises, parse_processes, parse_types
from scenarios._common.options import parse_numbers, parse_sds, split_commas
from scenarios._common.study import Study, Tables
from scenarios._common.terminal import say, show_table


@dataclass(frozen=True, kw_only=True)
class Sweep(Study):
    """Run a grid of makers, traders and terms."""

    makers: Annotated[
        str,
        Option(
            help="Names, module:Class (of the current folder, too) or policy:FILE, separated by "
            "commas; + joins those who compete."
        ),
    ] = "optimal,myopic,zero-profit"
    traders: Annotated[
        str,
        Option(
            help="Trader types, names or module:Class, with arguments as uninformed(share=0.3), "
            "separated by commas; + joins those who come to one market."
        ),
    ] = "noisy"
    noise: Annotated[
        str, Option(help="Of noisy traders: gaussian, or of scipy.stats as laplace(scale=0.7).")
    ] = "gaussian"
    prior_sd: Annotated[
        str,
        Option(
            help="Sds of the value after the shock, separated by commas; 1..8 is a range, of which "
            "each market has its own, drawn evenly in its logarithm."
        ),
    ] = "1,3,5"
    noise_sd: Annotated[
        str, Option(help="Sds of valuations about the value, separated by commas.")
    ] = "1"
    value: Annotated[
        str, Option(help="fixed, redrawn, or as jumps(sd=1, probability=0.05), or several.")
    ] = "fixed"
    transparency: Annotated[str, Option(help="public, own or public,own.")] = "public"
    block: Annotated[int, Option(help="Markets in a block, simulated at once.")] = BLOCK
    record: Annotated[str, Option(help="summary, or full to keep every period.")] = "summary"
    until_se: Annotated[
        float | None,
        Option(help="Add blocks to each point until the standard error is below this."),
    ] = None
    metric: Annotated[
        str | None, Option(help="The metric with that standard error; discounted_profit if none.")
    ] = None
    at_most: Annotated[
        int | None,
        Option(help="Most markets at a point, whatever the standard error; 1,000,000 if none."),
    ] = None

    def list_points(self) -> list[Point]:
        """Return the grid."""
        return grid(
            makers=parse_types(self.makers, MAKER_TYPES),
            traders=[
                give_noise(types, noise)
                for types in parse_types(self.traders, TRADER_TYPES)
                for noise in parse_noises(self.noise)
            ],
            prior_sd=parse_sds("prior_sd", self.prior_sd),
            noise_sd=parse_numbers("noise_sd", self.noise_sd),
            value=parse_processes(self.value),
            transparency=split_commas(self.transparency),
        )

    def make_simulation(self) -> Simulation:
        """Return a simulation recorded as asked."""
        return Simulation(self.discount, self.record)

    def make_experiment(self) -> Experiment:
        """Return the experiment, which goes on until a standard error if one is given."""
        return replace(super().make_experiment(), target=self.target)

    @property
    def target(self) -> Target | None:
        """When to stop adding blocks; ValueError if half of it is given, or it has no meaning."""
        more: dict[str, Any] = {"metric": self.metric, "at_most": self.at_most}
        given = {name: value for name, value in more.items() if value is not None}
        if self.until_se is None and given:
            raise ValueError(
                "metric and at_most have no effect without a target: give --until-se, or leave "
                "them out"
            )
        if self.until_se is None:
            return None
        return Target(positive_number("until_se", self.until_se), **given)

    def make_tables(self, log: Run) -> Tables:
        return {"results": results(log), "comparisons": comparisons(log)}

    def show(self, tables: Tables) -> None:
        say("Means with 95 % confidence intervals:")
        show_table(format_estimates(tables["results"]))
        if self.target:
            say(describe_precision(tables["results"], self.target))
        if len(tables["comparisons"]):
            say("Differences, market by market:")
            show_table(format_estimates(tables["comparisons"]))


def describe_precision(results: pd.DataFrame, target: Target) -> str:
    """Return a sentence: at how many points the standard error is below the target."""
    rows = results[results["metric"] == target.metric]
    point = [name for name in rows if name not in ("maker", "metric", *ESTIMATE_COLUMNS)]
    rows = rows.assign(error=find_effective_se(rows["se"], rows["count"]))
    errors = rows.groupby(point or "metric")["error"].max()
    below = int((errors <= target.se).sum())
    text = f"The s.e. of {target.metric} is below {target.se} at {below} of {len(errors)} points"
    return text if below == len(errors) else f"{text}: others have as many markets as --at-most"
