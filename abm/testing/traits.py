"""What a maker declares about herself, verified in simulation, and whether she heeds the law."""

from dataclasses import replace

import numpy as np

from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.market.laws import Law
from abm.market.quotes import Side
from abm.numerics.arrays import Array
from abm.participants.terms import Terms
from abm.testing.bench import UNDER_ALL_LAWS, UNDER_OTHER_LAWS, Bench, on_benches
from abm.testing.laws import OTHER_LAWS, as_traders
from abm.testing.trail import TOLERANCE, BrokenRuleError, require_nowhere

SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
REPLICATIONS = 20_000
FEWEST_TRADES = 2_000
CHANCE = 4.0  # standard errors


MARKETS = [Bench(shock, periods=40) for shock in (0.5, 2.0)]
"""Where her earnings are counted; after the first shock, a small one, she should trade."""


def honours_the_law(maker: MakerChoice) -> None:
    """She quotes whoever comes, or is refused when she is made, by a ValueError that names the law.

    Beside the paper's traders these are a mixture with some who know nothing of the value, and
    traders who learn from the tape.
    """
    for bench in UNDER_OTHER_LAWS:
        who, law = OTHER_LAWS[bench.make_law], bench.make_law(Terms.of(0.0, 1.0, 1.0, 1))
        try:
            bench.market(maker)
        except ValueError as error:
            if names_law(str(error), law):
                continue
            raise BrokenRuleError(
                f"where {who} she refuses, but not by name: say in the error that she does not "
                f"answer for a {type(law).__name__}, not only: {error}"
            ) from error
        except Exception as error:
            raise BrokenRuleError(
                f"where {who} she cannot be made: {type(error).__name__}: {error}: raise a "
                f"ValueError that names the law, {type(law).__name__}"
            ) from error
        try:
            trail = bench.first_trail(maker)
        except Exception as error:
            raise BrokenRuleError(
                f"where {who} she does not quote: {error}: quote by self.law, or refuse a "
                f"{type(law).__name__} in __init__, by a ValueError that names it"
            ) from error
        require_nowhere(~(trail.bid < trail.ask), f"where {who} the bid is too high", trail)


def names_law(message: str, law: Law) -> bool:
    """Return whether a message names a law, or one of the types that come under it."""
    return any(type(part).__name__ in message for part in [law, *(part for _, part in law.types)])


@on_benches(*MARKETS, *UNDER_OTHER_LAWS)
def earns_nothing_if_so_declared(maker: MakerChoice, bench: Bench) -> None:
    """If she declares `zero_profit`, neither side earns her anything where her belief is true.

    The value is drawn from what she believes, under each law that she honours. A profit of 0.01
    noise sds a trade is found under the paper's.
    """
    if not bench.market(maker).makers[0].zero_profit:
        return
    for side, (profit, trades) in _sum_earnings(maker, bench).items():
        mean, error = profit.mean(), profit.std(ddof=1) / np.sqrt(REPLICATIONS)
        if abs(mean) > CHANCE * error:
            raise BrokenRuleError(
                f"from traders who {SIDES[side]} she earned {mean:.4g} +- {error:.2g} a "
                f"market, more than chance explains: {_describe_first_quote(maker, bench)}"
            )
        if bench is MARKETS[0] and trades < FEWEST_TRADES:
            raise BrokenRuleError(
                f"only {trades} traders {SIDES[side]}, too few to tell what she earns: "
                f"{_describe_first_quote(maker, bench)}"
            )


def _sum_earnings(maker: MakerChoice, bench: Bench) -> dict[Side, tuple[Array, int]]:
    """Return what she earned of each side's traders in each replication, and their number."""
    market = Exchange(
        maker, as_traders(bench.make_law), prior_sd=bench.prior_sd, value="redrawn",
        record="summary", replications=REPLICATIONS, rng=1,
    )  # fmt: skip
    earned = {side: (np.zeros(REPLICATIONS), 0) for side in SIDES}
    for _ in range(bench.periods):
        market.step()
        for side, (profit, trades) in earned.items():
            took = market.clearing.side == side
            gain = np.where(took, market.clearing.dealings[0].profit, 0.0)
            earned[side] = profit + gain, trades + int(took.sum())
    return earned


def _describe_first_quote(maker: MakerChoice, bench: Bench) -> str:
    """Return what a maker quotes at first, in words."""
    return replace(bench, rows=(0,)).trail(maker).describe(0, 0)


@on_benches(*UNDER_ALL_LAWS)
def is_symmetric_if_so_declared(maker: MakerChoice, bench: Bench) -> None:
    """If she declares `symmetric`, her bid and ask are as far from her belief's mean."""
    if not bench.market(maker).makers[0].symmetric:
        return
    trail = bench.first_trail(maker)
    even = np.isclose(trail.ask - trail.mean, trail.mean - trail.bid, TOLERANCE, TOLERANCE)
    require_nowhere(~even, "bid and ask are not as far from the mean of her belief", trail)
