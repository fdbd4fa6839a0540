"""What the engine costs, of what it did at an earlier commit: by NumPy alone, and with kernels.

    uv run pytest tests/benchmarks/test_compiled_speed.py -s -n 0

That commit's files are unpacked beside this code; a process for each of the three runs the same
work by turns. Each line gives medians and ranges over rounds, by user time and by the clock; the
targets are of user time.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.benchmarks.beside import Engine, compare_engines, describe_ratios, start_engines

COMMIT = "b27a851"
ROUNDS = 15
MARKET = "Exchange({}, prior_sd=3.0, replications={}, rng=1{}).run({})"
SUMMARY = ', record="summary"'
OWN = ', transparency="own"'
PAIR = '["optimal", "zero-profit"]'


def repeat(times: int, work: str) -> str:
    return f"[{work} for _ in range({times})]"


WORKS = {  # with the targets of NumPy, and of kernels
    "optimal, 10,000 markets, full": (MARKET.format('"optimal"', 10_000, "", 100), 0.75, 0.6),
    "optimal, 10,000, summary": (MARKET.format('"optimal"', 10_000, SUMMARY, 100), 0.75, 0.6),
    "optimal, 1,000, full": (repeat(5, MARKET.format('"optimal"', 1_000, "", 100)), 0.62, 0.4),
    "optimal, 1,000, summary": (
        repeat(5, MARKET.format('"optimal"', 1_000, SUMMARY, 100)), 0.62, 0.4,
    ),
    "optimal, 1, full": (MARKET.format('"optimal"', 1, "", 1_000), 0.6, 0.32),
    "optimal, 1, summary": (MARKET.format('"optimal"', 1, SUMMARY, 1_000), 0.6, 0.32),
    "zero-profit, 10,000, full": (MARKET.format('"zero-profit"', 10_000, "", 100), 0.8, 0.65),
    "two makers, public": (MARKET.format(PAIR, 10_000, "", 100), 0.8, 0.65),
    "two makers, own": (MARKET.format(PAIR, 10_000, OWN, 100), 0.8, 0.65),
}  # fmt: skip
EXACT = {
    "exact belief, optimal": 'partial(Optimal, belief="exact")',
    "exact quotes, zero-profit": 'partial(ZeroProfit, belief="exact")',
    "exact quotes, myopic": 'partial(Myopic, belief="exact")',
    "exact-optimal": '"exact-optimal"',
}
WORKS |= {
    name: (MARKET.format(maker, 1_000, SUMMARY, 50), 0.5, 0.4) for name, maker in EXACT.items()
}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    started = start_engines(tmp_path_factory.mktemp("engines"), COMMIT)
    yield started
    for engine in started.values():
        engine.stop()


@pytest.mark.parametrize("name", WORKS)
def test_it_costs_a_part_of_what_it_did(engines: dict[str, Engine], name: str) -> None:
    work, *targets = WORKS[name]
    ratios = compare_engines(engines, work, 3 if name in EXACT else ROUNDS)
    for (engine, measured), target in zip(ratios.items(), targets, strict=True):
        print(f"\n{name}: {engine} {describe_ratios(measured)}, target {target}")
        assert np.median([one.user for one in measured]) < 1.5 * target  # loose, for any machine
