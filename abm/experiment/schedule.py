"""Which blocks an experiment needs: a fixed number, or as many as a standard error asks for.

With a target, each point goes from stage to stage: when all blocks of a stage are there, the
standard error over them decides whether there is another, and of how many blocks. Stages thus
depend on results alone, not on who computed them, or when.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import ceil, inf, isfinite
from typing import NamedTuple

from abm.experiment.blocks import moments_of
from abm.experiment.simulation import Unit
from abm.numerics.moments import Moments
from abm.runs.manifest import Manifest
from abm.runs.store import Store


class Target(NamedTuple):
    """A standard error to be reached: blocks are added to each point until it is.

    Parameters
    ----------
    se : float
        Of the mean over replications, for every maker at the point.
    metric : str
        A column of `abm.runs.schema.TOTALS`.
    at_most : int
        Replications at a point, whether it is reached by then or not.
    """

    se: float
    metric: str = "discounted_profit"
    at_most: int = 1_000_000


class Schedule:
    """What is to be simulated, given what is there.

    Parameters
    ----------
    units : list of callable
        For each point, a function that returns its first n units.
    first : int
        Blocks in the first stage of every point.
    most : int
        Blocks at most.
    target : Target or None
        None for one stage.
    store, manifest : Store, Manifest
        Where blocks are, and which.
    """

    def __init__(
        self,
        units: list[Callable[[int], list[Unit]]],
        first: int,
        most: int,
        target: Target | None,
        store: Store,
        manifest: Manifest,
    ) -> None:
        self._units = units
        self._stage = [first] * len(units)
        self._most = most
        self._target = target
        self._store = store
        self._manifest = manifest
        self._known: dict[str, dict[str, Moments]] = {}

    @property
    def planned(self) -> int:
        """How many blocks there are to be, as far as is known."""
        return sum(self._stage)

    def due(self) -> list[Unit]:
        """Return the units that can be simulated now; none when all are done or failed."""
        lacking = [unit for point in range(len(self._units)) for unit in self._lacking(point)]
        return [unit for unit in lacking if unit.name not in self._manifest.failed]

    def units(self, point: int) -> list[Unit]:
        """Return the units of a point, by its number, as far as its stages can be decided."""
        self._lacking(point)
        return self._units[point](self._stage[point])

    def _lacking(self, point: int) -> list[Unit]:
        """Return what is not there of a point's stage, or of the next if that is complete."""
        while True:
            units = self._units[point](self._stage[point])
            lacking = [unit for unit in units if unit.name not in self._manifest.finished]
            stage = self._stage[point] if lacking else self._next_stage(units)
            if stage == self._stage[point]:
                return lacking
            self._stage[point] = stage

    def _next_stage(self, units: list[Unit]) -> int:
        """Return how many blocks a point needs, as far as can be told from these."""
        blocks = len(units)
        if self._target is None or blocks >= self._most:
            return blocks
        error = self._standard_error(units, self._target.metric)
        if error <= self._target.se:
            return blocks
        wanted = ceil(blocks * (error / self._target.se) ** 2) if isfinite(error) else 2 * blocks
        return min(max(wanted, blocks + 1), 2 * blocks, self._most)

    def _standard_error(self, units: list[Unit], metric: str) -> float:
        """Return the largest standard error among makers of whom the metric is known at all."""
        blocks = [self._moments(unit, metric) for unit in units]
        merged = [reduce(Moments.merge, (one[maker] for one in blocks)) for maker in blocks[0]]
        errors = [float(one.se) for one in merged if one.count > 0]
        return max((error if isfinite(error) else inf for error in errors), default=inf)

    def _moments(self, unit: Unit, metric: str) -> dict[str, Moments]:
        if unit.name not in self._known:
            self._known[unit.name] = moments_of(self._store, unit, metric)
        return self._known[unit.name]
