"""Ratios of two runs that are taken by turns, by user time."""

import time
from collections.abc import Callable

import numpy as np

ROUNDS = 7


def compare(name: str, one: Callable[[], None], base: Callable[[], None], target: float) -> float:
    """Print the median ratio of one run's time over another's, and fail if it is far off."""
    for run in (one, base):
        run()
    ratios = []
    for _ in range(ROUNDS):
        times = []
        for run in (one, base):
            start = time.process_time()
            run()
            times.append(time.process_time() - start)
        ratios.append(times[0] / times[1])
    low, middle, high = np.quantile(ratios, [0.0, 0.5, 1.0])
    print(f"\n{name}: {middle:.3g} ({low:.3g} to {high:.3g}), target {target}")
    assert middle < 1.5 * target  # loose, for any machine
    return float(middle)
