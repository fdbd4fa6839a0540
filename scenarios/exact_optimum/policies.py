"""The makers of the scenario `exact-optimum`: policies, and their assessors."""

import numpy as np

from abm.beliefs.window import iterate_chunks
from abm.bellman.exact.lookahead import backup
from abm.bellman.exact.quotes import best_prices
from abm.makers.exact_optimal import ExactOptimal
from abm.market.quotes import Quote, Side
from abm.numerics.arrays import Array
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView

LOG_SD = 0.4  # of the distance of a random price from the mean, relative to the best price's
SHIFT = 0.7  # sd of a random mid, in LOG_SD times the half-spread
CHOICES = 3  # random quotes, beside the best, from which the adversary chooses
LIKELY = 1e-3  # beliefs after rarer outcomes are not examined


class Assessor(ExactOptimal):
    """Does not trade, and adds up what the other maker's quotes earn on exact beliefs.

    Attributes
    ----------
    worth : ndarray, shape (R,)
        U(prior) and the discounted gaps B U - U so far, in noise sds, B being the other's policy.
    residuals : list of ndarray, each of shape (R,)
        The gap of each period: of the posted quotes here, of the best ones in `Examiner`.
    """

    name = "assessor"

    def __init__(self, model: PublicModel, *, discount: float) -> None:
        super().__init__(model, discount=discount)
        self.worth = np.empty(self.terms.replications)
        for window in self.require_posterior().windows:
            self.worth[window.rows] = self.value.of(window, self.noise_sd)
        self.residuals: list[Array] = []

    def quote(self) -> Quote:
        """Return a quote that offers neither side."""
        return Quote(-np.inf, np.inf)

    def observe(self, view: MarketView) -> None:
        """Assess the quotes of the period, then learn from it."""
        gap = self.measure_gap(view.inside)
        self.worth = self.worth + self.value.discount ** len(self.residuals) * gap
        self.residuals.append(self.choose_residual(gap))
        super().observe(view)

    def choose_residual(self, gap: Array) -> Array:
        """Return what to keep of a period in which quotes with this gap were posted."""
        return gap

    def measure_gap(self, quote: Quote) -> Array:
        """Return B U - U at her belief for a policy with this quote, shape (R,)."""
        gap = np.empty_like(quote.bid)
        for chunk in iterate_chunks(self.require_posterior().windows):
            prices = quote.bid[chunk.rows], quote.ask[chunk.rows]
            ahead = backup(self.value, chunk, self.law, *prices)
            gap[chunk.rows] = ahead - self.value.of(chunk, self.noise_sd)
        return gap


class Examiner(Assessor):
    """Keeps the gaps of the best quotes instead: the residuals of the optimality equation."""

    name = "examiner"

    def choose_residual(self, gap: Array) -> Array:
        """Return the gap of the best quotes at her belief."""
        return self.measure_gap(ExactOptimal.quote(self))


class Wanderer(ExactOptimal):
    """Quotes at random around the best quote."""

    name = "wanderer"

    def quote(self) -> Quote:
        """Return the best quote with both prices perturbed."""
        return self.perturb(super().quote())

    def perturb(self, quote: Quote) -> Quote:
        """Return a quote with mid and depths moved at random, its bid below its ask."""
        mean, draws = self.require_belief().mean, self.draws
        shift = SHIFT * LOG_SD * draws.normal() * 0.5 * quote.spread
        below = (mean - quote.bid) * np.exp(LOG_SD * draws.normal())
        above = (quote.ask - mean) * np.exp(LOG_SD * draws.normal())
        return Quote(mean + shift - below, mean + shift + above)


class Adversary(Wanderer):
    """Quotes to reach beliefs at which the fitted value function is too low by most."""

    name = "adversary"

    def quote(self) -> Quote:
        """Return the one of CHOICES + 1 quotes that may lead to the largest residual."""
        best = ExactOptimal.quote(self)
        choices = [best, *(self.perturb(best) for _ in range(CHOICES))]
        worst = np.argmax([self.find_residual_after(quote) for quote in choices], axis=0)
        return Quote(
            np.choose(worst, [quote.bid for quote in choices]),
            np.choose(worst, [quote.ask for quote in choices]),
        )

    def find_residual_after(self, quote: Quote) -> Array:
        """Return the largest B U - U of the beliefs that may follow a quote, shape (R,)."""
        law, size = self.law, self.terms.replications
        largest = np.full(size, -np.inf)
        for side in Side:
            likelihood = law.likelihood(quote, np.full(size, side, np.int8))
            for chunk in iterate_chunks(self.require_posterior().windows):
                after = chunk.condition(likelihood)
                probability = np.exp(after.log_evidence - chunk.log_evidence)
                likely = probability > LIKELY
                after = after.at(likely)
                ahead = backup(self.value, after, law, *best_prices(self.value, after, law))
                residual = ahead - self.value.of(after, self.noise_sd)
                largest[after.rows] = np.maximum(largest[after.rows], residual)
        return largest
