"""On which scales what a quote earns changes, and how far out from the mean it has to be sought.

Valuations spread by what a type makes of the value, and by what a trader adds to it: the scales on
which the searches of `abm.one_period.search` go.
"""

from functools import reduce

import numpy as np

from abm.beliefs.base import Belief
from abm.market.laws import Law
from abm.numerics.arrays import Array
from abm.one_period.depths import zero_profit_depth

FARTHEST = 9.0  # sds of a normal: its probability beyond is 1e-19


def list_scales(belief: Belief, law: Law) -> list[Array]:
    """Return over which distances what a side earns may change, shape (R,) each.

    They are those over which each type's valuations spread: under the belief, and given V, where
    the belief may have a peak that is narrower than its sd.
    """
    types = [part for _, part in law.types]
    scales = [_find_scale(belief, part) for part in types]
    scales += [belief.sd] if belief.is_gaussian else [_find_spread(belief, one) for one in types]
    return [scale for scale in scales if np.isfinite(scale).all()]


def find_farthest(belief: Belief, law: Law) -> Array:
    """Return a distance past which a trade of those who know of the value is too rare, shape (R,).

    A belief that is not normal may have a tail of far more than FARTHEST sds.
    """
    types = [part for _, part in law.types]
    return np.asarray(reduce(np.maximum, (_find_end(belief, part) for part in types)))


def find_own_sd(belief: Belief, law: Law) -> Array:
    """Return the root mean square of u - V, what trading is worth to a trader, shape (R,)."""
    square = np.zeros_like(belief.mean)
    for share, part in law.types:
        line = part.find_line(belief.mean)
        if line is None:
            return np.full_like(belief.mean, np.inf)
        if share:
            unknown = (1 - line.slope) * belief.sd
            square += share * (unknown**2 + line.spread**2 + (line.centre - belief.mean) ** 2)
    return np.sqrt(square)


def find_farthest_root(belief: Belief, law: Law) -> Array:
    """Return a distance past which no type costs a dealer anything, or a trade is too rare.

    On a Gaussian belief it is the root of the type alone that knows least about the value, for
    those who know nothing only pay her.
    """
    lengths = [_find_root_of_type(belief, part) for _, part in law.types if part.is_informed]
    return np.asarray(reduce(np.maximum, lengths, np.zeros_like(belief.mean)))


def _find_root_of_type(belief: Belief, law: Law) -> Array:
    """Return the zero-profit distance of one type alone, or the farthest that is looked at."""
    standard = standardise(belief, law)
    if standard is None:
        return _find_end(belief, law)
    scale, rho = standard
    return scale * zero_profit_depth(rho)


def _find_end(belief: Belief, law: Law) -> Array:
    """Return the distance past which a trade of one type is too rare."""
    if belief.is_gaussian:
        return FARTHEST * _find_scale(belief, law)
    line = law.find_line(belief.mean)
    off = 0.0 if line is None else np.abs(line.centre - belief.mean)
    end = off + belief.extent + FARTHEST * _find_spread(belief, law)
    return np.where(np.isfinite(end), end, 0.0)


def standardise(belief: Belief, law: Law) -> tuple[Array, Array] | None:
    """Return S and the rho at which the paper's depths hold for one type; None if they do not."""
    line = law.find_line(belief.mean) if belief.is_gaussian else None
    if line is None or not np.array_equal(line.centre, belief.mean):
        return None
    rho = line.find_rho(belief.sd)
    return None if rho is None else (line.find_scale(belief.sd), rho)


def _find_scale(belief: Belief, law: Law) -> Array:
    """Return the sd of a type's valuations under a belief."""
    line = law.find_line(belief.mean)
    scale = np.hypot(belief.sd, law.noise_sd) if line is None else line.find_scale(belief.sd)
    return np.broadcast_to(scale, belief.sd.shape)


def _find_spread(belief: Belief, law: Law) -> Array:
    """Return the sd of a type's valuations given V."""
    line = law.find_line(belief.mean)
    return np.broadcast_to(law.noise_sd if line is None else line.spread, belief.sd.shape)
