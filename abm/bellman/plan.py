"""A plan: the solution of the problem that a market poses in each of its periods."""

from __future__ import annotations

import numpy as np

from abm.beliefs.base import Belief
from abm.bellman.problem import Problem
from abm.bellman.solution import Solution
from abm.bellman.solver import range_for, solve
from abm.market.laws import Law
from abm.market.values import ValueProcess
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor
from abm.numerics.kernels import find_span

SAME = 1e-6  # of the prior's sd


class Plan:
    """What a dealer does who looks ahead, whoever comes and however the value is known to move.

    Parameters
    ----------
    discount : float
        Per period, at least 0 and below 1.
    process : ValueProcess
        How the value moves.
    reward : {"profit", "gains"}
        What she maximises (see `abm.bellman.solve`).
    """

    def __init__(self, discount: float, process: ValueProcess, reward: str = "profit") -> None:
        self.discount, self.process, self.reward = discount_factor(discount), process, reward
        self._posed: tuple[Law | None, int | None] = None, None
        self._solved: Solution | None = None  # of what is posed

    def solve(self, law: Law, rho: Array, horizon: int | None = None) -> Solution:
        """Return the solution for the traders of a period, up to these rho at least.

        ValueError if there is none: see `abm.bellman.solve`.
        """
        if self._posed[0] is not law or self._posed[1] != horizon:
            self._posed, self._solved = (law, horizon), None
            self._problem = Problem(self.discount, law, self.process, horizon)
        largest = find_span(rho)[1]
        if self._solved is None or not largest <= self._solved.rho_max:
            self._solved = solve(self._problem, range_for(largest), reward=self.reward)
        return self._solved

    def require_public_prior(self, law: Law, own: Belief, public: Belief) -> None:
        """Raise ValueError if traders go by what the public believes, and she believes another."""
        apart = [own.mean - public.mean, own.sd - public.sd]
        if law.follows_tape and not np.allclose(apart, 0.0, atol=SAME * public.sd):
            raise ValueError(
                f"her belief is {own!r}, but traders go by what the public believes, {public!r}, "
                f"and her plan holds only where she believes that as well: leave out her belief, "
                f"or give a zero-profit or a myopic maker"
            )
