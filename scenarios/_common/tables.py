"""Tables that several studies make: of blocks, of first spreads, of figures."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from abm.experiment.points import Point
from analysis import Run, metrics
from analysis.results import ESTIMATE_COLUMNS, with_point_parameters


def drop_maker(table: pa.Table, maker: str) -> pa.Table:
    """Return a table of a block without the rows of a maker."""
    rows = pc.fill_null(pc.equal(table["maker"].cast(pa.string()), maker), fill_value=False)
    return table.filter(pc.invert(rows))


def add_panels(table: pd.DataFrame, more: str = "") -> pd.DataFrame:
    """Return a table with a column `panel` that names the shock, and the column `more` if given."""
    panel = "σ = " + table["prior_sd"].map("{:g}".format)
    return table.assign(panel=panel + ", " + table[more] if more else panel)


def estimate_spreads(log: Run, keys: Sequence[str]) -> pd.DataFrame:
    """Return the estimates of the inside spread by period, with these parameters of points."""
    summary = with_point_parameters(log.table("summary"), log, keys)
    of_market = summary[summary["maker"].isna()].drop(columns="maker")
    return metrics.by_period(of_market, "spread", keys)


def estimate_first_spreads(log: Run, keys: Sequence[str]) -> pd.DataFrame:
    """Return the estimates of the inside spread before the first trader: metric first_spread."""
    spreads = estimate_spreads(log, keys)
    first = spreads[spreads["period"] == 0].assign(metric="first_spread")
    return first[[*keys, "metric", *ESTIMATE_COLUMNS]]


def tabulate_each(points: Iterable[Point], make: Callable[[Point], pd.DataFrame]) -> pd.DataFrame:
    """Return a table of each point, in one with the point's parameters as first columns."""
    return pd.concat(
        [pd.DataFrame(point, index=table.index).join(table)
         for point, table in ((one, make(one)) for one in points)],
        ignore_index=True,
    )  # fmt: skip


def add_ends(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a table for a figure of what is computed: an interval is the number alone."""
    return table.assign(**dict.fromkeys(("mean", "low", "high"), table[column]))
