"""Who arrives: one trader a period, of one of several types, and the law by which she values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.exchange.guards import ask_for_law, ask_for_valuation, name_errors
from abm.market.mixtures import Mixture, choose_types
from abm.market.random_streams import Draws
from abm.market.valuations import Law
from abm.numerics.arrays import Array, Sides
from abm.participants.trader import Trader
from abm.participants.transparency import MarketView, Quotes, show_trader

ROUNDING = 1e-9  # of shares


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
            if trader.follows_tape:
                self.public = prior
                if not self._is_seen:
                    raise ValueError(
                        f"transparency is {transparency!r}, but trader {trader.label!r} goes by "
                        f"what the public believes, and then nobody sees the whole tape: give "
                        f'"public"'
                    )

    def announce(self, known: Law | None, period: int) -> Law:
        """Return the law by which this period's trader values: of several types, their mixture.

        What is `known` to be a law is not checked again.
        """
        for trader in self.traders:
            if trader.follows_tape and self.public is not None:
                with name_errors(trader, "following the tape", period):
                    trader.follow(self.public.mean, self.public.sd)
        if len(self.traders) == 1:
            return ask_for_law(self.traders[0], known, period)
        parts = known.laws if isinstance(known, Mixture) else [None] * len(self.traders)
        pairs = zip(self.traders, parts, strict=True)
        return Mixture([ask_for_law(trader, part, period) for trader, part in pairs], self.shares)

    def come(self, value: Array, draws: Draws, types: Draws, period: int) -> tuple[Sides, Array]:
        """Return the number of the type that comes to each replication, and her valuation.

        A type values by the same draws, whatever types come beside it.
        """
        valuations = [ask_for_valuation(trader, value, draws, period) for trader in self.traders]
        if len(valuations) == 1:
            return np.zeros(len(value), np.int8), valuations[0]
        chosen = choose_types(self.shares, types)
        return chosen.astype(np.int8), np.choose(chosen, valuations)

    def learn(self, view: MarketView, quotes: Quotes, period: int) -> None:
        """Let every type, and the public, learn from what a maker was shown, if all is public."""
        if not self._is_seen:
            return
        shown = show_trader(view, quotes)
        for trader in self.traders:
            with name_errors(trader, "learning", period):
                trader.observe(shown)
        if self.public is not None:
            self.public = self.public.revise(view.likelihood)


def find_shares(traders: Sequence[Trader]) -> list[float]:
    """Return with which probability a trader of each type comes.

    Raises
    ------
    ValueError
        If a type but the first has no share, they sum past 1, or the first has another than the
        others leave.
    """
    first, *others = traders
    shares = []
    for trader in others:
        if trader.share is None:
            raise ValueError(
                f"trader {trader.label!r} has no share, but comes beside {first.label!r}: give one "
                f"of all traders, as partial({type(trader).__name__}, share=0.3)"
            )
        shares.append(trader.share)
    rest = 1.0 - sum(shares)
    if rest < -ROUNDING:
        raise ValueError(
            f"shares of traders sum to {sum(shares):.6g}, but must to 1 at most, of which "
            f"{first.label!r} has the rest: give smaller ones"
        )
    if first.share is not None and abs(first.share - rest) > ROUNDING:
        raise ValueError(
            f"share is {first.share:.6g} for {first.label!r}, but the other types leave "
            f"{max(rest, 0.0):.6g}: give it that, or no share"
        )
    return [max(rest, 0.0), *shares]
