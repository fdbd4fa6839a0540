"""Totals: each column against pandas on the full tape of the same market."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from abm import Exchange, Quote
from abm.exchange.totals import Totals
from abm.makers import MarketMaker
from abm.runs.folds import Average
from abm.runs.schema import TOTALS
from analysis import metrics
from tests.stubs import Exact, Wavering

SIZE, PERIODS = 60, 15
KEYS = ["replication", "maker"]


class NeverSells(MarketMaker):
    """Only ever bids, on no belief."""

    name = "never-sells"

    def __init__(self, model: Any) -> None:
        super().__init__(model, belief=None)

    def quote(self) -> Quote:
        return Quote(-3.0, np.inf)


MARKETS: dict[str, Any] = {
    "one": "zero-profit",
    "two": ["zero-profit", "fixed-spread"],
    "two-of-a-kind": ["myopic", "myopic"],
    "exact": Exact,
    "one-sided": Wavering,
    "one-sided-and-two-sided": [Wavering, "fixed-spread"],
    "never-two-sided": NeverSells,
    "three": [NeverSells, Wavering, "myopic"],
}


@pytest.fixture(scope="module", params=list(MARKETS.values()), ids=list(MARKETS))
def market(request: pytest.FixtureRequest) -> tuple[Exchange, pd.DataFrame]:
    exchange = Exchange(request.param, prior_sd=3.0, replications=SIZE, block=2, rng=8)
    totals = Totals(exchange.makers, discount=0.8)
    for _ in range(PERIODS):
        exchange.step()
        totals.add(exchange.clearing)
    return exchange, totals.table(exchange.replication).to_pandas()


def by_pandas(exchange: Exchange, column: str) -> "pd.Series[float]":
    market, makers = exchange.tape.market, exchange.tape.makers
    hers = makers.assign(
        discounted=makers["profit"] * np.power(0.8, makers["period"].astype(float)),
        spread=(makers["ask"] - makers["bid"]).replace([np.inf], np.nan),
        trades=makers["filled"].astype(float),
        belief_error=metrics.belief_error(makers, market),
    ).groupby(KEYS, observed=True)
    mid = (market["ask"] + market["bid"]) / 2
    both = np.isfinite(market["ask"]) & np.isfinite(market["bid"])
    sides = [market["side"] > 0, market["side"] < 0]
    price = np.select(sides, [market["ask"], market["bid"]], 0.0)
    of_all = market.assign(
        no_trade=(market["side"] == 0).astype(float),
        pricing_error=(mid - market["value"]).abs().where(both),
        inside_spread=(market["ask"] - market["bid"]).where(both),
        surplus=metrics.surplus(market),
        traders_gain=market["side"] * (market["value"] - price),
    ).groupby("replication")
    if column in ("no_trade", "pricing_error", "inside_spread", "surplus", "traders_gain"):
        sums = column in ("surplus", "traders_gain")
        of_market = of_all[column].sum() if sums else of_all[column].mean()
        return hers["profit"].first().index.to_series().map(lambda key: of_market[key[0]])
    if column == "belief_sd":
        sds = [maker.moments[1] for maker in exchange.makers]
        return pd.Series(np.stack(sds, axis=-1).ravel(), hers["profit"].first().index)
    if column == "learning_time":
        at_last = by_pandas(exchange, "belief_sd").lt(0.5).map({True: PERIODS, False: np.nan})
        learnt = {key: learning_time(rows) for key, rows in hers}
        return pd.Series(learnt).rename_axis(at_last.index.names).fillna(at_last)
    made = {"discounted_profit": hers["discounted"].sum(), "spread": hers["spread"].mean(),
            "belief_error": hers["belief_error"].mean()}  # fmt: skip
    return made[column] if column in made else hers[column].sum()


def learning_time(rows: pd.DataFrame) -> float:
    """Return the first period that she begins with an sd below a half, NaN if there is none."""
    learnt = rows.loc[rows["belief_sd"] < 0.5, "period"]
    return float(learnt.min()) if len(learnt) else np.nan


@pytest.mark.parametrize("column", [one.name for one in TOTALS if one.name not in KEYS])
def test_a_column_is_what_pandas_makes_of_the_tape(
    market: tuple[Exchange, pd.DataFrame], column: str
) -> None:
    exchange, totals = market
    expected = by_pandas(exchange, column)
    np.testing.assert_allclose(totals[column], expected.to_numpy(), rtol=1e-12, atol=1e-12)


def test_what_traders_gain_all_makers_in_the_market_lose(
    market: tuple[Exchange, pd.DataFrame],
) -> None:
    totals = market[1].groupby("replication")
    lost = -totals["profit"].sum()
    assert lost.abs().max() > 0.1
    for which in ("min", "max"):
        gained = totals["traders_gain"].agg(which)
        np.testing.assert_allclose(gained, lost, rtol=1e-12, atol=1e-12)


def test_rows_are_by_replication_then_maker_as_seated(
    market: tuple[Exchange, pd.DataFrame],
) -> None:
    exchange, totals = market
    keys = exchange.tape.makers.query("period == 0")[KEYS].reset_index(drop=True)
    assert_frame_equal(totals[KEYS].astype({"maker": str}), keys.astype({"maker": str}))
    assert totals["replication"].iloc[0] == 2 * SIZE
    assert totals["maker"].cat.categories.tolist() == [maker.label for maker in exchange.makers]


def test_columns_are_typed_by_the_schema(market: tuple[Exchange, pd.DataFrame]) -> None:
    dtypes = market[1].dtypes.astype(str)
    assert list(dtypes.items()) == [(column.name, column.dtype) for column in TOTALS]


def test_the_sd_after_the_last_trade_is_the_one_that_the_next_trader_meets() -> None:
    exchange = Exchange("zero-profit", prior_sd=3.0, replications=SIZE, rng=8)
    totals = Totals(exchange.makers, discount=0.8)
    for _ in range(PERIODS):
        exchange.step()
        totals.add(exchange.clearing)
    after = totals.table(exchange.replication).to_pandas()["belief_sd"]
    met = exchange.run(1).tape.makers.query("period == @PERIODS")["belief_sd"]
    assert after.tolist() == met.tolist()
    assert after.lt(3.0).all()


def test_an_average_leaves_out_what_is_missing() -> None:
    average = Average(discount=0.9, noise_sd=1.0)
    for metric in ([1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [6.0, np.nan, np.nan]):
        average.add(np.array(metric))
    np.testing.assert_array_equal(average.finish(np.zeros(3)), [3.0, 5.0, np.nan])


def test_an_average_does_not_write_on_what_it_is_given() -> None:
    average, metric = Average(discount=0.9, noise_sd=1.0), np.array([1.0, np.nan])
    for _ in range(3):
        average.add(metric)
    np.testing.assert_array_equal(metric, [1.0, np.nan])
