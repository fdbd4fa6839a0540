"""The sequential problem of a dealer: who comes, how the value moves, how much the future counts.

Her only state is rho, her belief's sd in units of the noise sd; her action is the depth q of the
symmetric quote mu -/+ q s, s the sd of a trader's valuation under the belief (Das and Magdon-Ismail
2008, section 2.5). That holds for any traders whose law goes by the belief that all share, and for
any value that moves by a normal: a shift of the mean shifts all prices alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from abm.market.laws import Law, Line
from abm.market.quotes import Side
from abm.market.valuations import NoisyValuation
from abm.market.values import ValueProcess, find_process
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor, require_share, require_whole, scale_number
from abm.numerics.describe import show_value
from abm.numerics.frozen import set_fields
from abm.one_period.quotes import require_bounded

PAPERS = "noisy"
LONGEST = 1_000
TRIED = np.array([0.3, 1.0, 2.5])  # depths at which a law is looked at
SAME = 1e-8
ERROR = 2.9e-8  # of the largest W
ERROR_OF_RISING = 1e-7  # where rho may rise W is not smooth everywhere
Function = Callable[[Array], Array]
"""Of rho; in units of the noise sd."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What a dealer who is alone maximises, period by period.

    Parameters
    ----------
    discount : float
        Per period, at least 0 and below 1; 1 as well where there is a horizon.
    traders : one or a sequence of Trader classes, partials of one, or registered names; or a Law
        Who comes, as for an `Exchange`; the paper's traders unless given.
    value : "fixed", "redrawn" or ValueProcess
        How the value moves, as for an `Exchange`. What no plan foresees does not count.
    horizon : int, optional
        How many periods there are; no end unless given.
    terminal : callable, optional
        What follows the last period: a function of rho, of arrays of any shape, in units of the
        noise sd. Nothing unless given.
    noise_sd : float
        Of the market, in units of price, in which jumps and traders' own lengths are given.

    Attributes
    ----------
    law : Law
        By which traders value, seen from a public belief N(0, unit^2).
    unit : float
        The noise sd of traders in units of price, of which rho and what is paid are multiples.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or no number, profit has no bound for these traders, or
        a terminal value comes without a horizon.

    Examples
    --------
    >>> from abm.bellman import solve
    >>> solve(Problem(discount=1.0, horizon=5)).half_spread([0.0, 3.0]).round(3)
    array([0.752, 4.731])
    """

    discount: float
    law: Law
    value: ValueProcess
    horizon: int | None
    terminal: Function | None

    def __init__(
        self,
        discount: float = 0.9,
        traders: Any = PAPERS,
        value: Any = "fixed",
        horizon: int | None = None,
        terminal: Function | None = None,
        *,
        noise_sd: float = 1.0,
    ) -> None:
        if horizon is None:
            discount = discount_factor(discount)
        else:
            horizon = require_whole("horizon", horizon, 1, LONGEST)
            discount = require_share(discount, "discount")
        if terminal is not None and (horizon is None or not callable(terminal)):
            raise ValueError(
                f"terminal is {show_value(terminal)} and horizon {horizon}, but must be a function "
                f"of rho, which follows the last of so many periods: give both or neither"
            )
        law = find_law(traders, scale_number("noise_sd", noise_sd))
        law = law.announce(np.zeros(1), np.full(1, law.noise_sd))
        set_fields(self, discount=discount, law=law, value=find_process(value), horizon=horizon)
        set_fields(self, terminal=terminal)

    @property
    def unit(self) -> float:
        """The noise sd of traders, in units of price."""
        return self.law.noise_sd

    @cached_property
    def moves(self) -> list[tuple[float, float]]:
        """With which probability a period's move leaves which rise of rho^2, as beliefs have it.

        It is one rise on average if nobody is told whether the value moved.
        """
        move = self.value.foresee()
        rise = (move.sd / self.unit) ** 2
        probability = float(move.probability)
        if self.value.announced and probability:
            return [(1 - probability, 0.0), (probability, rise)]
        return [(1.0, probability * rise)]

    def expect_move(self, value: Function, rho: Array, rho_max: float) -> Array:
        """Return the expectation of a function of rho after a move, which is held past rho_max."""
        square = rho * rho
        parts = [
            probability * value(np.minimum(np.sqrt(square + rise) if rise else rho, rho_max))
            for probability, rise in self.moves
        ]
        return np.sum(parts, axis=0) if len(parts) > 1 else parts[0]

    @property
    def rises(self) -> bool:
        """Whether rho may rise: of the paper's traders it never does (Theorem 2.1)."""
        return len(self.law.types) > 1 or any(rise > 0 for _, rise in self.moves)

    @property
    def error(self) -> float:
        """To what part of the largest W it is solved."""
        return ERROR_OF_RISING if self.rises else ERROR

    def shorten(self, horizon: int) -> Problem:
        """Return the problem with so many periods to go."""
        return Problem(self.discount, self.law, self.value, horizon, self.terminal)

    def require_solvable(self) -> None:
        """Raise ValueError unless profit has a bound, and rho is all that the next period needs.

        It is if a shift of the belief's mean shifts what is shown, and a sale mirrors a buy.
        """
        require_bounded(self.law)
        sd = np.full(len(TRIED), self.unit)
        away = self.find_scale(np.ones(1)) * self.unit * TRIED
        seen = []
        for mean in (0.0 * sd, sd):
            law = self.law.announce(mean, sd)
            for side in (Side.BUY, Side.SELL):
                sign = int(side)
                shown = law.reveal_trade(side, mean + sign * away)
                moved, after = shown.tilt(mean, sd)
                mass = np.exp(shown.weigh(mean, sd))
                seen.append([mass, sign * (moved - mean) / sd, after / sd])
        if np.ptp(seen, axis=0).max() > SAME:
            raise ValueError(
                f"the law of traders is {self.law!r}, but for the sequential problem what a trader "
                f"shows must move with the public's belief, and a sale mirror a buy: let it "
                f"announce itself for a belief, or give a zero-profit or a myopic maker, whose "
                f"quotes are right for any law"
            )

    def find_scale(self, rho: Array) -> Array:
        """Return s, the sd of a valuation of the first type that knows the value, in noise sds."""
        sd = rho * self.unit
        if self._lasting_line is not None:
            return self._lasting_line.find_scale(sd) / self.unit
        centre = np.zeros_like(sd)
        law = find_first_type(self.law.announce(centre, sd))
        line = law.find_line(centre)
        scale = np.hypot(sd, law.noise_sd) if line is None else line.find_scale(sd)
        return np.broadcast_to(scale / self.unit, sd.shape)

    @cached_property
    def _lasting_line(self) -> Line | None:
        """The line of that type, if its slope and spread are the same whatever is believed."""
        law = find_first_type(self.law)
        line = None if self.law.follows_tape else law.find_line(np.zeros(1))
        return line if line and np.ndim(line.slope) == np.ndim(line.spread) == 0 else None

    @cached_property
    def key(self) -> Hashable:
        """What tells problems apart: those with one solution have equal keys."""
        papers = type(self.law) is NoisyValuation  # of any noise sd
        law = PAPERS if papers else freeze(self.law)
        return self.discount, self.horizon, freeze(self.terminal), tuple(self.moves), law


def find_first_type(law: Law) -> Law:
    """Return the first type that may know more than the public, or else the first."""
    types = [one for _, one in law.types]
    return next((one for one in types if one.is_informed), types[0])


def find_law(traders: Any, noise_sd: float) -> Law:
    """Return the law by which these traders value."""
    if isinstance(traders, Law):
        return traders
    if isinstance(traders, str) and traders == PAPERS:
        return NoisyValuation(noise_sd)  # which loads no Mesa
    return import_module("abm.participants.admission").find_law(traders, noise_sd)


def freeze(thing: Any) -> Hashable:
    """Return something that is equal for things with equal contents, and can be hashed."""
    if isinstance(thing, np.ndarray):
        return thing.shape, thing.tobytes()
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return tuple(map(freeze, thing))
    if is_dataclass(thing) and not isinstance(thing, type):
        return type(thing), *(freeze(getattr(thing, field.name)) for field in fields(thing))
    return thing if isinstance(thing, Hashable) else id(thing)


PAPER = Problem()
"""That of Das and Magdon-Ismail (2008), at a discount of 0.9."""
