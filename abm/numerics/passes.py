"""The loops over replications in which a period spends its time, in array code.

Each is made of +, -, *, /, square roots, comparisons and copies alone, in a fixed order. That order
is a contract: kernels.c does the same in C, and gives the same bytes (`abm.numerics.kernels`). What
is no exact operation, as exp and ndtr, is NumPy's and SciPy's, between two passes.

Arrays of a pass are of one shape, but for what its docstring says.
"""

import numpy as np

from abm.numerics.arrays import Array, Flags, Index, Sides

BEYOND = 1e100  # stands for infinity where mass is concerned: its square is finite
FAR = 5.0  # where an interval starts past this the closed form loses digits
NARROW = 0.5  # where an interval is shorter than this it does, too
SQRT_2PI = float(np.sqrt(2 * np.pi))


def find_span(numbers: Array) -> tuple[float, float]:
    """Return the least and the largest of one number or more; both NaN if one is."""
    if numbers.size == 1:
        return numbers.item(), numbers.item()
    return float(numbers.min()), float(numbers.max())


def are_ordered(lower: Array, upper: Array) -> bool:
    """Return whether no number is above its partner, or NaN."""
    return bool((lower <= upper).all())


def take_sides(valuation: Array, bid: Array, ask: Array) -> Sides:
    """Return the side that each trader takes: 1 above the ask, -1 below the bid, else 0."""
    return np.asarray(np.subtract(valuation > ask, valuation < bid, dtype=np.int8))


def find_prices(side: Sides, bid: Array, ask: Array) -> Array:
    """Return what each trader pays or is paid; 0 without a trade."""
    table = np.zeros((3, side.size))
    table[0], table[2] = bid.ravel(), ask.ravel()
    return np.asarray(table.ravel().take(_find_places(side)))


def find_ends(side: Sides, bid: Array, ask: Array) -> tuple[Array, Array]:
    """Return the ends between which each trader's valuation lies."""
    table = np.empty((4, side.size))
    table[0], table[1], table[2], table[3] = -np.inf, bid.ravel(), ask.ravel(), np.inf
    places, ends = _find_places(side), table.ravel()
    return np.asarray(ends.take(places)), np.asarray(ends[side.size :].take(places))


def hide_rivals(
    side: Sides, own: tuple[Array, Array], inside: tuple[Array, Array], at: tuple[Array, Array]
) -> tuple[Sides, Array, Array]:
    """Return sides, and the bids and asks of trades, as who sees her own alone has them.

    `own`, `inside` and `at`, where trades take place, are each a bid and an ask. A side on which
    her price is not the inside one stands at an infinite price, and what happens there is no trade.
    """
    at_bid, at_ask = own[0] == inside[0], own[1] == inside[1]
    unseen = ((side > 0) & ~at_ask) | ((side < 0) & ~at_bid)
    bid, ask = np.where(at_bid, at[0], -np.inf), np.where(at_ask, at[1], np.inf)
    return side * ~unseen, bid, ask


def _find_places(side: Sides) -> Index:
    """Return where each replication's element is in a flat table of rows for -1, 0 and 1."""
    number = np.arange(side.size).reshape(side.shape)
    return (np.sign(side) + np.int8(1)) * np.intp(side.size) + number


def fold_interval(lower: Array, upper: Array, centre: Array, scale: Array) -> tuple[Array, bool]:
    """Return an interval in scales from the centre, mirrored to have its middle at or above 0.

    Returns
    -------
    folded : ndarray, shape (7, ...)
        Its ends `near` and `far`, |near| <= far; the middle that it had; the logarithms of
        phi(far) / phi(near) and of sqrt(2 pi) phi(near); and what Phi gives the mass outside of:
        -|near| and -far.
    delicate : bool
        Whether the closed form loses digits in one of them.
    """
    folded = np.empty((7, *lower.shape))
    near, far, middle, drop, density, below, above = folded
    start = np.minimum(np.maximum((lower - centre) / scale, -BEYOND), BEYOND)
    end = np.minimum(np.maximum((upper - centre) / scale, -BEYOND), BEYOND)
    np.maximum(start, -end, out=near)
    np.maximum(end, -start, out=far)
    np.add(start, end, out=middle)
    width = far - near
    np.multiply(-0.5 * width, far + near, out=drop)
    np.multiply(-0.5 * near, near, out=density)
    np.negative(np.abs(near), out=below)
    np.negative(far, out=above)
    return folded, bool(find_delicate(folded).any())


def find_delicate(folded: Array) -> Flags:
    """Return which intervals the closed form is not for."""
    near, far = folded[:2]
    return np.asarray((near > FAR) | (far - near < NARROW))


def close_moments(folded: Array) -> Array:
    """Return mean and variance of N(0, 1) on each interval, by the closed form, shape (2, ...).

    Of what `fold_interval` gave, `drop` is now phi(far) / phi(near) - 1, `density` sqrt(2 pi)
    phi(near), and `below` and `above` the masses outside. Across 0 the mass is 1 less both, on one
    side it is their difference.
    """
    near, far, middle, drop, density, below, above = folded
    moments = np.empty((2, *near.shape))
    mean, variance = moments
    mass = np.signbit(near) + np.copysign(below, near) - above
    ratio = density / SQRT_2PI / mass
    fall = ratio * drop
    np.copysign(fall, middle, out=mean)
    np.subtract(1 + ratio * (near - far * (1 + drop)), fall * fall, out=variance)
    return moments


def widen(sd: Array, noise_sd: float) -> Array:
    """Return sqrt(sd^2 + noise_sd^2)."""
    return np.asarray(np.sqrt(sd * sd + noise_sd * noise_sd))


def tilt_normal(
    mean: Array, sd: Array, noise_sd: float, scale: Array, moments: Array
) -> tuple[Array, Array]:
    """Return mean and sd of V ~ N(mean, sd^2), given in which interval V + noise lies.

    `scale` is the sd of V + noise, and `moments`, shape (2, ...), its mean and variance on the
    interval when standardised.
    """
    variance, (m, v) = sd * sd, moments
    moved = mean + variance / scale * m
    return moved, sd * (np.sqrt(noise_sd * noise_sd + variance * v) / scale)


def find_cells(x: Array, nodes: Array, buckets: Index, crowded: Flags) -> Index:
    """Return the cell of ascending nodes that holds each x, the first or last outside of them.

    `buckets` gives the cell at the left end of each even bucket of the nodes' range. At most one
    node follows within the bucket, except in crowded ones, which are searched. No x is NaN.
    """
    last, first = len(buckets) - 1, nodes[0]
    scale = len(buckets) / (nodes[-1] - first)
    bucket = np.maximum(np.minimum((x - first) * scale, last), 0).astype(np.intp)
    cell = np.asarray(buckets.take(bucket))
    cell += x >= nodes.take(cell + 1)
    hard = crowded.take(bucket)
    if hard.any():
        cell[hard] = np.searchsorted(nodes, x[hard], side="right") - 1
    return np.minimum(cell, len(nodes) - 2)


def evaluate_cubic(
    x: Array, nodes: Array, coefficients: Array, buckets: Index, crowded: Flags
) -> Array:
    """Return a cubic of each cell at x, in powers of the distance from the cell's left node.

    Coefficients, shape (4, cells), begin with the highest power's; the others are as of
    `find_cells`.
    """
    cell = find_cells(x, nodes, buckets, crowded)
    distance = x - nodes.take(cell)
    c3, c2, c1, c0 = (one.take(cell) for one in coefficients)
    return ((c3 * distance + c2) * distance + c1) * distance + c0
