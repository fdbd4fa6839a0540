"""Traders who know nothing that the public does not."""

from abm.market.uninformed import CoinFlip, PublicValuation
from abm.numerics.checks import scale_number
from abm.participants.terms import PublicModel
from abm.participants.trader import Trader


class UninformedTrader(Trader):
    """Trades for reasons of the trader's own, knowing no more than the tape shows.

    Parameters
    ----------
    share : float
        Of all traders, from 0 to 1.
    reach : float, optional
        The trader values the asset at the public's mean and N(0, reach^2), in units of price.
        Unless it is given, the trader buys or sells with probability 1/2 each, whatever the price
        (Glosten and Milgrom 1985), and has no valuation: surplus is NaN.

    Raises
    ------
    ValueError, TypeError
        If the share is not a number from 0 to 1, or reach is not one from 1e-100 to 1e100.

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> from abm.traders import NoisyTrader
    >>> some = partial(UninformedTrader, share=0.3)
    >>> Exchange("zero-profit", [NoisyTrader, some], prior_sd=3.0).run(1).inside
    Quote(bid -1.943, ask 1.943)
    """

    name = "uninformed"

    def __init__(self, model: PublicModel, *, share: float, reach: float | None = None) -> None:
        self.reach = None if reach is None else scale_number("reach", reach)
        public = model.terms.prior.mean
        law = CoinFlip() if self.reach is None else PublicValuation(public, self.reach)
        super().__init__(model, law, share=share)
