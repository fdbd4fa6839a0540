"""Runs that are killed, stopped or without disk space: what was finished stays."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from abm.experiment import Experiment, Simulation, grid
from abm.experiment.points import Point
from abm.experiment.simulation import BlockTask
from abm.runs.manifest import Manifest
from abm.runs.parquet import Tables
from abm.runs.schema import MANIFEST_FILE
from abm.runs.store import Store
from tests.files import ROOT, partial_of, read_files
from tests.interruptions import Study

pytestmark = pytest.mark.slow

SIZE, BLOCKS, PERIODS = 200, 15, 8
POINTS = grid(makers=["zero-profit", ["myopic", "fixed-spread"]], prior_sd=[1.0, 3.0])
NOTES = "NOTES_OF_SIMULATED_BLOCKS"
SOON = 20.0  # seconds
FRESH = get_context("forkserver")
FRESH.set_forkserver_preload(["abm.experiment.experiment", __name__])


class Noted(Simulation):
    """Writes down each task that it begins to simulate, and takes its time."""

    def run(self, task: BlockTask) -> Tables:
        with Path(os.environ[NOTES]).open("a") as notes:
            notes.write(f"{task.name}\n")
        time.sleep(0.01)
        return super().run(task)


def experiment(
    simulation: Simulation | None = None,
    *,
    points: list[Point] = POINTS,
    blocks: int = BLOCKS,
    block: int = SIZE,
    periods: int = PERIODS,
) -> Experiment:
    return Experiment(
        points,
        simulation or Simulation(),
        replications=blocks * block,
        block=block,
        periods=periods,
    )


def noted(notes: Path) -> Noted:
    """Return a simulation that writes its notes there, in whichever process."""
    os.environ[NOTES] = str(notes)
    return Noted()


def run(out: Path, workers: int, notes: Path) -> None:
    experiment(noted(notes)).run(out, workers=workers, resume=True)


def run_in_a_session(out: Path, workers: int, notes: Path) -> None:
    os.setsid()
    run(out, workers, notes)
    os._exit(0)  # without waiting for workers to have been idle for long


def finished(out: Path) -> set[str]:
    folder = out if out.exists() else partial_of(out)
    return set(Manifest(Store(folder)).finished)


def written(out: Path) -> int:
    with suppress(FileNotFoundError):
        return (partial_of(out) / MANIFEST_FILE).read_bytes().count(b"stamp")
    return 0


def reached(out: Path, blocks: int) -> bool:
    return written(out) >= blocks


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    for _ in range(int(seconds / 0.01)):
        if true():
            return True
        time.sleep(0.01)
    return False


def is_gone(group: int) -> bool:
    """Return whether no process of a group is alive."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, of_group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(of_group) == group and state != "Z":
                return False
    return True


class Sessions:
    """Starts runs in sessions of their own, and ends what is left of them."""

    def __init__(self) -> None:
        self.groups: list[int] = []

    def start(self, out: Path, workers: int, notes: Path) -> BaseProcess:
        process = FRESH.Process(target=run_in_a_session, args=(out, workers, notes))
        process.start()
        assert process.pid is not None
        self.groups.append(process.pid)
        return process

    def command(self, out: Path, workers: int, notes: Path) -> "subprocess.Popen[str]":
        code = (
            f"from pathlib import Path; from {__name__} import run; "
            f"run(Path({str(out)!r}), {workers}, Path({str(notes)!r}))"
        )
        here = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        process = subprocess.Popen(
            [sys.executable, "-c", code], text=True, stderr=subprocess.PIPE,
            start_new_session=True, env=os.environ | {"PYTHONPATH": here},
        )  # fmt: skip
        self.groups.append(process.pid)
        return process

    def end(self) -> None:
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    started = Sessions()
    yield started
    started.end()


@pytest.fixture(scope="module")
def run_untroubled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """Return a function that runs an experiment of FULL, each of them once."""

    @cache
    def run_once(full: str) -> dict[str, bytes]:
        out = tmp_path_factory.mktemp("untroubled") / "run"
        experiment(**FULL[full][0]).run(out)
        return read_files(out)

    return run_once


@pytest.fixture(scope="module")
def untroubled(run_untroubled: Callable[[str], dict[str, bytes]]) -> dict[str, bytes]:
    return run_untroubled("block")


