"""How the value of exact beliefs is fitted: policy iteration on sampled posteriors.

Posteriors are reached under the Gaussian rule on exact moments, with quotes perturbed at random.
At each, the quote that is best for the present U has an exact expected profit r, and the expected
W' and features x' of the next posterior, so that nothing needs to be simulated further. With x the
features now, U = W + x theta solves U = r + discount E[U'] on the sample as far as it can:

    X^T (X - discount X') theta = X^T (r + discount W' - W)

(least-squares temporal differences: Bradtke and Barto 1996, Machine Learning 22, 33-57). Then
quotes are searched for again, until U converges. `python -m abm.bellman.exact.fit 0.9` writes what
it finds beside `abm.bellman.exact.value`.
"""

import sys

import numpy as np
import pandas as pd

from abm.beliefs.grid import GridBelief
from abm.bellman.exact.lookahead import prospects
from abm.bellman.exact.quotes import best_quote
from abm.bellman.exact.value import FITTED, KNOTS, SHAPES, ExactValue, features
from abm.bellman.solution import Solution
from abm.bellman.solver import solve
from abm.market.quotes import Quote
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor

LAW = NoisyValuation(1.0)
PRIORS = (0.2, 11.0)  # sds, drawn evenly in their logarithms
MARKETS, PERIODS, SEED = 1_000, 10, 13
WILDNESS = (0.0, 0.15, 0.4)  # log sds of the perturbations, one a market
SHIFT = 0.7  # of both prices, in wildnesses and half-spreads
ROUNDS = 20
SETTLED = 1e-5  # noise sds, of U at the sample


class NotSettledError(RuntimeError):
    """Policy iteration did not settle."""


def sampled(solution: Solution, markets: int, periods: int, seed: int) -> list[GridBelief]:
    """Return exact beliefs after 1 to `periods` signals, reached under perturbed quotes."""
    rng = np.random.default_rng(seed)
    prior = np.exp(rng.uniform(np.log(PRIORS[0]), np.log(PRIORS[1]), markets))
    value = prior * rng.normal(size=markets)
    wildness = rng.choice(WILDNESS, markets)
    belief, beliefs = GridBelief(np.zeros(markets), prior), []
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
    """Return the fitted value function.

    Parameters
    ----------
    discount : float
        Per period.
    markets, periods, seed : int
        Of the sample.

    Raises
    ------
    NotSettledError
        If U still moves after ROUNDS policies.
    """
    beliefs = sampled(solve(discount), markets, periods, seed)
    size = len(KNOTS) - 2
    value = ExactValue(discount, np.zeros((size, 5)))
    for _ in range(ROUNDS):
        equations = [_equations(value, belief) for belief in beliefs]
        x, ahead, gain = (np.concatenate(parts) for parts in zip(*equations, strict=True))
        theta = np.linalg.solve(x.T @ (x - discount * ahead), x.T @ gain).reshape(size, 5)
        change = np.abs(x @ (theta - value.coefficients).ravel()).max()
        value = ExactValue(discount, theta)
        if change < SETTLED:
            return value
    raise NotSettledError(
        f"the value of exact beliefs at discount {discount} still moves by {change:.1e} after "
        f"{ROUNDS} policies: give more markets or another seed"
    )


def _equations(value: ExactValue, belief: GridBelief) -> tuple[Array, Array, Array]:
    """Return features, the expected next ones, and r + discount W' - W at the best quotes."""
    quote = best_quote(value, belief, LAW)
    parts = []
    for chunk in belief.chunks():
        at = chunk.rows[:, np.newaxis]
        found = prospects(chunk, LAW, quote.bid[at], quote.ask[at])
        gain = found.profit
        ahead = np.zeros((*gain.shape, value.coefficients.size))
        for one in found.signals:
            gain = gain + value.discount * one.probability * value.gaussian(one.sd)
            ahead = ahead + one.probability[..., np.newaxis] * features(*one[1:])
        now = features(chunk.sd, chunk.skewness, chunk.excess_kurtosis)
        parts.append((now, ahead[:, 0, 0], gain[:, 0, 0] - value.gaussian(chunk.sd)))
    now, ahead, gain = (np.concatenate(part) for part in zip(*parts, strict=True))
    return now, ahead, gain


def main(discounts: list[str]) -> None:
    """Fit these discounts, and write the coefficients into `value.csv`."""
    tables = [pd.read_csv(FITTED)]
    for discount in map(discount_factor, map(float, discounts)):
        value = fit(discount)
        table = pd.DataFrame(value.coefficients.round(6), columns=list(SHAPES))
        table.insert(0, "sd", KNOTS[1:-1])
        table.insert(0, "discount", discount)
        tables = [*(known[known["discount"] != discount] for known in tables), table]
        pd.concat(tables).sort_values(["discount", "sd"]).to_csv(FITTED, index=False)
        print(f"fitted discount {discount} to {MARKETS * PERIODS} posteriors")


if __name__ == "__main__":
    main(sys.argv[1:])
