"""Traders who know nothing of the value but what the public knows (Glosten and Milgrom 1985).

Their trades show nothing, but nobody sees that they are theirs: see `abm.market.mixtures`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from abm.market.laws import Law, Line
from abm.market.quotes import Quote, Side, split_sides
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array, Index, Sides
from abm.numerics.describe import describe
from abm.numerics.truncated_normal import interval_mass


@dataclass(frozen=True, eq=False)
class Uninformative:
    """What a trader shows who knows nothing of the value.

    Parameters
    ----------
    log_mass : ndarray, shape (R,) or (1,)
        Log probability of what was shown, whatever the value.

    Examples
    --------
    >>> shown = Uninformative(np.log([0.5]))
    >>> shown.likelihood(np.array([[0.0, 3.0]]))
    array([[0.5, 0.5]])
    """

    log_mass: Array
    is_mixed: ClassVar[bool] = False

    def __repr__(self) -> str:
        return describe(self, over=self.replications)

    @property
    def resolution(self) -> float:
        """Infinite: it is the same for all values."""
        return np.inf

    def likelihood(self, value: Array) -> Array:
        """Return the probability, for values of shape (R, G), the grid last."""
        return np.broadcast_to(np.exp(self.log_mass)[:, np.newaxis], value.shape)

    def weigh(self, mean: Array, sd: Array) -> Array:
        """Return the log probability."""
        return np.broadcast_arrays(self.log_mass, mean, sd)[0]

    def tilt(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Return the mean and sd as they are."""
        _, mean, sd = np.broadcast_arrays(self.log_mass, mean, sd)
        return mean, sd

    @property
    def replications(self) -> int:
        """The number of probabilities; 1 if all replications share it."""
        return self.log_mass.size

    def at(self, replications: Index) -> Uninformative:
        """Return what was shown in these replications."""
        one = self.log_mass.size == 1
        return self if one else Uninformative(self.log_mass[replications])


@dataclass(frozen=True, eq=False)
class PublicValuation(Law):
    """The valuation of a trader who knows what all know: N(mean, sd^2), whatever the value.

    Parameters
    ----------
    mean : ndarray, shape (R,) or (1,)
        What the public believes, in units of price.
    reach : float
        How widely traders' own reasons spread about it, in units of price.
    """

    mean: Array
    reach: float
    follows_tape = True
    is_informed = False

    def __repr__(self) -> str:
        return describe(self, f"sd {self.reach:.4g}")

    @property
    def noise_sd(self) -> float:
        """The reach."""
        return self.reach

    @property
    def resolution(self) -> float:
        """Infinite: what is shown does not depend on the value."""
        return np.inf

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return mean + noise, shape (R,)."""
        return np.broadcast_to(self.mean, value.shape) + self.reach * draws.normal()

    def announce(self, mean: Array, sd: Array) -> PublicValuation:  # noqa: ARG002, of any sd
        """Return the law at what the public believes."""
        return PublicValuation(mean, self.reach)

    def find_line(self, mean: Array) -> Line:  # noqa: ARG002, which she does not know
        """Return a line that does not rise with the value."""
        return Line(self.mean, 0.0, self.reach)

    def trade(self, mean: Array, sd: Array, side: Side, price: Array) -> tuple[Array, Array]:  # noqa: ARG002
        """Return P(trade) and 0, for V is the same whether she trades or not, shape (R,)."""
        with np.errstate(under="ignore"):
            bought = special.ndtr(side * (self.mean - price) / self.reach)
        return bought, np.zeros_like(mean)

    def likelihood(self, quote: Quote, side: Sides) -> Uninformative:
        """Return with which probability such a trader takes this side."""
        bid, ask = ((price - self.mean) / self.reach for price in (quote.bid, quote.ask))
        with np.errstate(divide="ignore", under="ignore"):
            return _choose(
                quote, side, lambda: special.log_ndtr(-ask), lambda: special.log_ndtr(bid),
                lambda: np.log(interval_mass(bid, ask)),
            )  # fmt: skip


@dataclass(frozen=True)
class CoinFlip(Law):
    """A trader who buys or sells with probability 1/2 each, whatever the price.

    So do the uninformed of Glosten and Milgrom (1985). The valuation is infinite: there is no
    price at which such a trader does not trade, and none that a trade is worth.
    """

    is_informed = False
    noise_sd = np.inf
    resolution = np.inf

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return inf for who buys and -inf for who sells, shape (R,)."""
        return np.where(draws.uniform() < 0.5, np.inf, -np.inf) + 0.0 * value

    def trade(self, mean: Array, sd: Array, side: Side, price: Array) -> tuple[Array, Array]:
        """Return P(trade), which is 1/2, and E[side (V - mean); trade], which is 0."""
        return 0.5 * np.isfinite(side * price), 0.0 * (mean + sd)

    def likelihood(self, quote: Quote, side: Sides) -> Uninformative:
        """Return with which probability such a trader takes this side: 0 where it is declined."""
        buys, sells = np.isfinite(quote.ask) / 2, np.isfinite(quote.bid) / 2
        with np.errstate(divide="ignore"):
            return _choose(
                quote, side, lambda: np.log(buys), lambda: np.log(sells),
                lambda: np.log(1 - buys - sells),
            )  # fmt: skip


def _choose(quote: Quote, side: Sides, *of_sides: Callable[[], Array]) -> Uninformative:
    """Return the log probabilities of the sides that were taken: buys, sales, or none."""
    buys, sells = split_sides(quote.align(side)[0])
    if buys.all() or sells.all():  # as of one side of a quote that is looked for
        return Uninformative(np.atleast_1d(of_sides[0 if buys.all() else 1]()))
    log_buy, log_sale, log_none = (find() for find in of_sides)
    return Uninformative(
        np.atleast_1d(np.where(buys, log_buy, np.where(sells, log_sale, log_none)))
    )