@pytest.mark.parametrize(("workers", "kills"), [(1, 4), (2, 2)])
def test_a_run_killed_at_any_moment_is_resumed_and_redoes_only_what_was_in_flight(
    workers: int, kills: int, untroubled: dict[str, bytes], tmp_path: Path, sessions: Sessions
) -> None:
    out, chance = tmp_path / "run", Random(workers)
    notes = [tmp_path / f"notes-{attempt}" for attempt in range(kills + 1)]
    before: list[set[str]] = []
    for attempt in range(kills):
        before.append(finished(out))
        process = sessions.start(out, workers, notes[attempt])
        more = chance.randrange(1, 2 * BLOCKS * len(POINTS) // (kills + 4))
        assert wait_until(partial(reached, out, len(before[-1]) + more))
        time.sleep(chance.uniform(0, 0.03))
        kill = chance.choice([os.kill, os.killpg])
        kill(sessions.groups[-1], signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not out.exists()
    before.append(finished(out))
    process = sessions.start(out, workers, notes[-1])
    process.join()
    assert process.exitcode == 0
    assert read_files(out) == untroubled
    assert [path.name for path in tmp_path.iterdir() if "run" in path.name] == ["run"]
    listed = [line for line in (out / MANIFEST_FILE).read_text().splitlines() if "stamp" in line]
    assert len(listed) == len(finished(out)) == BLOCKS * len(POINTS)
    begun = [file.read_text().split() for file in notes]
    assert not any(done & set(names) for done, names in zip(before, begun, strict=True))
    often = Counter(name for names in begun for name in names)
    in_flight = 1 if workers == 1 else 2 * workers
    assert set(often) == finished(out)
    assert often.total() - len(often) <= kills * in_flight


def test_workers_of_a_killed_run_end_soon_by_themselves(tmp_path: Path, sessions: Sessions) -> None:
    out = tmp_path / "run"
    process = sessions.start(out, 2, tmp_path / "notes")
    assert wait_until(partial(reached, out, 6))
    os.kill(sessions.groups[0], signal.SIGKILL)
    process.join()
    assert wait_until(partial(is_gone, sessions.groups[0]), SOON)


@pytest.mark.parametrize(
    ("to", "workers"),
    [(os.kill, 1), (os.kill, 2), (os.killpg, 2)],
    ids=["alone", "to-the-parent", "to-all"],
)
def test_ctrl_c_stops_a_run_keeps_its_blocks_and_leaves_no_process(
    to: Callable[[int, int], None], workers: int, untroubled: dict[str, bytes], tmp_path: Path,
    sessions: Sessions,
) -> None:  # fmt: skip
    out, notes = tmp_path / "run", tmp_path / "notes"
    process = sessions.command(out, workers, notes)
    assert wait_until(partial(reached, out, 6))
    to(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=SOON)
    assert process.returncode == -signal.SIGINT
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert "Warning" not in said
    assert wait_until(partial(is_gone, process.pid), SOON)
    assert not out.exists()
    kept = finished(out)
    assert 5 < len(kept) < BLOCKS * len(POINTS)
    rest = tmp_path / "notes-of-the-rest"
    run(out, 1, rest)
    assert not kept & set(rest.read_text().split())
    assert read_files(out) == untroubled


FULL: dict[str, tuple[dict[str, Any], int]] = {
    "block": ({}, 26_000),
    "manifest": ({"block": 5, "periods": 2, "blocks": 20}, 15_000),
    "summary": (
        {"points": grid(makers=POINTS[2]["makers"], prior_sd=[0.5 * n for n in range(1, 13)]),
         "block": 5, "periods": 30, "blocks": 1},
        60_000,
    ),
    "description": ({"block": 5, "periods": 2, "blocks": 20}, 17_000),
}  # fmt: skip


def error_of(
    out: Path, workers: int, notes: Path, settings: dict[str, Any], limit: int, said: Path
) -> None:
    made = experiment(noted(notes), **settings)
    sys.dont_write_bytecode = True  # which would be cut short, too
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        made.run(out, workers=workers)
    except OSError as error:
        said.write_text(str(error))
    os._exit(0)


@pytest.mark.parametrize(
    ("full", "workers"),
    [("block", 1), ("block", 2), ("manifest", 1), ("summary", 1), ("description", 1)],
)
def test_a_file_that_does_not_fit_ends_a_run_with_an_error_and_the_finished_stays(
    full: str, workers: int, run_untroubled: Callable[[str], dict[str, bytes]], tmp_path: Path
) -> None:
    settings, limit = FULL[full]
    untroubled = run_untroubled(full)
    out, notes, said = tmp_path / "run", tmp_path / "notes", tmp_path / "said"
    in_a_process(error_of, out, workers, notes, settings, limit, said)
    assert not out.exists()
    left = read_files(partial_of(out))  # the other worker may have been amid a file, .NAME
    blocks = [name for name in left if name.startswith("blocks/") and "/." not in name]
    assert all((partial_of(out) / name).read_bytes() == untroubled[name] for name in blocks)
    kept = {Path(name).stem for name in blocks}
    assert finished(out) <= kept
    every = {name for name in untroubled if name.startswith("blocks/")}
    assert 0 < len(kept) <= len(every)
    assert (len(kept) == len(every)) == (full in ("summary", "description"))
    rest = tmp_path / "notes-of-the-rest"
    rest.touch()
    experiment(noted(rest), **settings).run(out, resume=True)
    assert not kept & set(rest.read_text().split())
    assert read_files(out) == untroubled
    error = said.read_text()
    assert f"{partial_of(out)} cannot be written (File too large)" in error
    assert "blocks are finished and kept: make room there, then continue with --resume" in error


def largest_memory(blocks: int, out: Path, said: Path) -> None:
    """Run so many blocks, each recorded in full: some 20 MB."""
    made = experiment(
        Simulation(record="full"), points=POINTS[:1], blocks=blocks, block=5_000, periods=20
    )
    made.run(out)
    said.write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def in_a_process(task: Callable[..., None], *arguments: Any) -> None:
    process = FRESH.Process(target=task, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_memory_does_not_grow_with_the_number_of_blocks(tmp_path: Path) -> None:
    kilobytes = []
    for blocks in (4, 24):
        said = tmp_path / f"said-{blocks}"
        in_a_process(largest_memory, blocks, tmp_path / f"run-{blocks}", said)
        kilobytes.append(int(said.read_text()))
    few, many = kilobytes
    assert many - few < 20_000


@pytest.mark.full
def test_a_command_troubled_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """A small part of what `tests/interruptions.py` tries."""
    study = Study("sweep", 2, tmp_path / "study", Random(2))
    trials = [study.trouble(trouble) for trouble in ["interrupt", "kill"]]
    assert [trial for trial in trials if trial.wrong] == []


@pytest.mark.parametrize("seconds", [0.05, 0.6])
def test_ctrl_c_while_the_command_starts_ends_it_in_a_line(seconds: float, tmp_path: Path) -> None:
    begin = "from scenarios.__main__ import main; print('begins', flush=True); main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", begin, "run", "sweep"], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=SOON)
    assert (process.returncode, out, said) == (130, "", "stopped\n")
