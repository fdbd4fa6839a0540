"""Confidence intervals of means, fractions, medians and ratios, from what was sampled.

    mean      mean +- t s.e., t the quantile of Student's distribution with n - 1 degrees of freedom
    fraction  of n, k have it: quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k)
    median    two order statistics, for any distribution
    ratio     that of a mean: of x_i = r + (a_i - r b_i) / mean(b), r = mean(a) / mean(b)

The ends of a fraction hold for every n and k (Clopper and Pearson 1934), those of a median for
every distribution (David and Nagaraja 2003, section 7.1). Those of a mean are exact for normal
samples, and nearly so for many replications, how many depends on their skewness (`is_skewed`); a
ratio's standard error is right to first order in 1 / n (Cochran 1977, section 6.3).
"""

from math import ceil, nan

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from abm.numerics.arrays import Array, Flags

CONFIDENCE = 0.95
COCHRAN = 25.0  # times the squared skewness: the replications of a mean that its interval needs


def find_half_width(se: ArrayLike, count: ArrayLike, confidence: ArrayLike = CONFIDENCE) -> Array:
    """Return the half-width of the interval of a mean, or of a difference of paired means.

    Parameters
    ----------
    se : array_like
        Standard errors, in any unit. Where one is 0 the half-width is NaN: observations that are
        all alike do not tell how far from them the mean may be.
    count : array_like
        Observations, at least two (else NaN); infinite for a normal quantile.
    confidence : array_like
        The probability that an interval contains the mean.

    Examples
    --------
    >>> find_half_width([0.5, 0.5, 0.5, 0.0], [2, 11, np.inf, 11]).round(3)
    array([6.353, 1.114, 0.98 ,   nan])
    """
    freedom = np.asarray(count, float) - 1
    freedom = np.where(freedom > 0, freedom, np.nan)
    quantile = special.stdtrit(freedom, 0.5 + np.asarray(confidence) / 2)
    errors = np.asarray(se, float)
    return np.asarray(quantile * np.where(errors > 0, errors, np.nan))


def is_skewed(skewness: ArrayLike, count: ArrayLike) -> Flags:
    """Return whether a sample is too skewed for the interval of its mean to be trusted.

    Cochran (1977, Sampling Techniques, section 2.15): with n > 25 skewness^2 observations, a 95 %
    interval misses the mean at most 6 % of the time, as a rule. It is meant for skewness as the
    main departure from a normal. The skewness of a sample is itself uncertain, and often too small
    where the tail is heavy: False is no proof that an interval is right.

    Parameters
    ----------
    skewness : array_like
        Third moments of standardised samples; NaN, which is never skewed, where nothing varies.
    count : array_like
        Observations.

    Examples
    --------
    >>> is_skewed([0.0, 2.0, -47.0], [50, 50, 4_000])
    array([False,  True,  True])
    """
    return np.asarray(np.asarray(count) < COCHRAN * np.square(skewness))


def find_chance_of_agreement(count: ArrayLike) -> Array:
    """Return how probable it is at most that so many observations differ from 0 by one amount.

    They are independent, and as likely below 0 as above it. While that is probable, observations
    that are all alike, whose standard error is 0, decide nothing.

    Examples
    --------
    >>> find_chance_of_agreement([1, 2, 11]).round(4)
    array([1.   , 0.5  , 0.001])
    """
    return np.exp2(1.0 - np.asarray(count, float))


def find_effective_se(se: ArrayLike, count: ArrayLike) -> Array:
    """Return the standard error that gives a normal mean the same interval.

    It is larger than the standard error of few observations, which may be small by chance, and
    infinite where there is no interval.

    Examples
    --------
    >>> find_effective_se(0.5, [2, 11, np.inf]).round(3)
    array([3.241, 0.568, 0.5  ])
    """
    half = find_half_width(se, count)
    return np.where(np.isnan(half), np.inf, half) / find_half_width(1.0, np.inf)


def find_fraction_ends(
    fraction: ArrayLike, count: ArrayLike, confidence: ArrayLike = CONFIDENCE
) -> tuple[Array, Array]:
    """Return the ends of the interval of a probability, given the fraction of so many trials.

    They are NaN where there is no trial.

    Examples
    --------
    >>> low, high = find_fraction_ends(0.0, 100)
    >>> float(low), round(float(high), 4)  # 1 - 0.025 ** (1 / 100)
    (0.0, 0.0362)
    """
    trials = np.asarray(count, float)
    trials = np.where(trials > 0, trials, np.nan)
    having = np.round(np.asarray(fraction) * trials)
    tail = (1 - np.asarray(confidence)) / 2
    others = trials - having
    low = np.where(having > 0, special.betaincinv(having, others + 1, tail), 0.0 * having)
    high = np.where(others > 0, special.betainccinv(having + 1, others, tail), 1.0 + 0.0 * having)
    return low, high


def find_median_ends(ordered: Array, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the ends of the interval of a median, two of the values.

    Parameters
    ----------
    ordered : ndarray, shape (n,)
        In ascending order; may be infinite. Where even the least and the largest value enclose the
        median too seldom, as of fewer than six at 95 %, the ends are NaN.

    Examples
    --------
    >>> find_median_ends(np.arange(1.0, 101.0))
    (40.0, 61.0)
    """
    size = len(ordered)
    if find_chance_of_agreement(size) > 1 - confidence:  # that all are on one side of the median
        return nan, nan
    below = ceil(special.bdtrik((1 - confidence) / 2, size, 0.5))  # a quantile of Binomial(n, 1/2)
    return float(ordered[below - 1]), float(ordered[size - below])


def linearise_ratio(part: Array, whole: Array, mean_part: Array, mean_whole: Array) -> Array:
    """Return values whose mean is the ratio of two means, and whose s.e. is the ratio's.

    They are NaN where the mean of the denominator is 0.

    Parameters
    ----------
    part, whole : ndarray, shape (n,)
        Observations of the numerator and of the denominator.
    mean_part, mean_whole : ndarray, shape (n,) or ()
        Their means, in each observation's group.
    """
    scale = np.where(mean_whole == 0, np.nan, mean_whole)
    ratio = mean_part / scale
    return ratio + (part - ratio * whole) / scale
