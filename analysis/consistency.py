"""Whether the points that a run's description has are those that its data are of."""

from abm.runs.names import find_block, find_point
from analysis.load import LogError, Run


def require_points_of_data(run: Run) -> None:
    """Raise LogError unless each point of a run has blocks, and the summary is of these points."""
    blocks = {find_point(block) for block in map(find_block, run.files) if block}
    expected = set(range(len(run.points)))
    if blocks and blocks != expected:
        raise LogError(
            f"{run.folder} has {len(run.points)} points, but blocks of {len(blocks)}: its "
            f"description was changed; repeat the run"
        )
    names = run.varying_parameters
    if blocks and names and "summary.parquet" in run.files:
        summary = run.table("summary")
        there = [name for name in names if name in summary]  # a study's own summary has none
        rows = summary[there].drop_duplicates().itertuples(index=False) if there else []
        points = [tuple(point[name] for name in names) for point in run.points]
        if there and list(map(tuple, rows)) != points:
            raise LogError(
                f"{run.folder} has points in {', '.join(names)} that differ from those of its "
                f"summary: its description was changed; repeat the run"
            )
