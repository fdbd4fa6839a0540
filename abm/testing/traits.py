"""What a maker declares about herself, verified in simulation."""

import numpy as np

from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.market.quotes import Side
from abm.numerics.arrays import Array
from abm.testing.bench import BENCHES, Bench
from abm.testing.trail import TOLERANCE, BrokenRuleError, require_nowhere

SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
SHOCKS = (0.5, 2.0)
REPLICATIONS, PERIODS = 20_000, 40
FEWEST_TRADES = 2_000
CHANCE = 4.0  # standard errors


def earns_nothing_if_so_declared(maker: MakerChoice) -> None:
    """If she declares `zero_profit`, neither side earns her anything where her belief is true.

    The value is drawn from what she believes. A profit of 0.01 noise sds a trade is found.
    """
    if not Bench().market(maker).makers[0].zero_profit:
        return
    trades = dict.fromkeys(SIDES, 0)
    for prior_sd in SHOCKS:
        for side, (profit, count) in _sum_earnings(maker, prior_sd).items():
            mean, error = profit.mean(), profit.std(ddof=1) / np.sqrt(REPLICATIONS)
            if abs(mean) > CHANCE * error:
                raise BrokenRuleError(
                    f"from traders who {SIDES[side]} she earned {mean:.4g} +- {error:.2g} a "
                    f"market, more than chance explains: {_describe_first_quote(maker, prior_sd)}"
                )
            trades[side] += count
    for side, count in trades.items():
        if count < FEWEST_TRADES:
            raise BrokenRuleError(
                f"only {count} traders {SIDES[side]}, too few to tell what she earns: "
                f"{_describe_first_quote(maker, SHOCKS[0])}"
            )


def _sum_earnings(maker: MakerChoice, prior_sd: float) -> dict[Side, tuple[Array, int]]:
    """Return what she earned of each side's traders in each replication, and their number."""
    market = Exchange(
        maker, prior_sd=prior_sd, value="redrawn", record="summary", replications=REPLICATIONS,
        rng=1,
    )  # fmt: skip
    earned = {side: (np.zeros(REPLICATIONS), 0) for side in SIDES}
    for _ in range(PERIODS):
        market.step()
        for side, (profit, trades) in earned.items():
            took = market.clearing.side == side
            gain = np.where(took, market.clearing.dealings[0].profit, 0.0)
            earned[side] = profit + gain, trades + int(took.sum())
    return earned


def _describe_first_quote(maker: MakerChoice, prior_sd: float) -> str:
    """Return what a maker quotes at first, in words."""
    return Bench(prior_sd, rows=(0,)).trail(maker).describe(0, 0)


def is_symmetric_if_so_declared(maker: MakerChoice) -> None:
    """If she declares `symmetric`, her bid and ask are as far from her belief's mean."""
    if not Bench().market(maker).makers[0].symmetric:
        return
    for bench in BENCHES:
        trail = bench.first_trail(maker)
        even = np.isclose(trail.ask - trail.mean, trail.mean - trail.bid, TOLERANCE, TOLERANCE)
        require_nowhere(~even, "bid and ask are not as far from the mean of her belief", trail)
