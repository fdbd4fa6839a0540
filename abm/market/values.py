"""How the value moves: it stays, jumps, or is drawn anew from what makers believe.

A period opens with the value's move. What the public is told of it is a `Move`: with which
probability the value has moved, and by how much; beliefs predict by it before makers quote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from abm.market.moves import STILL, Move
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.numerics.checks import (
    require_one_of,
    require_share,
    require_whole,
    scale_number,
)
from abm.numerics.describe import show_value
from abm.numerics.frozen import set_fields

LATEST = 2**15 - 2  # period of an exchange


FindMoments = Callable[[], tuple[Array, Array]]
"""Return mean and sd of the belief that all makers share, or raise if they share none."""


class ValueProcess:
    """The value stays as it is: what other processes derive from.

    A process of your own overrides what differs: `move`, and `foresee` if makers know of it.

    Examples
    --------
    >>> from abm import Exchange
    >>> class Drifting(ValueProcess):
    ...     def move(self, value, period, draws):
    ...         return value + 0.1, STILL  # and nobody is told
    >>> market = Exchange("zero-profit", value=Drifting()).run(3)
    >>> market.tape.market["value"].diff().round(3).tolist()[1:]
    [0.1, 0.1]
    """

    announced: bool = False
    """Whether everybody is told where and when the value has moved."""
    needs_common_belief = False
    """Whether `settle` asks for the belief that all makers share."""
    last_period = -1
    """The last period in which it is known to move."""

    def foresee(self) -> Move:
        """Return the move that everybody expects in any period: what a plan goes by."""
        return STILL

    def move(self, value: Array, period: int, draws: Draws) -> tuple[Array, Move]:  # noqa: ARG002
        """Return the value in this period, shape (R,), and what the public knows of its move."""
        return value, STILL

    def settle(self, value: Array, find_common: FindMoments, draws: Draws) -> Array:  # noqa: ARG002
        """Return the value once makers have predicted it, shape (R,)."""
        return value


@dataclass(frozen=True)
class Fixed(ValueProcess):
    """The value stays as the shock left it (Das and Magdon-Ismail 2008, section 2.1)."""


@dataclass(frozen=True)
class Redrawn(ValueProcess):
    """The value is drawn anew in every period, from the normal belief that all makers share.

    So a plan that was made for that belief is judged in the world for which it was made.
    """

    needs_common_belief = True

    def settle(self, value: Array, find_common: FindMoments, draws: Draws) -> Array:  # noqa: ARG002
        """Return a draw from the belief."""
        mean, sd = find_common()
        return mean + sd * draws.normal()


@dataclass(frozen=True)
class Jumps(ValueProcess):
    """The value jumps by a normal of mean 0: now and then, or in given periods.

    Parameters
    ----------
    sd : float
        Of a jump, in units of price, from 1e-100 to 1e100.
    probability : float
        With which it jumps in a period, the first included.
    at : sequence of int
        Periods in which it jumps for certain. No plan foresees them.
    announced : bool
        Whether everybody is told in which periods, and markets, it has jumped.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range or none, or nothing would ever jump.

    Examples
    --------
    >>> from abm import Exchange
    >>> market = Exchange("zero-profit", value=Jumps(3.0, at=[2], announced=True), prior_sd=1.0)
    >>> market.run(2).inside.spread.round(2)
    array([0.94])
    >>> market.run(1).inside.spread.round(2)
    array([18.09])
    """

    sd: float
    probability: float
    at: tuple[int, ...]
    announced: bool

    def __init__(
        self,
        sd: float,
        *,
        probability: float = 0.0,
        at: Iterable[int] = (),
        announced: bool = False,
    ) -> None:
        if np.ndim(at) != 1 or isinstance(at, str | bytes):  # type: ignore[arg-type]
            raise TypeError(f"at is {show_value(at)}, but must list periods: give as [50]")
        if not isinstance(announced, bool):
            raise TypeError(f"announced is {show_value(announced)}, but must be True or False")
        periods = tuple(sorted({require_whole("at", period, 0, LATEST) for period in at}))
        sd, probability = scale_number("sd", sd), require_share(probability, "probability")
        if not probability and not periods:
            raise ValueError(
                "probability is 0 and at is empty, but then the value never jumps: give one of "
                'them, or value="fixed"'
            )
        set_fields(self, sd=sd, probability=probability, at=periods, announced=announced)

    @property
    def last_period(self) -> int:  # type: ignore[override]
        """The last of the periods in which it jumps for certain; -1 if there is none."""
        return max(self.at, default=-1)

    def foresee(self) -> Move:
        """Return the jump that may come in any period."""
        return Move(self.probability, self.sd)

    def move(self, value: Array, period: int, draws: Draws) -> tuple[Array, Move]:
        """Return the value after the jumps of this period, and what is told of them."""
        size = self.sd * draws.normal()
        jumps = np.full(value.shape, period in self.at) | (draws.uniform() < self.probability)
        told = Move(jumps.astype(np.float64), self.sd) if self.announced else self.foresee()
        return np.where(jumps, value + size, value), told


WORDS = {"fixed": Fixed(), "redrawn": Redrawn()}


def find_process(value: Any) -> ValueProcess:
    """Return the process of a word, or the process itself.

    Raises
    ------
    ValueError
        If a word is neither "fixed" nor "redrawn".
    TypeError
        If it is no word and no process.
    """
    if isinstance(value, str):
        return WORDS[require_one_of("value", value, tuple(WORDS))]
    if isinstance(value, ValueProcess):
        return value
    raise TypeError(
        f'value is {show_value(value)}, but must be a process: give "fixed", "redrawn", or as '
        f"Jumps(1.0, probability=0.05)"
    )
