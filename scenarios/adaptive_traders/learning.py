"""How fast makers learn from thousands of traders: from the paper's, and from those who learn too.

A trader takes a part K I(q) off the variance x of a Gaussian belief on average, K the share of it
that a valuation explains (`abm.one_period.depths.find_information`). Once x is small, K is x for
the paper's traders, in noise sds, and x^3 / need^2 by Bayes' rule: who has nearly learnt the value
hardly follows what she sees herself. So after n traders

    x n       -> 1 / I                      (the paper's)
    x n^(1/3) -> (need^2 / (3 I))^(1/3)     (Bayes' rule; Vives 1993, Review of Economic Studies 60)

with I at the depth that a maker quotes in the end: 0 where she earns nothing, and for a monopolist
the best one before traders who know no more than she does.
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from abm import Exchange
from abm.makers.optimal import Optimal
from abm.one_period.depths import find_information, myopic_depth
from abm.runs.folder import RunFolder
from abm.runs.schema import MAKER, REPLICATION, Column
from abm.traders import AdaptiveTrader
from analysis import Run
from analysis.results import estimate_metrics

NEED = 1.0  # of those who apply Bayes' rule
NEEDS = {0.0: 0.0, 1.0: NEED}  # by weight: the paper's traders, and those
SHOCK = 1.0  # small, so that learning is soon as slow as it will be
MARKETS = 100
STEPS = 4  # in which beliefs are looked at while the number of traders grows tenfold
KEYS = ["weight", "maker"]
MEASURED = ("variance", "constant", "rate")

LOGGED = (
    Column("weight", "float64", "1", "what traders give the tape"),
    MAKER,
    REPLICATION,
    Column("traders", "int64", "1", "who have come"),
    Column("variance", "float64", "price squared", "of the maker's belief after them"),
)


class Decay(NamedTuple):
    """Variance falls as constant * n^-rate in the number n of traders."""

    rate: float
    constant: float


@cache
def find_decay(weight: float, maker: str) -> Decay:
    """Return by which law the variance of a maker's belief falls in the end."""
    depth = float(myopic_depth(0.0)) if maker == Optimal.name else 0.0
    information = float(find_information(depth))
    if weight == 0.0:
        return Decay(1.0, 1 / information)
    return Decay(1 / 3, (NEED**2 / (3 * information)) ** (1 / 3))


def list_counts(traders: int) -> list[int]:
    """Return the numbers of traders after which beliefs are looked at, the last `traders`."""
    steps = int(STEPS * np.log10(traders))
    counts = traders / 10 ** (np.arange(steps, -1, -1) / STEPS)
    return sorted({round(count) for count in counts})


def write_learning(folder: RunFolder, traders: int, discount: float, seed: int) -> None:
    """Write the variances of makers' beliefs in long markets."""
    for weight, need_sd in NEEDS.items():
        for maker in (partial(Optimal, discount=discount), "zero-profit"):
            kind = partial(AdaptiveTrader, weight=weight, need_sd=need_sd)
            market = Exchange(maker, kind, prior_sd=SHOCK, replications=MARKETS, rng=seed)
            (quoting,) = market.makers
            for count in list_counts(traders):
                market.run(count - market.period)
                found = {"replication": market.replication, "traders": count}
                table = pd.DataFrame(found).assign(
                    weight=weight, maker=quoting.name, variance=quoting.require_belief().sd ** 2
                )
                folder.write("long_markets", table, LOGGED)


def estimate_learning(log: Run) -> pd.DataFrame:
    """Return by the number n of traders: variance, and constant and rate of its fall, as estimates.

    The constant is variance * n^rate by the law's rate; the rate is that of the last tenfold of
    traders. The column `law` has what both become.
    """
    table = log.table("long_markets")
    decays = [find_decay(*key) for key in zip(table["weight"], table["maker"], strict=True)]
    earlier = table.groupby([*KEYS, "replication"], observed=True).shift(STEPS)
    fallen = np.log(earlier["variance"] / table["variance"])
    table["rate"] = fallen / np.log(table["traders"] / earlier["traders"])
    table["constant"] = table["variance"] * table["traders"] ** [decay.rate for decay in decays]
    table["law"] = [f"{decay.constant:.4f} n^-{decay.rate:.4g}" for decay in decays]
    return estimate_metrics(table, MEASURED, [*KEYS, "law", "traders"]).dropna(subset="mean")
