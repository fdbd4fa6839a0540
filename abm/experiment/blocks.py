"""A block: simulated and written to a file of its own, read back to be merged with others."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from functools import reduce
from time import perf_counter

import pandas as pd

from abm.experiment.points import described
from abm.experiment.simulation import Markets, Unit
from abm.numerics.moments import Moments
from abm.runs.integrity import UNREADABLE, Stamp
from abm.runs.manifest import Failed, Finished, block_file
from abm.runs.parquet import pack_tables, unpack_table
from abm.runs.schema import BLOCK_TASK
from abm.runs.store import Store

MOMENTS = ["count", "mean", "variance"]


def simulated(markets: Markets, store: Store, unit: Unit) -> Finished | Failed | OSError:
    """Simulate a block and write its file; return what became of it, errors included.

    An error of the simulation is the block's; one of the file system is the run's.
    """
    start = perf_counter()
    try:
        tables = markets(unit)
    except (Exception, SystemExit) as error:
        (point,) = described([unit.point])
        said = f"{type(error).__name__}: {error}"
        return Failed(unit.name, point, unit.seed, said, traceback.format_exc())
    content = pack_tables(tables, {BLOCK_TASK: unit.name, "block": unit.block, "seed": unit.seed})
    try:
        store.write(block_file(unit.name), content)
    except OSError as error:
        return error
    return Finished(unit.name, Stamp.of(content, list(tables)), perf_counter() - start)


def table_of(
    store: Store, unit: Unit, table: str, columns: list[str] | None = None
) -> pd.DataFrame:
    """Return a table of a block, or the columns of it that are asked for."""
    name = block_file(unit.name)
    try:
        with store.open(name) as file:
            frame: pd.DataFrame = unpack_table(file, table, columns).to_pandas()
    except UNREADABLE as error:
        raise OSError(
            f"{store.path(name)} is damaged ({error}): --resume --verify finds and mends it"
        ) from error
    return frame


def summary_over(store: Store, units: Sequence[Unit]) -> pd.DataFrame:
    """Return the summary over all these blocks of a point (columns: `abm.runs.schema.SUMMARY`)."""
    frames = [table_of(store, unit, "summary") for unit in units]
    parts = (Moments.of_variance(*(frame[name].to_numpy() for name in MOMENTS)) for frame in frames)
    merged = reduce(Moments.merge, parts)
    return frames[0].assign(**{name: getattr(merged, name) for name in MOMENTS})


def moments_of(store: Store, unit: Unit, metric: str) -> dict[str, Moments]:
    """Return the moments of a metric of the table `totals` over a block, for each maker."""
    totals = table_of(store, unit, "totals", ["maker", metric])
    groups = totals.groupby("maker", observed=True)[metric]
    return {str(maker): Moments.of(sample.to_numpy()) for maker, sample in groups}
