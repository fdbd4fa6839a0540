"""The exact belief in a value that may move, or shown by several types of traders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from abm.beliefs.carried_window import diffuse, fit, interpolate, resolve, show
from abm.beliefs.points import PointBelief
from abm.beliefs.posterior import merge_by_size
from abm.beliefs.window import Window, iterate_chunks
from abm.market.laws import Likelihood
from abm.market.moves import Move
from abm.market.noise import FINENESS
from abm.numerics.arrays import Array
from abm.numerics.checks import require_near
from abm.numerics.describe import describe, show_mean


@dataclass(frozen=True, eq=False)
class LatticeBelief(PointBelief):
    """The exact posterior of V in each replication, carried over from period to period.

    What a `GridBelief` becomes once the value may have moved, or one of several types of traders
    has traded: the mixture that it then is has a peak far narrower than its sd, and long tails.
    With Gaussian noise mean and sd were right to 1e-9 of the sd over 100 periods in all markets
    tried, with jumps of up to three noise sds. Probabilities below 1e-16 are left out: what puts V
    there is an error. With
    a kink in the noise's density (Laplace) they are right to 1e-3.

    Parameters
    ----------
    windows : tuple of Window
        Points and their probabilities; each replication is in one window.
    resolution : float
        The smallest resolution of a likelihood that the points resolve.

    Examples
    --------
    >>> from abm import GridBelief
    >>> from abm.market.moves import Move
    >>> belief = GridBelief(0.0, 3.0).predict(Move(0.05, 3.0))
    >>> type(belief).__name__, belief.sd.round(3)
    ('LatticeBelief', array([3.074]))
    """

    windows: tuple[Window, ...]
    resolution: float
    has_one_peak: ClassVar[bool] = False

    def __repr__(self) -> str:
        parts = (f"mean {show_mean(self.mean)}", f"sd {show_mean(self.sd)}")
        return describe(self, *parts, over=self.replications)

    @classmethod
    def from_windows(cls, windows: Iterable[Window], resolution: float) -> LatticeBelief:
        """Return the belief that is known on these windows, on as few points as hold it."""
        fitted = (part for window in windows for part in fit(window, resolution))
        return cls(merge_by_size(fitted), resolution)

    def resolve(self, resolution: float) -> LatticeBelief:
        """Return the same belief on points that resolve this, ValueError if floats cannot."""
        if resolution >= self.resolution:
            return self
        require_near("mean", self.mean, np.asarray(FINENESS * resolution))
        finer = (part for window in self.windows for part in resolve(window, resolution))
        return LatticeBelief(merge_by_size(finer), resolution)

    def condition(self, likelihood: Likelihood) -> tuple[Array, LatticeBelief]:
        """Return the log probability of what was shown, and the posterior.

        ValueError if what was shown puts V where nothing was kept of the belief, or is of
        another number of replications.
        """
        before = self.spread_over("shown", likelihood.replications).resolve(likelihood.resolution)
        shown = (
            part for chunk in iterate_chunks(before.windows) for part in show(chunk, likelihood)
        )
        after = self.from_windows(shown, before.resolution)
        return after.log_evidence - before.log_evidence, after

    def predict(self, moved: Move) -> LatticeBelief:
        """Return the belief once the value has moved, or may have.

        ValueError if the move is of another number of replications.
        """
        if not np.any(moved.variance):
            return self
        before = self.spread_over("probability", np.size(moved.probability))
        probability = np.broadcast_to(moved.probability, before.replications)
        diffused = (
            part
            for chunk in iterate_chunks(before.windows)
            for part in diffuse(chunk, probability[chunk.rows], moved.sd)
        )
        return self.from_windows(diffused, self.resolution)

    def repeat(self, replications: int) -> LatticeBelief:
        """Return this belief of one market in each of `replications`."""
        copies = tuple(window.repeat(replications) for window in self.windows)
        return LatticeBelief(copies, self.resolution)

    def find_density(self, value: Array) -> Array:
        """Return the density between the points, and 0 beyond them."""
        density = np.empty(value.shape)
        for window in self.windows:
            density[window.rows] = interpolate(window, value[window.rows])
        return density
