"""A monopolist on exact beliefs who looks a period ahead at whole posteriors."""

from abm.beliefs.base import Belief
from abm.bellman.exact.quotes import best_quote
from abm.bellman.exact.value import load_fitted
from abm.market.quotes import Quote
from abm.one_period.quotes import is_noisy
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel


class ExactOptimal(MarketMaker):
    """Quotes what is best a period ahead, by a value function that was fitted on exact beliefs.

    The optimum on exact beliefs is not known. Of the policies that the scenario `exact-optimum`
    compares, at shocks of 1, 3 and 5 and a discount of 0.9, hers earns most. Her quotes are greedy
    for a value function of sd, skewness and kurtosis, with bid and ask depth free (see
    `abm.bellman.exact`). It was fitted for Gaussian noise and information disadvantages up to 12;
    past that she quotes as `Optimal` does.

    Parameters
    ----------
    discount : float
        Per period; one that a value function was fitted for.
    belief : GridBelief or "exact"
        What she believes at first (see `MarketMaker`).

    Attributes
    ----------
    value : ExactValue
        The value function.

    Raises
    ------
    ValueError
        If nothing was fitted for the discount, she has no belief, or traders value otherwise.
    TypeError
        If the belief has no windows.

    Examples
    --------
    >>> from abm import Exchange
    >>> Exchange(ExactOptimal, prior_sd=3.0).run(1).inside
    Quote(bid -4.755, ask 4.755)
    """

    name = "exact-optimal"

    def __init__(
        self, model: PublicModel, *, discount: float = 0.9, belief: Belief | str | None = "exact"
    ) -> None:
        super().__init__(model, belief=belief)
        self.require_noisy_law()  # so that what she cannot do is an error here, not when she quotes
        self.require_posterior()
        self.value = load_fitted(discount)

    def quote(self) -> Quote:
        """Return the quote with the largest backup."""
        self.require_noisy_law()
        return best_quote(self.value, self.require_posterior(), self.law)

    def require_noisy_law(self) -> None:
        """Raise ValueError unless this period's traders value at the value and noise."""
        if not is_noisy(self.law):
            raise ValueError(
                f"traders value by a {type(self.law).__qualname__}, but the value function of "
                f"maker {self.name!r} was fitted for the value plus noise (NoisyValuation): give "
                f"a zero-profit or a myopic maker, whose quotes are right for any law"
            )

    def require_posterior(self) -> Belief:
        """Return her belief, on points that resolve the noise; TypeError if it has none."""
        belief = self.require_belief()
        if not belief.windows:
            raise TypeError(
                f"belief is a {type(belief).__name__}, but must be exact, for her quotes "
                f'depend on the whole posterior: give "exact" or as GridBelief(mean, sd)'
            )
        return belief.resolve(self.law.resolution)
