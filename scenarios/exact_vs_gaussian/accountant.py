"""Expected profit in place of realised profit: the same mean, with far less variance.

Let H be the history of quotes and sides before a period, all that is public. Given H the value V
has the exact posterior, whatever the maker believes, for quotes are functions of H. Her profit is
a - V where the trader buys, V - b where the trader sells, and 0 otherwise, so that

    E[profit | H] = P(buy | H) (a - E[V | H, buy]) + P(sell | H) (E[V | H, sell] - b)

which `abm.one_period.profit` computes from the posterior. By the tower property its mean over
histories is that of the profit, and so, with D the discount,

    E[sum of D^t profit_t] = E[sum of D^t E[profit_t | H_t]]

The right side leaves out what V and the next trader add by chance (Rao-Blackwell: Casella and
Berger 2002, theorem 7.3.17, for one period). It needs the prior and the law of traders to be those
of the market: it holds in the world where V stays, from its prior, with one maker who trades.
"""

import numpy as np

from abm.beliefs.base import Belief
from abm.exchange.model import Exchange
from abm.makers import MarketMaker
from abm.market.quotes import Quote
from abm.one_period.profit import expected_profit
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView


class Accountant(MarketMaker):
    """Does not trade, and adds up the profit that the first maker's quotes earn in expectation.

    Her belief is that of the first maker, who must have an exact one.

    Attributes
    ----------
    expected : ndarray, shape (R,)
        The discounted sum of E[profit | history] so far, in units of price.
    """

    name = "accountant"

    def __init__(
        self, model: PublicModel, *, discount: float, belief: Belief | str | None = None
    ) -> None:
        super().__init__(model, belief=belief)
        self.discount = discount
        self.expected = np.zeros(self.terms.replications)
        self.exact: Belief

    def quote(self) -> Quote:
        """Return a quote that offers neither side, and remember what is known before the trade."""
        self.exact = self.find_exact_belief()
        return Quote(-np.inf, np.inf)

    def find_exact_belief(self) -> Belief:
        """Return the exact posterior given what is public."""
        assert isinstance(self.model, Exchange)
        return self.model.makers[0].require_belief()

    def observe(self, view: MarketView) -> None:
        """Add what the period's best quotes earn in expectation."""
        super().observe(view)
        profit = expected_profit(self.exact, view.inside, self.law)
        self.expected = self.expected + self.discount**self.period * profit
