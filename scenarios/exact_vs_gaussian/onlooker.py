"""Who measures in the scenario `exact-vs-gaussian`: distances of beliefs, and expected profits."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from abm.beliefs.base import Belief
from abm.beliefs.distance import total_variation
from abm.exchange.model import Exchange
from abm.exchange.totals import Totals
from abm.experiment.points import Point
from abm.experiment.simulation import give_discount, keep_tables
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView
from abm.runs.parquet import Tables, make_table
from abm.runs.schema import PERIOD, REPLICATION, Column
from scenarios._common.tables import drop_maker
from scenarios.exact_vs_gaussian.accountant import Accountant

SIGNALS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)  # after which beliefs are compared
DISTANCE_METRICS = ("total_variation", "mean_gap", "sd_gap", "skewness")
ROUNDING = 1e-10  # smaller distances and profits are rounding errors, and count as zero
DISTANCES = (
    REPLICATION,
    PERIOD,
    Column("total_variation", "float64", "1", "between exact posterior and Gaussian belief"),
    Column("mean_gap", "float64", "exact sd", "|difference of their means|"),
    Column("sd_gap", "float64", "exact sd", "|difference of their sds|"),
    Column("skewness", "float64", "1", "|skewness| of the exact posterior"),
)
EXPECTED = (
    REPLICATION,
    Column("expected_profit", "float64", "price", "discounted sum of E[profit | history]"),
)


class Onlooker(Accountant):
    """An accountant with an exact belief of her own, who keeps a Gaussian one beside it."""

    name = "onlooker"

    def __init__(self, model: PublicModel, *, discount: float) -> None:
        super().__init__(model, discount=discount, belief="exact")
        self.gaussian = self.terms.prior
        self.distances: list[dict[str, Any]] = []
        self.seen = 0

    def find_exact_belief(self) -> Belief:
        """Return her own belief."""
        return self.require_belief()

    def observe(self, view: MarketView) -> None:
        """Account for the period, update both beliefs, and record their distance."""
        super().observe(view)
        self.gaussian = self.gaussian.revise(view.likelihood)
        self.seen += 1
        if self.seen in SIGNALS:
            self.distances.append(
                {"period": self.seen, **measure_distances(self.require_belief(), self.gaussian)}
            )


def measure_distances(exact: Belief, gaussian: Belief) -> dict[str, Any]:
    """Return the DISTANCE_METRICS of a Gaussian belief from the exact one, each of shape (R,)."""
    distances = {
        "total_variation": total_variation(exact, gaussian),
        "mean_gap": np.abs(gaussian.mean - exact.mean) / exact.sd,
        "sd_gap": np.abs(gaussian.sd / exact.sd - 1),
        "skewness": np.abs(exact.skewness),
    }
    return {
        name: np.where(distance < ROUNDING, 0.0, distance) for name, distance in distances.items()
    }


def add_onlooker(point: Point, discount: float) -> Point:
    """Return the exchange of a maker with a belief, and of who measures beside her."""
    maker = partial(give_discount(point["makers"], discount), belief=point["belief"])
    kind = Onlooker if point["belief"] == "gaussian" else Accountant
    return {"makers": [maker, partial(kind, discount=discount)], "prior_sd": point["prior_sd"]}


def keep_measures(market: Exchange, totals: Totals) -> Tables:
    """Return summary and totals, expected profits, and distances if there is an onlooker."""
    accountant = market.makers[-1]
    assert isinstance(accountant, Accountant)
    kept = keep_tables(market, totals).items()
    tables = {name: drop_maker(table, accountant.label) for name, table in kept}
    numbered = {"replication": market.replication}
    profit = np.where(np.abs(accountant.expected) < ROUNDING, 0.0, accountant.expected)
    expected = pd.DataFrame(numbered | {"expected_profit": profit})
    tables["expected"] = make_table(expected, EXPECTED)
    if isinstance(accountant, Onlooker):
        distances = [pd.DataFrame(numbered | distance) for distance in accountant.distances]
        tables["distances"] = make_table(pd.concat(distances), DISTANCES)
    return tables
