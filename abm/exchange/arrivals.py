"""Who arrives: one trader a period, of one of several types, and the law by which she values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.exchange.guards import ask_for_law, ask_for_valuation, let
from abm.market.laws import Law
from abm.market.mixtures import Mixture, choose_types
from abm.market.moves import Move
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, Sides
from abm.participants.admission import find_shares, mix_laws
from abm.participants.trader import Trader
from abm.participants.transparency import MarketView, Quotes, show_trader


def _learns(trader: Trader) -> bool:
    """Return whether a trader does anything with what is shown."""
    return getattr(trader.observe, "__func__", None) is not Trader.observe


class Arrivals:
    """The types of traders of a market, and what the public believes, by which some value.

    Parameters
    ----------
    traders : sequence of Trader
        The types; the first has the share that the others leave.
    prior : GaussianBelief
        What the public believes at first.
    transparency : str
        Of the exchange.

    Attributes
    ----------
    traders : list of Trader
    shares : list of float
        With which probability a trader of each type comes.
    public : GaussianBelief or None
        The belief of who began with the prior and saw the whole tape; None if no type goes by it.

    Raises
    ------
    ValueError
        If shares do not sum to 1, or a type goes by what the public believes where trades are not
        public.
    """

    def __init__(self, traders: Sequence[Trader], prior: GaussianBelief, transparency: str) -> None:
        self.traders = list(traders)
        self.shares = find_shares(traders)
        self.public: GaussianBelief | None = None
        self._is_seen = transparency == "public"
        for trader in traders:
            if ask_for_law(trader, None, 0).follows_tape:
                self.public = prior
                if not self._is_seen:
                    raise ValueError(
                        f"transparency is {transparency!r}, but trader {trader.label!r} goes by "
                        f"what the public believes, and then nobody sees the whole tape: give "
                        f'"public"'
                    )

    def announce(self, known: Law | None, moved: Move, period: int) -> Law:
        """Return the law by which this period's trader values: of several types, their mixture.

        What is `known` to be a law is not checked again; `moved` is what is public of the value.
        """
        if self.public is not None:
            self.public = self.public.predict(moved)
        for trader in self.traders:
            if self.public is not None and trader.law.follows_tape:
                public = self.public.mean, self.public.sd
                trader.law = let(trader, "following the tape", period, trader.law.announce, *public)
        if len(self.traders) == 1:
            return ask_for_law(self.traders[0], known, period)
        parts = known.laws if isinstance(known, Mixture) else [None] * len(self.traders)
        pairs = zip(self.traders, parts, strict=True)
        return mix_laws([ask_for_law(trader, part, period) for trader, part in pairs], self.shares)

    def come(self, value: Array, draws: Draws, types: Draws, period: int) -> tuple[Sides, Array]:
        """Return the number of the type that comes to each replication, and her valuation.

        A type values by the same draws, whatever types come beside it.
        """
        value = value.view()
        value.setflags(write=False)
        valuations = [ask_for_valuation(trader, value, draws, period) for trader in self.traders]
        if len(valuations) == 1:
            return np.zeros(len(value), np.int8), valuations[0]
        chosen = choose_types(self.shares, types)
        return chosen.astype(np.int8), np.choose(chosen, valuations)

    def learn(self, view: MarketView, quotes: Quotes, period: int) -> None:
        """Let every type, and the public, learn from what a maker was shown, if all is public."""
        if not self._is_seen:
            return
        learners = [trader for trader in self.traders if _learns(trader)]
        if learners:
            shown = show_trader(view, quotes)
        for trader in learners:
            let(trader, "learning", period, trader.observe, shown)
        if self.public is not None:
            self.public = self.public.revise(view.likelihood)
