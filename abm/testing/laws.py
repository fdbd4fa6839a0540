"""The laws of traders under which makers are tried: the paper's, a mixture, and one that learns."""

from collections.abc import Callable
from functools import partial

from abm.market.adapted import AdaptedValuation
from abm.market.laws import Law
from abm.market.mixtures import Mixture
from abm.market.uninformed import PublicValuation
from abm.market.valuations import NoisyValuation
from abm.participants.terms import PublicModel, Terms
from abm.participants.trader import Trader

LawMaker = Callable[[Terms], Law]

SHARE, REACH = 0.3, 3.0  # of those who know nothing; the reach in noise sds


def make_paper_law(terms: Terms) -> Law:
    """Return the law of traders who value at the value and noise."""
    return NoisyValuation(terms.noise_sd)


def make_mixture(terms: Terms) -> Law:
    """Return the law of traders of whom some know nothing, and mind the price."""
    unknowing = PublicValuation(terms.prior.mean, REACH * terms.noise_sd)
    return Mixture([make_paper_law(terms), unknowing], [1 - SHARE, SHARE])


def make_learning_law(terms: Terms) -> Law:
    """Return the law of traders who weigh the tape by Bayes' rule, and have needs of their own."""
    prior, noise_sd = terms.prior, terms.noise_sd
    return AdaptedValuation(prior.mean, prior.sd, 1.0, noise_sd, noise_sd)


OTHER_LAWS: dict[LawMaker, str] = {
    make_mixture: f"{SHARE:.0%} of the traders know nothing of the value",
    make_learning_law: "traders learn from the tape",
}
"""Those besides the paper's, each with who then comes."""


class LawfulTrader(Trader):
    """Values by a law that is made of the terms of the market."""

    def __init__(self, model: PublicModel, *, make_law: LawMaker) -> None:
        super().__init__(model, make_law(model.terms))


def as_traders(make_law: LawMaker) -> Callable[..., Trader]:
    """Return the type of traders who value by this law."""
    return partial(LawfulTrader, make_law=make_law)
