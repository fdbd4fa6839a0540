"""The inventory-averse maker: she leans against what she holds."""

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.checks import not_negative_factor
from abm.one_period.quotes import myopic_quote
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class InventoryAverse(MarketMaker):
    """Quotes around a reservation price, which falls with every share she holds.

    A maker with constant absolute risk aversion gamma to whom a share is worth N(mean, sd^2) is
    indifferent to selling one at mean - gamma sd^2 (inventory - 1/2), and to buying one at
    mean - gamma sd^2 (inventory + 1/2) (Avellaneda and Stoikov 2008, section 2). To these
    she adds the myopic monopolist's half-spread; in theirs, the value is known and keeps moving,
    and arrivals fall off exponentially with the distance of a quote.

    Parameters
    ----------
    aversion : float
        gamma, in units of 1 / noise sd, from 0 to 1e9; at 0 she is the myopic maker.
    belief : Belief, "gaussian", "exact" or None
        What she believes at first (see `MarketMaker`).
    """

    name = "inventory-averse"

    def __init__(
        self, model: PublicModel, *, aversion: float = 0.1, belief: Belief | str | None = "gaussian"
    ) -> None:
        super().__init__(model, belief=belief)
        self.aversion = not_negative_factor("aversion", aversion) / self.noise_sd

    def quote(self) -> Quote:
        """Return the reservation prices, and the myopic half-spread beyond them."""
        belief = self.require_belief()
        neutral = myopic_quote(belief, self.law)
        premium = self.aversion * belief.sd**2
        return Quote(
            neutral.bid - premium * (self.inventory + 0.5),
            neutral.ask - premium * (self.inventory - 0.5),
        )
