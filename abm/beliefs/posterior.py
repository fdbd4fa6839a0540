"""The exact posterior on windows: computed from the prior and all that was shown.

Whenever a belief needs another window it is computed there anew, so that nothing is ever
interpolated. Updates in between multiply what a window holds (see `abm.beliefs.window`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.window import Places, Window
from abm.market.valuations import Likelihood
from abm.numerics.arrays import Array

History = tuple[Likelihood, ...]

MOVES = 200  # until a window is well placed; each about doubles or halves it


def settled(prior: GaussianBelief, history: History, blur: float, places: Places) -> list[Window]:
    """Return the posterior of some replications on windows that are well placed.

    Parameters
    ----------
    prior, history : GaussianBelief, tuple of Likelihood
        Of all replications.
    blur : float
        The smallest resolution of the history.
    places : Places
        Which replications, and where to begin.

    Raises
    ------
    ValueError
        If there is no such window, the signals being too improbable for floats.
    """
    done: list[Window] = []
    for _ in range(MOVES):
        if not places.rows.size:
            return done
        again = []
        for size, some in places.by_size():
            window = _posterior(prior, history, some, size)
            bad = ~window.known | window.coarse(blur) | window.cut_off()
            done.append(window.at(~bad))
            again.append(window.at(bad).better(blur))
        places = together(again)
    raise ValueError(
        f"no window holds the posterior after {len(history)} signals (replication "
        f"{places.rows[0]}): they are too far out for floats to tell; start from a wider prior"
    )


def together(places: Sequence[Places]) -> Places:
    """Return all these places as one."""
    return Places(*(np.concatenate(parts) for parts in zip(*places, strict=True)))


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return the windows with those of as many points put together."""
    by_points: dict[int, list[Window]] = {}
    for window in windows:
        if window.rows.size:
            by_points.setdefault(window.points, []).append(window)
    return tuple(
        Window(*(np.concatenate(parts) for parts in zip(*(one.parts for one in some), strict=True)))
        for _, some in sorted(by_points.items())
    )


def _posterior(prior: GaussianBelief, history: History, places: Places, points: int) -> Window:
    """Return prior times likelihoods, on so many points from end to end."""
    rows, low, high, _ = places
    spacing = (high - low) / (points - 1)
    value = low[:, np.newaxis] + spacing[:, np.newaxis] * np.arange(points)
    shown = tuple(likelihood.at(rows) for likelihood in history)
    prior = prior.at(rows)
    log_density = log_product(prior, shown, value)
    peak = log_density.max(axis=-1)
    with np.errstate(invalid="ignore"):  # nothing is possible where a window is far off
        density = np.exp(log_density - peak[:, np.newaxis])
        total = density.sum(axis=-1)
        log_evidence = peak + np.log(total * spacing / (prior.sd * np.sqrt(2 * np.pi)))
    return Window(rows, low, spacing, density / total[:, np.newaxis], log_evidence)


def log_product(prior: GaussianBelief, history: History, value: Array) -> Array:
    """Return log of prior density times likelihoods, for values of shape (R, G).

    The density is in units of one over sqrt(2 pi) prior sds.
    """
    standard = (value - prior.mean[:, np.newaxis]) / prior.sd[:, np.newaxis]
    log_density = -0.5 * np.square(standard)
    with np.errstate(divide="ignore"):
        for likelihood in history:
            log_density += np.log(likelihood.likelihood(value))
    return log_density
