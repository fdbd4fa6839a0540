"""What a distribution must be to serve as noise: examined once, when a noise is made of it."""

import sys
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array
from abm.numerics.checks import scale_number
from abm.numerics.conversion import floats
from abm.numerics.describe import show_value

NEEDED = ("cdf", "sf", "ppf", "std")
PROBES = np.linspace(-40.0, 40.0, 4001)  # where a cdf is examined, in sds from the median
UNSURE = 1e-6  # largest error of cdf and sf in what is examined
INNER = 1e-6  # ppf must invert the cdf for probabilities from here to 1 less this


class Distribution(Protocol):
    """A frozen distribution of `scipy.stats`, as `laplace(scale=0.7)`, or one like it."""

    def cdf(self, x: Any, /) -> Any:
        """Return P(noise <= x)."""

    def sf(self, x: Any, /) -> Any:
        """Return P(noise > x)."""

    def ppf(self, p: Any, /) -> Any:
        """Return the quantile of p."""

    def std(self) -> Any:
        """Return the standard deviation."""


def is_of_scipy(value: Any, *kinds: str) -> bool:
    """Return whether a value is of one of these classes of `scipy.stats`.

    If that is not loaded, which takes half a second, none can be.
    """
    stats = sys.modules.get("scipy.stats.distributions")
    return stats is not None and isinstance(value, tuple(getattr(stats, kind) for kind in kinds))


def require_distribution(distribution: Distribution) -> None:
    """Raise unless a distribution has an sd in range, and a cdf with which its sf and ppf agree.

    Raises
    ------
    TypeError
        If a method is missing, or does not answer to arrays with arrays of numbers.
    ValueError
        If its sd is not from 1e-100 to 1e100, its mean too far from zero for floats, or its cdf is
        NaN somewhere, falls, does not run from 0 to 1, or disagrees with sf or ppf.
    """
    missing = [name for name in NEEDED if not callable(getattr(distribution, name, None))]
    if missing:
        raise TypeError(
            f"noise is {show_value(distribution)}, which has no {missing[0]}, but needs "
            f"{', '.join(NEEDED)}: give a number for Gaussian noise, or a distribution as "
            f"scipy.stats.laplace(scale=0.7)"
        )
    with np.errstate(all="ignore"):
        sd = scale_number("the noise's std", _ask(distribution, "std"))
        quartiles = _ask(distribution, "ppf", np.array([0.25, 0.5, 0.75]))
        x = quartiles[1] + sd * PROBES
        cdf, sf = _ask(distribution, "cdf", x), _ask(distribution, "sf", x)
        back = _ask(distribution, "ppf", np.clip(cdf, INNER, 1 - INNER))
        _examine(x, cdf, sf, _ask(distribution, "cdf", back))


def _ask(distribution: Distribution, method: str, *x: Array) -> Array:
    """Return what a method of the distribution answers, or raise TypeError if no numbers."""
    try:
        answer = floats(method, getattr(distribution, method)(*x))
        if x and answer.shape != x[0].shape:
            raise TypeError(f"an array of shape {x[0].shape} gives one of {answer.shape}")
    except Exception as error:  # whatever another's class raises
        raise TypeError(
            f"noise is {show_value(distribution)}, which does not answer to arrays ({method}: "
            f"{error}): give a distribution with its parameters, as scipy.stats.laplace(scale=0.7)"
        ) from error
    return answer


def _examine(x: Array, cdf: Array, sf: Array, again: Array) -> None:
    """Raise ValueError unless the cdf runs from 0 to 1, and sf and ppf agree with it.

    `again` is the cdf where ppf takes it back to.
    """
    _require(~np.isnan(cdf), x, cdf, "must be a number")
    _require((cdf >= -UNSURE) & (cdf <= 1 + UNSURE), x, cdf, "must be from 0 to 1")
    _require(np.diff(cdf, prepend=0.0) >= -UNSURE, x, cdf, "must not fall as its argument rises")
    _require((x > x[0]) | (cdf <= 0.01), x, cdf, "must be near 0 so far out")
    _require((x < x[-1]) | (cdf >= 0.99), x, cdf, "must be near 1 so far out")
    _require(np.abs(cdf + sf - 1) <= UNSURE, x, cdf, "must be 1 less the sf there")
    p = np.clip(cdf, INNER, 1 - INNER)
    _require(np.abs(again - p) <= UNSURE, x, cdf, "must be undone by ppf")


def _require(right: ArrayLike, x: Array, cdf: Array, rule: str) -> None:
    wrong = np.flatnonzero(~np.asarray(right))
    if wrong.size:
        first = wrong[0]
        raise ValueError(
            f"the noise's cdf is {cdf[first]:.9g} at {x[first]:.6g}, but {rule}: "
            f"give a distribution as scipy.stats.laplace(scale=0.7)"
        )
