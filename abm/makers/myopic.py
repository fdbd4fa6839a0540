"""The myopic monopolist: the most from the next trader, whatever it teaches."""

from abm.market.quotes import Quote
from abm.one_period.quotes import myopic_quote
from abm.participants.maker import MarketMaker


class Myopic(MarketMaker):
    """Maximises the expected profit of the current period (Das and Magdon-Ismail 2008, s. 2.3).

    Examples
    --------
    >>> from abm import Exchange
    >>> Exchange(Myopic, prior_sd=3.0).run(1).inside
    Quote(bid -9.565, ask 9.565)
    """

    name = "myopic"
    symmetric = True

    def quote(self) -> Quote:
        """Return the quote with the largest expected profit this period."""
        return myopic_quote(self.require_belief(), self.law)
