"""The exact belief: Bayes' rule on a grid that follows the posterior.

The posterior after t signals is the prior times t likelihoods (Das and Magdon-Ismail 2008,
section 2.2). A sum over evenly spaced points is spectrally accurate for a smooth density that
vanishes at both ends (Trefethen and Weideman 2014), so the points need only resolve the blur of a
likelihood: two of them to a noise sd leave an aliasing error of exp(-8 pi^2) = 1e-34.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from abm.arrays import Array
from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.window import History, Window, following, settled
from abm.signals import Interval, Likelihood

REACH = 9.0  # half-width of the first window in prior sds: the density is 1e-18 of its peak there
FEWEST_POINTS = 160
POINTS_PER_BLUR = 2.0


@dataclass(frozen=True, eq=False)
class GridBelief:
    """The exact posterior of V in each replication, with the `update` of a `GaussianBelief`.

    Mean and sd are right to 1e-12 of the sd for any history that floats can tell from impossible.
    An update costs some 10 microseconds a replication, and 50 for one by itself. All replications
    have as many points as the widest needs; where their priors differ, so may their last digits.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        Of the Gaussian prior, in units of price; sd above zero. A scalar is one replication.

    Raises
    ------
    ValueError
        If a mean is not finite, or an sd is not finite and above zero.
    """

    prior: GaussianBelief
    history: History
    window: Window

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        given = GaussianBelief(mean, sd)
        prior = given.replicate(np.broadcast(given.mean, given.sd, [0.0]).size)
        low, high = prior.mean - REACH * prior.sd, prior.mean + REACH * prior.sd
        self._set(prior, (), settled(prior, (), low, high, FEWEST_POINTS))

    @cached_property
    def mean(self) -> Array:
        """Mean of V, shape (R,), in units of price."""
        return (self.window.weight * self.window.value).sum(axis=-1)

    @cached_property
    def sd(self) -> Array:
        """Standard deviation of V, shape (R,), in units of price."""
        distance = self.window.value - self.mean[:, np.newaxis]
        return np.sqrt((self.window.weight * distance * distance).sum(axis=-1))

    def condition(self, likelihood: Likelihood) -> tuple[Array, GridBelief]:
        """Return the log probability of what was shown, and the posterior.

        Raises
        ------
        ValueError
            If what was shown has probability zero under the belief.
        """
        before = self._resolving(likelihood.resolution)
        weight = before.weight * likelihood.likelihood(before.value)
        mass = weight.sum(axis=-1)
        if not mass.all():
            raise ValueError(
                f"what was shown has probability 0 under the belief (replication "
                f"{np.flatnonzero(mass == 0)[0]}), as far as floats can tell: "
                f"start from a wider prior, or show an interval of some width"
            )
        weight /= mass[:, np.newaxis]
        after = Window(before.low, before.high, weight, before.log_evidence + np.log(mass))
        belief = self._with(self.prior, (*self.history, likelihood), after)
        return belief.window.log_evidence - before.log_evidence, belief

    def revise(self, likelihood: Likelihood) -> GridBelief:
        """Return the posterior."""
        return self.condition(likelihood)[1]

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> GridBelief:
        """Return the posterior once a valuation with this noise was seen in (lower, upper)."""
        return self.revise(Interval(lower, upper, noise_sd))

    def replicate(self, replications: int) -> GridBelief:
        """Return this belief in each of `replications` markets."""
        rows = np.broadcast_to(np.arange(len(self.mean)), replications)
        history = tuple(shown.at(rows) for shown in self.history)
        return self._with(self.prior.at(rows), history, self.window.at(rows))

    def _resolving(self, blur: float) -> Window:
        """Return the window, computed anew on more points if they are too sparse for the blur."""
        window = self.window
        if window.spacing.max() * POINTS_PER_BLUR <= blur:
            return window
        points = int(np.ceil(POINTS_PER_BLUR * (window.high - window.low).max() / blur)) + 1
        return settled(self.prior, self.history, window.low, window.high, points)

    @classmethod
    def _with(cls, prior: GaussianBelief, history: History, window: Window) -> GridBelief:
        """Return a belief whose window has followed it."""
        belief = cls.__new__(cls)
        belief._set(prior, history, following(prior, history, window))
        return belief

    def _set(self, prior: GaussianBelief, history: History, window: Window) -> None:
        for name, part in (("prior", prior), ("history", history), ("window", window)):
            object.__setattr__(self, name, part)
