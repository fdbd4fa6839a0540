"""The fixed-spread maker: learns, but never changes what she charges."""

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.checks import scale_number
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class FixedSpread(MarketMaker):
    """Quotes a constant half-spread around the mean of her belief: a baseline.

    Parameters
    ----------
    half_spread : float
        In units of price, from 1e-100 to 1e100.
    belief : Belief, "gaussian", "exact" or None
        What she believes at first (see `MarketMaker`).

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> Exchange(partial(FixedSpread, half_spread=0.5), prior_mean=10.0).run(1).inside
    Quote(bid 9.5, ask 10.5)
    """

    name = "fixed-spread"
    symmetric = True

    def __init__(
        self,
        model: PublicModel,
        *,
        half_spread: float = 1.0,
        belief: Belief | str | None = "gaussian",
    ) -> None:
        super().__init__(model, belief=belief)
        self.half_spread = scale_number("half_spread", half_spread)

    def quote(self) -> Quote:
        """Return the belief's mean -/+ the half-spread."""
        return Quote.around(self.require_belief().mean, self.half_spread)
