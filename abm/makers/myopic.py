"""The myopic monopolist: the most from the next trader, whatever it teaches."""

from abm.glosten_milgrom import myopic_depth, standardised_quote
from abm.makers.base import MarketMaker
from abm.quotes import Quote


class Myopic(MarketMaker):
    """Maximises the expected profit of the current period (Das and Magdon-Ismail 2008, s. 2.3)."""

    name = "myopic"
    symmetric = True

    def quote(self) -> Quote:
        """Return the quote with the largest expected profit this period."""
        return standardised_quote(self.belief, myopic_depth(self.rho), self.noise_sd)
