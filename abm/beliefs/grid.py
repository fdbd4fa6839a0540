"""The exact belief: Bayes' rule on grids that follow the posteriors.

The posterior after t signals is the prior times t likelihoods (Das and Magdon-Ismail 2008,
section 2.2). They call it computationally prohibitive; a few dozen points in the right place hold
it to twelve digits (see `abm.beliefs.window`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.posterior import History, log_product, merged, settled, together
from abm.beliefs.window import FINE, Places, Window
from abm.market.valuations import Interval, Likelihood
from abm.numerics.arrays import Array
from abm.numerics.checks import compatible

REACH = 12.0  # half-width of the first window in prior sds: a probability of 1e-33 is beyond


@dataclass(frozen=True, eq=False)
class GridBelief:
    """The exact posterior of V in each replication, with the `update` of a `GaussianBelief`.

    Mean and sd are right to 1e-12 of the sd for any history that floats can tell from impossible,
    if the noise is Gaussian; `abm.market.noise` says how others do. A replication's digits do not
    depend on the others.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        Of the Gaussian prior, in units of price; sd above zero. A scalar is one replication.

    Attributes
    ----------
    windows : tuple of Window
        Where the posteriors are, and what they weigh there: each replication is in one.

    Raises
    ------
    ValueError
        If a mean is not finite, or an sd is not finite and above zero.
    """

    prior: GaussianBelief
    history: History
    blur: float
    windows: tuple[Window, ...]

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        given = GaussianBelief(mean, sd)
        prior = given.replicate(np.broadcast(given.mean, given.sd, [0.0]).size)
        low, high = prior.mean - REACH * prior.sd, prior.mean + REACH * prior.sd
        places = Places(np.arange(len(low)), low, high, FINE * prior.sd)
        self._set(prior, (), np.inf, merged(settled(prior, (), np.inf, places)))

    @cached_property
    def mean(self) -> Array:
        """Mean of V, shape (R,), in units of price."""
        return self._gathered(window.mean for window in self.windows)

    @cached_property
    def sd(self) -> Array:
        """Standard deviation of V, shape (R,), in units of price."""
        return self._gathered(window.sd for window in self.windows)

    @cached_property
    def skewness(self) -> Array:
        """Third moment of the standardised V, shape (R,)."""
        return self._gathered(window.skewness for window in self.windows)

    @cached_property
    def log_evidence(self) -> Array:
        """Log probability of all that was shown, shape (R,)."""
        return self._gathered(window.log_evidence for window in self.windows)

    def chunks(self) -> Iterator[Window]:
        """Yield the windows, not too many replications at a time."""
        for window in self.windows:
            yield from window.chunks()

    def resolving(self, blur: float) -> GridBelief:
        """Return the same belief on points that resolve likelihoods of this resolution."""
        if blur >= self.blur:
            return self
        kept, moved = [], []
        for window in self.windows:
            coarse = window.coarse(blur)
            kept.append(window.at(~coarse))
            moved.append(window.at(coarse).better(blur))
        kept += settled(self.prior, self.history, blur, together(moved))
        return self._with(self.prior, self.history, blur, merged(kept))

    def expect(self, likelihood: Likelihood) -> tuple[Array, Array]:
        """Return the log probability of what may be shown, and the mean of V given it, shape (R,).

        By the points at hand: an event rarer than 1e-19 only `condition` sees, which moves them.
        """
        mass, mean = np.empty((2, len(self.prior.mean)))
        for chunk in self.resolving(likelihood.resolution).chunks():
            mass[chunk.rows], mean[chunk.rows] = chunk.expect(likelihood)
        with np.errstate(divide="ignore"):
            return np.log(mass), mean

    def condition(self, likelihood: Likelihood) -> tuple[Array, GridBelief]:
        """Return the log probability of what was shown, and the posterior.

        Raises
        ------
        ValueError
            If what was shown has probability zero under the belief, or was shown in another number
            of replications.
        """
        if likelihood.replications != 1:
            compatible(mean=self.mean, shown=np.empty(likelihood.replications))
            if len(self.mean) == 1:
                return self.replicate(likelihood.replications)._conditioned(likelihood)
        return self._conditioned(likelihood)

    def _conditioned(self, likelihood: Likelihood) -> tuple[Array, GridBelief]:
        """Return the same where shapes match."""
        blur = min(self.blur, likelihood.resolution)
        history = (*self.history, likelihood)
        kept, moved = [], []
        for chunk in self.resolving(blur).chunks():
            after = chunk.given(likelihood)
            if not after.known.all():
                raise ValueError(
                    f"what was shown has probability 0 under the belief (replication "
                    f"{after.rows[~after.known].min()}), as far as floats can tell: "
                    f"start from a wider prior, or show an interval of some width"
                )
            misplaced = after.misplaced(blur)
            if misplaced.any():
                moved.append(after.at(misplaced).better(blur))
                after = after.at(~misplaced)
            kept.append(after)
        if moved:
            kept += settled(self.prior, history, blur, together(moved))
        belief = self._with(self.prior, history, blur, merged(kept))
        return belief.log_evidence - self.log_evidence, belief

    def revise(self, likelihood: Likelihood) -> GridBelief:
        """Return the posterior."""
        return self.condition(likelihood)[1]

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> GridBelief:
        """Return the posterior once a valuation with this noise was seen in (lower, upper)."""
        return self.revise(Interval(lower, upper, noise_sd))

    def replicate(self, replications: int) -> GridBelief:
        """Return this belief in each of `replications` markets."""
        rows = np.broadcast_to(np.arange(len(self.mean)), replications)
        if replications == len(self.mean):
            return self
        history = tuple(shown.at(rows) for shown in self.history)
        (window,) = self.windows
        copies = replace(window.at(rows), rows=np.arange(replications))
        return self._with(self.prior.at(rows), history, self.blur, (copies,))

    def density(self, value: ArrayLike) -> Array:
        """Return the density at values of shape (R, G) or (G,), in one over units of price.

        It is computed anew, from the prior and all that was shown; its shape is (R, G).
        """
        points = np.broadcast_to(value, (len(self.mean), np.shape(value)[-1]))
        log_density = log_product(self.prior, self.history, points)
        scale = self.prior.sd * np.sqrt(2 * np.pi)
        return np.exp(log_density - (self.log_evidence + np.log(scale))[:, np.newaxis])

    def _gathered(self, parts: Iterable[Array]) -> Array:
        """Return what the windows hold of each replication, in order."""
        whole = np.empty(len(self.prior.mean))
        for window, part in zip(self.windows, parts, strict=True):
            whole[window.rows] = part
        return whole

    @classmethod
    def _with(
        cls, prior: GaussianBelief, history: History, blur: float, windows: tuple[Window, ...]
    ) -> GridBelief:
        belief = cls.__new__(cls)
        belief._set(prior, history, blur, windows)
        return belief

    def _set(
        self, prior: GaussianBelief, history: History, blur: float, windows: tuple[Window, ...]
    ) -> None:
        parts = {"prior": prior, "history": history, "blur": blur, "windows": windows}
        for name, part in parts.items():
            object.__setattr__(self, name, part)
