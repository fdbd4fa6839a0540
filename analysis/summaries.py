"""Summaries: tables of count, mean and variance, of all replications or by block."""

from collections.abc import Sequence

import pandas as pd

from abm.numerics.checks import require_one_of
from abm.numerics.moments import Moments
from abm.runs.schema import MOMENTS

Table = pd.DataFrame


def is_summary(frame: Table) -> bool:
    """Whether a table holds counts, means and variances rather than records."""
    return {"metric", *MOMENTS} <= set(frame.columns)


def select_metric(summary: Table, metric: str) -> Table:
    """Return the rows of a metric in a summary; ValueError if there are none."""
    rows = summary[summary["metric"] == metric]
    if rows.empty and len(summary):
        require_one_of("metric", metric, map(str, summary["metric"].unique()))
    return rows


def pool_blocks(summary: Table, by: Sequence[str]) -> Table:
    """Return mean, se and count of groups of rows, each row the summary of one block.

    ValueError if a group has several rows of one block.
    """
    keys = list(by)
    row = [*keys, "block"] if "block" in summary else keys
    if summary.duplicated(row).any():
        raise ValueError(
            f"the summary has several rows for one {', '.join(row)}, whose moments must not be "
            f"merged: name in `by` all columns that tell its rows apart"
        )
    groups = summary.groupby(keys, observed=True, dropna=False, sort=False)
    blocks = Moments.of_variance(*(summary[name].to_numpy() for name in MOMENTS))
    merged = blocks.pool(groups.ngroup().to_numpy(), groups.ngroups)
    labels = summary[keys].drop_duplicates().reset_index(drop=True)
    return labels.assign(mean=merged.mean, se=merged.se, count=merged.count)
