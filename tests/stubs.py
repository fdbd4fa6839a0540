"""Makers and traders that several files of tests need."""

from functools import partial
from typing import Any

import numpy as np

from abm import GridBelief, NoisyTrader, Quote, ZeroProfit
from abm.makers import MarketMaker
from abm.makers.franchise import Franchise
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.participants.registry import MAKER_TYPES


class Posts(MarketMaker):
    """Quotes the prices she is given, for ever."""

    name = "posts"

    def __init__(self, model: Any, *, bid: Any, ask: Any) -> None:
        super().__init__(model)
        self.prices = Quote(bid, ask)

    def quote(self) -> Quote:
        return self.prices


def posts(bid: Any, ask: Any) -> Any:
    """Return a maker who quotes these prices, for ever."""
    return partial(Posts, bid=bid, ask=ask)


class Blind(MarketMaker):
    """Has no belief, and quotes the same for ever."""

    name = "blind"

    def __init__(self, model: Any) -> None:
        super().__init__(model, belief=None)

    def quote(self) -> Quote:
        return Quote(-2.0, 2.0)


class Shut(MarketMaker):
    """Never trades."""

    name = "shut"

    def quote(self) -> Quote:
        return Quote(float("-inf"), float("inf"))


class Cautious(MarketMaker):
    """Quotes two sds of her belief around its mean."""

    name = "cautious"

    def quote(self) -> Quote:
        belief = self.require_belief()
        return Quote.around(belief.mean, 2 * belief.sd)


class Anchored(MarketMaker):
    """Quotes around zero, and a number of dollars wide, whatever she believes."""

    name = "anchored"

    def quote(self) -> Quote:
        return Quote(-2.0, 2.0)


class Exact(ZeroProfit):
    """The zero-profit maker on an exact belief."""

    name = "exact"

    def __init__(self, model: Any) -> None:
        prior = model.terms.prior
        super().__init__(model, belief=GridBelief(prior.mean, prior.sd))


class Mixer(MarketMaker):
    """Quotes as she happens to draw."""

    name = "mixer"

    def quote(self) -> Quote:
        return Quote.around(self.draws.normal(), self.draws.uniform())


class Shy(MarketMaker):
    """Declines to sell where her belief is above its start, so that some spreads are missing."""

    name = "shy"

    def quote(self) -> Quote:
        mean = self.require_belief().mean
        return Quote(mean - 1, np.where(mean > 0, np.inf, mean + 1))


class Wavering(MarketMaker):
    """Declines to sell while her belief is below its start, and to buy while it is far above."""

    name = "wavering"

    def quote(self) -> Quote:
        mean = self.require_belief().mean
        return Quote(np.where(mean > 1, -np.inf, mean - 1), np.where(mean < 0, np.inf, mean + 1))


class Scripted(NoisyTrader):
    """Values the instrument as the script says: by a number a period, or by a row of them."""

    def __init__(self, model: Any, *, script: Any) -> None:
        super().__init__(model)
        self.script = script

    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return np.full(value.shape, self.script[self.model.period])


class Sure(NoisyTrader):
    """Knows the value better than the market's noise says."""

    name = "sure"

    def __init__(self, model: Any) -> None:
        super().__init__(model, noise_sd=0.5 * model.terms.noise_sd)


class Lucky(NoisyTrader):
    """Values with less noise than her law says."""

    name = "lucky"

    def valuation(self, value: Array, draws: Draws) -> Array:
        return 0.5 * (value + super().valuation(value, draws))


def list_makers() -> list[Any]:
    """Return every registered maker: by name, or with the arguments that she needs."""
    needs = {Franchise.name: partial(Franchise, periods=4)}
    return [needs.get(name, name) for name in sorted(MAKER_TYPES.load_own())]
