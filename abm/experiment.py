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
from typing import Any, NamedTuple

from abm.block import simulated, summary_over
from abm.door import one_of, positive_number, whole
from abm.exchange import MOST_PERIODS, MOST_REPLICATIONS
from abm.manifest import Finished
from abm.markets import Markets, Unit
from abm.points import Point, columns_of, described, grid
from abm.run_folder import RunFolder
from abm.schedule import Schedule, Target
from abm.schema import KEYS, SUMMARY, TOTALS
from abm.streams import LARGEST_SEED
from abm.workers import WorkerDiedError, Workers, at_work, checked_workers

__all__ = ["BlocksFailedError", "Experiment", "Markets", "Progress", "Target", "grid"]

BLOCK = 10_000  # replications that are simulated at once, unless told otherwise
METRICS = [column.name for column in TOTALS if column not in KEYS]
DEATHS = 3  # workers that may die in succession before a run gives up


class BlocksFailedError(RuntimeError):
    """Some blocks could not be simulated; the others are finished and kept."""


class Progress(NamedTuple):
    """How far a run has come.

    Parameters
    ----------
    finished, failed, planned : int
        Blocks.
    arrivals : int
        Traders who arrived in blocks finished since the run was started or resumed.
    """

    finished: int
    failed: int
    planned: int
    arrivals: int


def unwatched(progress: Progress) -> None:
    """Take no notice."""


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
        whole("seed", self.seed, 0, LARGEST_SEED)
        whole("periods", self.periods, 1, MOST_PERIODS)
        whole("block", self.block, 1, MOST_REPLICATIONS)
        _require_blocks("replications", self.replications, self.block)
        if self.target:
            positive_number("se", self.target.se)
            one_of("metric", self.target.metric, METRICS)
            _require_blocks("at_most", self.target.at_most, self.block)
        if not self.points:
            raise ValueError("points is empty, but an experiment needs one: give a point, or more")
        for point in self.points:
            if point.keys() != self.points[0].keys():
                raise ValueError(
                    f"point {point} and point {self.points[0]} have different parameters, but all "
                    f"need the same: give the default where one has none"
                )
            self.markets.check(point)
        for number, point in enumerate(self.described_points):
            if point in self.described_points[:number]:
                raise ValueError(f"point {point} is there twice, but results are told apart by it")

    @property
    def described_points(self) -> list[Point]:
        """The points in numbers and words."""
        return described(self.points)

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
            As `abm.run_folder.RunFolder` does.
        """
        with RunFolder(
            out, name, self.parameters, self.described_points, resume=resume, verify=verify
        ) as folder:
            if not folder.finished:
                self.fill(folder, workers)
                self.summarise(folder)

    def fill(
        self,
        folder: RunFolder,
        workers: Workers = 1,
        watch: Callable[[Progress], None] = unwatched,
    ) -> None:
        """Simulate the blocks that a folder lacks, telling `watch` of the progress.

        Raises
        ------
        BlocksFailedError
            If blocks raised errors, once the others are done.
        OSError
            If a block's file cannot be written.
        """
        workers = checked_workers(workers)
        manifest, schedule = folder.manifest, self.schedule(folder)
        work = partial(simulated, self.markets, folder.store)
        manifest.failed.clear()
        arrivals = deaths = 0
        while due := schedule.due():
            watch(_progress(folder, schedule, arrivals))
            try:
                for outcome in at_work(work, due, workers):
                    if isinstance(outcome, OSError):
                        raise _unwritable(folder, outcome)
                    manifest.add(outcome)
                    deaths = 0
                    arrivals += self.size * self.periods * isinstance(outcome, Finished)
                    watch(_progress(folder, schedule, arrivals))
            except WorkerDiedError as error:
                deaths += 1
                if deaths == DEATHS:
                    raise _given_up(folder, error) from error
        if manifest.failed:
            raise _failed(folder, schedule.planned)

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
        schedule.due()
        for number, point in enumerate(self.described_points):
            summary = summary_over(folder.store, schedule.units(number))
            folder.write("summary", summary.assign(**point), (*columns, *SUMMARY))


def _require_blocks(name: str, replications: int, block: int) -> None:
    whole(name, replications, 1, MOST_REPLICATIONS)
    if replications > block and replications % block:
        raise ValueError(
            f"{name} is {replications}, but above {block} they come in blocks: "
            f"give a multiple of {block}"
        )


def _progress(folder: RunFolder, schedule: Schedule, arrivals: int) -> Progress:
    manifest = folder.manifest
    return Progress(len(manifest.finished), len(manifest.failed), schedule.planned, arrivals)


def _kept(folder: RunFolder) -> str:
    return f"{len(folder.manifest.finished)} blocks are finished and kept"


def _unwritable(folder: RunFolder, error: OSError) -> OSError:
    return OSError(
        f"{folder.store.path()} cannot be written ({error.strerror or error}), {_kept(folder)}: "
        f"make room there, then go on with --resume"
    )


def _given_up(folder: RunFolder, error: WorkerDiedError) -> BlocksFailedError:
    return BlocksFailedError(
        f"{error}: {DEATHS} in succession, with no block finished between. {_kept(folder)}; "
        f"find out what kills them, then go on with --resume"
    )


def _failed(folder: RunFolder, planned: int) -> BlocksFailedError:
    failed = list(folder.manifest.failed.values())
    first = failed[0]
    return BlocksFailedError(
        f"{len(failed)} of {planned} blocks failed, {_kept(folder)}: --resume tries these again. "
        f"The first, {first.block} at {first.point}, seed {first.seed}: {first.error}"
    )
