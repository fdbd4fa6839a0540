"""The format of a run folder: its files, and every table's columns with dtype, unit and meaning.

A run folder holds `run.json` (scenario, parameters, seed, versions and the list of its files),
Parquet files of one table each, and `blocks`, with one Parquet file for each block of replications
at each point of an experiment. A block's file holds several tables, one after the other; its
column `table` tells them apart. Tables with the same rows, as `market` and `makers` where there is
one maker, are side by side there, under the name of the first. A table of the run that is made of
blocks' rows alone is no file, but a view of them in `run.json`: its blocks, and the columns that
are put in front. Where several exchanges share a table, the column `exchange` comes first.
"""

from dataclasses import dataclass
from typing import Any

from abm.numerics.describe import show_value
from abm.runs import metrics

RUN_FILE = "run.json"  # the description of the run; it appears when the run is whole
UNFINISHED_FILE = "unfinished.json"  # the same, until then
MANIFEST_FILE = "manifest.jsonl"  # the outcome of each block, in the order of time
REPORT_FILE = "report.html"  # made from the other files, at any time
BLOCKS = "blocks"  # the folder of block files, POINT-BLOCK.parquet
DESCRIPTION = "market-shock"  # key of a block file's metadata
BLOCK_TASK = "block_task"  # key of that description: POINT-BLOCK
ORIGIN = "of"  # another: the point and all else that the block depends on
TABLE = "table"  # column of a block file: the table that a row belongs to
FORMAT = 6  # of a run folder; raised when a reader of the earlier one would misread it


def explain_format(where: object, description: dict[str, Any]) -> str:
    """Return why a folder with this run.json cannot be read: its format; empty if it can.

    Raises
    ------
    KeyError, TypeError, AttributeError
        If this is no run's description.
    """
    written = description["format"]
    if written == FORMAT:
        return ""
    versions = description.get("versions")
    writer = versions.get("market-shock") if isinstance(versions, dict) else None
    reader = f"market-shock {writer}" if writer else "the version that wrote it"
    return (
        f"{where} is a run folder of format {show_value(written)}, but this version reads format "
        f"{FORMAT}: read it with {reader}, or repeat the run in another folder (--out)"
    )


@dataclass(frozen=True)
class Column:
    """One column of a log."""

    name: str
    dtype: str
    unit: str
    meaning: str


REPLICATION = Column("replication", "int32", "1", "replication, numbered across blocks")
PERIOD = Column("period", "int16", "period", "0 for the first trader after the shock")
MAKER = Column("maker", "category", "", "the maker's label")
TRADER = Column("trader", "category", "", "the label of the trader's type")
EXCHANGE = Column("exchange", "category", "", "which exchange of the run")
KEYS = (REPLICATION, PERIOD, MAKER)

MARKET = (
    REPLICATION,
    PERIOD,
    Column("value", "float64", "price", "the true value V"),
    Column("valuation", "float64", "price", "the trader's valuation, NaN if the trader has none"),
    Column("bid", "float64", "price", "the best bid when the trader came, -inf if none"),
    Column("ask", "float64", "price", "the best ask when the trader came, inf if none"),
    Column("side", "int8", "1", "+1: the trader bought, -1: the trader sold, 0: no trade"),
    TRADER,
)

_OF_MAKER = {
    metric.name: Column(metric.name, "float64", metric.unit, metric.meaning)
    for metric in metrics.OF_MAKER
}
MAKERS = (
    REPLICATION,
    PERIOD,
    MAKER,
    Column("bid", "float64", "price", "the maker's bid, -inf if she declined to buy"),
    Column("ask", "float64", "price", "the maker's ask, inf if she declined to sell"),
    _OF_MAKER["belief_mean"],
    _OF_MAKER["belief_sd"],
    Column("filled", "bool", "", "whether she filled the trade"),
    _OF_MAKER["inventory"],
    _OF_MAKER["profit"],
)

SUMMARY = (
    PERIOD,
    MAKER,
    Column("metric", "category", "", "metric summarised; of the whole market if maker is null"),
    Column("count", "int64", "1", "replications in which the metric is defined"),
    Column("mean", "float64", "of the metric", "over those replications"),
    Column("variance", "float64", "of the metric, squared", "unbiased, over those replications"),
)

MOMENTS = ("count", "mean", "variance")  # columns of a summary that pool over blocks

TOTALS = (
    REPLICATION,
    MAKER,
    *(Column(total.name, "float64", total.unit, total.meaning) for total in metrics.TOTALS),
)
