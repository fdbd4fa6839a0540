"""An experiment: its points and blocks, checked, run and summarised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex

from abm.exchange.model import MOST_REPLICATIONS
from abm.exchange.tape import MOST_PERIODS
from abm.experiment.blocks import merge_summaries
from abm.experiment.fingerprint import fingerprint
from abm.experiment.points import Point, describe_points, point_columns, varying_parameters
from abm.experiment.runner import Progress, ignore_progress, run_blocks
from abm.experiment.schedule import Schedule, Target
from abm.experiment.simulation import BlockTask, Simulation
from abm.experiment.workers import Workers, check_workers, do_nothing
from abm.market.random_streams import LARGEST_SEED
from abm.market.values import find_process
from abm.numerics.checks import require_whole
from abm.numerics.describe import describe, list_some, show_count
from abm.runs.folder import RunFolder
from abm.runs.schema import SUMMARY

BLOCK = 10_000  # replications that are simulated at once, unless given
LARGEST_BLOCK = 10_000_000  # of which some hundred bytes each are in memory


@dataclass(frozen=True)
class Experiment:
    """Points at which markets are simulated, and how many.

    Parameters
    ----------
    points : sequence of dict
        Parameters of each point, the same names at all; `grid` makes them.
    simulation : Simulation
        How a block at a point is simulated, and what is kept of it.
    replications : int
        At each point, or at first if there is a target; above `block`, a multiple of it.
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

    Examples
    --------
    >>> points = [{"makers": "optimal", "prior_sd": 1.0}, {"makers": "optimal", "prior_sd": 3.0}]
    >>> Experiment(points, replications=100, periods=5).run("runs/small")
    """

    points: Sequence[Point]
    simulation: Simulation = field(default_factory=Simulation)
    replications: int = BLOCK
    periods: int = 100
    seed: int = 0
    block: int = BLOCK
    target: Target | None = None

    def __post_init__(self) -> None:
        self._check_types()
        require_whole("seed", self.seed, 0, LARGEST_SEED)
        require_whole("periods", self.periods, 1, MOST_PERIODS)
        block = require_whole("block", self.block, 1, LARGEST_BLOCK)
        require_blocks("replications", self.replications, block)
        require_whole("burn_in", self.simulation.burn_in, 0, self.periods - 1)
        if self.target:
            require_blocks("at_most", self.target.at_most, block)
            require_whole("at_most", self.target.at_most, self.replications, MOST_REPLICATIONS)
        self._check_points()

    def __repr__(self) -> str:
        names = list_some(varying_parameters(self.described_points))
        points = show_count(len(self.points), "point") + (f" in {names}" if names else "")
        sizes = (show_count(self.replications, "market"), show_count(self.periods, "period"))
        return describe(self, points, *sizes, f"seed {self.seed}")

    def _check_types(self) -> None:
        for name, kind in (("simulation", Simulation), ("target", Target | None)):
            if not isinstance(value := getattr(self, name), kind):
                raise TypeError(f"{name} is {value!r}, but must be a {name.capitalize()}: give one")
        points = self.points if isinstance(self.points, Sequence) else [self.points]
        for point in points:
            if not isinstance(point, dict) or points is not self.points:
                raise TypeError(
                    f"point {point!r} must be a dict of parameters in a list of points: give as "
                    f"grid(makers=['optimal'], prior_sd=[3.0])"
                )

    def _check_points(self) -> None:
        if not self.points:
            raise ValueError("points is empty, but an experiment needs one: give a point, or more")
        for point in self.points:
            if point.keys() != self.points[0].keys():
                raise ValueError(
                    f"point {point} and point {self.points[0]} have different parameters, but all "
                    f"need the same: give the default where one has none"
                )
            self.simulation.check_point(point, self.size)
            self._check_moves(point)
        described = self.described_points
        for number, point in enumerate(described):
            if point in described[:number]:
                raise ValueError(
                    f"point {point} is there twice, but results are told apart by it: leave one out"
                )

    def _check_moves(self, point: Point) -> None:
        process = find_process(self.simulation.make_arguments(point).get("value", "fixed"))
        if process.last_period >= self.periods:
            raise ValueError(
                f"the value moves in period {process.last_period}, but there are {self.periods} "
                f"periods, from 0: give an earlier one, or more periods"
            )

    @property
    def described_points(self) -> list[Point]:
        """The points as numbers and text."""
        return describe_points(self.points)

    @property
    def code(self) -> dict[str, str]:
        """Hashes of this package, and of code and arguments of what points name."""
        exchanges = [self.simulation.make_arguments(point) for point in self.points]
        return fingerprint(exchanges, self.simulation.functions.values())

    @property
    def parameters(self) -> dict[str, Any]:
        """What results depend on, as a run's description has it."""
        names = ("replications", "periods", "seed", "block")
        own = {name: int(getattr(self, name)) for name in names}
        target = {"target": asdict(self.target)} if self.target else {}
        return own | self.simulation.parameters | target

    @property
    def origins(self) -> list[dict[str, Any]]:
        """What the blocks of each point depend on, as their files say it."""
        own = {"size": self.size, "periods": int(self.periods), "seed": int(self.seed)}
        return [
            own | self.simulation.parameters | {"point": point} for point in self.described_points
        ]

    @property
    def size(self) -> int:
        """Replications in a block."""
        return int(min(self.block, self.replications))

    def run(
        self,
        out: str | Path,
        *,
        name: str = "experiment",
        workers: Workers = 1,
        resume: bool = False,
        verify: bool = False,
    ) -> None:
        """Run the experiment, and write its blocks and a summary over them to a folder.

        Parameters
        ----------
        out : str or path
            Or a URL that fsspec knows.
        name : str
            What the run is called.
        workers : int or str
            1 for this process alone, more for so many, or the address of a Dask scheduler.
        resume, verify : bool
            Whether to go on with what an earlier run left there, and to compare every byte of that
            rather than sizes and footers.

        Raises
        ------
        BlocksFailedError
            If blocks raised errors; the others are kept, and `resume` tries these again.
        FolderTakenError, OSError
            As `abm.runs.folder.RunFolder` does.
        """
        with RunFolder(
            out, name, self.parameters, self.described_points, origins=self.origins,
            code=self.code, resume=resume, verify=verify,
        ) as folder:  # fmt: skip
            if not folder.finished:
                self.run_blocks(folder, workers)
                self.summarise(folder)

    def run_blocks(
        self,
        folder: RunFolder,
        workers: Workers = 1,
        watch: Callable[[Progress], None] = ignore_progress,
        meanwhile: Callable[[], None] = do_nothing,
    ) -> None:
        """Simulate the blocks that a folder lacks, as `abm.experiment.runner.run_blocks` does."""
        schedule = self.make_schedule(folder)
        checked = check_workers(workers)
        run_blocks(folder, schedule, self.simulation, checked, watch, meanwhile)

    def make_schedule(self, folder: RunFolder) -> Schedule:
        """Return which blocks are needed, given those in a folder."""
        return Schedule(
            self.list_tasks, len(self.points), int(self.replications) // self.size,
            self.target.at_most // self.size if self.target else 0,
            self.target, folder.store, folder.manifest,
        )  # fmt: skip

    def list_tasks(self, point: int, blocks: int) -> list[BlockTask]:
        """Return the tasks of the first blocks of a point, by its number."""
        size, periods, seed = self.size, int(self.periods), int(self.seed)
        return [
            BlockTask(f"{point:04d}-{block:05d}", self.points[point], block, size, periods, seed)
            for block in range(blocks)
        ]

    def summarise(self, folder: RunFolder) -> None:
        """Write the table `summary`: that of each point, merged over its blocks."""
        schedule, points = self.make_schedule(folder), self.described_points
        columns = (*point_columns(points), *SUMMARY)
        for number, point in enumerate(points):
            summary = merge_summaries(folder.store, schedule.list_tasks(number))
            folder.write("summary", summary.assign(**point), columns)


def require_blocks(name: str, value: SupportsIndex, block: int) -> None:
    """Raise unless a number of replications fits into blocks."""
    replications = require_whole(name, value, 1, MOST_REPLICATIONS)
    if replications > block and replications % block:
        raise ValueError(
            f"{name} is {replications}, but above {block} they come in blocks: "
            f"give a multiple of {block}"
        )
