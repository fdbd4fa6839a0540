"""The exact posterior on windows, computed from the prior and all that was shown.

As long as its window serves, an update multiplies the probabilities of the points (see
`abm.beliefs.window`). A posterior that needs another window is interpolated there where that loses
nothing (see `abm.beliefs.log_polynomial`), and else recomputed from its prior and history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.window import Placements, Window
from abm.market.laws import Likelihood
from abm.numerics.arrays import Array, Index

History = tuple[Likelihood, ...]

MOVES = 200  # at most, until a window is well placed; each about doubles or halves it


def place_windows(
    prior: GaussianBelief, history: History, resolution: float, placements: Placements
) -> list[Window]:
    """Return the posterior of some replications on windows that are well placed.

    Prior and history are those of all replications, and `resolution` is the smallest of the
    history. `placements` says which replications are meant, and the first windows to try.
    ValueError if none holds the posterior, for the history is too improbable for floats.
    """
    placed: list[Window] = []
    for _ in range(MOVES):
        if not placements.rows.size:
            return placed
        proposals = []
        for points, group in placements.group_by_size():
            spacing = (group.high - group.low) / (points - 1)
            window = compute_posterior(prior, history, group.rows, group.low, spacing, points)
            bad = ~window.possible | window.is_coarse(resolution) | window.is_cut_off(resolution)
            placed.append(window.at(~bad))
            proposals.append(window.at(bad).propose_placements(resolution))
        placements = concatenate_placements(proposals)
    raise ValueError(
        f"no window holds the posterior after {len(history)} signals (replication "
        f"{placements.rows[0]}): they are too far out for floats to tell; start from a wider prior"
    )


def concatenate_placements(placements: Sequence[Placements]) -> Placements:
    """Concatenate placements of several replications each."""
    return Placements(*map(np.concatenate, zip(*placements, strict=True)))


def merge_by_size(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return one window for each number of points, fewest first."""
    by_points: dict[int, list[Window]] = {}
    for window in windows:
        if window.rows.size:
            by_points.setdefault(window.points, []).append(window)
    return tuple(
        Window(*map(np.concatenate, zip(*(window.parts for window in group), strict=True)))
        for _, group in sorted(by_points.items())
    )


def compute_posterior(
    prior: GaussianBelief, history: History, rows: Index, low: Array, spacing: Array, points: int
) -> Window:
    """Return prior times likelihoods of some replications on this many points."""
    value = low[:, np.newaxis] + spacing[:, np.newaxis] * np.arange(points)
    shown = tuple(likelihood.at(rows) for likelihood in history)
    prior = prior.at(rows)
    log_density = log_product(prior, shown, value)
    peak = log_density.max(axis=-1)
    with np.errstate(invalid="ignore", under="ignore"):  # a window far off has no probability
        density = np.exp(log_density - peak[:, np.newaxis])
        total = density.sum(axis=-1)
        log_evidence = peak + np.log(total * spacing / (prior.sd * np.sqrt(2 * np.pi)))
        return Window(rows, low, spacing, density / total[:, np.newaxis], log_evidence)


def log_product(prior: GaussianBelief, history: History, value: Array) -> Array:
    """Return log of prior density times likelihoods, for values of shape (R, G).

    Densities are in units of 1 / (sqrt(2 pi) prior sd).
    """
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        standard = (value - prior.mean[:, np.newaxis]) / prior.sd[:, np.newaxis]
        log_density = -0.5 * np.square(standard)
        for likelihood in history:
            log_density += np.log(likelihood.likelihood(value))
    return log_density
