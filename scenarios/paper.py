"""Das and Magdon-Ismail (2008), reproduced: Fig. 1, 3a to 3c, 4a and 4b, and Theorem 2.1.

Every maker quotes alone, in an exchange of her own, and meets the same values and traders as the
others. The logs hold the size of shock SHOCK in full, and discounted profits for all sizes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from typer import Option

from abm import Exchange, Optimal
from abm.bellman import solve
from abm.door import whole
from abm.exchange import MOST_PERIODS, MOST_REPLICATIONS
from abm.glosten_milgrom import myopic_depth, zero_profit_depth
from abm.moments import Summary, merged, summary_frame
from abm.run_folder import RunFolder
from abm.schema import EXCHANGE, MAKER, MAKERS, MARKET, SUMMARY, TOTALS, Column
from abm.seating import MakerChoice
from abm.streams import LARGEST_SEED
from analysis import Run, figures, load, metrics
from analysis.claims import claims_table
from scenarios._paper_beliefs import write_posteriors
from scenarios._paper_claims import SHOCK, crossing, paper_claims, realised
from scenarios._terminal import progress, show_claims

SHOCKS = (0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0)
BLOCK = 10_000  # replications that are in memory at once

THEORY = (
    Column("prior_sd", "float64", "noise sd", "sd of the value after the shock"),
    Column("value", "float64", "noise sd", "the value function W there"),
)
POLICIES = (
    MAKER,
    Column("rho", "float64", "1", "information disadvantage"),
    Column("spread", "float64", "noise sd", "ask - bid there"),
)


class Setting(NamedTuple):
    """What the study depends on."""

    replications: int
    discount: float
    seed: int
    periods: int

    def blocks(self) -> list[int]:
        """Return the sizes of the blocks that the replications are worked through in."""
        whole("replications", self.replications, 2, MOST_REPLICATIONS)
        whole("periods", self.periods, 1, MOST_PERIODS)
        whole("seed", self.seed, 0, LARGEST_SEED)
        if self.replications > BLOCK and self.replications % BLOCK:
            raise ValueError(
                f"replications is {self.replications}, but above {BLOCK} they come in blocks: "
                f"give a multiple of {BLOCK}"
            )
        return [min(self.replications, BLOCK)] * max(1, self.replications // BLOCK)


class Point(NamedTuple):
    """One maker alone, in one world, after a shock of one size."""

    maker: str
    world: str
    prior_sd: float

    @property
    def in_full(self) -> bool:
        """Whether the logs hold this point period by period."""
        return self.world == "real" and self.prior_sd == SHOCK

    def choice(self, discount: float) -> MakerChoice:
        """Return the maker who quotes here."""
        return partial(Optimal, discount=discount) if self.maker == "optimal" else self.maker


POINTS = (
    *(Point("optimal", "real", shock) for shock in SHOCKS),
    *(Point("optimal", "gaussian", shock) for shock in SHOCKS),
    *(Point("myopic", "real", shock) for shock in SHOCKS),
    Point("zero-profit", "real", SHOCK),
)


def run(
    replications: Annotated[int, Option(help="Markets a point; past 10,000 a multiple.")] = 10_000,
    discount: Annotated[float, Option(help="Per period, from 0 to below 1.")] = 0.9,
    seed: Annotated[int, Option(help="Of all random draws.")] = 0,
    periods: Annotated[int, Option(help="Traders who arrive in each market.")] = 100,
    out: Annotated[Path, Option(help="Folder for logs, figures, claims.csv.")] = Path("runs/paper"),
) -> None:
    """Reproduce the figures and claims of Das and Magdon-Ismail (2008)."""
    setting = Setting(replications, discount, seed, periods)
    sizes = setting.blocks()
    with RunFolder(out, "paper", setting._asdict()) as folder:
        with progress(len(POINTS) * len(sizes) + 3) as advance:
            write_theory(folder, discount)
            advance("Bellman equation")
            for point in POINTS:
                write_point(folder, point, setting, advance)
            write_posteriors(folder, discount, seed, replications, periods)
            advance("exact posterior")
            folder.seal()
            log = load(folder.path)
            draw(log, folder.path)
            advance("figures")
        claims = paper_claims(log)
        claims_table(claims).to_csv(folder.path / "claims.csv", index=False)
    show_claims(claims, out)


def write_point(
    folder: RunFolder, point: Point, setting: Setting, advance: Callable[[str], None]
) -> None:
    """Simulate one point in blocks; write its totals, and at SHOCK its summary and record."""
    summary: Summary = []
    for block, size in enumerate(setting.blocks()):
        market = Exchange(
            point.choice(setting.discount), prior_sd=point.prior_sd, world=point.world,
            replications=size, block=block, rng=setting.seed,
        ).run(setting.periods)  # fmt: skip
        folder.write("totals", totals(market, point, setting.discount), TOTALS)
        if point.in_full:
            moments = market.tape.moments
            summary = merged(summary, moments) if block else moments
            if block == 0:
                write_record(folder, market, point)
        del market.tape  # a model and its agents refer to each other: it would stay for long
        advance(f"{point.maker}, sigma = {point.prior_sd:g}, {point.world} world")
    if point.in_full:
        table = summary_frame(summary).assign(exchange=point.maker)
        folder.write("summary", table, (EXCHANGE, *SUMMARY))


def totals(market: Exchange, point: Point, discount: float) -> pd.DataFrame:
    """Return each replication's discounted profit, and the sd of the belief at the end."""
    (maker,), (profit,) = market.makers, market.tape.discounted_profit(discount)
    return pd.DataFrame({
        "world": point.world, "prior_sd": point.prior_sd, "replication": market.replication,
        "maker": maker.label, "discounted_profit": profit, "belief_sd": maker.belief.sd,
    })  # fmt: skip


