"""One jump among many that were expected: how makers' quotes take it.

In every period makers expect a jump with a small probability. It comes once, in all markets at
once, and either everybody is told or nobody is. Das (2005) found two regimes: a wide spread after a
jump, while the new value is searched for, and a narrow one once it is known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from abm.exchange.model import Exchange
from abm.makers.optimal import Optimal
from abm.makers.zero_profit import ZeroProfit
from abm.market.moves import STILL, Move
from abm.market.random_streams import Draws
from abm.market.values import ValueProcess
from abm.numerics.arrays import Array
from abm.participants.maker import MarketMaker
from abm.runs.folder import RunFolder
from abm.runs.schema import PERIOD, REPLICATION, Column
from analysis import Run, metrics
from analysis.results import ESTIMATE_COLUMNS, estimate_metrics

SIZE = 3.0  # its sd, in noise sds
EXPECTED = 0.01  # probability with which it is expected in a period
SHOCK = 1.0  # at first
AROUND = 5  # a fifth of the periods before the jump are compared with as many later ones
KEYS = ["told", "maker"]
TOLD = {True: "announced", False: "unannounced"}
LOGGED = (
    Column("told", "category", "", "whether the jump is announced"),
    Column("maker", "category", "", "who quotes, and on which belief"),
    REPLICATION,
    PERIOD,
    Column("spread", "float64", "price", "ask - bid"),
    Column("belief_error", "float64", "price", "|mean of her belief - value|"),
)


@dataclass(frozen=True)
class OneJump(ValueProcess):
    """The value jumps once, and is expected to in any period.

    Parameters
    ----------
    when : int
        The period of the jump.
    announced : bool
        Whether everybody is told.
    """

    when: int
    announced: bool

    def foresee(self) -> Move:
        """Return the jump that is expected."""
        return Move(EXPECTED, SIZE)

    def move(self, value: Array, period: int, draws: Draws) -> tuple[Array, Move]:
        """Return the value, and that it has jumped or has not if that is told."""
        jumps = period == self.when
        told = Move(1.0, SIZE) if jumps else STILL
        value = value + SIZE * draws.normal() if jumps else value
        return value, told if self.announced else self.foresee()


def list_makers(discount: float) -> dict[str, Callable[..., MarketMaker]]:
    """Return makers with their beliefs, by name."""
    return {
        "optimal": partial(Optimal, discount=discount),
        "zero-profit": ZeroProfit,
        "zero-profit, exact": partial(ZeroProfit, belief="exact"),
    }


def write_shock(folder: RunFolder, markets: int, periods: int, discount: float, seed: int) -> None:
    """Write spreads and errors of every maker, a jump amid these periods told or not."""
    for announced, told in TOLD.items():
        for name, maker in list_makers(discount).items():
            process = OneJump(periods // 2, announced)
            market = Exchange(maker, value=process, prior_sd=SHOCK, replications=markets, rng=seed)
            tape = market.run(periods).tape
            log = tape.makers
            measured = log.assign(
                spread=metrics.spread(log), belief_error=metrics.belief_error(log, tape.market)
            )
            folder.write("shock", measured.assign(told=told, maker=name), LOGGED)


def estimate_shock(log: Run) -> pd.DataFrame:
    """Return estimates of the spread and the belief's error by period."""
    table = log.table("shock").astype(dict.fromkeys(KEYS, "str"))
    parts = [
        metrics.by_period(table, metric, ["told"]).assign(metric=metric)
        for metric in ("spread", "belief_error")
    ]
    return pd.concat(parts)[[*KEYS, "period", "metric", *ESTIMATE_COLUMNS]]


def estimate_regimes(log: Run) -> pd.DataFrame:
    """Return estimates of mean spreads before and after the jump, and of the difference.

    `before`, `after` and `late` are as many periods each: the last before the jump; those once a
    trader has come after it, for before nothing shows it; and the last of all.
    """
    table = log.table("shock").astype(dict.fromkeys(KEYS, "str"))
    last = int(table["period"].max())
    jump = (last + 1) // 2
    around = max(1, jump // AROUND)
    starts = {"before": jump - around, "after": jump + 1, "late": last - around + 1}
    by = [*KEYS, "replication"]
    means = pd.DataFrame(
        {
            name: table[table["period"].between(start, start + around - 1)]
            .groupby(by, sort=False)["spread"]
            .mean()
            for name, start in starts.items()
        }
    ).reset_index()
    means["widening"] = means["after"] - means["before"]
    return estimate_metrics(means, (*starts, "widening"), KEYS)
