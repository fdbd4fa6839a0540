"""Simulates the blocks that are scheduled, and records the outcome of each in the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence, Set
from concurrent.futures import CancelledError
from contextlib import closing
from functools import cache, partial
from typing import NamedTuple

from abm.experiment.blocks import simulate_block
from abm.experiment.errors import UnusableWorkerError, WorkerDiedError
from abm.experiment.schedule import Schedule
from abm.experiment.simulation import BlockTask, Simulation
from abm.experiment.workers import Workers, run_tasks
from abm.runs.errors import FolderTakenError
from abm.runs.folder import RunFolder
from abm.runs.manifest import Failed, Finished, block_file
from abm.runs.names import find_number

DEATHS = 3  # workers that may die in succession before a run gives up


class BlocksFailedError(RuntimeError):
    """Some blocks could not be simulated; the others are finished and kept."""


class Progress(NamedTuple):
    """Numbers of blocks, and of traders in those finished since the run was started or resumed."""

    finished: int
    failed: int
    planned: int
    arrivals: int


def ignore_progress(progress: Progress) -> None:
    """Do nothing."""


def run_blocks(
    folder: RunFolder,
    schedule: Schedule,
    simulation: Simulation,
    workers: Workers,
    watch: Callable[[Progress], None],
    meanwhile: Callable[[], None],
) -> None:
    """Simulate the blocks that are due until none is, and report progress to `watch`.

    `meanwhile` is done once, by this process, while workers are at the first blocks.

    Raises
    ------
    BlocksFailedError
        If blocks raised errors, once the others are done; or if workers keep dying.
    FolderTakenError
        If there are blocks that none of the run's points has.
    OSError
        If the folder cannot be written, or the cluster goes away.
    """
    _require_shared(folder, workers)
    manifest, most = folder.manifest, max(schedule.first, schedule.most)
    _refuse_blocks(folder, {block for block in manifest.finished if find_number(block) >= most})
    manifest.failed.clear()
    arrivals = deaths = 0
    once = cache(meanwhile)

    def report() -> None:
        finished, failed = len(manifest.finished), len(manifest.failed)
        watch(Progress(finished, failed, schedule.planned, arrivals))

    while due := schedule.list_due():
        report()
        try:
            with closing(_simulate_blocks(folder, due, simulation, workers, once)) as outcomes:
                for outcome in outcomes:
                    deaths = 0
                    if isinstance(outcome, Finished):
                        arrivals += due[0].size * due[0].periods  # as in every block
                    report()
        except WorkerDiedError as error:
            deaths += 1
            if deaths == DEATHS:
                raise BlocksFailedError(
                    f"{error}: {DEATHS} in succession, with no block finished between. "
                    f"{manifest.status}; find out what kills them, then go on with --resume"
                ) from error
    if manifest.failed:
        raise _summarise_failures(folder, schedule.planned)
    _refuse_blocks(folder, manifest.finished.keys() - {task.name for task in schedule.list_all()})
    once()  # where no block was due


def _refuse_blocks(folder: RunFolder, strange: Set[str]) -> None:
    """Raise FolderTakenError if there are blocks that a run does not have."""
    if strange:
        raise FolderTakenError(
            f"{folder.store.path(block_file(min(strange)))} is a block that this run does not "
            f"have: move it away and go on with --resume, or choose another folder (--out)"
        )


def _require_shared(folder: RunFolder, workers: Workers) -> None:
    """Raise ValueError if other processes are to write to a folder that they do not see."""
    if workers != 1 and not folder.store.shared:
        raise ValueError(
            f"{folder.store.url} is in the memory of this process, but there are other workers "
            f"({workers}): give workers=1, or a folder that all of them see"
        )


def _simulate_blocks(
    folder: RunFolder,
    tasks: Sequence[BlockTask],
    simulation: Simulation,
    workers: Workers,
    meanwhile: Callable[[], None],
) -> Generator[Finished | Failed, None, None]:
    """Yield the outcome of each block, once it is in the manifest."""
    there = folder.description
    code = there.versions | there.code if workers != 1 else {}  # this process has the run's
    simulate = partial(simulate_block, simulation, folder.store, folder.origins, code)
    try:
        with closing(run_tasks(simulate, tasks, workers, meanwhile)) as outcomes:
            for outcome in outcomes:
                with folder.explain_errors():
                    if isinstance(outcome, OSError):
                        raise outcome
                    folder.manifest.add(outcome)
                folder.interrupts.check()
                yield outcome
    except UnusableWorkerError as error:
        raise BlocksFailedError(
            f"{error}. {folder.manifest.status}: then go on with --resume"
        ) from error
    except CancelledError as error:
        raise OSError(
            f"the cluster at {workers} went away ({' '.join(str(error).split())}). "
            f"{folder.manifest.status}: go on with --resume"
        ) from error


def _summarise_failures(folder: RunFolder, planned: int) -> BlocksFailedError:
    """Return an error that says how many blocks failed, and why the first did."""
    failed = list(folder.manifest.failed.values())
    first = failed[0]
    return BlocksFailedError(
        f"{len(failed)} of {planned} blocks failed, {folder.manifest.status}: --resume tries these "
        f"again. The first, {first.block} at {first.point}, seed {first.seed}: "
        f"{' '.join(first.error.split())}"
    )
