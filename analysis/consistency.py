"""Whether the parameters and points of a run's description are those that its data are of."""

from pyarrow import parquet

from abm.runs.names import find_block, find_point
from abm.runs.parquet import read_metadata
from abm.runs.schema import ORIGIN
from analysis.files import read_file
from analysis.load import LogError, Run

SAME = ("seed", "periods")  # parameters that blocks have, too


def require_points_of_data(run: Run) -> None:
    """Raise LogError unless each point of a run has blocks, and each block says that it is its."""
    blocks = {file: find_point(block) for file in run.files if (block := find_block(file))}
    if blocks and set(blocks.values()) != set(range(len(run.points))):
        raise LogError(
            f"{run.folder} has {len(run.points)} points, but blocks of "
            f"{len(set(blocks.values()))}: its description was changed; repeat the run"
        )
    for file, point in blocks.items():
        metadata = read_file(
            run.folder, file, run.files[file]["size"],
            lambda source: read_metadata(parquet.read_metadata(source)),
        )  # fmt: skip
        there = {**metadata.get(ORIGIN, {})}
        here = {"point": run.points[point], **{name: run.parameters.get(name) for name in SAME}}
        if {name: there.get(name) for name in here} != here:
            raise LogError(
                f"{run.folder}/{file} is of another point or seed than the run's description has, "
                f"or of other periods: one of them was changed; repeat the run"
            )
