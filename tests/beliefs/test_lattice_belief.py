"""Exact beliefs in values that move: closed forms, symmetries, units, and what is refused."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from abm import GridBelief
from abm.beliefs.carried_window import diffuse, halve
from abm.beliefs.lattice import LatticeBelief
from abm.beliefs.points import PointBelief
from abm.market.moves import Move
from abm.market.valuations import Interval

INF = np.inf
HISTORY = [(2.0, INF), (-1.0, 4.0), (-INF, -1.5), (-3.0, 1.0), (1.5, INF)]
MOVED = Move(0.05, 3.0)


def carry(mean: Any, sd: Any) -> LatticeBelief:
    return GridBelief(mean, sd).carry()


def follow(belief: PointBelief, scale: float = 1.0, history: Any = HISTORY) -> PointBelief:
    """Return the belief after a history in which the value may move before each signal."""
    moved = Move(MOVED.probability, scale * MOVED.sd)
    for lower, upper in history:
        shown = Interval(scale * lower, scale * upper, scale)
        belief = belief.predict(moved).revise(shown)
    return belief


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
        assert_allclose(alone.sd, together.sd[row], rtol=3e-14)
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
    (first,) = diffuse(window, certain, 0.6)
    (twice,) = diffuse(first, certain, 0.8)
    (once,) = diffuse(window, certain, 1.0)
    assert_allclose(twice.mean, once.mean, rtol=1e-13)
    assert_allclose(twice.sd, once.sd, rtol=1e-13)
    assert_allclose(once.sd, np.hypot(window.sd, 1.0), rtol=1e-13)
    assert_allclose(twice.skewness, once.skewness, rtol=1e-11)


def test_what_is_too_rare_for_the_points_is_refused() -> None:
    says = (
        r"puts V where nothing was kept of the belief \(replication 1\): a belief that is carried "
        "over leaves out probabilities below 1e-16; start from a wider prior, or tell of the moves"
    )
    belief = carry([0.0, 0.0], 1.0)
    lower = np.array([0.0, 13.0])
    with pytest.raises(ValueError, match=says):
        belief.revise(Interval(lower, INF, 1.0))
    with pytest.raises(ValueError, match="puts V where nothing was kept"):
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


@pytest.mark.parametrize(
    ("moved", "prices"),
    [
        (Move(1e-300, 1e-3), [8.8] * 12),
        *((Move(chance, 10.0), np.arange(3.0, 22.0, 3.0)) for chance in (1e-10, 1e-12, 1e-14)),
    ],
)
def test_surprises_that_add_up_are_refused_before_the_belief_is_wrong(
    moved: Move, prices: list[float]
) -> None:
    """None of them is rare by itself: the first has a probability of 2e-10, others of up to .6."""

    def learn() -> None:
        belief: PointBelief = GridBelief(0.0, 1.0).predict(moved)
        for price in prices:
            belief = belief.update(price, INF, 1.0)

    with pytest.raises(ValueError, match="puts V where nothing was kept"):
        learn()


def test_a_noise_too_fine_for_a_window_is_refused() -> None:
    belief = GridBelief([0.0, 1.0, 2.0], 1.0).predict(Move(0.1, 1.0))
    with pytest.raises(ValueError, match="an exact belief needs"):
        belief.update(0.1, INF, 1e-5)
