"""The script of the bench of traders: a maker who quotes by it, and sides that are written down."""

from __future__ import annotations

from typing import Self

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.exchange.arrivals import Arrivals
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, Sides
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView


class Posted(MarketMaker):
    """Quotes by a script; what she believes is her secret, and does not change."""

    name = "posted"

    def __init__(self, model: PublicModel, *, centres: Array, hidden: float) -> None:
        prior = model.terms.prior
        super().__init__(model, belief=GaussianBelief(prior.mean + hidden, prior.sd * (1 + hidden)))
        self._centres = centres

    def quote(self) -> Quote:
        """Return this period's quote."""
        return Quote.around(self._centres[self.period], 1.0)

    def observe(self, view: MarketView) -> None:
        """Keep what she is shown, and learn nothing."""
        self.last = view


class ScriptedArrivals(Arrivals):
    """Traders who take the sides of a script, of shape (periods, R), whatever the value."""

    def follow(self, sides: Array, centres: Array, beyond: float) -> Self:
        """Return these arrivals, from now on by this script, around makers' quotes or beyond."""
        self._valuations = centres[:, np.newaxis] + (2.0 + beyond) * sides
        return self

    def come(self, value: Array, draws: Draws, types: Draws, period: int) -> tuple[Sides, Array]:  # noqa: ARG002
        """Return this period's row of the script."""
        return np.zeros(len(value), np.int8), self._valuations[period]
