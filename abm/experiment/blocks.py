"""A block: simulated and written to a file of its own, and read back to be merged with others."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from time import perf_counter

import numpy as np
import pandas as pd

from abm.experiment.fingerprint import require_same_code
from abm.experiment.points import describe_points
from abm.experiment.simulation import BlockTask, Simulation
from abm.numerics.moments import Moments
from abm.runs.integrity import UNREADABLE, Origins, Stamp
from abm.runs.manifest import Failed, Finished, block_file
from abm.runs.names import find_point
from abm.runs.parquet import pack_tables, unpack_table
from abm.runs.schema import BLOCK_TASK, MOMENTS, ORIGIN
from abm.runs.store import Store


def simulate_block(
    simulation: Simulation,
    store: Store,
    origins: Origins,
    code: Mapping[str, str],
    task: BlockTask,
) -> Finished | Failed | OSError:
    """Simulate a block and write its file; return the outcome, errors included.

    An error of the simulation is the block's, and so are versions and code that are not the run's,
    as `code` has them; one of the file system is the run's. `origins` is what blocks of each point
    depend on.
    """
    start = perf_counter()
    try:
        if code:
            exchange = simulation.make_arguments(task.point)
            require_same_code(code, exchange, simulation.functions.values())
        tables = simulation.run(task)
    except (Exception, SystemExit) as error:
        (point,) = describe_points([task.point])
        message = f"{type(error).__name__}: {error}"
        return Failed(task.name, point, task.seed, message, traceback.format_exc())
    origin = {ORIGIN: origins[find_point(task.name)]} if origins else {}
    content = pack_tables(tables, {BLOCK_TASK: task.name} | origin)
    try:
        store.write(block_file(task.name), content)
    except OSError as error:
        return error
    return Finished(task.name, Stamp.of(content, list(tables)), perf_counter() - start)


def read_table(
    store: Store, task: BlockTask, table: str, columns: list[str] | None = None
) -> pd.DataFrame:
    """Return a table of a block, or these columns of it.

    Raises
    ------
    OSError
        If the block's file is damaged.
    """
    name = block_file(task.name)
    try:
        with store.open(name) as file:
            frame: pd.DataFrame = unpack_table(file, table, columns).to_pandas()
    except UNREADABLE as error:
        if store.gone:
            raise OSError(
                f"{store.path()} is gone: it was removed or renamed while the run read it; put it "
                f"back and continue with --resume, or begin anew"
            ) from error
        raise OSError(
            f"{store.path(name)} is damaged ({error}): --resume --verify finds and repairs it"
        ) from error
    return frame


def merge_summaries(store: Store, tasks: Sequence[BlockTask]) -> pd.DataFrame:
    """Return the summary over these blocks of a point (columns: `abm.runs.schema.SUMMARY`)."""
    frames = [read_table(store, task, "summary") for task in tasks]
    parts, rows = pd.concat(frames), len(frames[0])
    blocks = Moments.of_variance(*(parts[name].to_numpy() for name in MOMENTS))
    merged = blocks.pool(np.tile(np.arange(rows), len(frames)), rows)
    return frames[0].assign(**{name: getattr(merged, name) for name in MOMENTS})


def read_moments(store: Store, task: BlockTask, metric: str) -> dict[str, Moments]:
    """Return the moments of a metric of the table `totals` over a block, for each maker."""
    totals = read_table(store, task, "totals", ["maker", metric])
    groups = totals.groupby("maker", observed=True)[metric]
    return {str(maker): Moments.of(sample.to_numpy()) for maker, sample in groups}
