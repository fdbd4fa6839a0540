"""Tables that several studies make: of blocks, of figures, and of skewed samples."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from abm.numerics.intervals import is_skewed


def drop_maker(table: pa.Table, maker: str) -> pa.Table:
    """Return a table of a block without the rows of a maker."""
    rows = pc.fill_null(pc.equal(table["maker"].cast(pa.string()), maker), fill_value=False)
    return table.filter(pc.invert(rows))


def add_panels(table: pd.DataFrame, more: str = "") -> pd.DataFrame:
    """Return a table with a column `panel` that names the shock, and the column `more` if given."""
    panel = "σ = " + table["prior_sd"].map("{:g}".format)
    return table.assign(panel=panel + ", " + table[more] if more else panel)


def measure_skewness(markets: pd.DataFrame, metric: str, keys: Sequence[str]) -> pd.DataFrame:
    """Return the skewness and the count of a metric's sample: `keys`, metric, skewness, count."""
    groups = markets.groupby(list(keys), observed=True)[metric]
    table = groups.agg(skewness="skew", count="count").reset_index()
    return table.assign(metric=metric)[[*keys, "metric", "skewness", "count"]]


def describe_skewed(skewness: pd.DataFrame) -> str:
    """Return a warning that names the samples which are too skewed for an interval, or ""."""
    rows = skewness[is_skewed(skewness["skewness"], skewness["count"])]
    keys = [key for key in rows if key not in {"skewness", "count", "prior_sd"}]
    lines = []
    for names, group in rows.groupby(keys, observed=True, sort=False):
        values = zip(group["prior_sd"], group["skewness"], strict=True)
        at = ", ".join(f"{shock:g} (skewness {value:.3g})" for shock, value in values)
        lines.append(f"{', '.join(map(str, names))} at shocks of {at}")
    if not lines:
        return ""
    return (
        f"Do not trust these intervals, whose samples are too skewed for so few markets "
        f"(below 25 skewness^2, Cochran 1977): {'; '.join(lines)}"
    )