def write_record(folder: RunFolder, market: Exchange, point: Point) -> None:
    """Write every replication and period of a market."""
    folder.write("market", market.tape.market.assign(exchange=point.maker), (EXCHANGE, *MARKET))
    folder.write("makers", market.tape.makers.assign(exchange=point.maker), (EXCHANGE, *MAKERS))


def write_theory(folder: RunFolder, discount: float) -> None:
    """Write the value function over the shocks, and the spreads that the three makers choose."""
    solution = solve(discount)
    shock = np.union1d(np.linspace(0.0, max(SHOCKS), 601), SHOCKS)
    rho = np.linspace(0.0, 5.0, 501)
    valuation_sd = np.sqrt(1 + rho * rho)
    spreads = {
        "optimal": 2 * solution.half_spread(rho),
        "myopic": 2 * myopic_depth(rho) * valuation_sd,
        "zero-profit": 2 * zero_profit_depth(rho) * valuation_sd,
    }
    theory = pd.DataFrame({"prior_sd": shock, "value": solution.value_function(shock)})
    folder.write("theory", theory, THEORY)
    for maker, spread in spreads.items():
        folder.write(
            "policies", pd.DataFrame({"maker": maker, "rho": rho, "spread": spread}), POLICIES
        )


def draw(log: Run, folder: Path) -> None:
    """Draw the paper's six figures and one market's story, from the log alone."""
    summary = log.table("summary")
    of_makers = summary[summary["maker"].notna()]
    totals = realised(log)
    monopolists = totals[totals["maker"] != "zero-profit"]
    profits = metrics.estimates(monopolists, "realised", ["maker", "world", "prior_sd"])
    theory = log.table("theory")
    theory = theory[theory["prior_sd"] >= min(SHOCKS)]
    market, makers = (
        log.table(table, exchange="optimal", replication=0) for table in ("market", "makers")
    )
    drawn = {
        "fig-1-posteriors": figures.posteriors(log.table("posteriors")),
        "fig-3a-discounted-profit": figures.discounted_profit(profits, theory),
        "fig-3b-spread-by-rho": figures.spread_by_rho(log.table("policies"), crossing(log)),
        "fig-3c-profit": figures.profit_by_period(metrics.from_summary(of_makers, "profit")),
        "fig-4a-spread": figures.spread_by_period(metrics.from_summary(of_makers, "spread")),
        "fig-4b-no-trade": figures.no_trade_by_period(metrics.from_summary(summary, "no_trade")),
        "one-market": figures.one_market(market, makers),
    }
    for name, figure in drawn.items():
        figure.savefig(folder / f"{name}.png", dpi=150)
