"""Which blocks an experiment needs: a fixed number, or as many as a standard error asks for.

With a target, each point goes from stage to stage: when all blocks of a stage are finished, the
standard error over them decides whether another stage follows, and of how many blocks. Stages thus
depend on results alone, not on the worker that computed them, or when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf, isfinite

import numpy as np

from abm.exchange.model import MOST_REPLICATIONS
from abm.experiment.blocks import read_moments
from abm.experiment.simulation import BlockTask
from abm.numerics.checks import positive_number, require_one_of, require_whole
from abm.numerics.intervals import find_effective_se
from abm.numerics.moments import Moments
from abm.runs.manifest import Manifest
from abm.runs.schema import KEYS, TOTALS
from abm.runs.store import Store

METRICS = [column.name for column in TOTALS if column not in KEYS]


@dataclass(frozen=True)
class Target:
    """A standard error to be reached: blocks are added to each point until it is.

    Parameters
    ----------
    se : float
        Of the mean over replications, for every maker at the point, as
        `abm.numerics.intervals.find_effective_se` has it. An error of 0 never reaches it: what has
        not varied yet may be rare.
    metric : str
        A column of `abm.runs.schema.TOTALS`.
    at_most : int
        Replications at a point, whether it is reached by then or not.

    Raises
    ------
    ValueError, TypeError
        If se is not a number above zero, metric unknown, or at_most no whole number above zero.

    Examples
    --------
    >>> from abm.experiment import Experiment, grid
    >>> from analysis import load
    >>> points = grid(makers=["optimal"], prior_sd=[3.0])
    >>> study = Experiment(points, replications=500, periods=20, block=500, target=Target(0.03))
    >>> study.run("runs/precise")
    >>> len(load("runs/precise").table("totals"))  # markets that this took
    2000
    """

    se: float
    metric: str = "discounted_profit"
    at_most: int = 1_000_000

    def __post_init__(self) -> None:
        positive_number("se", self.se)
        require_one_of("metric", self.metric, METRICS)
        require_whole("at_most", self.at_most, 1, MOST_REPLICATIONS)


@dataclass(eq=False)
class Schedule:
    """Decides which blocks are to be simulated, given those that are finished.

    Parameters
    ----------
    first_tasks : callable
        From the number of a point and n to the tasks of its first n blocks.
    points : int
        How many there are.
    first, most : int
        Blocks of a point in its first stage, and at most.
    target : Target or None
        None for one stage.
    store, manifest : Store, Manifest
        Where blocks are, and which.
    """

    first_tasks: Callable[[int, int], list[BlockTask]]
    points: int
    first: int
    most: int
    target: Target | None
    store: Store
    manifest: Manifest

    def __post_init__(self) -> None:
        self._stage = [self.first] * self.points
        self._cache: dict[str, dict[str, Moments]] = {}

    @property
    def planned(self) -> int:
        """How many blocks there are to be, as far as is known."""
        return sum(self._stage)

    def list_all(self) -> list[BlockTask]:
        """Return the tasks of all points, as far as their stages can be decided."""
        return [task for point in range(self.points) for task in self.list_tasks(point)]

    def list_due(self) -> list[BlockTask]:
        """Return the tasks that can be simulated now; none when all are done or failed."""
        missing = [task for point in range(self.points) for task in self._list_missing(point)]
        return [task for task in missing if task.name not in self.manifest.failed]

    def list_tasks(self, point: int) -> list[BlockTask]:
        """Return the tasks of a point, by its number, as far as its stages can be decided."""
        self._list_missing(point)
        return self.first_tasks(point, self._stage[point])

    def _list_missing(self, point: int) -> list[BlockTask]:
        """Return the unfinished tasks of a point's stage, or of the next if none are left."""
        while True:
            tasks = self.first_tasks(point, self._stage[point])
            missing = [task for task in tasks if task.name not in self.manifest.finished]
            stage = self._stage[point] if missing else self._next_stage(tasks)
            if stage == self._stage[point]:
                return missing
            self._stage[point] = stage

    def _next_stage(self, tasks: list[BlockTask]) -> int:
        """Return how many blocks a point needs, as far as can be told from these."""
        blocks = len(tasks)
        if self.target is None or blocks >= self.most:
            return blocks
        error = self._measure_error(tasks, self.target.metric)
        if error <= self.target.se:
            return blocks
        wanted = ceil(blocks * (error / self.target.se) ** 2) if isfinite(error) else 2 * blocks
        return min(max(wanted, blocks + 1), 2 * blocks, self.most)

    def _measure_error(self, tasks: list[BlockTask], metric: str) -> float:
        """Return the largest error, as `Target` has it, among makers who have the metric at all.

        It is infinite where nothing has varied yet.
        """
        blocks = [self._moments(task, metric) for task in tasks]
        all_in_one = np.zeros(len(blocks), int)
        totals = [
            Moments.stack(block[maker] for block in blocks).pool(all_in_one, 1)
            for maker in blocks[0]
        ]
        errors = [
            float(find_effective_se(moments.se, moments.count)[0])
            for moments in totals
            if moments.count[0] > 0
        ]
        return max(errors, default=inf)

    def _moments(self, task: BlockTask, metric: str) -> dict[str, Moments]:
        if task.name not in self._cache:
            self._cache[task.name] = read_moments(self.store, task, metric)
        return self._cache[task.name]
