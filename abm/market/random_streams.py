"""Random draws as a function of (seed, block, role, period, call), whoever else draws.

Two markets with one seed therefore face the same values and the same traders, whatever makers
they hold, and the first n of a draw for R replications are the draw for n. One Philox generator
(Salmon et al. 2011), keyed by (seed, block), is set to the counter (0, call, role, period) before
every draw of an array.
"""

from enum import IntEnum
from typing import SupportsIndex
from zlib import crc32

import numpy as np

from abm.numerics.arrays import Array
from abm.numerics.checks import require_whole

LARGEST_SEED = 2**63 - 1


class Role(IntEnum):
    """Who draws, besides the makers: they come by `maker_role`."""

    VALUE = 0
    TRADER = 1
    TIE_BREAK = 2
    TYPE = 3  # of the trader who comes
    PRIOR = 4  # its sd, where a range is given


def maker_role(label: str) -> int:
    """Return the role of the maker with this label, the same whichever makers quote beside her."""
    return 2**32 + crc32(label.encode())


class Streams:
    """The draws of one block of replications, each draw of length R; blocks are independent.

    Seed and block are from 0 to 2^63 - 1.
    """

    def __init__(self, seed: int, block: int, replications: int) -> None:
        key = np.array(
            [
                require_whole("rng", seed, 0, LARGEST_SEED),
                require_whole("block", block, 0, LARGEST_SEED),
            ],
            np.uint64,
        )
        self.replications = replications
        self.period = 0
        self._philox = np.random.Philox(key=key)
        self._generator = np.random.Generator(self._philox)
        self._state = self._philox.state

    def draws(self, role: int) -> "Draws":
        """Return the draws of this role."""
        return Draws(self, role)

    def at(self, role: int, call: int) -> np.random.Generator:
        """Return the generator set to the start of this role's call in the current period."""
        self._state["state"]["counter"][:] = (0, call, role, self.period)
        self._philox.state = self._state
        return self._generator


class Draws:
    """One role's draws: every call in a period is a stream of its own, of shape (R,)."""

    def __init__(self, streams: Streams, role: int) -> None:
        self._streams = streams
        self._role = role
        self._period = -1
        self._calls = 0

    def normal(self) -> Array:
        """Return R draws from N(0, 1)."""
        return self._next().standard_normal(self._streams.replications)

    def uniform(self) -> Array:
        """Return R draws from the uniform distribution on [0, 1)."""
        return self._next().random(self._streams.replications)

    def _next(self) -> np.random.Generator:
        if self._period != self._streams.period:
            self._period, self._calls = self._streams.period, 0
        self._calls += 1
        return self._streams.at(self._role, self._calls - 1)


def require_seed(rng: SupportsIndex | None) -> int:
    """Return `rng` as an int, or raise unless it is a seed."""
    if rng is None:
        raise TypeError(
            "rng is None, but must be a whole number: give a seed "
            "(mesa.batch_run takes seeds as its own argument rng=[1, 2] since Mesa 3.5)"
        )
    return require_whole("rng", rng, 0, LARGEST_SEED)
