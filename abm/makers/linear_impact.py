"""The linear-impact maker: no belief, only a price that follows her inventory."""

from abm.market.quotes import Quote
from abm.numerics.checks import positive_factor
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class LinearImpact(MarketMaker):
    """Moves her mid down by a constant for every share she holds; she has no belief.

    The price of a share is the mean of her mid before and after it, so that bid and ask are half
    of the impact from it. Her cost function is quadratic: to that comes down, near any price, the
    logarithmic market scoring rule of Hanson (2007, Journal of Prediction Markets 1, 3-15), the
    baseline of Brahma, Chakraborty, Das, Lavoie and Magdon-Ismail (2012, A Bayesian market maker).

    Parameters
    ----------
    model : Exchange
        The market she quotes in; her mid starts at its prior mean.
    impact : float
        Of a share on her mid, in noise sds, above zero and at most 1e9.
    """

    name = "linear-impact"

    def __init__(self, model: PublicModel, *, impact: float = 0.5) -> None:
        super().__init__(model, belief=None)
        self.impact = positive_factor("impact", impact) * self.noise_sd

    def quote(self) -> Quote:
        """Return the mid that her inventory asks for, -/+ half of the impact."""
        return Quote.around(self.terms.prior.mean - self.impact * self.inventory, 0.5 * self.impact)
