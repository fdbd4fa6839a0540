"""The exact belief: Bayes' rule on grids that follow the posteriors.

The posterior after t signals is the prior times t likelihoods (Das and Magdon-Ismail 2008,
section 2.2). They call it computationally prohibitive; a few dozen points in the right place hold
it to eleven digits (see `abm.beliefs.window`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.lattice import LatticeBelief
from abm.beliefs.log_polynomial import interpolate
from abm.beliefs.points import PointBelief, require_possible
from abm.beliefs.posterior import (
    History,
    compute_posterior,
    concatenate_placements,
    log_product,
    merge_by_size,
    place_windows,
)
from abm.beliefs.window import FINE, Placements, Window, iterate_chunks
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.market.noise import FINENESS
from abm.market.valuations import Interval
from abm.numerics.arrays import Array
from abm.numerics.checks import require_near
from abm.numerics.describe import describe, show_count, show_mean
from abm.numerics.frozen import set_fields

REACH = 12.0  # half-width of the first window in prior sds: a probability of 1e-33 is beyond


@dataclass(frozen=True, eq=False)
class GridBelief(PointBelief):
    """The exact posterior of V in each replication, with the `update` of a `GaussianBelief`.

    With Gaussian noise mean and sd are right to 2e-11 of the sd where trades narrow the belief, for
    any history whose probability floats can represent. Where nobody trades many times in a row
    between quotes that close in on a wide belief it has an edge, and they are right to 3e-7.
    `abm.market.noise` gives the accuracy with other noises. The digits of a replication do not
    depend on the others.

    Once the value may have moved, or one of several types of traders has traded, the posterior is
    a `LatticeBelief`.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        Of the Gaussian prior, in units of price; sd from 1e-100 to 1e100, mean at most 1e9 sds
        away from zero. A scalar is one replication.

    Attributes
    ----------
    prior : GaussianBelief
    history : tuple of Likelihood
        All that was shown.
    resolution : float
        The smallest resolution of a likelihood that the points resolve.
    windows : tuple of Window
        Points and their probabilities; each replication is in one window.

    Raises
    ------
    ValueError, TypeError
        If a mean or an sd is out of that range or no number, or shapes do not match.

    Examples
    --------
    >>> belief = GridBelief(0.0, 3.0).update(4.5, np.inf, noise_sd=1.0)  # a trader bought at 4.5
    >>> belief
    GridBelief(mean 5.332, sd 1.471, after 1 signal)
    >>> belief.skewness.round(2)
    array([0.63])
    """

    prior: GaussianBelief
    history: History
    resolution: float
    windows: tuple[Window, ...]
    has_one_peak: ClassVar[bool] = True

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        normal = GaussianBelief(mean, sd)
        prior = normal.broadcast(np.broadcast(normal.mean, normal.sd, [0.0]).size)
        low, high = prior.mean - REACH * prior.sd, prior.mean + REACH * prior.sd
        first = Placements(np.arange(len(low)), low, high, FINE * prior.sd)
        windows = merge_by_size(place_windows(prior, (), np.inf, first))
        set_fields(self, prior=prior, history=(), resolution=np.inf, windows=windows)

    @classmethod
    def from_windows(
        cls, prior: GaussianBelief, history: History, resolution: float, windows: Iterable[Window]
    ) -> GridBelief:
        """Return the posterior of this prior after this history, known on these windows."""
        belief, merged = cls.__new__(cls), merge_by_size(windows)
        set_fields(belief, prior=prior, history=history, resolution=resolution, windows=merged)
        return belief

    def __repr__(self) -> str:
        seen = f"after {show_count(len(self.history), 'signal')}"
        parts = (f"mean {show_mean(self.mean)}", f"sd {show_mean(self.sd)}", seen)
        return describe(self, *parts, over=len(self.mean))

    def resolve(self, resolution: float) -> GridBelief:
        """Return the same belief on points that resolve this, ValueError if floats cannot."""
        if resolution >= self.resolution:
            return self
        require_near("mean", self.prior.mean, np.asarray(FINENESS * resolution))
        kept, moved = [], []
        for window in self.windows:
            coarse = window.is_coarse(resolution)
            kept.append(window.at(~coarse))
            moved.append(window.at(coarse).propose_placements(resolution))
        kept += place_windows(self.prior, self.history, resolution, concatenate_placements(moved))
        return self.from_windows(self.prior, self.history, resolution, kept)

    def condition(self, likelihood: Likelihood) -> tuple[Array, PointBelief]:
        """Return the log probability of what was shown, and the posterior.

        ValueError if what was shown has probability zero under the belief, or is of another number
        of replications.
        """
        if likelihood.is_mixed:
            return self.carry().condition(likelihood)
        belief = self._condition(likelihood)
        return belief.log_evidence - self.log_evidence, belief

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> GridBelief:
        """Return the posterior given that a valuation with this noise is in (lower, upper)."""
        return self._condition(Interval(lower, upper, noise_sd))

    def repeat(self, replications: int) -> GridBelief:
        """Return this belief of one market in each of `replications`."""
        rows = np.zeros(replications, np.intp)
        history = tuple(shown.at(rows) for shown in self.history)
        copies = [window.repeat(replications) for window in self.windows]
        return self.from_windows(self.prior.at(rows), history, self.resolution, copies)

    def predict(self, moved: Move) -> PointBelief:
        """Return the belief once the value has moved, or may have."""
        return self.carry().predict(moved) if np.any(moved.variance) else self

    def carry(self) -> LatticeBelief:
        """Return the same belief in a form that needs no history, and cannot go back to it."""
        windows = []
        for chunk in iterate_chunks(self.windows):
            spacing = np.exp2(np.floor(np.log2(chunk.spacing / 2)))
            low = spacing * np.floor(chunk.low / spacing)
            points = chunk.points * int((chunk.spacing / spacing).max() + 1)
            windows.append(
                compute_posterior(self.prior, self.history, chunk.rows, low, spacing, points)
            )
        return LatticeBelief.from_windows(windows, self.resolution)

    def find_density(self, value: Array) -> Array:
        """Return the density from the prior and all that was shown, not from the windows."""
        log_density = log_product(self.prior, self.history, value)
        scale = self.prior.sd * np.sqrt(2 * np.pi)
        with np.errstate(under="ignore"):
            return np.exp(log_density - (self.log_evidence + np.log(scale))[:, np.newaxis])

    def _condition(self, likelihood: Likelihood) -> GridBelief:
        """Return the posterior given what one type of trader has shown."""
        before = self.spread_over("shown", likelihood.replications)
        resolution = min(before.resolution, likelihood.resolution)
        history = (*before.history, likelihood)
        kept, moved = [], []
        for chunk in iterate_chunks(before.resolve(resolution).windows):
            after = chunk.condition(likelihood)
            require_possible(after)
            misplaced = after.is_misplaced(resolution)
            if misplaced.any():
                bad = after.at(misplaced)
                new, rest = interpolate(bad, bad.propose_placements(resolution), resolution)
                kept += new
                moved.append(rest)
                after = after.at(~misplaced)
            kept.append(after)
        if moved:
            kept += place_windows(before.prior, history, resolution, concatenate_placements(moved))
        return self.from_windows(before.prior, history, resolution, kept)
