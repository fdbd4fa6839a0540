"""What the scenario `exact-optimum` simulates: a policy's maker, and her assessor."""

from collections.abc import Callable
from functools import partial

import pandas as pd

from abm.exchange.model import Exchange
from abm.exchange.totals import Totals
from abm.experiment.points import Point
from abm.experiment.simulation import keep_tables
from abm.makers import MarketMaker
from abm.makers.exact_optimal import ExactOptimal
from abm.makers.optimal import Optimal
from abm.numerics.arrays import Array
from abm.numerics.moments import Moments
from abm.runs.parquet import Tables, make_table
from abm.runs.schema import PERIOD, REPLICATION, Column
from scenarios._common.tables import drop_maker
from scenarios.exact_optimum.policies import Adversary, Assessor, Examiner, Wanderer

POLICIES: dict[str, tuple[Callable[..., MarketMaker], type[Assessor]]] = {
    "Gaussian belief": (Optimal, Assessor),
    "Gaussian rule": (partial(Optimal, belief="exact"), Assessor),
    "exact-optimal": (ExactOptimal, Assessor),
    "random quotes": (Wanderer, Examiner),
    "adversarial quotes": (Adversary, Examiner),
}
WORTH = (
    REPLICATION,
    Column("worth", "float64", "noise sd", "U(prior) and the discounted sum of B U - U"),
)
RESIDUALS = (
    PERIOD,
    Column("count", "int64", "1", "beliefs"),
    Column("mean", "float64", "noise sd", "of B U - U over those beliefs"),
    Column("variance", "float64", "noise sd, squared", "of the same, unbiased"),
    Column("lowest", "float64", "noise sd", "of the same"),
    Column("highest", "float64", "noise sd", "of the same"),
)


def add_assessor(point: Point, discount: float) -> Point:
    """Return the exchange of a policy's maker and the assessor beside her."""
    pair = [partial(kind, discount=discount) for kind in POLICIES[point["policy"]]]
    return {"makers": pair, "prior_sd": point["prior_sd"]}


def keep_residuals(market: Exchange, totals: Totals) -> Tables:
    """Return summary and totals, what the policy is worth, and residuals by period."""
    assessor = market.makers[1]
    assert isinstance(assessor, Assessor)
    residuals = pd.DataFrame(map(summarise_residuals, assessor.residuals)).rename_axis("period")
    worth = pd.DataFrame({"replication": market.replication, "worth": assessor.worth})
    kept = keep_tables(market, totals).items()
    return {name: drop_maker(table, assessor.label) for name, table in kept} | {
        "worth": make_table(worth, WORTH),
        "residuals": make_table(residuals.reset_index(), RESIDUALS),
    }  # fmt: skip


def summarise_residuals(sample: Array) -> dict[str, float]:
    """Return the residuals' moments and extremes."""
    sums = Moments.of(sample)
    moments = {"count": int(sums.count), "mean": float(sums.mean)}
    extremes = {"lowest": sample.min(), "highest": sample.max()}
    return moments | {"variance": float(sums.variance)} | extremes
