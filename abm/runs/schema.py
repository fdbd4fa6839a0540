"""The log's tables: every column's dtype, unit and meaning, in order.

A run's folder holds `run.json` (scenario, parameters, seed, versions and the list of its files),
Parquet files of one table each, and `blocks`, with one Parquet file for each block of replications
at each point of an experiment. A block's file holds several tables, one after the other; its
column `table` tells them apart. Where several exchanges share a table, the column `exchange` comes
first.
"""

from dataclasses import dataclass

RUN_FILE = "run.json"  # what the run was; there only when the run is whole
UNFINISHED_FILE = "unfinished.json"  # the same, until then
MANIFEST_FILE = "manifest.jsonl"  # what has become of each block, in the order of time
REPORT_FILE = "report.html"  # made from the rest, at any time
BLOCKS = "blocks"  # the folder of block files, POINT-BLOCK.parquet
DESCRIPTION = "market-shock"  # key of a block file's metadata
TABLE = "table"  # column of a block file: the table that a row belongs to
FORMAT = 3  # of the folder; raised when a reader of the old one would go wrong


@dataclass(frozen=True)
class Column:
    """One column of a log."""

    name: str
    dtype: str
    unit: str
    meaning: str


REPLICATION = Column("replication", "int32", "1", "which market, numbered across blocks")
PERIOD = Column("period", "int16", "period", "0 for the first trader after the shock")
MAKER = Column("maker", "category", "", "the maker's label")
EXCHANGE = Column("exchange", "category", "", "which exchange of the run")
KEYS = (REPLICATION, PERIOD, MAKER)

MARKET = (
    REPLICATION,
    PERIOD,
    Column("value", "float64", "price", "the true value V"),
    Column("valuation", "float64", "price", "what the instrument is worth to the trader, w"),
    Column("bid", "float64", "price", "the best bid she met, -inf if none"),
    Column("ask", "float64", "price", "the best ask she met, inf if none"),
    Column("side", "int8", "unit", "+1 she bought, -1 she sold, 0 neither"),
)

MAKERS = (
    REPLICATION,
    PERIOD,
    MAKER,
    Column("bid", "float64", "price", "the bid the trader met, -inf if declined"),
    Column("ask", "float64", "price", "the ask the trader met, inf if declined"),
    Column("belief_mean", "float64", "price", "mean of the belief before the trade"),
    Column("belief_sd", "float64", "price", "sd of the belief before the trade"),
    Column("filled", "bool", "", "whether the trade was this maker's"),
    Column("inventory", "float64", "unit", "units held after the trade"),
    Column("profit", "float64", "price", "of the period, marked to the true value"),
)

SUMMARY = (
    PERIOD,
    MAKER,
    Column("metric", "category", "", "what is summarised; without a maker, of the whole market"),
    Column("count", "int64", "1", "replications in which the metric is defined"),
    Column("mean", "float64", "of the metric", "over those replications"),
    Column("variance", "float64", "of the metric, squared", "unbiased, over those replications"),
)

TOTALS = (
    REPLICATION,
    MAKER,
    Column("discounted_profit", "float64", "price", "sum of discount^period * profit"),
    Column("profit", "float64", "price", "sum over all periods, marked to the true value"),
    Column("trades", "float64", "1", "periods in which the trade was this maker's"),
    Column("spread", "float64", "price", "mean of her ask - bid over periods with both sides"),
    Column("belief_sd", "float64", "price", "sd of her belief after the last trade"),
    Column("learning_time", "float64", "period", "until her rho fell below 0.5, NaN if not yet"),
    Column("inside_spread", "float64", "price", "as spread, of the best ask - bid in her market"),
    Column("no_trade", "float64", "1", "fraction of periods without a trade in her market"),
    Column("pricing_error", "float64", "price", "mean of |mid - value| in her market, as spread"),
    Column("traders_gain", "float64", "price", "sum of what its traders gained: its makers' loss"),
    Column("surplus", "float64", "price", "sum of what its traders gained by their own valuations"),
)
