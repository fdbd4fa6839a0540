"""Traders who know nothing: what they give a market, who pays a maker, and where quotes jump.

Some traders know no more than the public. They buy or sell at any price (Glosten and Milgrom 1985),
or value at the public's mean and noise of their own; nobody sees who they are. A maker knows their
share, or is unaware of them and takes all for the traders of Das and Magdon-Ismail (2008), who see
something of the value. Every maker quotes alone, and faces the same values and traders. The public,
at whose mean others value, knows the share: an unaware maker alone is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pandas as pd
from typer import Option

from abm.exchange.model import MOST_REPLICATIONS
from abm.experiment import Experiment, Simulation, grid
from abm.experiment.points import Point
from abm.market.laws import Law
from abm.numerics.checks import require_whole
from abm.participants.admission import find_law
from abm.runs.folder import RunFolder
from analysis import Run, facets, metrics
from analysis.results import (
    ESTIMATE_COLUMNS,
    estimate_metrics,
    format_estimates,
    records,
    with_point_parameters,
)
from scenarios._common import options as option
from scenarios._common.options import parse_numbers, split_commas
from scenarios._common.study import Figures, Study, Tables
from scenarios._common.tables import (
    add_ends,
    add_panels,
    estimate_first_spreads,
    tabulate_each,
)
from scenarios._common.terminal import say, show_table
from scenarios.uninformed.beliefs import BY_BELIEF, DIFFERENCE, compare_beliefs, write_beliefs
from scenarios.uninformed.markets import (
    HALF,
    POINT,
    POLICIES,
    TYPE,
    UNAWARE,
    WITHIN,
    keep_paid,
    make_traders,
    place_makers,
)
from scenarios.uninformed.quotes import SHOCKS, find_jumps, tabulate_quotes

KEYS = [*POINT, "policy"]
MOST_SHARE = 0.9
METRICS = ("first_spread", "inside_spread", "no_trade", "pricing_error", "learnt",
           "discounted_profit", "of_informed", "of_uninformed", "surplus")  # fmt: skip
COMPARED = ("inside_spread", "no_trade", "pricing_error", "discounted_profit", "of_informed",
            "of_uninformed", "surplus")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Uninformed(Study):
    """Measure markets to which some traders come who know nothing.

    Examples
    --------
    >>> Uninformed(kind="half,3", share="0.3", prior_sd="3").list_kinds()
    ['half', 'within 3']
    """

    kind: Annotated[
        str,
        Option(
            help="half: they buy or sell at any price; or the sd, in noise sds, with which they "
            "value about the public's mean; separated by commas."
        ),
    ] = "half,3"
    share: Annotated[
        str, Option(help="Of all traders that know nothing, from 0 to 0.9, separated by commas.")
    ] = "0.1,0.3,0.5"
    prior_sd: option.Shocks = "1,3,5"
    exact_markets: Annotated[
        int, Option(help="Markets at each shock, with the middle share, for exact beliefs.")
    ] = 100

    def list_kinds(self) -> list[str]:
        """Return the names of the kinds of uninformed traders."""
        words = split_commas(self.kind)
        others = [word for word in words if word != HALF]
        reaches = parse_numbers("kind", ",".join(others)) if others else []
        names = (f"{WITHIN}{reach!r}".removesuffix(".0") for reach in reaches)
        return [HALF if word == HALF else next(names) for word in words]

    def list_markets(self) -> list[Point]:
        """Return who comes, and after which shocks."""
        shares = parse_numbers("share", self.share)
        for share in shares:
            if not 0 <= share <= MOST_SHARE:
                raise ValueError(
                    f"share is {share:g}, but must be from 0 to {MOST_SHARE:g}, so that enough "
                    f"traders know something: give one in between"
                )
        shocks = parse_numbers("prior_sd", self.prior_sd)
        return grid(kind=self.list_kinds(), share=shares, prior_sd=shocks)

    def list_points(self) -> list[Point]:
        """Return each maker in each market but those in which profit has no bound."""
        require_whole("exact_markets", self.exact_markets, 2, MOST_REPLICATIONS)
        return [
            market | {"policy": policy}
            for market in self.list_markets()
            for policy in POLICIES
            if market["kind"] != HALF or policy != "optimal"
        ]

    def make_simulation(self) -> Simulation:
        """Return a simulation of full records, of which little is kept."""
        keep = partial(keep_paid, discount=self.discount)
        return Simulation(self.discount, "full", exchange_of=place_makers, keep=keep)

    def write_logs(self, folder: RunFolder, experiment: Experiment) -> None:
        """Write the summary of the points, and the logs of markets with either belief."""
        experiment.summarise(folder)
        shares = sorted(parse_numbers("share", self.share))
        middle = shares[len(shares) // 2]
        points = [one for one in self.list_markets() if one["share"] == middle]
        write_beliefs(folder, points, self.exact_markets, self.periods, self.seed)

    def make_tables(self, log: Run) -> Tables:
        markets = self.measure(log)
        return {
            "results": pd.concat(
                [estimate_first_spreads(log, KEYS), estimate_metrics(markets, METRICS[1:], KEYS)]
            ),
            "comparisons": compare_awareness(markets),
            "beliefs": compare_beliefs(log),
            "quotes": self.tabulate(tabulate_quotes),
            "jumps": self.tabulate(find_jumps),
        }

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        results = add_panels(tables["results"].assign(maker=tables["results"]["policy"]), "kind")
        by_metric = dict(list(results.groupby("metric", sort=False)))
        return {
            "profit": facets.by_parameter(
                by_metric["discounted_profit"], "discounted profit (noise sd)", "share", "panel",
                scale="symlog",
            ),
            "pricing-error": facets.by_parameter(
                by_metric["pricing_error"], "|mid - value| (noise sd)", "share", "panel",
                scale="log",
            ),
            "who-pays": facets.by_parameter(
                name_payers(results), "discounted profit (noise sd)", "share", "panel",
                scale="symlog",
            ),
            "quotes": facets.by_parameter(
                name_quotes(tables["quotes"]), "spreads of no profit (noise sd)", "prior_sd",
                "kind",
            ),
        }  # fmt: skip

    def show(self, tables: Tables) -> None:
        say(
            "Means over all periods, with 95 % confidence intervals (surplus: nan if at any price):"
        )
        show_table(format_estimates(tables["results"], METRICS))
        say("Makers who know the share less those unaware, market by market:")
        show_table(format_estimates(tables["comparisons"], COMPARED))
        say("The zero-profit maker on exact beliefs less on Gaussian ones, market by market:")
        beliefs = tables["beliefs"]
        gaps = beliefs[beliefs["belief"] == DIFFERENCE].drop(columns="belief")
        show_table(format_estimates(gaps, BY_BELIEF))
        say(f"Where the zero-profit spread jumps as the shock grows to {SHOCKS[-1]:g} (computed):")
        show_table(tables["jumps"].round(3))

    def measure(self, log: Run) -> pd.DataFrame:
        """Return the totals of all markets, and what traders of either type paid."""
        paid = with_point_parameters(log.blocks("paid"), log, KEYS)
        return records(log, KEYS).merge(paid, on=[*KEYS, "block", "replication"])

    def tabulate(self, make: Callable[[Law], pd.DataFrame]) -> pd.DataFrame:
        """Return a table of each kind and share in one, with columns for these."""
        types = [{name: market[name] for name in TYPE} for market in self.list_markets()]
        different = [one for number, one in enumerate(types) if one not in types[:number]]
        return tabulate_each(different, lambda one: make(find_law(make_traders(**one), 1.0)))


def compare_awareness(markets: pd.DataFrame) -> pd.DataFrame:
    """Return by how much those who know the share have more of COMPARED than those unaware."""
    tables = []
    for aware in ("zero-profit", "optimal"):
        pair = markets[markets["policy"].isin([aware, aware + UNAWARE])]
        both = pair.groupby(POINT)["policy"].transform("nunique") == 2
        tables += [
            metrics.paired_difference(
                pair[both], metric, aware, aware + UNAWARE, between="policy", by=POINT
            ).assign(maker=aware, metric=metric)
            for metric in COMPARED
            if both.any()
        ]
    return pd.concat(tables)[[*POINT, "maker", "metric", *ESTIMATE_COLUMNS]]


def name_payers(results: pd.DataFrame) -> pd.DataFrame:
    """Return what traders of either type pay zero-profit makers, a line each."""
    rows = results[results["metric"].isin(["of_informed", "of_uninformed"])]
    rows = rows[rows["policy"].str.startswith("zero-profit")]
    return rows.assign(maker=rows["policy"] + ": " + rows["metric"].str.replace("_", " "))


def name_quotes(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return spreads as lines: the smallest of a share, the second and the third."""
    share = quotes["share"].map("share {:g}".format)
    line = share.where(quotes["number"] == 1, share + quotes["number"].map(", no. {}".format))
    lines = add_ends(quotes.assign(maker=line), "spread")
    return lines.sort_values(["kind", "maker"], kind="stable")
