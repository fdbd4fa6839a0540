"""What is done to windows that are carried over: spread, refined, coarsened and cropped.

A belief in a value that moves is no prior times likelihoods, which could be computed anywhere: it
is known only where it was kept (a point-mass filter, Bucy and Senne 1971). Between its points it is
the band-limited function through them, whose transform has died out before the highest frequency
that they hold. So nothing that is done to a window here loses more than some 1e-10.

Points lie at whole multiples of a spacing that is a power of two: halves and doubles are exact.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import fft

from abm.beliefs.window import SIZES, Window, require_points, split_rows
from abm.market.laws import Likelihood
from abm.numerics.arrays import Array

CUT = 1e-16  # a probability: the points outside of the last that has more are cut off
UNKNOWN = 1e-20  # a probability that every point has at least: less is not told from rounding
REACH = 8.5  # sds of a move: a normal's probability beyond is 2e-17
BANDS = np.array([0.6, 0.7, 0.8])  # of the highest frequency that points hold
ROUGH = 1e-8  # of the transform at frequency 0: with more in those bands the points are too few
SMOOTH = 1e-10  # with less, were they half as many, they are too many
HELP = 32.0  # by this factor twice as many points lessen it, unless there is a kink
EDGE = 1e-8  # of the largest weight: with more at an edge, what was cut off there may matter
SHARP = 0.35  # longest spacing, in resolutions of what is shown


def diffuse(window: Window, probability: Array, sd: float) -> Iterator[Window]:
    """Yield the beliefs once V has moved by N(0, sd^2), with a probability of shape (N,).

    ValueError if they need more points than a window may have.
    """
    still = probability == 0
    if still.any():
        yield window.at(still)
    for spacing in np.unique(window.spacing[~still]):
        alike = np.flatnonzero(~still & (window.spacing == spacing))
        added = int(np.ceil(REACH * sd / spacing))
        points = window.points + 2 * added
        require_points(points, window.rows[alike[0]])
        for part in split_rows(len(alike), points):
            group = alike[part]
            yield _diffuse(window.at(group), probability[group, np.newaxis], sd / spacing, added)


def _diffuse(window: Window, probability: Array, sd: float, added: int) -> Window:
    """Return the beliefs f as (1 - p) f + p f * N(0, sd^2), for an sd in spacings."""
    points = window.points + 2 * added
    size = fft.next_fast_len(points, real=True)
    frequency = 2 * np.pi * np.arange(size // 2 + 1) / size
    with np.errstate(under="ignore"):
        kernel = np.exp(-0.5 * np.square(frequency * sd) - 1j * frequency * added)
        moved = fft.irfft(fft.rfft(window.weight, size) * kernel, size)[:, :points]
        weight = probability * np.maximum(moved, 0)
        weight[:, added : added + window.points] += (1 - probability) * window.weight
    low = window.low - added * window.spacing
    return Window(window.rows, low, window.spacing, weight, window.log_evidence)


def show(window: Window, likelihood: Likelihood) -> Iterator[Window]:
    """Yield the posteriors, on points that are halved where they turn out too few.

    ValueError if what was shown moves the belief to where no points were kept.
    """
    after = window.condition(likelihood)
    _require_inside(after)
    roughness = find_roughness(after, BANDS)
    while (rough := roughness > ROUGH).any():
        yield after.at(~rough)
        window, after, roughness = window.at(rough), after.at(rough), roughness[rough]
        finer = halve(window)
        shown = finer.condition(likelihood)
        now = find_roughness(shown, BANDS)
        helped = HELP * now < roughness
        yield after.at(~helped)
        window, after, roughness = finer.at(helped), shown.at(helped), now[helped]
    yield after


def resolve(window: Window, resolution: float) -> Iterator[Window]:
    """Yield the beliefs on points that resolve likelihoods of this resolution."""
    while (long := window.spacing > SHARP * resolution).any():
        yield window.at(~long)
        window = halve(window.at(long))
    yield window


def fit(window: Window, resolution: float) -> Iterator[Window]:
    """Yield the beliefs on as few points as hold them, and resolve such likelihoods."""
    while window.rows.size:
        many = (2 * window.spacing <= SHARP * resolution) & (
            find_roughness(window, 2 * BANDS) < SMOOTH
        )
        yield from _crop(window.at(~many))
        window = _double(window.at(many))


def find_roughness(window: Window, bands: Array) -> Array:
    """Return the largest modulus of a belief's transform in these bands, shape (N,).

    Bands are in the highest frequency that the points hold; at frequency 0 the transform is 1.
    """
    angle = np.pi * bands * np.arange(window.points)[:, np.newaxis]
    waves = np.concatenate([np.cos(angle), np.sin(angle)], axis=-1)
    with np.errstate(under="ignore"):
        real, imaginary = np.split(window.weight @ waves, 2, axis=-1)
        return np.asarray(np.hypot(real, imaginary).max(axis=-1))


def interpolate(window: Window, value: Array) -> Array:
    """Return the density at values of shape (N, M), in one over units of price."""
    density = np.zeros(value.shape)
    for row, (low, spacing, weight) in enumerate(
        zip(window.low, window.spacing, window.weight, strict=True)
    ):
        place = (value[row] - low) / spacing
        inside = np.flatnonzero((place >= 0) & (place <= window.points - 1))
        waves = np.sinc(place[inside, np.newaxis] - np.arange(window.points))
        density[row, inside] = np.maximum(waves @ weight, 0) / spacing
    return density


def halve(window: Window) -> Window:
    """Return the beliefs on points half as far apart; ValueError if there are too many."""
    require_points(2 * window.points, window.rows[0])
    size = fft.next_fast_len(window.points + 1, real=True)
    shift = np.exp(1j * np.pi * np.arange(size // 2 + 1) / size)
    weight = np.empty((len(window.rows), 2 * window.points))
    with np.errstate(under="ignore"):
        between = fft.irfft(fft.rfft(window.weight, size) * shift, size)[:, : window.points]
    weight[:, ::2], weight[:, 1::2] = window.weight / 2, np.maximum(between, 0) / 2
    return Window(window.rows, window.low, window.spacing / 2, weight, window.log_evidence)


def _double(window: Window) -> Window:
    """Return the beliefs on every other point."""
    weight = 2 * window.weight[:, ::2]
    return Window(window.rows, window.low, 2 * window.spacing, weight, window.log_evidence)


def _crop(window: Window) -> Iterator[Window]:
    """Yield the beliefs without points that have no probability, at both ends.

    The others have a little, so that what puts V at an edge is seen there, whatever it held.
    """
    window = replace(window, weight=np.maximum(window.weight, UNKNOWN))
    counts = window.weight > CUT
    first, last = counts.argmax(axis=-1), window.points - 1 - counts[:, ::-1].argmax(axis=-1)
    size = np.searchsorted(SIZES, last - first + 1)
    for index in np.unique(size):
        points, group = SIZES[index], np.flatnonzero(size == index)
        if points >= window.points:
            yield window.at(group)
            continue
        spare = points - 1 - (last - first)[group]
        start = np.clip(first[group] - spare // 2, 0, window.points - points)
        chosen = window.at(group)
        low = chosen.low + start * chosen.spacing
        weight = np.take_along_axis(
            chosen.weight, start[:, np.newaxis] + np.arange(points), axis=-1
        )
        yield Window(chosen.rows, low, chosen.spacing, weight, chosen.log_evidence)


def _require_inside(after: Window) -> None:
    """Raise ValueError where a belief has moved to an edge of the points that were kept."""
    at_edges = after.weight[:, [0, 1, -2, -1]].max(axis=-1)  # halved, the outermost may hold 0
    inside = at_edges <= EDGE * after.weight.max(axis=-1)
    if not inside.all():
        raise ValueError(
            f"what was shown puts V where nothing was kept of the belief (replication "
            f"{after.rows[~inside][0]}): a belief that is carried over leaves out probabilities "
            f"below {CUT:g}; start from a wider prior, or tell of the moves of the value"
        )
