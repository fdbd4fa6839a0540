"""What the Gaussian approximation costs: every maker on it, and on the exact posterior.

Das and Magdon-Ismail (2008, section 2.2) call the exact posterior computationally prohibitive, and
its effect insignificant. Every maker quotes alone, once with each belief, and faces the same values
and traders. What exact beliefs gain her is estimated by expected instead of realised profits, which
have the same mean and less variance (see `accountant`). Beside the one with a Gaussian belief, an
onlooker measures its distance from the exact posterior.
"""

from dataclasses import dataclass
from inspect import signature

import pandas as pd

from abm.bellman import solve
from abm.bellman.solver import range_for
from abm.experiment import Simulation, grid
from abm.experiment.points import Point
from abm.makers.exact_optimal import ExactOptimal
from abm.numerics.intervals import CONFIDENCE
from abm.participants.registry import MAKER_TYPES
from analysis import Run, facets, metrics
from analysis.results import (
    ESTIMATE_COLUMNS,
    estimate_metrics,
    format_estimates,
    records,
    with_point_parameters,
)
from analysis.skewness import describe_skewed, skewness_of
from scenarios._common import options as option
from scenarios._common.freezing import describe_freezing
from scenarios._common.options import parse_makers, parse_numbers
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import add_panels
from scenarios._common.terminal import say, show_table
from scenarios.exact_vs_gaussian.onlooker import (
    DISTANCE_METRICS,
    SIGNALS,
    add_onlooker,
    keep_measures,
)

BELIEFS = ("gaussian", "exact")
KEYS = ["maker", "prior_sd"]
OF_A_POINT = ["makers", "prior_sd", "belief"]
LABELS = {
    "total_variation": "total variation",
    "mean_gap": "|difference of means| (sds)",
    "sd_gap": "|difference of sds| (sds)",
    "skewness": "|skewness| of the exact one",
}
PROFITS = {"discounted_profit": "difference", "expected_profit": "gain"}  # and their differences
SHOWN = ("W", *BELIEFS, "difference", "gain", "total_variation", "mean_gap", "sd_gap", "skewness")
COMPARED = 10  # signals, after which the table gives the distance of beliefs


