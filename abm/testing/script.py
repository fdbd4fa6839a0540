"""The script of the test bench: valuations that are written down, and draws by the row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abm.market.quotes import Quote
from abm.market.random_streams import Draws, Streams
from abm.numerics.arrays import Array
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel
from abm.testing.laws import LawfulTrader, LawMaker

WIDTH = 3  # replications of a script


class Scripted(LawfulTrader):
    """Values the asset as a script says, of shape (periods, R), or more extremely.

    The side of the inside quote that the trader takes is the script's, however far beyond it the
    valuation is.
    """

    def __init__(
        self, model: PublicModel, *, make_law: LawMaker, script: Array, beyond: float
    ) -> None:
        super().__init__(model, make_law=make_law)
        self._script, self._beyond = script, beyond

    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002, it is scripted
        """Return this period's row of the script."""
        written: Array = self._script[self.period]
        return written + self._beyond * self.model.inside.side(written)


class Decliner(MarketMaker):
    """Buys only: her ask is infinite."""

    name = "decliner"

    def quote(self) -> Quote:
        """Return a bid well below the mean of her belief, and no ask."""
        belief = self.require_belief()
        return Quote(belief.mean - 3 * np.hypot(belief.sd, self.noise_sd), np.inf)


class RowStreams(Streams):
    """The draws of some of a script's replications."""

    def __init__(self, seed: int, rows: Sequence[int]) -> None:
        super().__init__(seed, 0, WIDTH)
        self.rows = list(rows)

    def draws(self, role: int) -> Draws:
        """Return the draws of this role."""
        return RowDraws(self, role)


class RowDraws(Draws):
    """One role's draws in some of a script's replications."""

    _streams: RowStreams

    def normal(self) -> Array:
        """Return draws from N(0, 1), one for each of these replications."""
        return super().normal()[self._streams.rows]

    def uniform(self) -> Array:
        """Return draws from the uniform distribution on [0, 1), one for each of these."""
        return super().uniform()[self._streams.rows]
