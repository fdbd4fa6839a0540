"""The planner: the most gains from trade, whoever has them."""

from abm.beliefs.base import Belief
from abm.bellman.plan import Plan
from abm.bellman.solution import Solution
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class Planner(MarketMaker):
    """Maximises the expected discounted gains from trade, which need not pay for themselves.

    What a trader values the asset at, less the value, is gained in a purchase, whoever pays
    what for it.

    Parameters
    ----------
    discount : float
        Per period, at least 0 and below 1.
    belief, law : Belief, "gaussian", "exact" or None; Law
        What she believes at first, and of traders (see `MarketMaker`).

    Raises
    ------
    ValueError
        As for `Optimal`.

    Examples
    --------
    >>> from abm import Exchange
    >>> Exchange(Planner, prior_sd=3.0).run(1).inside
    Quote(bid -1.378, ask 1.378)
    """

    name = "planner"
    symmetric = True

    def __init__(
        self,
        model: PublicModel,
        *,
        discount: float = 0.9,
        belief: Belief | str | None = "gaussian",
        law: Law | None = None,
    ) -> None:
        super().__init__(model, belief=belief, law=law)
        self.plan = Plan(discount, model.process, reward="gains")
        self.plan.require_public_prior(self.law, self.require_belief(), self.terms.prior)
        _ = self.solution

    @property
    def solution(self) -> Solution:
        """The solution of her problem in this market, up to her current rho at least."""
        return self.plan.solve(self.law, self.rho)

    def quote(self) -> Quote:
        """Return the quote that is best for all together."""
        half_spread = self.noise_sd * self.solution.quote(self.rho)
        return Quote.around(self.require_belief().mean, half_spread)
