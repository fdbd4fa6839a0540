"""The zero-profit maker: perfect competition leaves her nothing on either side."""

from abm.market.quotes import Quote
from abm.one_period.quotes import zero_profit_quote
from abm.participants.maker import MarketMaker


class ZeroProfit(MarketMaker):
    """Quotes ask = E[V | buy] and bid = E[V | sell] (Glosten and Milgrom 1985).

    The competitive benchmark of Das and Magdon-Ismail (2008), section 2.3.

    Examples
    --------
    >>> from abm import Exchange
    >>> Exchange(ZeroProfit, prior_sd=3.0).run(1).inside
    Quote(bid -8.633, ask 8.633)
    """

    name = "zero-profit"
    zero_profit = True
    symmetric = True

    def quote(self) -> Quote:
        """Return the quote that earns nothing in expectation, whichever side is taken."""
        return zero_profit_quote(self.require_belief(), self.law)
