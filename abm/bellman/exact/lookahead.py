"""One period ahead under an exact belief: what quotes are worth, and which are the best.

For a posterior with weights p at values v, standardised to z, an ask a and a bid b split the
moments of z in three,

    buy:   M_n(a) = sum of p z^n P(buy at a | v)
    sell:  L_n(b) = sum of p z^n P(sell at b | v)
    none:  what is left,                                n = 0 to 4

from which follow each signal's probability, mean, sd, skewness and kurtosis. An ask counts in M
alone, a bid in L alone: many pairs of prices cost little more than the prices. The worth of a pair
is its expected profit and discount times the expected U (see `abm.bellman.exact.value`). Units here
are noise sds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from abm.beliefs.window import Window
from abm.bellman.exact.value import ExactValue
from abm.market.quotes import Quote, Side
from abm.market.valuations import Law
from abm.numerics.arrays import Array

LEAST = 1e-14  # a probability below which a signal's shape does not matter
NARROWEST = 1e-6  # a signal's variance, in units of the variance before


class Signal(NamedTuple):
    """What one side may show: its probability, and the posterior's sd, skewness and kurtosis."""

    probability: Array
    sd: Array
    skewness: Array
    kurtosis: Array

    @classmethod
    def of(cls, moments: Array, sd: Array) -> Signal:
        """Return the signal with these moments, n = 0 to 4 first, of a belief with this sd."""
        probability = np.maximum(moments[0], LEAST)
        m1, m2, m3, m4 = moments[1:] / probability
        variance = np.maximum(m2 - m1 * m1, NARROWEST)
        third = m3 - 3 * m1 * m2 + 2 * m1**3
        fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1**4
        return cls(
            probability, sd * np.sqrt(variance), third / variance**1.5, fourth / variance**2 - 3
        )


class Prospects(NamedTuple):
    """What pairs of prices promise: expected profit, and the three signals, shape (N, I, J)."""

    profit: Array
    signals: tuple[Signal, ...]

    def worth(self, value: ExactValue) -> Array:
        """Return expected profit and discount times expected U, shape (N, I, J)."""
        worth = self.profit
        for one in self.signals:
            worth = worth + value.discount * one.probability * value(*one[1:])
        return worth


def prospects(window: Window, law: Law, bids: Array, asks: Array) -> Prospects:
    """Return the prospects of each ask with each bid.

    Parameters
    ----------
    window : Window
        The posteriors of N replications.
    law : Law
        How traders value.
    bids, asks : ndarray, shapes (N, J) and (N, I)
        In units of price.
    """
    unit = law.noise_sd
    sd, mean = window.sd[:, np.newaxis] / unit, window.mean[:, np.newaxis]
    powers = _powers(window)
    bought, sold = (
        _moments(powers, window, law, side, prices)
        for side, prices in ((Side.BUY, asks), (Side.SELL, bids))
    )
    profit = (
        ((asks - mean) / unit * bought[0] - sd * bought[1])[:, :, np.newaxis]
        + ((mean - bids) / unit * sold[0] + sd * sold[1])[:, np.newaxis, :]
    )  # fmt: skip
    bought, sold = bought[..., np.newaxis], sold[:, :, np.newaxis, :]
    neither = powers.sum(axis=-1)[..., np.newaxis, np.newaxis] - bought - sold
    crossed = asks[:, :, np.newaxis] < bids[:, np.newaxis, :]
    signals = tuple(Signal.of(one, sd[..., np.newaxis]) for one in (bought, neither, sold))
    return Prospects(np.where(crossed, -np.inf, profit), signals)


def worth(value: ExactValue, window: Window, law: Law, bid: Array, ask: Array) -> Array:
    """Return what quotes of shape (N,) are worth if U is what follows, shape (N,), in noise sds."""
    pairs = prospects(window, law, bid[:, np.newaxis], ask[:, np.newaxis])
    return pairs.worth(value)[:, 0, 0]


def _powers(window: Window) -> Array:
    """Return weight times z^n, n = 0 to 4, shape (5, N, G)."""
    powers = np.empty((5, *window.weight.shape))
    powers[0] = window.weight
    for n in range(1, 5):
        np.multiply(powers[n - 1], window.standard, out=powers[n])
    return powers


def _moments(powers: Array, window: Window, law: Law, side: Side, prices: Array) -> Array:
    """Return the moments of the posteriors where the trader takes a side, shape (5, N, J)."""
    taken = np.array(side, np.int8)
    moments = np.empty((5, *prices.shape))
    for j, price in enumerate(prices.T):
        likelihood = law.likelihood(Quote(price, price), taken).likelihood(window.value)
        moments[..., j] = np.einsum("nrg,rg->nr", powers, likelihood)
    return moments
