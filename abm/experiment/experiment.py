"""Experiments: points times blocks of replications, which nothing interrupts for good.

A point is a set of parameters; a block is so many replications, numbered from block to block. Each
block at each point is one piece of work: it is simulated, and written to a file that is there as a
whole or not at all. What a block holds depends on the seed, the point and its number alone, so
the number of workers, their order, and how often the run was stopped leave no trace in results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from abm.exchange.model import MOST_PERIODS, MOST_REPLICATIONS
from abm.experiment.blocks import summary_over
from abm.experiment.points import Point, columns_of, described, grid
from abm.experiment.runner import BlocksFailedError, Progress, fill, unwatched
from abm.experiment.schedule import Schedule, Target
from abm.experiment.simulation import Markets, Unit
from abm.experiment.workers import Workers, checked_workers
from abm.market.random_streams import LARGEST_SEED
from abm.numerics.checks import one_of, positive_number, whole
from abm.runs.folder import RunFolder
from abm.runs.schema import KEYS, SUMMARY, TOTALS

__all__ = ["BlocksFailedError", "Experiment", "Markets", "Progress", "Target", "grid"]

BLOCK = 10_000  # replications that are simulated at once, unless told otherwise
METRICS = [column.name for column in TOTALS if column not in KEYS]


@dataclass(frozen=True)
class Experiment:
    """What is to be simulated.

    Parameters
    ----------
    points : sequence of dict
        Parameters of each point, under the same names at all; `grid` makes them.
    markets : Markets
        What simulates a block at a point.
    replications : int
        At each point, or as many as a point begins with if there is a target; above `block`, a
        multiple of it.
    periods : int
        Traders who arrive in each replication.
    seed : int
    block : int
        Replications that are simulated at once. Results depend on it.
    target : Target, optional
        When to stop adding blocks.

    Raises
    ------
    ValueError, TypeError
        If a parameter is unknown, misspelt, out of range or of the wrong type.
    """

    points: Sequence[Point]
    markets: Markets = field(default_factory=Markets)
    replications: int = BLOCK
    periods: int = 100
    seed: int = 0
    block: int = BLOCK
    target: Target | None = None

    def __post_init__(self) -> None:
        self._require_kinds()
        block = whole("block", self.block, 1, MOST_REPLICATIONS)
        for name, number in {
            "seed": whole("seed", self.seed, 0, LARGEST_SEED),
            "periods": whole("periods", self.periods, 1, MOST_PERIODS),
            "block": block,
            "replications": in_blocks("replications", self.replications, block),
        }.items():
            object.__setattr__(self, name, number)  # NumPy's integers become Python's
        if self.target:
            positive_number("se", self.target.se)
            one_of("metric", self.target.metric, METRICS)
            in_blocks("at_most", self.target.at_most, self.block)
            whole("at_most", self.target.at_most, self.replications, MOST_REPLICATIONS)
        if not self.points:
            raise ValueError("points is empty, but an experiment needs one: give a point, or more")
        whole("burn_in", self.markets.burn_in, 0, self.periods - 1)
        for point in self.points:
            if point.keys() != self.points[0].keys():
                raise ValueError(
                    f"point {point} and point {self.points[0]} have different parameters, but all "
                    f"need the same: give the default where one has none"
                )
            self.markets.check(point, self.size)
        points = self.described_points
        for number, point in enumerate(points):
            if point in points[:number]:
                raise ValueError(
                    f"point {point} is there twice, but results are told apart by it: leave one out"
                )

    def _require_kinds(self) -> None:
        for name, kind in (("markets", Markets), ("target", Target | None)):
            if not isinstance(value := getattr(self, name), kind):
                raise TypeError(f"{name} is {value!r}, but must be a {name.capitalize()}: give one")
        points = self.points if isinstance(self.points, Sequence) else [self.points]
        for point in points:
            if not isinstance(point, dict) or points is not self.points:
                raise TypeError(
                    f"point {point!r} must be a dict of parameters in a list of points: give as "
                    f"grid(makers=['optimal'], prior_sd=[3.0])"
                )

    @property
    def described_points(self) -> list[Point]:
        """The points in numbers and words."""
        return described(self.points)

    @property
    def code(self) -> dict[str, str]:
        """Hashes of the files of makers that are not of this package, by their places."""
        return self.markets.code(self.points)

    @property
    def parameters(self) -> dict[str, Any]:
        """What results depend on, as a run's description has it."""
        own = {name: getattr(self, name) for name in ("replications", "periods", "seed", "block")}
        target = {"target": self.target._asdict()} if self.target else {}
        return own | asdict(self.markets) | target

    @property
    def size(self) -> int:
        """Replications in a block."""
        return min(self.block, self.replications)

    def run(
        self,
        out: str | Path,
        *,
        name: str = "experiment",
        workers: Workers = 1,
        resume: bool = False,
        verify: bool = False,
    ) -> None:
        """Run the experiment, and leave its blocks and a summary over them in a folder.

        Parameters
        ----------
        out : str or path
            Or a URL that fsspec knows.
        name : str
            What the run is called.
        workers : int or str
            1 for this process alone, more for so many processes, or the address of a Dask
            scheduler.
        resume : bool
            Whether to go on with what an earlier run left there.
        verify : bool
            Whether to compare every byte of that, rather than sizes and footers.

        Raises
        ------
        BlocksFailedError
            If blocks raised errors; the others are kept, and `resume` tries these again.
        FolderTakenError, OSError
            As `abm.runs.folder.RunFolder` does.
        """
        with RunFolder(
            out, name, self.parameters, self.described_points, code=self.code, resume=resume,
            verify=verify,
        ) as folder:  # fmt: skip
            if not folder.finished:
                self.fill(folder, workers)
                self.summarise(folder)

    def fill(
        self,
        folder: RunFolder,
        workers: Workers = 1,
        watch: Callable[[Progress], None] = unwatched,
    ) -> None:
        """Simulate the blocks that a folder lacks, as `abm.experiment.runner.fill` does."""
        fill(folder, self.schedule(folder), self.markets, checked_workers(workers), watch)

    def schedule(self, folder: RunFolder) -> Schedule:
        """Return which blocks are needed, given those in a folder."""
        return Schedule(
            [partial(self.units, point) for point in range(len(self.points))],
            self.replications // self.size,
            self.target.at_most // self.size if self.target else 0,
            self.target, folder.store, folder.manifest,
        )  # fmt: skip

    def units(self, point: int, blocks: int) -> list[Unit]:
        """Return the first blocks of a point, by its number."""
        return [
            Unit(
                f"{point:04d}-{block:05d}", self.points[point], block, self.size, self.periods,
                self.seed,
            )
            for block in range(blocks)
        ]  # fmt: skip

    def summarise(self, folder: RunFolder) -> None:
        """Write the table `summary`: that of each point, merged over its blocks."""
        schedule, columns = self.schedule(folder), columns_of(self.described_points)
        for number, point in enumerate(self.described_points):
            summary = summary_over(folder.store, schedule.units(number))
            folder.write("summary", summary.assign(**point), (*columns, *SUMMARY))


def in_blocks(name: str, value: int, block: int) -> int:
    """Return a number of replications, or raise unless it fits into blocks."""
    replications = whole(name, value, 1, MOST_REPLICATIONS)
    if replications > block and replications % block:
        raise ValueError(
            f"{name} is {replications}, but above {block} they come in blocks: "
            f"give a multiple of {block}"
        )
    return replications
