"""Speed of experiments: what blocks cost beside their simulation, workers, and resuming.

uv run pytest tests/benchmarks/test_experiment_speed.py -s
"""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from abm import Exchange
from abm.bellman import solve
from abm.experiment import Experiment, Simulation, grid
from abm.experiment.blocks import simulate_block
from abm.experiment.simulation import BlockTask, RecordFirst
from abm.runs.folder import RunFolder
from abm.runs.manifest import Failed, Finished, Manifest
from abm.runs.store import Store
from scenarios.paper import IN_FULL, POINTS

ROUNDS = 30
A_MILLION = """
import sys
from abm.experiment import Experiment, grid
point = grid(makers=[["optimal", "myopic", "zero-profit"]], prior_sd=[3.0])
Experiment(point, replications=1_000_000).run(sys.argv[1])
"""


def report(**notes: float) -> None:
    for name, value in notes.items():
        print(f"\n{name} = {value:.4g}", end=" ")


def test_a_block_costs_little_more_than_its_simulation(tmp_path: Path) -> None:
    solve(0.9)
    store = Store(tmp_path)
    manifest = Manifest(store)
    alone, whole = [], []
    for block in range(ROUNDS):
        start = time.perf_counter()
        market = Exchange(
            "optimal", prior_sd=3.0, record="summary", replications=10_000, block=block
        )
        market.run(100)
        alone.append(time.perf_counter() - start)
        del market.tape
        task = BlockTask(f"0000-{block:05d}", {"makers": "optimal", "prior_sd": 3.0}, block, 10_000,
                    100, 0)  # fmt: skip
        start = time.perf_counter()
        outcome = simulate_block(Simulation(), store, [{}], {}, task)
        assert isinstance(outcome, Finished | Failed)
        manifest.add(outcome)
        whole.append(time.perf_counter() - start)
    share = statistics.median(whole) / statistics.median(alone) - 1
    report(block_ms=1e3 * statistics.median(whole), overhead=share)
    assert share < 0.25


def test_two_workers_on_the_grid_of_the_paper(tmp_path: Path) -> None:
    experiment = Experiment(POINTS, Simulation(record=RecordFirst(IN_FULL)), replications=100_000)
    took = {}
    for workers in (1, 2):
        folder = RunFolder(tmp_path / str(workers), "grid", experiment.parameters)
        with folder:
            start = time.perf_counter()
            experiment.run_blocks(folder, workers)
            took[workers] = time.perf_counter() - start
    report(one_s=took[1], two_s=took[2], speed_up=took[1] / took[2])
    assert took[1] > 1.2 * took[2]


def test_a_finished_run_of_a_thousand_blocks_is_resumed(tmp_path: Path) -> None:
    points = grid(makers=["myopic", "zero-profit"], prior_sd=[1.0, 3.0])
    experiment = Experiment(points, replications=25_000, block=100, periods=10)
    experiment.run(tmp_path / "run")
    took = {}
    for verify in (False, True):
        start = time.perf_counter()
        experiment.run(tmp_path / "run", resume=True, verify=verify)
        took[verify] = time.perf_counter() - start
    report(resumed_s=took[False], verified_s=took[True])
    assert took[False] < 2


def test_a_million_replications_of_three_makers_fit_in_a_gigabyte(tmp_path: Path) -> None:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", A_MILLION, tmp_path / "run"], check=True)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    report(gigabytes=most / 2**20, seconds=time.perf_counter() - start)
    assert most < 2**20
