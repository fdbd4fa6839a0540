"""Exact beliefs in values that move, and under several types: against fine grids, closed forms."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from abm import GridBelief, Jumps, NoisyTrader
from abm.beliefs.carried_window import halve, spread
from abm.beliefs.lattice import LatticeBelief
from abm.beliefs.points import PointBelief
from abm.market.valuations import Interval
from abm.market.values import Move
from abm.traders import AdaptiveTrader, UninformedTrader
from tests.beliefs.fine_grid import FineGrid, Traders, find_worst_error, watch

INF = np.inf
HISTORY = [(2.0, INF), (-1.0, 4.0), (-INF, -1.5), (-3.0, 1.0), (1.5, INF)]
MOVED = Move(0.05, 3.0)
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
MORE_JUMPS = [
    *JUMPS,
    Jumps(0.03, probability=0.05), Jumps(0.03, probability=0.5), Jumps(0.3, probability=0.01),
    Jumps(1.0, probability=0.01), Jumps(1.0, probability=0.5), Jumps(3.0, probability=0.01),
    Jumps(3.0, probability=0.2), Jumps(0.3, probability=0.2, announced=True),
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


def carry(mean: Any, sd: Any) -> LatticeBelief:
    return GridBelief(mean, sd).carry()


def follow(
    belief: PointBelief, scale: float = 1.0, noise: Any = None, history: Any = HISTORY
) -> PointBelief:
    """Return the belief after a history in which the value may move before each signal."""
    moved = Move(MOVED.probability, scale * MOVED.sd)
    for lower, upper in history:
        shown = Interval(scale * lower, scale * upper, scale if noise is None else noise)
        belief = belief.predict(moved).revise(shown)
    return belief


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


@pytest.mark.slow
@pytest.mark.parametrize("jumps", MORE_JUMPS, ids=name_jumps)
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
    worst, belief = find_worst_error(carry(0.0, 3.0).broadcast(8), seen, known, grid)
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


@pytest.mark.parametrize("probability", [0.0, np.zeros(2)])
def test_a_value_that_has_not_moved_leaves_the_belief(probability: Any) -> None:
    before = follow(carry([0.0, 1.0], 3.0))
    after = before.predict(Move(probability, 2.0))
    assert_allclose(after.mean, before.mean, rtol=1e-15)
    assert_allclose(after.sd, before.sd, rtol=1e-15)
    value = np.linspace(-4, 4, 9)
    assert_allclose(after.density(value), before.density(value), rtol=1e-15)


@pytest.mark.parametrize("sd", [0.03, 0.3, 3.0, 30.0])
@pytest.mark.parametrize("probability", [0.01, 0.3, 1.0])
def test_prior_that_may_have_moved_is_the_mixture_of_two_normals(
    probability: float, sd: float
) -> None:
    belief = GridBelief(1.5, 3.0).predict(Move(probability, sd))
    assert belief.mean[0] == pytest.approx(1.5, abs=1e-11)
    assert belief.sd[0] == pytest.approx(np.sqrt(9 + probability * sd**2), rel=1e-12)
    assert belief.skewness[0] == pytest.approx(0, abs=1e-10)
    value = np.linspace(-12, 15, 28)
    moved = stats.norm.pdf(value, 1.5, np.hypot(3, sd))
    expected = (1 - probability) * stats.norm.pdf(value, 1.5, 3) + probability * moved
    assert_allclose(belief.density(value)[0], expected, rtol=0, atol=1e-12)


def test_only_those_beliefs_move_of_which_it_is_announced() -> None:
    before = carry([0.0, 1.0, 2.0], [3.0, 0.5, 1.0])
    after = before.predict(Move(np.array([0.0, 1.0, 0.25]), 2.0))
    assert_allclose(after.mean, [0.0, 1.0, 2.0], rtol=0, atol=1e-12)
    assert_allclose(after.sd, np.sqrt([9.0, 4.25, 2.0]), rtol=1e-12)


def test_digits_of_a_replication_do_not_depend_on_the_others() -> None:
    mean, sd = np.array([0.0, -3.0, 10.0, 0.5]), np.array([3.0, 1.0, 5.0, 0.1])
    together = follow(GridBelief(mean, sd))
    for row in range(4):
        alone = follow(GridBelief(mean[row], sd[row]))
        assert_allclose(alone.mean, together.mean[row], rtol=1e-14)
        assert_allclose(alone.sd, together.sd[row], rtol=1e-14)
        assert_allclose(alone.log_evidence, together.log_evidence[row], rtol=1e-14)


def test_one_belief_in_many_markets_has_the_digits_of_one() -> None:
    one = follow(GridBelief(0.5, 3.0))
    many = one.broadcast(5)
    assert many.mean.tolist() == [one.mean[0]] * 5
    shown = Interval(np.arange(5.0), INF, 1.0)
    after = one.revise(shown)
    assert_allclose(after.mean, many.revise(shown).mean, rtol=1e-15)
    assert np.all(np.diff(after.mean) > 0)


def test_mirrored_histories_lead_to_mirrored_beliefs() -> None:
    mirrored = [(-upper, -lower) for lower, upper in HISTORY]
    belief, other = follow(carry(0.7, 3.0)), follow(carry(-0.7, 3.0), history=mirrored)
    assert_allclose(other.mean, -belief.mean, rtol=1e-9)
    assert_allclose(other.sd, belief.sd, rtol=1e-9)
    assert_allclose(other.skewness, -belief.skewness, rtol=1e-8)


@pytest.mark.parametrize(("scale", "tolerance"), [(0.125, 1e-13), (1024.0, 1e-13), (3.0, 1e-9)])
def test_a_change_of_units_changes_nothing_else(scale: float, tolerance: float) -> None:
    belief, other = follow(carry(0.7, 3.0)), follow(carry(scale * 0.7, scale * 3.0), scale)
    assert_allclose(other.mean, scale * belief.mean, rtol=tolerance)
    assert_allclose(other.sd, scale * belief.sd, rtol=tolerance)
    assert_allclose(other.log_evidence, belief.log_evidence, rtol=tolerance)


def test_twice_as_many_points_hold_the_same_belief() -> None:
    (window,) = follow(carry(0.7, 3.0)).windows
    finer = halve(window)
    assert finer.points == 2 * window.points
    assert_allclose(finer.mean, window.mean, rtol=1e-13)
    assert_allclose(finer.sd, window.sd, rtol=1e-13)
    assert_allclose(finer.weight.sum(axis=-1), 1.0, rtol=1e-13)
    assert_allclose(finer.skewness, window.skewness, rtol=1e-12)


def test_two_moves_are_one_of_the_sum_of_their_variances() -> None:
    (window,), certain = follow(carry(0.7, 3.0)).windows, np.ones(1)
    (first,) = spread(window, certain, 0.6)
    (twice,) = spread(first, certain, 0.8)
    (once,) = spread(window, certain, 1.0)
    assert_allclose(twice.mean, once.mean, rtol=1e-13)
    assert_allclose(twice.sd, once.sd, rtol=1e-13)
    assert_allclose(once.sd, np.hypot(window.sd, 1.0), rtol=1e-13)
    assert_allclose(twice.skewness, once.skewness, rtol=1e-11)


def test_what_is_too_rare_for_the_points_is_refused() -> None:
    says = (
        r"probability 1.9e-20 under the belief \(replication 1\), but a belief that is carried "
        "over tells apart none below 1e-10: start from a wider prior, or tell of the moves"
    )
    belief = carry([0.0, 0.0], 1.0)
    lower = np.array([0.0, 13.0])
    with pytest.raises(ValueError, match=says):
        belief.revise(Interval(lower, INF, 1.0))
    with pytest.raises(ValueError, match="has probability 0 under the belief"):
        belief.revise(Interval(200.0, INF, 1.0))


def revise(belief: PointBelief) -> None:
    belief.revise(Interval(np.zeros(3), INF, 1.0))


def predict(belief: PointBelief) -> None:
    belief.predict(Move(np.full(3, 0.5), 1.0))


def repeat(belief: PointBelief) -> None:
    belief.broadcast(3)


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (revise, r"mean has shape \(2,\) and shown has shape \(3,\), but they must"),
        (predict, r"mean has shape \(2,\) and probability has shape \(3,\), but"),
        (repeat, r"replications is 3, but the belief has means of shape \(2,\)"),
    ],
)
@pytest.mark.parametrize("start", [GridBelief, carry], ids=["grid", "lattice"])
def test_another_number_of_replications_is_refused(start: Any, use: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        use(start([0.0, 1.0], 1.0))


def test_a_move_told_of_several_markets_is_of_one_belief_in_each() -> None:
    told = np.array([0.0, 0.5, 1.0])
    for belief in (GridBelief(0.0, 1.0), carry(0.0, 1.0)):
        assert_allclose(belief.predict(Move(told, 2.0)).sd, np.sqrt([1.0, 3.0, 5.0]), rtol=1e-12)


def test_a_move_too_wide_for_the_noise_is_refused() -> None:
    says = (
        r"needs .* points \(replication 0\), but has .* at most: give a prior, or moves, that are "
        "narrower next to the noise"
    )
    belief = carry(0.0, 1.0).update(0.5, INF, 1.0)
    with pytest.raises(ValueError, match=says):
        belief.predict(Move(0.5, 1e6))
