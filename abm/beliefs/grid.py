"""The exact belief: Bayes' rule on a grid that follows the posterior.

The posterior after t signals is the prior times t likelihoods (Das and Magdon-Ismail 2008,
section 2.2). Each replication has a window of evenly spaced points of its own. It is moved when
the belief has narrowed to less than half of it, or weighs on its edge; the density is then
computed anew from the prior and all that was shown, so that nothing is ever interpolated.

A sum over evenly spaced points is spectrally accurate for a smooth density that vanishes at both
ends (Trefethen and Weideman 2014), so the points need only resolve the likelihood's own blur.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from abm.arrays import Array, Flags, Index
from abm.beliefs.gaussian import GaussianBelief
from abm.signals import Interval, Likelihood

REACH = 9.0  # half-width of the first window in prior sds: the density is 1e-18 of its peak there
NEGLIGIBLE = 1e-16  # of the peak density
FEWEST_POINTS = 160
POINTS_PER_BLUR = 2.0  # aliasing error exp(-2 pi^2 POINTS_PER_BLUR^2) = 1e-34
MOVES = 200  # of a window; each doubles or halves it at least


@dataclass(frozen=True, eq=False)
class Window:
    """Evenly spaced points in each replication, and the belief's probability at each.

    Parameters
    ----------
    low, high : ndarray, shape (R,)
        First and last point, in units of price.
    weight : ndarray, shape (R, G)
        Probabilities, summing to 1 over the grid.
    """

    low: Array
    high: Array
    weight: Array

    @property
    def spacing(self) -> Array:
        """Distance between points, shape (R,)."""
        return (self.high - self.low) / (self.weight.shape[-1] - 1)

    @cached_property
    def value(self) -> Array:
        """The points, shape (R, G)."""
        steps = np.arange(self.weight.shape[-1])
        return self.low[:, np.newaxis] + self.spacing[:, np.newaxis] * steps


@dataclass(frozen=True, eq=False)
class GridBelief:
    """The exact posterior of V in each replication, with the `update` of a `GaussianBelief`.

    Parameters
    ----------
    mean, sd : array_like, shape (R,) or scalar
        Of the Gaussian prior, in units of price; sd above zero.

    Raises
    ------
    ValueError
        If a mean is not finite, or an sd is not finite and above zero.
    """

    prior: GaussianBelief
    history: tuple[Likelihood, ...]
    window: Window

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        prior = GaussianBelief(*np.broadcast_arrays(np.atleast_1d(mean), np.atleast_1d(sd)))
        low, high = prior.mean - REACH * prior.sd, prior.mean + REACH * prior.sd
        self._set(prior, (), _settled(prior, (), low, high, FEWEST_POINTS))

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
                f"{np.flatnonzero(mass == 0)[0]}): it is too far out for floats to tell; "
                f"start from a wider prior"
            )
        weight /= mass[:, np.newaxis]
        history = (*self.history, likelihood)
        after = _moved(self.prior, history, Window(before.low, before.high, weight))
        return np.log(mass), self._with(self.prior, history, after)

    def revise(self, likelihood: Likelihood) -> GridBelief:
        """Return the posterior."""
        return self.condition(likelihood)[1]

    def update(self, lower: ArrayLike, upper: ArrayLike, noise_sd: float) -> GridBelief:
        """Return the posterior once a valuation with this noise was seen in (lower, upper)."""
        return self.revise(Interval(lower, upper, noise_sd))

    def replicate(self, replications: int) -> GridBelief:
        """Return this belief in each of `replications` markets."""
        rows = np.broadcast_to(np.arange(len(self.mean)), replications)
        window = Window(*(part[rows] for part in _parts(self.window)))
        prior = GaussianBelief(self.prior.mean[rows], self.prior.sd[rows])
        return self._with(prior, tuple(shown.at(rows) for shown in self.history), window)

    def _resolving(self, blur: float) -> Window:
        """Return the window, computed anew on more points if they are too sparse for the blur."""
        window = self.window
        if window.spacing.max() * POINTS_PER_BLUR <= blur:
            return window
        points = int(np.ceil(POINTS_PER_BLUR * (window.high - window.low).max() / blur)) + 1
        return _settled(self.prior, self.history, window.low, window.high, points)

    @classmethod
    def _with(
        cls, prior: GaussianBelief, history: tuple[Likelihood, ...], window: Window
    ) -> GridBelief:
        belief = cls.__new__(cls)
        belief._set(prior, history, window)
        return belief

    def _set(self, prior: GaussianBelief, history: tuple[Likelihood, ...], window: Window) -> None:
        for name, part in (("prior", prior), ("history", history), ("window", window)):
            object.__setattr__(self, name, part)


def _parts(window: Window) -> tuple[Array, Array, Array]:
    return window.low, window.high, window.weight


def _moved(prior: GaussianBelief, history: tuple[Likelihood, ...], window: Window) -> Window:
    """Return the window with its misplaced replications computed anew where they belong."""
    rows = np.flatnonzero(_misplaced(window.weight))
    if not rows.size:
        return window
    fresh = _settled(
        GaussianBelief(prior.mean[rows], prior.sd[rows]),
        tuple(shown.at(rows) for shown in history),
        *_better_ends(window.low[rows], window.high[rows], window.weight[rows]),
        window.weight.shape[-1],
    )
    parts = tuple(part.copy() for part in _parts(window))
    for whole, part in zip(parts, _parts(fresh), strict=True):
        whole[rows] = part
    return Window(*parts)


def _settled(
    prior: GaussianBelief, history: tuple[Likelihood, ...], low: Array, high: Array, points: int
) -> Window:
    """Return the posterior on windows of so many points, moved until each is well placed."""
    for _ in range(MOVES):
        window = _posterior(prior, history, Window(low, high, np.empty((len(low), points))))
        misplaced = _misplaced(window.weight)
        if not misplaced.any():
            return window
        new_low, new_high = _better_ends(low, high, window.weight)
        low, high = np.where(misplaced, new_low, low), np.where(misplaced, new_high, high)
    raise ValueError(
        f"no window holds the posterior after {len(history)} signals: they are too far out for "
        f"floats to tell; start from a wider prior"
    )


def _posterior(prior: GaussianBelief, history: tuple[Likelihood, ...], window: Window) -> Window:
    """Return the window with the weights of prior times likelihoods."""
    standard = (window.value - prior.mean[:, np.newaxis]) / prior.sd[:, np.newaxis]
    log_density = -0.5 * standard * standard
    with np.errstate(divide="ignore"):
        for shown in history:
            log_density += np.log(shown.likelihood(window.value))
    density = np.exp(log_density - log_density.max(axis=-1, keepdims=True))
    return Window(window.low, window.high, density / density.sum(axis=-1, keepdims=True))


def _misplaced(weight: Array) -> Flags:
    """Return where the belief weighs on an edge of its window, or fills less than half of it."""
    first, last = _support(weight)
    points = weight.shape[-1]
    return (first == 0) | (last == points - 1) | (last - first < points // 2)


def _better_ends(low: Array, high: Array, weight: Array) -> tuple[Array, Array]:
    """Return ends just outside the support, or a window's width further where it is cut off."""
    first, last = _support(weight)
    width = high - low
    spacing = width / (weight.shape[-1] - 1)
    return (
        np.where(first == 0, low - width, low + (first - 2) * spacing),
        np.where(last == weight.shape[-1] - 1, high + width, low + (last + 2) * spacing),
    )


def _support(weight: Array) -> tuple[Index, Index]:
    """Return the first and the last point that is not negligible."""
    counts = weight > NEGLIGIBLE * weight.max(axis=-1, keepdims=True)
    return counts.argmax(axis=-1), weight.shape[-1] - 1 - counts[:, ::-1].argmax(axis=-1)
