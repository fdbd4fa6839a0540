"""The undercutter: a step better than her best rival, as long as it pays."""

import numpy as np

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.checks import positive_factor
from abm.one_period.quotes import myopic_quote, zero_profit_quote
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class Undercutter(MarketMaker):
    """Improves on the best rival's last quote while she expects a profit from it.

    The price war of Maskin and Tirole (1988, Econometrica 56, 571-599) at a dealer market. She
    goes no further than to the zero-profit quote of her belief, where a trade ceases to pay, and
    no further out than to the myopic monopolist's. Where she was at the inside and cannot tell who
    else was (see `MarketView.rivals`), she stays where she is.

    Parameters
    ----------
    step : float
        By how much she improves, in noise sds, above zero and at most 1e9.
    belief : Belief, "gaussian", "exact" or None
        What she believes at first (see `MarketMaker`).
    """

    name = "undercutter"

    def __init__(
        self, model: PublicModel, *, step: float = 0.05, belief: Belief | str | None = "gaussian"
    ) -> None:
        super().__init__(model, belief=belief)
        self.step = positive_factor("step", step) * self.noise_sd

    def quote(self) -> Quote:
        """Return a step inside the best rival's last quote, within what pays."""
        belief = self.require_belief()
        widest = myopic_quote(belief, self.law)
        tightest = zero_profit_quote(belief, self.law)
        wanted = self._improve_on_rivals()
        return Quote(
            np.clip(wanted.bid, widest.bid, tightest.bid),
            np.clip(wanted.ask, tightest.ask, widest.ask),
        )

    def _improve_on_rivals(self) -> Quote:
        if self.last is None:
            return Quote(-np.inf, np.inf)
        own, rivals = self.last.own, self.last.rivals
        return Quote(
            np.where(np.isnan(rivals.bid), own.bid, rivals.bid + self.step),
            np.where(np.isnan(rivals.ask), own.ask, rivals.ask - self.step),
        )
