"""An earlier commit of this project and this one, each in a process of its own, timed by turns."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from abm.numerics.compiled import SWITCH

ROOT = Path(__file__).parents[2]
WORKER = """
import json, resource, sys, time
from functools import partial
from abm import Exchange, Myopic, Optimal, ZeroProfit
from abm.bellman import solve

def find_user_time():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime

solve(0.9)
for line in sys.stdin:
    run = eval("lambda: " + line)
    clock, user = time.perf_counter(), find_user_time()
    run()
    print(json.dumps([find_user_time() - user, time.perf_counter() - clock]), flush=True)
"""


class Times(NamedTuple):
    """What a run took, in seconds."""

    user: float
    clock: float


class Engine:
    """A process that runs what it is told, with the code of a folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | environment | {"PYTHONPATH": str(folder)},
        )  # fmt: skip

    def run(self, work: str) -> Times:
        """Evaluate an expression, and return what that took."""
        process: Any = self._process
        process.stdin.write(work + "\n")
        process.stdin.flush()
        return Times(*json.loads(process.stdout.readline()))

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


def unpack(commit: str, folder: Path) -> Path:
    """Write the files of a commit into a folder, and return it."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    folder.mkdir()
    subprocess.run(["tar", "x"], cwd=folder, check=True, input=archive.stdout)
    return folder


def start_engines(folder: Path, commit: str) -> dict[str, Engine]:
    """Return the engines to compare: of the commit, of NumPy alone, and with kernels."""
    return {
        "then": Engine(unpack(commit, folder / "then")),
        "numpy": Engine(ROOT, **{SWITCH: "0"}),
        "kernels": Engine(ROOT, **{SWITCH: "1"}),
    }


def compare_engines(engines: dict[str, Engine], work: str, rounds: int) -> dict[str, list[Times]]:
    """Return the ratios of each engine's times to those of the first, by rounds, after one more."""
    base, *others = engines
    ratios: dict[str, list[Times]] = {name: [] for name in others}
    for number in range(rounds + 1):
        took = {name: engine.run(work) for name, engine in engines.items()}
        for name in others if number else ():
            ratios[name].append(Times(*np.divide(took[name], took[base])))
    return ratios


def describe_ratios(ratios: list[Times]) -> str:
    """Return medians and ranges in words."""
    parts = zip(Times._fields, np.quantile(ratios, [0.5, 0.0, 1.0], axis=0).T, strict=True)
    return ", ".join(
        f"{name} {mid:.2f} ({low:.2f} to {high:.2f})" for name, (mid, low, high) in parts
    )
