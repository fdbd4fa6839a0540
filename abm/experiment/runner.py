"""Filling a folder with blocks: the scheduled ones are worked on, and what became of each noted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import closing
from functools import partial
from typing import NamedTuple

from abm.experiment.blocks import simulated
from abm.experiment.schedule import Schedule
from abm.experiment.simulation import Markets
from abm.experiment.workers import WorkerDiedError, Workers, at_work
from abm.runs.folder import RunFolder
from abm.runs.manifest import Failed, Finished

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


def fill(
    folder: RunFolder,
    schedule: Schedule,
    markets: Markets,
    workers: Workers,
    watch: Callable[[Progress], None],
) -> None:
    """Simulate the blocks that are due until none is, and tell `watch` of the progress.

    Raises
    ------
    BlocksFailedError
        If blocks raised errors, once the others are done; or if workers keep dying.
    OSError
        If the folder cannot be written.
    """
    if workers != 1 and not folder.store.shared:
        raise ValueError(
            f"{folder.store.url} is in the memory of this process, but there are other workers "
            f"({workers}): give workers=1, or a folder that all of them see"
        )
    manifest = folder.manifest
    manifest.failed.clear()
    arrivals = deaths = 0

    def tell() -> None:
        finished, failed = len(manifest.finished), len(manifest.failed)
        watch(Progress(finished, failed, schedule.planned, arrivals))

    while due := schedule.due():
        tell()
        arriving = {unit.name: unit.size * unit.periods for unit in due}
        work = partial(simulated, markets, folder.store)
        try:
            with closing(at_work(work, due, workers)) as outcomes:
                for outcome in outcomes:
                    _note(folder, outcome)
                    deaths = 0
                    if isinstance(outcome, Finished):
                        arrivals += arriving[outcome.block]
                    tell()
        except CancelledError as error:
            raise OSError(
                f"the cluster at {workers} went away ({error}). {folder.manifest.status}: "
                f"go on with --resume"
            ) from error
        except WorkerDiedError as error:
            deaths += 1
            if deaths == DEATHS:
                raise BlocksFailedError(
                    f"{error}: {DEATHS} in succession, with no block finished between. "
                    f"{folder.manifest.status}; find out what kills them, then go on with --resume"
                ) from error
    if manifest.failed:
        raise _failed(folder, schedule.planned)


def _note(folder: RunFolder, outcome: Finished | Failed | OSError) -> None:
    """Write down what became of a block, or raise what keeps it from being written."""
    with folder.explain_errors():
        if isinstance(outcome, OSError):
            raise outcome
        folder.manifest.add(outcome)


def _failed(folder: RunFolder, planned: int) -> BlocksFailedError:
    failed = list(folder.manifest.failed.values())
    first = failed[0]
    return BlocksFailedError(
        f"{len(failed)} of {planned} blocks failed, {folder.manifest.status}: "
        f"--resume tries these again. "
        f"The first, {first.block} at {first.point}, seed {first.seed}: "
        f"{' '.join(first.error.split())}"
    )
