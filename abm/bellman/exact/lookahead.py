"""One period ahead under an exact belief: outcomes of quotes, and their backups.

See `abm.bellman.exact`; units are noise sds.
"""

from typing import NamedTuple, Self

import numpy as np

from abm.beliefs.window import Window
from abm.bellman.exact.value import ExactValue
from abm.market.laws import Law
from abm.market.quotes import Side
from abm.numerics.arrays import Array

LEAST = 1e-14  # a probability: a signal that is rarer does not change the backup
NARROWEST = 1e-6  # least variance after a signal, in units of the variance before


class Signal(NamedTuple):
    """One outcome: its probability, and the next posterior's sd, skewness and kurtosis."""

    probability: Array
    sd: Array
    skewness: Array
    kurtosis: Array

    @classmethod
    def of(cls, moments: Array, sd: Array) -> Self:
        """Return the signal with these moments, n = 0 to 4 on the first axis, at this sd."""
        probability = np.maximum(moments[0], LEAST)
        m1, m2, m3, m4 = moments[1:] / probability
        square = m1 * m1  # by products, for powers take ten times as long
        variance = np.maximum(m2 - square, NARROWEST)
        root = np.sqrt(variance)
        third = m3 - m1 * (3 * m2 - 2 * square)
        fourth = m4 - m1 * (4 * m3 - m1 * (6 * m2 - 3 * square))
        return cls(
            probability, sd * root, third / (variance * root), fourth / (variance * variance) - 3
        )


class Prospects(NamedTuple):
    """Expected profit and the three signals of pairs of I asks and J bids, shape (N, I, J)."""

    profit: Array
    signals: tuple[Signal, ...]

    def backup(self, value_function: ExactValue) -> Array:
        """Return expected profit plus discounted expected U, shape (N, I, J)."""
        total = self.profit
        for signal in self.signals:
            weight = value_function.discount * signal.probability
            total = total + weight * value_function(*signal[1:])
        return total


def prospects(window: Window, law: Law, bids: Array, asks: Array) -> Prospects:
    """Return the prospects of every pair of J bids and I asks at each of N posteriors.

    `bids` and `asks` have the shapes (N, J) and (N, I), in units of price.
    """
    noise_sd = law.noise_sd
    sd, mean = window.sd[:, np.newaxis] / noise_sd, window.mean[:, np.newaxis]
    powers = _powers(window)
    bought, sold = (
        _moments(powers, window, law, side, prices)
        for side, prices in ((Side.BUY, asks), (Side.SELL, bids))
    )
    profit = (
        ((asks - mean) / noise_sd * bought[0] - sd * bought[1])[:, :, np.newaxis]
        + ((mean - bids) / noise_sd * sold[0] + sd * sold[1])[:, np.newaxis, :]
    )  # fmt: skip
    bought, sold = bought[..., np.newaxis], sold[:, :, np.newaxis, :]
    neither = powers.sum(axis=-1)[..., np.newaxis, np.newaxis] - bought - sold
    crossed = asks[:, :, np.newaxis] < bids[:, np.newaxis, :]
    signals = tuple(Signal.of(part, sd[..., np.newaxis]) for part in (bought, neither, sold))
    return Prospects(np.where(crossed, -np.inf, profit), signals)


def backup(value_function: ExactValue, window: Window, law: Law, bid: Array, ask: Array) -> Array:
    """Return the backups of one quote for each posterior of a window, shape (N,), in noise sds."""
    pairs = prospects(window, law, bid[:, np.newaxis], ask[:, np.newaxis])
    return pairs.backup(value_function)[:, 0, 0]


def _powers(window: Window) -> Array:
    """Return weight times z^n, n = 0 to 4, shape (5, N, G)."""
    powers = np.empty((5, *window.weight.shape))
    powers[0] = window.weight
    for n in range(1, 5):
        np.multiply(powers[n - 1], window.standard, out=powers[n])
    return powers


def _moments(powers: Array, window: Window, law: Law, side: Side, prices: Array) -> Array:
    """Return the moments if the trader takes this side, at J prices a posterior, (5, N, J)."""
    moments = np.empty((5, *prices.shape))
    for j, price in enumerate(prices.T):
        likelihood = law.reveal_trade(side, price).likelihood(window.value)
        moments[..., j] = np.einsum("nrg,rg->nr", powers, likelihood)
    return moments
