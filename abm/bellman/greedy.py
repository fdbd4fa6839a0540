"""The depth that is best for what follows: a scan over all depths, then parabolas at its peaks.

The right side of the Bellman equation may have several peaks in the depth, and the highest may be
now one, now another, as rho moves: there the optimal depth jumps. So all depths are scanned, on the
scale of each type's valuations, and the two highest peaks of the scan are both followed to the top.

Where the most that a period may bring is below CLOSED of W, the market all but closes and the
probabilities of a trade soon underflow. There the depth maximises
log P_buy + log(gain of a trade + discount (W after a trade - W after none)).
"""

from __future__ import annotations

import numpy as np

from abm.bellman.problem import Function, Problem, find_first_type
from abm.bellman.stage import Stage, expect, stage
from abm.numerics.arrays import Array
from abm.numerics.golden_section import golden_section
from abm.numerics.peaks import find_highest_peak
from abm.one_period.depths import myopic_depth

CLOSED = 1e-7  # of the largest W, to about which W is right
SAME = 1e-10  # of the largest W: what a depth may lose
DEEPEST = 8.0  # past it, on the scale of a type's valuations, a trade is rarer than 1e-15
POINTS = 49  # of a scan
REWARDS = ("profit", "gains")
POINTS_BETWEEN, BEYOND = 9, 0.05  # of one between depths of nodes around


class Chooser:
    """Chooses depths under a problem, for what follows and what a period is worth.

    Parameters
    ----------
    problem : Problem
    reward : str
        The field of `Stage` that is maximised, one of REWARDS: "gains" as a planner does.
    half_spread : callable, optional
        A policy that is taken instead of the best depths.
    """

    def __init__(self, problem: Problem, reward: str, half_spread: Function | None = None) -> None:
        self.problem, self.reward, self.half_spread = problem, reward, half_spread

    def back_up(self, follows: Function, rho: Array, depth: Array) -> Array:
        """Return the right side of the Bellman equation, without its maximum."""
        period = stage(rho, depth, self.problem)
        return self.earn(period) + self.problem.discount * expect(follows, period)

    def earn(self, period: Stage) -> Array:
        """Return what a period brings."""
        return np.asarray(getattr(period, self.reward))

    def choose(self, follows: Function, rho: Array) -> tuple[Array, Array]:
        """Return the best depth at each rho, shape (N,), and the right side at it."""
        if self.half_spread is not None:
            scale = self.problem.find_scale(rho)
            closed = np.zeros_like(scale)  # where nobody has a reason to trade
            depth = np.divide(self.half_spread(rho), scale, out=closed, where=scale > 0)
            return depth, self.back_up(follows, rho, depth)
        objective = self._make_objective(follows, rho)
        scan = np.linspace(0.0, DEEPEST, POINTS)
        depth, best = find_highest_peak(objective, scan[np.newaxis])
        for scale in self._list_other_scales(rho):
            other, value = find_highest_peak(objective, scale * scan)
            depth, best = np.where(value > best, other, depth), np.maximum(value, best)
        return depth, best

    def choose_between(
        self, follows: Function, rho: Array, one: Array, other: Array
    ) -> tuple[Array, Array]:
        """Return the best depth between two and a little beyond, and the right side at it."""
        if self.half_spread is not None:
            return self.choose(follows, rho)
        low = np.maximum(np.minimum(one, other) - BEYOND, 0.0)
        reach = np.maximum(one, other) + BEYOND - low
        points = low[:, np.newaxis] + reach[:, np.newaxis] * np.linspace(0.0, 1.0, POINTS_BETWEEN)
        return find_highest_peak(self._make_objective(follows, rho), points)

    def _make_objective(self, follows: Function, rho: Array) -> Function:
        """Return the right side as a function of depths, shape (N, K)."""
        rows = rho[:, np.newaxis]
        return lambda depth: self.back_up(follows, rows, depth)

    def close(self, follows: Function, rho: Array, depth: Array, largest: float) -> Array:
        """Return these depths, and where the market all but closes those that are best there.

        That is where the right side is below CLOSED of the largest W.
        """
        if self.half_spread is not None:
            return depth
        best = self.back_up(follows, rho, depth)
        shut = np.flatnonzero(np.abs(best) < CLOSED * largest)
        closed = self._choose_closed(follows, rho[shut])
        value = self.back_up(follows, rho[shut], closed)
        keep = best[shut] > value + SAME * largest
        depth = depth.copy()
        depth[shut] = np.where(keep, depth[shut], closed)
        return depth

    def _list_other_scales(self, rho: Array) -> list[Array]:
        """Return the scales of other types in terms of that of depths, shape (N, 1) each."""
        sd, unit = rho * self.problem.unit, self.problem.unit
        centre, first = np.zeros_like(sd), self.problem.find_scale(rho)
        law = self.problem.law.announce(centre, sd)
        of_depths = find_first_type(law)
        lines = [one.find_line(centre) for _, one in law.types if one is not of_depths]
        with np.errstate(divide="ignore", invalid="ignore"):
            scales = [line.find_scale(sd) / unit / first for line in lines if line is not None]
        return [np.nan_to_num(scale[:, np.newaxis], posinf=0.0) for scale in scales]

    def _choose_closed(self, follows: Function, rho: Array) -> Array:
        """Return the depth where the market all but closes (see the module's docstring)."""

        def log_gain(depth: Array) -> Array:
            period = stage(rho, depth, self.problem)
            after_trade, after_none = (follows(after) for after in period.successor)
            gain = period.gain + self.problem.discount * (after_trade - after_none)
            with np.errstate(divide="ignore"):
                return period.log_buy + np.log(np.maximum(gain, 0.0))

        return golden_section(log_gain, np.zeros_like(rho), myopic_depth(self._find_rho(rho)) + 1)

    def _find_rho(self, rho: Array) -> Array:
        """Return the rho at which the paper's depths are those of the first informed type."""
        sd = rho * self.problem.unit
        centre = np.zeros_like(sd)
        for _, law in self.problem.law.announce(centre, sd).types:
            line = law.find_line(centre) if law.is_informed else None
            standard = None if line is None else line.find_rho(sd)
            if standard is not None:
                return standard
        return rho
