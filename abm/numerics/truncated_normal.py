"""The standard normal on an interval: its mass, mean and variance, accurate also in the tails.

For X ~ N(0, 1) restricted to (alpha, beta), with phi and Phi its density and cdf,

    Z = Phi(beta) - Phi(alpha)
    m = (phi(alpha) - phi(beta)) / Z
    v = 1 + (alpha phi(alpha) - beta phi(beta)) / Z - m^2

(Johnson, Kotz and Balakrishnan 1994, section 13.10.1). Written so, digits are lost in the far
tail and on narrow intervals. Here the interval is first mirrored to have its middle at or above
zero, and its mass taken from the tails outside it: 1 - Phi(alpha) - Phi(-beta) across zero,
Phi(-alpha) - Phi(-beta) on one side. Where Z or v would still be a small difference of large
numbers, the three integrals are taken by Gauss-Legendre quadrature instead.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from abm.numerics.arrays import Array, align
from abm.numerics.kernels import close_moments, fold_interval
from abm.numerics.passes import BEYOND, find_delicate

CHUNK = 2**15  # intervals whose moments are found at a time
DECAY = 45.0  # quadrature stops where the density has fallen by exp(-DECAY)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)
TINY = 1e-3  # below this width a mass is density times width, and a small correction
TAIL = 6.0  # where the continued fraction takes over
FRACTION_TERMS = 22  # enough for full precision from there on
SHORT = 0.1  # below this half-width the middle's variance is a small difference


class TruncatedMoments(NamedTuple):
    """Mean and variance of a standard normal on an interval, arrays of one shape."""

    mean: Array
    variance: Array


@np.errstate(all="ignore")
def truncated_moments(
    lower: ArrayLike, upper: ArrayLike, centre: ArrayLike = 0.0, scale: ArrayLike = 1.0
) -> TruncatedMoments:
    """Return mean and variance of X ~ N(0, 1) where centre + scale X lies in (lower, upper).

    Parameters
    ----------
    lower, upper : array_like
        Ends of the interval, lower <= upper, infinite ends allowed.
    centre, scale : array_like
        The scale is above zero. All four broadcast.

    Returns
    -------
    TruncatedMoments
        Against 50-digit arithmetic the mean is right to 1e-12 and the variance to 1e-9, relative,
        for any interval. One of no width has its end as mean, and variance 0; so has one past
        1e100, whose mean is its nearer end.
    """
    shape, ends = align(lower, upper, centre, scale)
    mean, variance = moments_between(*ends)
    return TruncatedMoments(mean.reshape(shape), variance.reshape(shape))


def moments_between(lower: Array, upper: Array, centre: Array, scale: Array) -> Array:
    """Return what `truncated_moments` does, of arrays of one shape, with one dimension at least.

    Shape (2, ...). NumPy's warnings are for the caller to silence. Many are taken in parts, which
    fit in a processor's cache.
    """
    if lower.ndim > 1 or lower.size <= CHUNK:
        return _find_moments(lower, upper, centre, scale)
    moments = np.empty((2, lower.size))
    for start in range(0, lower.size, CHUNK):
        part = slice(start, start + CHUNK)
        moments[:, part] = _find_moments(lower[part], upper[part], centre[part], scale[part])
    return moments


def _find_moments(lower: Array, upper: Array, centre: Array, scale: Array) -> Array:
    folded, delicate = fold_interval(lower, upper, centre, scale)
    drop, density = folded[3:5]
    np.expm1(drop, out=drop)
    np.exp(density, out=density)
    special.ndtr(folded[5:], out=folded[5:])
    moments = close_moments(folded)
    if delicate:
        _repair(moments, folded, lower, upper, centre, scale)
    return moments


@np.errstate(all="ignore")
def log_interval_mass(
    lower: ArrayLike, upper: ArrayLike, centre: ArrayLike = 0.0, scale: ArrayLike = 1.0
) -> Array:
    """Return log P(lower < centre + scale X < upper) for X ~ N(0, 1), elementwise.

    Arguments are those of `truncated_moments`. Right to 1e-12, relative, or to 1e-13 where that is
    more; -inf of an interval of no width, or past 1e100.
    """
    shape, ends = align(lower, upper, centre, scale)
    folded, delicate = fold_interval(*ends)
    near, _, _, _, _, below, above = folded
    below, above = special.ndtr(below), special.ndtr(above)
    log_mass = np.where(near < 0, np.log1p(-(below + above)), np.log(below - above))
    if delicate:
        chosen = find_delicate(folded)
        near, far = folded[:2, chosen]
        _, width, total, _ = _integrate(near, far)
        log_mass[chosen] = np.log(0.5 * width * total) - 0.5 * near * near - LOG_SQRT_2PI
    return log_mass.reshape(shape)


def _repair(moments: Array, folded: Array, *ends: Array) -> None:
    """Set the moments of the intervals that the closed form is not for."""
    chosen = find_delicate(folded)
    near, far, middle, drop = folded[:4, chosen]
    x, width, total, weight = _integrate(near, far)
    inside = (weight * x).sum(axis=-1) / total
    mass = 0.5 * width * total
    mean = np.where(mass > 0, -drop / mass, near)
    if near.max() >= BEYOND:
        lower, upper, centre, scale = (end[chosen] for end in ends)
        nearer = np.maximum((lower - centre) / scale, (centre - upper) / scale)
        np.copyto(mean, nearer, where=(nearer > BEYOND) & (nearer < np.inf))
    moments[0, chosen] = np.copysign(mean, middle)
    moments[1, chosen] = (weight * (x - inside[..., np.newaxis]) ** 2).sum(axis=-1) / total


def _integrate(near: Array, far: Array) -> tuple[Array, Array, Array, Array]:
    """Return distances x from near, their range, and exp(-near x - x^2 / 2): its sum, and each."""
    reach = 2 * DECAY / (near + np.sqrt(near * near + 2 * DECAY))
    width = np.minimum(far - near, reach)
    x = 0.5 * width[..., np.newaxis] * (1 + NODES)
    weight = WEIGHTS * np.exp(-x * (near[..., np.newaxis] + 0.5 * x))
    return x, width, weight.sum(axis=-1), weight


def mills_ratio(x: ArrayLike) -> Array:
    """R(x) = (1 - Phi(x)) / phi(x), elementwise, finite for x > -37."""
    return np.sqrt(np.pi / 2) * special.erfcx(np.asarray(x) * np.sqrt(0.5))


@np.errstate(over="ignore", under="ignore")
def interval_mass(alpha: ArrayLike, beta: ArrayLike) -> Array:
    """Phi(beta) - Phi(alpha), elementwise, to 1e-9 relative also for narrow intervals and tails."""
    alpha, beta = np.broadcast_arrays(alpha, beta)
    mirrored = alpha > 0
    low, high = np.where(mirrored, -beta, alpha), np.where(mirrored, -alpha, beta)
    with np.errstate(invalid="ignore"):
        tiny = high - low < TINY
    if tiny.all():
        return _tiny_mass(low, high)
    mass = special.ndtr(high) - special.ndtr(low)
    if tiny.any():
        mass[tiny] = _tiny_mass(low[tiny], high[tiny])
    return mass


def _tiny_mass(low: Array, high: Array) -> Array:
    """Return the density in the middle times the width, and a small correction."""
    width, middle = high - low, 0.5 * (low + high)
    density = np.exp(-0.5 * middle * middle) / np.sqrt(2 * np.pi)
    return density * width * (1 + (middle * middle - 1) * width * width / 24)


def mean_excess(x: ArrayLike) -> Array:
    """E[X - x | X > x] = phi(x) / (1 - Phi(x)) - x for a standard normal X, elementwise.

    Far out, where that difference loses digits, it is Laplace's continued fraction
    1 / (x + 2 / (x + 3 / (x + ...))).
    """
    x = np.asarray(x, dtype=np.float64)
    return _excess_over(x, mills_ratio(np.minimum(x, TAIL)))


def _excess_over(x: Array, ratio: Array) -> Array:
    """Return the mean excess; `ratio` is Mills' ratio of x, or of TAIL past it."""
    excess = np.asarray(1 / ratio - x)
    beyond = x > TAIL
    if beyond.any():
        tail = x[beyond]
        fraction = np.zeros_like(tail)
        for term in range(FRACTION_TERMS, 0, -1):
            fraction = term / (tail + fraction)
        excess[beyond] = fraction
    return excess


def describe_half_line(x: Array) -> tuple[Array, Array]:
    """Return log P(X > x) and E[X - x | X > x] for a standard normal X, elementwise, x > -37."""
    ratio = mills_ratio(x)
    log_mass = np.log(ratio) - 0.5 * x * x - LOG_SQRT_2PI
    return log_mass, _excess_over(x, np.maximum(ratio, mills_ratio(TAIL)))


def middle_variance(x: Array, density: Array, mass: Array) -> Array:
    """Return the variance of a standard normal on (-x, x), elementwise, x >= 0.

    `density` is phi(x), `mass` the probability of the interval. Where that is short it is a ratio
    of power series.
    """
    square = x * x
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.asarray(1 - 2 * x * density / mass)
    short = x < SHORT
    if short.any():
        t = square[short]
        above = 1 / 3 - t * (1 / 10 - t * (1 / 56 - t * (1 / 432 - t / 4224)))
        below = 1 - t * (1 / 6 - t * (1 / 40 - t * (1 / 336 - t / 3456)))
        variance[short] = t * above / below
    return variance
