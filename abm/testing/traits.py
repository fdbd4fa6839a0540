"""What a maker declares about herself, verified in simulation."""

import numpy as np

from abm.exchange import Exchange
from abm.seating import MakerChoice
from abm.testing.bench import BENCHES, TOLERANCE, Bench, BrokenRuleError, broken

SHOCKS = (0.5, 2.0)
REPLICATIONS, PERIODS = 4_000, 25
FEWEST_TRADES = 2_000
CHANCE = 4.0  # standard errors


def earns_nothing_if_so_declared(maker: MakerChoice) -> None:
    """If she declares `zero_profit`, she earns nothing where the value is what she believes."""
    if not Bench().market(maker).makers[0].zero_profit:
        return
    for prior_sd in SHOCKS:
        market = Exchange(
            maker, prior_sd=prior_sd, world="gaussian", record="summary",
            replications=REPLICATIONS, rng=1,
        )  # fmt: skip
        profit, trades = np.zeros(REPLICATIONS), 0
        for _ in range(PERIODS):
            market.step()
            (dealing,) = market.clearing.dealings
            profit, trades = profit + dealing.profit, trades + int(dealing.filled.sum())
        mean, error = profit.mean(), profit.std(ddof=1) / np.sqrt(REPLICATIONS)
        found = f"at a shock of {prior_sd:g} she earned {mean:.4g} +- {error:.2g} a market"
        if trades < FEWEST_TRADES:
            raise BrokenRuleError(f"{found}, but on {trades} trades, too few to tell")
        if abs(mean) > CHANCE * error:
            raise BrokenRuleError(f"{found}, on {trades} trades, which is no chance")


def is_symmetric_if_so_declared(maker: MakerChoice) -> None:
    """If she declares `symmetric`, her bid and ask are as far from her belief's mean."""
    if not Bench().market(maker).makers[0].symmetric:
        return
    for bench in BENCHES:
        trail = bench.trail(maker)
        gap = np.abs(0.5 * (trail.bid + trail.ask) - trail.mean)
        far = TOLERANCE * np.maximum(1.0, np.abs(trail.mean))
        broken("bid and ask are not as far from the mean of her belief", trail, ~(gap <= far))