@dataclass(frozen=True, kw_only=True)
class ExactVsGaussian(Study):
    """Measure what the Gaussian approximation of beliefs costs, and where it is inaccurate."""

    makers: option.Makers = "optimal,myopic,zero-profit"
    prior_sd: option.Shocks = "0.5,1,2,3,4,5,6,8"

    def list_points(self) -> list[Point]:
        """Return each maker on either belief, at each shock."""
        shocks = parse_numbers("prior_sd", self.prior_sd)
        return grid(makers=parse_believers(self.makers), prior_sd=shocks, belief=BELIEFS)

    def make_simulation(self) -> Simulation:
        """Return a simulation with an onlooker beside makers on Gaussian beliefs."""
        return Simulation(self.discount, exchange_of=add_onlooker, keep=keep_measures)

    def make_tables(self, log: Run) -> Tables:
        profits, distances = read_profits(log), estimate_distances(log)
        return {
            "results": estimate_results(profits, distances, tabulate_value(log)),
            "distances": distances,
            "skewness": measure_gain_skewness(profits),
            "frozen": estimate_frozen(profits),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        results, distances = tables["results"], tables["distances"]
        lines = results.assign(panel=results["maker"], maker=results["metric"])
        beliefs = lines[lines["metric"].isin(BELIEFS)]
        theory = lines[lines["metric"] == "W"].assign(maker="W, in theory")
        first = distances[distances["maker"] == distances["maker"].iloc[0]]
        gaps = add_panels(first).assign(maker=first["metric"].map(LABELS))
        return {
            "profit": facets.by_parameter(
                pd.concat([beliefs, theory]), "discounted profit (noise sd)", "prior_sd", "panel"
            ),
            "distance": facets.by_period(gaps, "distance of the Gaussian belief", "panel"),
        }

    def show(self, tables: Tables) -> None:
        table = tables["results"]
        say(
            f"Discounted profit in {self.periods} periods on either belief, and by how much more "
            f"it is on the exact one, with 95 % confidence intervals: as realised (difference) and "
            f"as expected given the quotes and sides before each trade (gain), which has the same "
            f"mean and less variance; W is the value function in the Gaussian world, for ever. "
            f"Then how far the Gaussian belief is from the exact one after "
            f"{count_signals(self.periods)} signals, on average:"
        )
        show_table(format_estimates(table, SHOWN))
        say("What makers gain from the exact belief, with intervals that hold 95 % jointly:")
        theory = (
            table[table["metric"] == "W"].set_index("prior_sd")["mean"].groupby(level=0).first()
        )
        for maker, rows in table[table["metric"] == "gain"].groupby("maker", sort=False):
            say(describe_gain(maker, rows, theory))
        if warning := describe_skewed(tables["skewness"]):
            say(warning)
        for maker, markets in tables["frozen"].groupby("maker", sort=False, observed=True):
            for belief in BELIEFS:
                rows = markets[markets["belief"] == belief]
                say(describe_freezing(maker, rows, self.periods, belief))


def count_signals(periods: int) -> int:
    """Return the number of signals after which the table compares beliefs."""
    return max(seen for seen in SIGNALS if seen <= min(periods, COMPARED))


def parse_believers(makers: str) -> list[str]:
    """Return the makers of an option; ValueError if one cannot quote on both beliefs."""
    chosen = parse_makers(makers)
    for word in chosen:
        if "belief" not in signature(MAKER_TYPES.find(word)).parameters or issubclass(
            MAKER_TYPES.find(word), ExactOptimal
        ):
            raise ValueError(
                f"makers is {makers!r}, but {word} cannot quote on both a Gaussian and an exact "
                f"belief: leave her out"
            )
    return chosen


def read_profits(log: Run) -> pd.DataFrame:
    """Return each market's PROFITS and whether it froze: maker, prior_sd, belief, replication."""
    markets = [*OF_A_POINT, "replication"]
    expected = with_point_parameters(log.blocks("expected"), log, OF_A_POINT)
    table = records(log, OF_A_POINT).merge(expected[[*markets, "expected_profit"]], on=markets)
    return order_makers(table, log)[[*KEYS, "belief", "replication", *PROFITS, "frozen"]]


def estimate_distances(log: Run) -> pd.DataFrame:
    """Return the estimates of DISTANCE_METRICS, by maker, prior_sd and period."""
    markets = order_makers(with_point_parameters(log.blocks("distances"), log, OF_A_POINT), log)
    return estimate_metrics(markets, DISTANCE_METRICS, [*KEYS, "period"])


def order_makers(table: pd.DataFrame, log: Run) -> pd.DataFrame:
    """Return a table with a column `maker`, its makers in the order in which they were given."""
    order = list(dict.fromkeys(point["makers"] for point in log.points))
    return table.assign(maker=pd.Categorical(table["makers"], order))


def tabulate_value(log: Run) -> pd.DataFrame:
    """Return the value function at each shock: prior_sd, mean, se (0: it is exact), low, high."""
    shocks = sorted({point["prior_sd"] for point in log.points})
    solution = solve(log.parameters["discount"], range_for(max(shocks)))
    value = solution.value_function(shocks)
    return pd.DataFrame({"prior_sd": shocks, "mean": value, "se": 0.0, "low": value, "high": value})


def estimate_results(
    profits: pd.DataFrame, distances: pd.DataFrame, theory: pd.DataFrame
) -> pd.DataFrame:
    """Return one row a maker, shock and metric of SHOWN: mean, se, count, low, high."""
    means = metrics.estimates(profits, "discounted_profit", [*KEYS, "belief"])
    expected = metrics.estimates(profits, "expected_profit", [*KEYS, "belief"])
    promised = means[KEYS].drop_duplicates().merge(theory, on="prior_sd")
    parts = [
        promised.assign(metric="W", count=means["count"].max()),
        means.rename(columns={"belief": "metric"}),
        expected.assign(metric="expected " + expected["belief"]),
        *(
            metrics.paired_difference(
                profits, profit, "exact", "gaussian", between="belief", by=KEYS
            ).assign(metric=name)
            for profit, name in PROFITS.items()
        ),
    ]
    table = pd.concat(parts)
    compared = distances["period"] == count_signals(distances["period"].max())
    return pd.concat([table, distances[compared].drop(columns="period")])[
        [*KEYS, "metric", *ESTIMATE_COLUMNS]
    ]


def measure_gain_skewness(profits: pd.DataFrame) -> pd.DataFrame:
    """Return how skewed the sample of each gain is: maker, prior_sd, metric, skewness, count."""
    wide = profits.pivot(index=[*KEYS, "replication"], columns="belief", values="expected_profit")
    gains = (wide["exact"] - wide["gaussian"]).rename("gain").reset_index()
    return skewness_of(gains, "gain", KEYS)


def estimate_frozen(profits: pd.DataFrame) -> pd.DataFrame:
    """Return the fraction of markets without any trade: maker, prior_sd, belief, mean, ..."""
    return metrics.estimates(profits, "frozen", [*KEYS, "belief"])


def describe_gain(maker: object, gains: pd.DataFrame, theory: "pd.Series[float]") -> str:
    """Return a sentence: how much a maker gains at each shock, in noise sds and relative to W.

    The intervals hold 95 % jointly over the shocks.
    """
    rows = metrics.add_interval(gains, 1 - (1 - CONFIDENCE) / len(gains)).assign(metric="gain")
    columns = ["prior_sd", "metric", *ESTIMATE_COLUMNS]
    sizes = format_estimates(rows[columns], ["gain"])
    lines = [
        f"{shock:g}: {size} ({100 * mean / theory[shock]:.2g} % of W)"
        for shock, size, mean in zip(sizes["prior_sd"], sizes["gain"], rows["mean"], strict=True)
    ]
    return f"{maker}, by shock: {'; '.join(lines)}"
