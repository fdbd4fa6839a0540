"""Who trades and quotes at a point, and what is kept of its markets: who pays the maker."""

from functools import partial
from typing import Any

import pandas as pd

from abm.exchange.model import Exchange
from abm.exchange.totals import Totals
from abm.experiment.points import Point
from abm.experiment.simulation import keep_tables
from abm.makers.optimal import Optimal
from abm.makers.zero_profit import ZeroProfit
from abm.market.valuations import NoisyValuation
from abm.runs.parquet import Tables, make_table
from abm.runs.schema import REPLICATION, Column
from abm.traders import NoisyTrader, UninformedTrader

HALF = "half"  # of the uninformed buy and half sell, whatever the price
WITHIN = "within "  # so many noise sds of the public's mean they value
UNAWARE = ", unaware"
POLICIES = ["zero-profit", "zero-profit" + UNAWARE, "optimal", "optimal" + UNAWARE]
TYPE = ["kind", "share"]
POINT = [*TYPE, "prior_sd"]

PAID = (
    REPLICATION,
    Column("of_informed", "float64", "price", "discounted profit of traders who know of V"),
    Column("of_uninformed", "float64", "price", "discounted profit of the others"),
)


def make_traders(kind: str, share: float) -> list[Any]:
    """Return the paper's traders, and a share of those who know nothing."""
    reach = None if kind == HALF else float(kind.removeprefix(WITHIN))
    return [NoisyTrader, partial(UninformedTrader, share=share, reach=reach)]


def place_makers(point: Point, discount: float) -> Point:
    """Return the arguments of a point's exchange."""
    name, _, unaware = point["policy"].partition(",")
    law = NoisyValuation(1.0) if unaware else None
    maker = (
        partial(ZeroProfit, law=law)
        if name == ZeroProfit.name
        else partial(Optimal, law=law, discount=discount)
    )
    traders = make_traders(point["kind"], point["share"])
    return {"makers": maker, "traders": traders, "prior_sd": point["prior_sd"]}


def keep_paid(market: Exchange, totals: Totals, discount: float) -> Tables:
    """Return summary and totals, and what traders of either type paid, of a full record."""
    tables = keep_tables(market, totals)
    log, profit = tables["market"], tables["makers"]["profit"].to_numpy()
    profit = profit * discount ** log["period"].to_numpy()
    uninformed = log["trader"].to_pandas().to_numpy() == UninformedTrader.name
    parts = {"of_informed": profit * ~uninformed, "of_uninformed": profit * uninformed}
    shape = len(market.replication), market.period
    paid = {name: part.reshape(shape).sum(axis=1) for name, part in parts.items()}
    frame = pd.DataFrame({"replication": market.replication} | paid)
    return {name: tables[name] for name in ("summary", "totals")} | {
        "paid": make_table(frame, PAID)
    }
