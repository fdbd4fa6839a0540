"""A bound on what any monopolist can earn: every trader's valuation is revealed after the trade.

A maker who learns each w = V + noise also knows on which side of any price it was, so every policy
of the market is open to her and she does no worse (information relaxation: Brown, Smith and Sun
2010, Operations Research 58, 785-801). But what she learns does not depend on her quotes: after t
traders her exact belief is a normal with 1 / sd^2 = 1 / prior_sd^2 + t / noise_sd^2, and the myopic
quote is optimal. With r the expected profit of a period, in noise sds,

    W <= sum over t of discount^t max over q of r(rho_t, q),    1 / rho_t^2 = 1 / rho^2 + t

for exact beliefs of any shape along the way.
"""

import numpy as np
from numpy.typing import ArrayLike

from abm.bellman.stage import stage
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor, require_in_range, require_positive_factors
from abm.one_period.depths import myopic_depth

MOST_PATIENT = 0.9999  # at this discount 300,000 periods are summed
REST = 1e-13  # discounted weight of the periods that are computed as if V were known


@np.errstate(under="ignore")
def compute_revealed_bound(discount: float, rho: ArrayLike) -> Array:
    """Return an upper bound on the monopolist's value at a Gaussian prior, in noise sds.

    ValueError unless the discount is from 0 to 0.9999, and every rho, prior sd / noise sd, above
    zero and at most 1e9.
    """
    discount, first = discount_factor(discount), require_positive_factors("rho", rho)
    require_in_range("discount", discount, -1.0, MOST_PATIENT)
    periods = int(np.ceil(np.log(REST) / np.log(discount))) if discount > 0 else 1
    later = np.arange(periods)
    after = first[..., np.newaxis] / np.sqrt(1 + later * np.square(first[..., np.newaxis]))
    profit = stage(after, myopic_depth(after)).profit
    known = stage(np.zeros(1), myopic_depth(np.zeros(1))).profit
    return (discount**later * profit).sum(axis=-1) + discount**periods / (1 - discount) * known[0]
