"""How U is fitted: policy iteration on sampled posteriors, by least-squares temporal differences.

See `abm.bellman.exact`; `python -m abm.bellman.exact.fit 0.9` writes the fit into `value.csv`.
"""

import sys

import numpy as np
import pandas as pd

from abm.beliefs.grid import GridBelief
from abm.beliefs.points import PointBelief
from abm.beliefs.window import iterate_chunks
from abm.bellman.exact.lookahead import prospects
from abm.bellman.exact.quotes import best_quote
from abm.bellman.exact.value import FITTED, KNOTS, SHAPES, ExactValue, features
from abm.bellman.search import NotConvergedError
from abm.bellman.solution import Solution
from abm.bellman.solver import solve
from abm.market.quotes import Quote
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor

LAW = NoisyValuation(1.0)
PRIORS = (0.2, 11.0)  # sds, drawn evenly in their logarithms
MARKETS, PERIODS, SEED = 1_000, 10, 13
WILDNESS = (0.0, 0.15, 0.4)  # log sds of the perturbed half-spreads, one a market
SHIFT = 0.7  # sd of the perturbed mid, in units of wildness times half-spread
ROUNDS = 20
TOLERANCE = 1e-5  # noise sds: U at the sample changes by less in the last round


def sample_beliefs(solution: Solution, markets: int, periods: int, seed: int) -> list[PointBelief]:
    """Return exact beliefs after 1 to `periods` signals, reached under perturbed quotes."""
    rng = np.random.default_rng(seed)
    prior = np.exp(rng.uniform(np.log(PRIORS[0]), np.log(PRIORS[1]), markets))
    value = prior * rng.normal(size=markets)
    wildness = rng.choice(WILDNESS, markets)
    belief: PointBelief = GridBelief(np.zeros(markets), prior)
    beliefs = []
    for _ in range(periods):
        half_spread = solution.half_spread(belief.sd)
        below, above, shift = wildness * rng.normal(size=(3, markets))
        mid = belief.mean + SHIFT * shift * half_spread
        quote = Quote(mid - half_spread * np.exp(below), mid + half_spread * np.exp(above))
        side = quote.side(value + rng.normal(size=markets))
        belief = belief.revise(LAW.likelihood(quote, side))
        beliefs.append(belief)
    return beliefs


def fit(
    discount: float, *, markets: int = MARKETS, periods: int = PERIODS, seed: int = SEED
) -> ExactValue:
    """Return the value function fitted to a sample of beliefs (see `sample_beliefs`).

    Raises
    ------
    NotConvergedError
        If U still moves after ROUNDS policies.
    """
    beliefs = sample_beliefs(solve(discount), markets, periods, seed)
    size = len(KNOTS) - 2
    value_function = ExactValue(discount, np.zeros((size, 5)))
    for _ in range(ROUNDS):
        equations = [_equations(value_function, belief) for belief in beliefs]
        x, ahead, gain = (np.concatenate(parts) for parts in zip(*equations, strict=True))
        theta = np.linalg.solve(x.T @ (x - discount * ahead), x.T @ gain).reshape(size, 5)
        change = np.abs(x @ (theta - value_function.coefficients).ravel()).max()
        value_function = ExactValue(discount, theta)
        if change < TOLERANCE:
            return value_function
    raise NotConvergedError(
        f"the value of exact beliefs at discount {discount} still moves by {change:.1e} after "
        f"{ROUNDS} policies: give more markets or another seed"
    )


def _equations(value_function: ExactValue, belief: PointBelief) -> tuple[Array, Array, Array]:
    """Return x, the expected x' and r + discount W' - W at the best quotes."""
    quote = best_quote(value_function, belief, LAW)
    parts = []
    for chunk in iterate_chunks(belief.windows):
        rows = chunk.rows[:, np.newaxis]
        quoted = prospects(chunk, LAW, quote.bid[rows], quote.ask[rows])
        gain = quoted.profit
        ahead = np.zeros((*gain.shape, value_function.coefficients.size))
        for signal in quoted.signals:
            weight = value_function.discount * signal.probability
            gain = gain + weight * value_function.value_if_gaussian(signal.sd)
            ahead = ahead + signal.probability[..., np.newaxis] * features(*signal[1:])
        now = features(chunk.sd, chunk.skewness, chunk.excess_kurtosis)
        parts.append(
            (now, ahead[:, 0, 0], gain[:, 0, 0] - value_function.value_if_gaussian(chunk.sd))
        )
    now, ahead, gain = (np.concatenate(part) for part in zip(*parts, strict=True))
    return now, ahead, gain


def main(discounts: list[str]) -> None:
    """Fit these discounts, and write the coefficients into `value.csv`."""
    for discount in map(discount_factor, map(float, discounts)):
        fitted = pd.DataFrame(fit(discount).coefficients.round(6), columns=list(SHAPES))
        fitted.insert(0, "sd", KNOTS[1:-1])
        fitted.insert(0, "discount", discount)
        others = pd.read_csv(FITTED, dtype="str").astype(float).query("discount != @discount")
        table = pd.concat([others, fitted]).sort_values(["discount", "sd"])
        table.to_csv(FITTED, index=False)
        print(f"fitted discount {discount} to {MARKETS * PERIODS} posteriors")


if __name__ == "__main__":
    main(sys.argv[1:])
