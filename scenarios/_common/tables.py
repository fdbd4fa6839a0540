"""Tables that several studies make: of blocks, and of figures."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def drop_maker(table: pa.Table, maker: str) -> pa.Table:
    """Return a table of a block without the rows of a maker."""
    rows = pc.fill_null(pc.equal(table["maker"].cast(pa.string()), maker), fill_value=False)
    return table.filter(pc.invert(rows))


def add_panels(table: pd.DataFrame, more: str = "") -> pd.DataFrame:
    """Return a table with a column `panel` that names the shock, and the column `more` if given."""
    panel = "σ = " + table["prior_sd"].map("{:g}".format)
    return table.assign(panel=panel + ", " + table[more] if more else panel)
