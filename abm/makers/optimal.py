"""The optimal monopolist: the most over all periods, early losses included."""

from abm.beliefs.base import Belief
from abm.bellman.plan import Plan
from abm.bellman.solution import Solution
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class Optimal(MarketMaker):
    """Maximises expected discounted profit on her belief (Das and Magdon-Ismail 2008, s. 2.5).

    Her plan is for the traders who come to this market, and for a value that moves as everybody
    expects (see `abm.bellman.Problem`).

    Parameters
    ----------
    discount : float
        Per period, at least 0 and below 1.
    belief, law : Belief, "gaussian", "exact" or None; Law
        What she believes at first, and of traders (see `MarketMaker`).

    Raises
    ------
    ValueError
        If profit has no bound with these traders, or they go by what the public believes and she
        believes something else at first.

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> Exchange(partial(Optimal, discount=0.5), prior_sd=3.0).run(1).inside
    Quote(bid -8.631, ask 8.631)
    """

    name = "optimal"
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
        self.plan = Plan(discount, model.process)
        self.plan.require_public_prior(self.law, self.require_belief(), self.terms.prior)
        _ = self.solution  # so that what cannot be solved is an error here, not at her first quote

    @property
    def solution(self) -> Solution:
        """The solution of her problem in this market, up to her current rho at least."""
        return self.plan.solve(self.law, self.rho)

    def quote(self) -> Quote:
        """Return the quote that is optimal for her present information disadvantage."""
        half_spread = self.noise_sd * self.solution.quote(self.rho)
        return Quote.around(self.require_belief().mean, half_spread)
