"""Show that nothing is lost: kill and interrupt the command at random moments, and resume it.

    uv run python tests/interruptions.py                           # 200 kills, 1,000 interrupts
    uv run python tests/interruptions.py --kills 20 --interrupts 80 --seed 1

Each trial starts a study, on one worker or two, and troubles it at a moment of its whole duration:
imports, start-up, blocks, the gathering of tables, figures, its end. The next trial resumes what is
there, until a study is whole: then its files must be those of a study that nobody troubled.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from queue import SimpleQueue
from random import Random
from tempfile import TemporaryDirectory
from threading import Thread

from abm.runs.names import find_block
from abm.runs.schema import BLOCKS, MANIFEST_FILE
from tests.commands import CONSOLE
from tests.files import ROOT, partial_of, read_files
from tests.tally import print_tally

STUDIES = {
    "sweep": "--makers optimal,myopic --prior-sd 1,3 --periods 20 --replications 160 --block 20",
    "monopolist-vs-competitive": "--prior-sd 1,3 --replications 40 --periods 20",
}
SOON = 30.0  # seconds in which a troubled command must have ended
SHOWN = 50  # trials between lines on how many were made
AGAIN = 0.25  # share of interrupts that a second one follows at once
STOPPED = re.compile(r"stopped(: \d+ blocks are finished and kept; go on with market-shock .*)?\n")
EARLY = re.compile(r"(.*\n)*KeyboardInterrupt\n?|")  # Python itself was still starting


@dataclass(frozen=True)
class Trial:
    """What a command did that was troubled, and what is wrong with that."""

    trouble: str
    ended: str
    wrong: str

    @property
    def ending(self) -> str:
        return f"{self.trouble}s ended {self.ended}"

    @property
    def subject(self) -> str:
        return f"{self.trouble} ended {self.ended}"


class Study:
    """A study that is started, troubled and resumed until it is whole, then anew."""

    def __init__(self, name: str, workers: int, folder: Path, chance: Random) -> None:
        self.out = folder / "run"
        self._words = ["run", name, *STUDIES[name].split(), "--workers", str(workers)]
        self._folder, self._chance = folder, chance
        self._folder.mkdir()
        start = time.perf_counter()
        done = self._start("untroubled")
        assert (done.communicate()[1], done.returncode) == ("", 0)
        self._duration = time.perf_counter() - start
        self.untroubled = read_files(folder / "untroubled")
        self._blocks = sum(bool(find_block(name)) for name in self.untroubled)

    def _start(self, out: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *CONSOLE, *self._words, "--out", out, "--resume"], cwd=self._folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def trouble(self, trouble: str) -> Trial:
        """Start or resume, send signals at a moment, and look at what is left."""
        before = self._list_blocks()
        process = self._start("run")
        time.sleep(self._chance.uniform(0, self._duration))
        lacking = self._blocks - len(self._list_blocks())
        self._send(process, trouble)
        try:
            _, said = process.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Trial(trouble, "not", f"was still there after {SOON} seconds")
        wrong = "" if before <= self._list_blocks() else "finished blocks are gone"
        ended, complaint = judge(trouble, process.returncode, said)
        if trouble == "interrupt" and ended == "whole" and lacking:
            complaint = f"went on, though {lacking} blocks were still to come"
        return Trial(trouble, ended, complaint or wrong or self._compare())

    def _send(self, process: "subprocess.Popen[str]", trouble: str) -> None:
        """Send a signal to the process or, as a terminal does, to it and its workers."""
        number = signal.SIGKILL if trouble == "kill" else signal.SIGINT
        alone = trouble == "kill" and self._chance.random() < 0.5
        with suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(process.pid, number)
            if trouble == "interrupt" and self._chance.random() < AGAIN:
                time.sleep(self._chance.uniform(0, 0.05))
                os.killpg(process.pid, number)

    def _list_blocks(self) -> set[str]:
        """Return the names of the blocks whose files and lines are there."""
        folder = self.out if self.out.exists() else partial_of(self.out)
        manifest = folder / MANIFEST_FILE
        lines = manifest.read_text().splitlines() if manifest.exists() else []
        noted = set()
        for line in filter(None, lines):
            with suppress(ValueError):  # a kill cut it off
                noted.add(json.loads(line)["block"])
        return {name for name in noted if (folder / BLOCKS / f"{name}.parquet").exists()}

    def _compare(self) -> str:
        """Return how a whole run differs from an untroubled one; then it is begun anew."""
        if not self.out.exists():
            return ""
        same = read_files(self.out) == self.untroubled
        self.out.rename(self._folder / f"whole-{time.monotonic_ns()}")
        return "" if same else "the files differ from those of an untroubled run"


def judge(trouble: str, code: int, said: str) -> tuple[str, str]:
    """Return how a troubled command ended, and what is wrong with that."""
    if code == 0 and not said:
        return "whole", ""
    if trouble == "kill":
        return "killed", "" if code == -signal.SIGKILL else f"code {code}: {said}"
    if code in (130, -signal.SIGINT) and STOPPED.fullmatch(said):  # a second one, as Python ends
        return ("in a run" if ":" in said else "at once"), ""
    if code in (1, -signal.SIGINT, 130) and EARLY.fullmatch(said) and "scenarios" not in said:
        return "before the program began", ""
    return "badly", f"code {code}: {said}"


def try_all(kills: int, interrupts: int, seed: int, folder: Path) -> Iterator[Trial]:
    """Yield trials on both studies, with one worker and two by turns, in a random order."""
    settings = [(name, workers) for name in STUDIES for workers in (1, 2)]
    at_once = min(os.cpu_count() or 1, len(settings))
    troubles = ["kill"] * kills + ["interrupt"] * interrupts
    Random(seed).shuffle(troubles)
    made: SimpleQueue[Trial | Exception] = SimpleQueue()

    def follow(start: int) -> None:
        try:
            studies = [
                Study(*settings[number], folder / str(number), Random(f"{seed} {number}"))
                for number in range(start, len(settings), at_once)
            ]
            for study, trouble in zip(cycle(studies), troubles[start::at_once], strict=False):
                made.put(study.trouble(trouble))
        except Exception as error:
            made.put(error)

    for start in range(at_once):
        Thread(target=follow, args=[start], daemon=True).start()
    for _ in troubles:
        trial = made.get()
        if isinstance(trial, Exception):
            raise trial
        yield trial


def main() -> None:
    """Try, print how often each trouble ended how, and what was wrong; so too after a Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--interrupts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    trials: list[Trial] = []
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, suppress(KeyboardInterrupt):
        for trial in try_all(given.kills, given.interrupts, given.seed, Path(folder)):
            trials.append(trial)
            if len(trials) % SHOWN == 0:
                print(f"{len(trials)} trials, {sum(bool(one.wrong) for one in trials)} wrong")
    print_tally(trials)


if __name__ == "__main__":
    main()
