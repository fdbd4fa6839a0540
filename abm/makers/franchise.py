"""A monopoly that ends: alone for so many periods, then as competition would have her quote."""

from typing import SupportsIndex

from abm.beliefs.base import Belief
from abm.bellman.plan import Plan
from abm.bellman.problem import LONGEST
from abm.bellman.solution import Solution
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.numerics.checks import require_whole
from abm.one_period.quotes import zero_profit_quote
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class Franchise(MarketMaker):
    """Maximises her discounted profit for some periods, with nothing to follow; then earns none.

    With one period to go she is the myopic maker, with many the optimal one.

    Parameters
    ----------
    periods : int
        For how many she is alone, from 1 to 1,000.
    discount : float
        Of her profits, per period, at least 0 and below 1.
    belief, law : Belief, "gaussian", "exact" or None; Law
        What she believes at first, and of traders (see `MarketMaker`).

    Raises
    ------
    ValueError, TypeError
        If the number of periods is out of range or none; else as for `Optimal`.

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> market = Exchange(partial(Franchise, periods=6), prior_sd=3.0).run(1)
    >>> market.inside
    Quote(bid -4.906, ask 4.906)
    """

    name = "franchise"
    symmetric = True

    def __init__(
        self,
        model: PublicModel,
        *,
        periods: SupportsIndex,
        discount: float = 0.9,
        belief: Belief | str | None = "gaussian",
        law: Law | None = None,
    ) -> None:
        super().__init__(model, belief=belief, law=law)
        self.periods = require_whole("periods", periods, 1, LONGEST)
        self.plan = Plan(discount, model.process)
        self.plan.require_public_prior(self.law, self.require_belief(), self.terms.prior)
        _ = self.solution

    @property
    def solution(self) -> Solution | None:
        """The solution for the periods that are left to her; None once there are none."""
        left = self.periods - self.period
        return self.plan.solve(self.law, self.rho, left) if left > 0 else None

    def quote(self) -> Quote:
        """Return her optimal quote while she is alone, and then the zero-profit one."""
        belief, solution = self.require_belief(), self.solution
        if solution is None:
            return zero_profit_quote(belief, self.law)
        return Quote.around(belief.mean, self.noise_sd * solution.quote(self.rho))
