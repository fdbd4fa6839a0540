"""How right exact beliefs in values that move, and under several types, are: against fine grids."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from abm import GridBelief, Jumps, NoisyTrader
from abm.beliefs.lattice import LatticeBelief
from abm.traders import AdaptiveTrader, UninformedTrader
from tests.beliefs.fine_grid import FineGrid, Traders, find_worst_error, watch

LAPLACE = stats.laplace(scale=np.sqrt(0.5))
NOISES = {
    "logistic": (stats.logistic(scale=np.sqrt(3) / np.pi), 1e-9),  # measured 3e-12
    "Student": (stats.t(3, scale=np.sqrt(1 / 3)), 1e-9),  # measured 4e-12
    "Laplace": (LAPLACE, 1e-3),  # measured 3e-4, for its density has a kink
}

JUMPS = [
    Jumps(0.3, probability=0.2), Jumps(1.0, probability=0.05), Jumps(3.0, probability=0.05),
    Jumps(1.0, probability=0.05, announced=True), Jumps(3.0, probability=0.05, announced=True),
]  # fmt: skip
LONG_JUMPS = [
    Jumps(0.03, probability=0.5), Jumps(1.0, probability=0.05), Jumps(3.0, probability=0.01),
    Jumps(3.0, probability=0.05, announced=True),
]  # fmt: skip
HALF = [NoisyTrader, partial(UninformedTrader, share=0.3)]
MIXTURES: dict[str, tuple[Any, Traders]] = {
    "half .3": (HALF, Traders(share=0.3)),
    "half .6": ([NoisyTrader, partial(UninformedTrader, share=0.6)], Traders(share=0.6)),
    **{
        f"elastic {share} within {reach}": (
            [NoisyTrader, partial(UninformedTrader, share=share, reach=reach)],
            Traders(share=share, reach=reach),
        )
        for share, reach in [(0.1, 0.3), (0.3, 3.0), (0.6, 1.0), (0.5, 6.0)]
    },
}


def name_jumps(jumps: Jumps) -> str:
    return f"{jumps.sd} by {jumps.probability}{' announced' if jumps.announced else ''}"


def check_jumps(jumps: Jumps, replications: int, periods: int) -> None:
    often = jumps.sd * jumps.probability > 0.2  # then V goes far
    span = 150.0 if often else 25 + 15 * jumps.sd
    grid = FineGrid(replications, span, step=min(0.1, jumps.sd / 2))
    seen = watch(NoisyTrader, jumps, replications, periods)
    start = GridBelief(0.0, 3.0).broadcast(replications)
    worst, belief = find_worst_error(start, seen, Traders(), grid)
    assert worst < 1e-8  # measured 5e-11 at most
    assert_allclose(belief.log_evidence, grid.log_evidence, rtol=0, atol=1e-10)


@pytest.mark.parametrize("jumps", JUMPS, ids=name_jumps)
def test_worst_of_8_markets_matches_a_fine_grid(jumps: Jumps) -> None:
    check_jumps(jumps, replications=8, periods=40)


@pytest.mark.full
@pytest.mark.parametrize("jumps", LONG_JUMPS, ids=name_jumps)
def test_worst_of_50_markets_over_100_periods_matches_a_fine_grid(jumps: Jumps) -> None:
    check_jumps(jumps, replications=50, periods=100)


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_match_a_fine_grid(name: str) -> None:
    traders, known = MIXTURES[name]
    seen, grid = watch(traders, "fixed", 8, 40), FineGrid(8, span=40.0, step=0.02)
    worst, belief = find_worst_error(GridBelief(0.0, 3.0).broadcast(8), seen, known, grid)
    assert worst < 1e-9
    assert isinstance(belief, LatticeBelief)
    assert_allclose(belief.log_evidence, grid.log_evidence, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("weight", "need"), [(1.0, 1.0), (1.0, 2.0), (0.5, 0.5)])
def test_learning_traders_match_a_fine_grid(weight: float, need: float) -> None:
    traders = partial(AdaptiveTrader, weight=weight, need_sd=need)
    seen, grid = watch(traders, "fixed", 8, 40), FineGrid(8, span=40.0, step=0.02)
    known = Traders(weight=weight, need=need)
    worst, belief = find_worst_error(GridBelief(0.0, 3.0).carry().broadcast(8), seen, known, grid)
    assert worst < 1e-9
    assert_allclose(belief.log_evidence, grid.log_evidence, rtol=0, atol=1e-10)


def test_mixtures_with_jumps_match_a_fine_grid_density_included() -> None:
    seen = watch(HALF, Jumps(1.0, probability=0.05), 4, 20)
    grid = FineGrid(4, span=45.0, step=0.05)
    worst, belief = find_worst_error(
        GridBelief(0.0, 3.0).broadcast(4), seen, Traders(share=0.3), grid
    )
    assert worst < 1e-9
    density = belief.density(grid.value)
    assert_allclose(density, grid.density, rtol=0, atol=1e-10 * density.max())
    assert_allclose(density.sum(axis=-1) * grid.step, 1.0, rtol=1e-11)


@pytest.mark.parametrize("name", NOISES)
def test_other_noises_match_a_fine_grid_on_points_that_end(name: str) -> None:
    noise, tolerance = NOISES[name]
    traders = partial(NoisyTrader, noise=noise)
    seen, grid = watch(traders, Jumps(1.0, probability=0.05), 4, 20), FineGrid(4, 50.0, 0.05)
    start = GridBelief(0.0, 3.0).broadcast(4)
    worst, belief = find_worst_error(start, seen, Traders(noise=noise), grid)
    assert worst < tolerance
    assert max(window.points for window in belief.windows) < 10_000
