"""What holds before one type of trader who learns: computed, not sampled.

Where markets freeze follows from one path. As long as nobody trades, beliefs and quotes are the
same in all markets, so that

    P(no trade in n periods) = E[ prod over t < n of P(no trade in t | V) ],  V ~ N(0, shock^2)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from abm import GaussianBelief, Quote
from abm.bellman import Problem, Solution, evaluate, solve
from abm.bellman.solver import range_for
from abm.market.adapted import AdaptedValuation
from abm.market.quotes import Side
from abm.numerics.arrays import Array, Flags
from abm.one_period.depths import myopic_depth, zero_profit_depth

MAKERS = ["optimal", "zero-profit"]
TIGHTER = ("the monopolist is tighter", "until")
FREEZING = {"zero-profit": "competition freezes", "optimal": "the monopolist freezes"}
FARTHEST = 15.0  # rho_eff up to which bounds are looked for
DRAWN = (0.5, 6.0)  # rho_eff at which spreads are compared
EVERY = 8  # of TRIED
NEAREST, WIDEST = 1e-3, 1e4  # shocks between which that is reached
TRIED = 400  # shocks at which spreads are compared before the bound is solved for
HALF = 0.5  # of markets
ZOOMED, PASSES = 24, 4  # shocks that are tried at once, each time between two of the last
CLOSED = 1e-8  # W in noise sds below which the monopolist's market is as good as closed
LEAST = 1e-9  # shock at which the limit of rho_eff is taken
VALUES = np.linspace(-8.0, 8.0, 801)  # V in sds of the shock
WEIGHTS = np.exp(-0.5 * VALUES**2) / np.exp(-0.5 * VALUES**2).sum()


@dataclass(frozen=True, eq=False)
class Theory:
    """The monopolist's plan, and competition's quotes, before one type of trader.

    Parameters
    ----------
    weight, need_sd : float
        As of an `AdaptiveTrader`.
    discount : float
        The monopolist's.
    largest : float
        The largest shock that is asked for, in noise sds.
    """

    weight: float
    need_sd: float
    discount: float
    largest: float

    def announce(self, mean: Array, sd: Array) -> AdaptedValuation:
        """Return how traders value where all believe the same, with this mean and sd."""
        return AdaptedValuation(mean, sd, self.weight, signal_sd=1.0, need_sd=self.need_sd)

    @cached_property
    def problem(self) -> Problem:
        """The monopolist's."""
        return Problem(self.discount, self.announce(np.zeros(1), np.ones(1)))

    @cached_property
    def farthest(self) -> float:
        """The shock at which rho_eff is FARTHEST, or twice what it is at the smallest."""
        rho = max(FARTHEST, 2 * float(self.find_rho_eff(NEAREST)))
        return find_root(lambda sd: float(self.find_rho_eff(sd)) - rho, NEAREST, WIDEST)

    @cached_property
    def rho_max(self) -> float:
        """The largest shock that is planned for."""
        return range_for(max(self.farthest, self.largest))

    @cached_property
    def solution(self) -> Solution:
        """Her plan."""
        return solve(self.problem, self.rho_max)

    @cached_property
    def myopic(self) -> Solution:
        """What it is worth to maximise the profit of every period by itself."""

        def quote(sd: Array) -> Array:
            return myopic_depth(self.find_rho_eff(sd)) * self.problem.find_scale(sd)

        return evaluate(self.problem, quote, self.rho_max)

    def find_rho_eff(self, sd: Array | float) -> Array:
        """Return the rho of the paper's traders at which one period is worth the same."""
        sd = np.maximum(sd, LEAST)
        centre = np.zeros_like(sd)
        line = self.announce(centre, sd).find_line(centre)
        return sd * np.sqrt(line.slope / line.find_own(sd))

    def quote(self, maker: str, sd: Array | float) -> Array:
        """Return half-spreads of the optimal or the zero-profit maker where beliefs have an sd."""
        if maker == "optimal":
            return self.solution.quote(sd)
        return zero_profit_depth(self.find_rho_eff(sd)) * self.problem.find_scale(np.asarray(sd))

    def tabulate_worth(self, shocks: Sequence[float]) -> pd.DataFrame:
        """Return by shock W, the profit expected of the first trader and of the others.

        And what it is worth to maximise the profit of every period by itself.
        """
        sd = np.array(shocks)
        half, centre = self.quote("optimal", sd), np.zeros_like(sd)
        chance, loss = self.announce(centre, sd).trade(centre, sd, Side.BUY, half)
        value, first = self.solution.value_function(sd), 2 * (half * chance - loss)
        return pd.DataFrame(
            {
                "prior_sd": sd, "rho_eff": self.find_rho_eff(sd), "value": value, "first": first,
                "later": value - first, "myopic": self.myopic.value_function(sd),
            }
        )  # fmt: skip

    def tabulate_spreads(self) -> pd.DataFrame:
        """Return spreads by rho_eff, and the optimal over the zero-profit one."""
        sd = np.geomspace(NEAREST, self.farthest, TRIED)
        first, last = np.searchsorted(self.find_rho_eff(sd), DRAWN)
        sd = sd[first:last:EVERY]
        sd = sd[self._find_open(sd)]
        spreads = {maker: 2 * self.quote(maker, sd) for maker in MAKERS}
        ratio = spreads["optimal"] / spreads["zero-profit"]
        return pd.DataFrame(
            {"prior_sd": sd, "rho_eff": self.find_rho_eff(sd)} | spreads | {"ratio": ratio}
        )

    def tabulate_bounds(self, periods: int) -> pd.DataFrame:
        """Return the shocks past which the monopolist is tighter, or markets freeze; or NaN."""
        shocks = [*self.find_tighter(), *(self.find_freezing(one, periods) for one in FREEZING)]
        names = [*TIGHTER, *FREEZING.values()]
        return pd.DataFrame(
            {"bound": names, "prior_sd": shocks, "rho_eff": self.find_rho_eff(np.array(shocks))}
        )

    def measure_no_trade(self, maker: str, shocks: Array, periods: int) -> Array:
        """Return the probability that nobody trades in so many periods, shape of `shocks`, (N,)."""
        belief, nobody = GaussianBelief(np.zeros_like(shocks), shocks), np.array(Side.NONE, np.int8)
        chance = np.ones((len(shocks), len(VALUES)))
        for _ in range(periods):
            law = self.announce(belief.mean, belief.sd)
            shown = law.likelihood(Quote.around(belief.mean, self.quote(maker, belief.sd)), nobody)
            chance *= shown.likelihood(shocks[:, np.newaxis] * VALUES)
            belief = belief.revise(shown)
        return chance @ WEIGHTS

    def find_tighter(self) -> tuple[float, float]:
        """Return the shock past which the monopolist is the tighter one, and that until which.

        NaN if she never is, and the second as well if she is until her market closes.
        """
        shocks = np.geomspace(NEAREST, self.farthest, TRIED)
        shocks = shocks[self._find_open(shocks)]
        turns = np.diff(np.sign(self._compare(shocks)))
        starts = np.flatnonzero(turns < 0)[:1]
        ends = np.flatnonzero(turns > 0)
        found = [*starts, *ends[ends > starts[0]][:1]] if len(starts) else []
        roots = [
            find_root(lambda sd: float(self._compare(sd)), shocks[cell], shocks[cell + 1])
            for cell in found
        ]
        start, end = [*roots, np.nan, np.nan][:2]
        return start, end

    def _find_open(self, sd: Array) -> Flags:
        """Return where the monopolist's market is not as good as closed."""
        return self.solution.value_function(sd) > CLOSED

    def _compare(self, sd: Array | float) -> Array:
        """Return by how much the monopolist's half-spread is the wider one."""
        return self.quote("optimal", sd) - self.quote("zero-profit", sd)

    def find_freezing(self, maker: str, periods: int) -> float:
        """Return the shock past which half of the markets see no trade; NaN if there is none.

        There is none where even after the smallest shock most of so few traders stay away.
        """
        shocks = np.geomspace(NEAREST, self.farthest, ZOOMED)
        for _ in range(PASSES):
            chance = self.measure_no_trade(maker, shocks, periods)
            last = int(np.argmax(chance > HALF))
            if last == 0:  # from the smallest on, or nowhere
                return np.nan
            ends = slice(last - 1, last + 1)
            low, high = shocks[ends]
            shocks = np.linspace(low, high, ZOOMED)
        return float(np.interp(HALF, chance[ends], [low, high]))


def find_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function is zero that changes its sign between two shocks."""
    return float(brentq(function, low, high, rtol=1e-7))
