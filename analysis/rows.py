"""What a row of a log has: spread, pricing error, the trader's surplus, whether nobody traded."""

import numpy as np
import pandas as pd

from abm.numerics.arrays import Array
from abm.numerics.checks import require_one_of
from abm.runs.metrics import (
    find_belief_error,
    find_no_trade,
    find_pricing_error,
    find_spread,
    find_surplus,
)
from analysis.columns import MAKERS, MARKET, require_columns

Table = pd.DataFrame


def spread(frame: Table) -> "pd.Series[float]":
    """Return ask - bid of each row, in units of price; NaN where a side is declined.

    Examples
    --------
    >>> spread(pd.DataFrame({"bid": [-1.0, -np.inf], "ask": [2.0, 2.0]})).tolist()
    [3.0, nan]
    """
    require_columns("frame", frame, ["bid", "ask"], f"{MAKERS}, or {MARKET}")
    return pd.Series(find_spread(*_read(frame, "bid", "ask")), frame.index)


def pricing_error(market: Table) -> "pd.Series[float]":
    """Return |mid - value| of each row, in units of price; NaN where a side is declined.

    Examples
    --------
    >>> pricing_error(pd.DataFrame({"bid": [-1.0], "ask": [2.0], "value": [1.5]})).tolist()
    [1.0]
    """
    require_columns("market", market, ["bid", "ask", "value"], MARKET)
    return pd.Series(find_pricing_error(*_read(market, "bid", "ask", "value")), market.index)


def belief_error(makers: Table, market: Table) -> "pd.Series[float]":
    """Return |mean of her belief - value| of each row of makers, in units of price.

    NaN for a maker without a belief; `market` holds the values of the same periods, and of the same
    exchanges and points if the tables have such columns.

    Examples
    --------
    >>> period = pd.DataFrame({"replication": [0], "period": [0]})
    >>> belief_error(period.assign(belief_mean=1.0), period.assign(value=1.5)).tolist()
    [0.5]
    """
    require_columns("makers", makers, ["replication", "period", "belief_mean"], MAKERS)
    require_columns("market", market, ["replication", "period", "value"], MARKET)
    keys = [key for key in makers if key in market and key not in ("bid", "ask")]
    value = makers[keys].merge(market[[*keys, "value"]], "left", keys, validate="m:1")["value"]
    error = find_belief_error(makers["belief_mean"].to_numpy(float), value.to_numpy(float))
    return pd.Series(error, makers.index)


def surplus(market: Table) -> "pd.Series[float]":
    """Return each trader's gain by the trader's own valuation w, in units of price.

    It is w - ask for a buy, bid - w for a sale, and 0 without a trade.
    """
    require_columns("market", market, ["bid", "ask", "valuation", "side"], MARKET)
    bid, ask, valuation, side = _read(market, "bid", "ask", "valuation", "side")
    price = np.where(side > 0, ask, np.where(side < 0, bid, 0.0))
    return pd.Series(find_surplus(side, valuation, price), market.index)


def no_trade(market: Table) -> "pd.Series[float]":
    """Return 1.0 for each row without a trade, else 0.0; its mean is a probability."""
    require_columns("market", market, ["side"], MARKET)
    return pd.Series(find_no_trade(market["side"].to_numpy()), market.index)


def require_metric(record: Table, metric: str) -> None:
    """Raise ValueError unless a record has a column of numbers that is this metric."""
    derived = [measure.__name__ for measure in (spread, pricing_error, surplus, no_trade)]
    if metric in derived and metric not in record:
        raise ValueError(
            f"frame has no column {metric!r}, but must have: give "
            f"frame.assign({metric}=metrics.{metric}(frame))"
        )
    numbers = record.select_dtypes(["number", "bool"]).columns
    require_one_of("metric", metric, [*map(str, numbers), *derived])


def _read(frame: Table, *columns: str) -> list[Array]:
    return [frame[column].to_numpy(float) for column in columns]
