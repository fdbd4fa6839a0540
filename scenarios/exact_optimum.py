"""How far from the optimum: what the paper assumes of quotes and beliefs, put to the test.

What the monopolist could earn on exact beliefs is not known. Policies are measured by an identity:
for any policy and any function U of beliefs, with B U a policy's expected profit of a period and
discount times the expected U after it,

    W(policy) = U(prior) + E[sum over t of discount^t (B U - U)(belief t)]

Beside the maker of each policy an assessor adds up the right side, U being the fitted value of
exact beliefs: as that is nearly right, there is little to add and little to be unsure of.

With B the best of all policies, B U - U is the residual of the optimality equation. No policy can
earn more than U(prior) and the discounted sum of the largest residuals on its way. The largest on
the ways of the best policy known, of random quotes and of quotes chosen to find large ones take
their place here: a certificate on so many beliefs, and no theorem. Revealing every valuation is
one (see `abm.bellman.bounds`).
"""

import numpy as np
import pandas as pd

from abm.bellman import solve
from abm.bellman.asymmetric import curvature, free_backup
from abm.bellman.bounds import revealed_bound
from abm.bellman.exact.value import WIDEST, load_fitted
from abm.experiment import Experiment, grid
from abm.numerics.checks import one_in
from abm.runs.folder import RunFolder
from analysis import Run, metrics
from analysis.precision import interval
from analysis.results import ESTIMATE_COLUMNS, format_estimates, with_point_parameters
from scenarios._common.study import (
    Discount,
    How,
    Out,
    Periods,
    Replications,
    Resume,
    Seed,
    Shocks,
    Verify,
    Workers,
    carried_out,
    numbers,
    write_tables,
)
from scenarios._common.terminal import say, say_where, show_table
from scenarios._optimum_markets import POLICIES, PolicyMarkets

COMPARED = ["Gaussian belief", "Gaussian rule", "exact-optimal"]
CERTIFIED = ["exact-optimal", "random quotes", "adversarial quotes"]
KEYS = ["prior_sd", "policy"]
GAINS = {"exact - belief": "Gaussian belief", "exact - rule": "Gaussian rule"}
SHOWN = (*COMPARED, *GAINS, "residual bound", "relaxation bound")
RHO = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 11.0, 13.0])  # where skews are tried


def run(
    prior_sd: Shocks = "1,3,5",
    replications: Replications = 4_000,
    discount: Discount = 0.9,
    seed: Seed = 0,
    periods: Periods = 60,
    out: Out = "runs/exact-optimum",
    workers: Workers = "1",
    resume: Resume = False,
    verify: Verify = False,
) -> None:
    """Measure how far from the optimum the monopolist is whose beliefs are kept normal."""
    load_fitted(discount)
    shocks = numbers("prior_sd", prior_sd)
    for shock in shocks:
        one_in("prior_sd", shock, 0.0, WIDEST)
    experiment = Experiment(
        grid(policy=POLICIES, prior_sd=shocks), PolicyMarkets(discount),
        replications=replications, periods=periods, seed=seed,
    )  # fmt: skip
    parameters = {
        "prior_sd": prior_sd, "replications": replications, "discount": discount, "seed": seed,
        "periods": periods,
    }  # fmt: skip
    how = How(out, workers, resume, verify)
    log = carried_out("exact-optimum", experiment, parameters, how, write)
    table = log.csv("results.csv", ["metric"])
    beliefs = log.csv("residuals.csv", ["policy"]).groupby("prior_sd")["count"].sum().max()
    say(
        f"The worth of policies in the real world, with 95 % confidence intervals, and two bounds "
        f"on what any can earn: one certified on {beliefs} beliefs a shock only, more of which "
        f"might raise it, the other proven. What "
        f"comes after {periods} periods, {discount**periods:.2%} of the weight, is taken to be "
        f"worth what the fitted value says:"
    )
    show_table(format_estimates(table, SHOWN))
    say(
        "Both depths free in the Gaussian world: by how much W misses that equation, what a skew "
        "of the quotes gains, the best depth and skew, and how sharp the peak is in the skew, "
        "next to the depth:"
    )
    show_table(log.csv("symmetry.csv", []).round(8) + 0.0)
    say_where(out)


def write(folder: RunFolder, log: Run) -> None:
    """Write what policies are worth, the residuals, and whether symmetric quotes are optimal."""
    residuals = with_point_parameters(log.blocks("residuals"), log, KEYS)
    discount = log.parameters["discount"]
    write_tables(
        folder,
        {
            "results": results(log, residuals, discount), "residuals": by_period(residuals),
            "symmetry": symmetry(discount),
        },
    )  # fmt: skip


def results(log: Run, residuals: pd.DataFrame, discount: float) -> pd.DataFrame:
    """Return one row a shock and metric of SHOWN, and of the other policies."""
    worth = with_point_parameters(log.blocks("worth"), log, KEYS)
    means = metrics.estimates(worth, "worth", KEYS).rename(columns={"policy": "metric"})
    gains = [
        metrics.paired_difference(
            worth, "worth", "exact-optimal", other, between="policy", by=["prior_sd"]
        ).assign(metric=name)
        for name, other in GAINS.items()
    ]
    shocks = sorted(means["prior_sd"].unique())
    found = residuals[residuals["policy"].isin(CERTIFIED)]
    certified = [
        residual_bound(shock, found[found["prior_sd"] == shock], discount) for shock in shocks
    ]
    size = {"prior_sd": shocks, "count": means["count"].max()}
    bounds = [
        pd.DataFrame(size | {"metric": "residual bound", "mean": certified}),
        pd.DataFrame(
            size
            | {"metric": "relaxation bound", "mean": revealed_bound(discount, shocks), "se": 0.0}
        ),
    ]
    return interval(pd.concat([means, *gains, *bounds]))[["prior_sd", "metric", *ESTIMATE_COLUMNS]]


def residual_bound(shock: float, residuals: pd.DataFrame, discount: float) -> float:
    """Return U(prior) and the discounted sum of the largest residuals, the last one's for ever."""
    highest = residuals.groupby("period")["highest"].max().to_numpy()
    later = np.maximum(highest[1:], 0.0) * discount ** np.arange(1, len(highest))
    rest = discount ** len(highest) / (1 - discount) * max(highest[-1], 0.0)
    nothing = np.zeros(())
    prior = load_fitted(discount)(np.asarray(shock), nothing, nothing)
    return float(prior + highest[0] + later.sum() + rest)


def by_period(residuals: pd.DataFrame) -> pd.DataFrame:
    """Return mean and sd of the residuals, and their extremes, by shock, policy and period."""
    rows = residuals[residuals["policy"].isin(CERTIFIED)].assign(metric="residual")
    keys = [*KEYS, "period"]
    means = metrics.estimates(rows, "residual", keys)
    extremes = rows.groupby(keys).agg(lowest=("lowest", "min"), highest=("highest", "max"))
    return means.merge(extremes.reset_index(), on=keys)


def symmetry(discount: float) -> pd.DataFrame:
    """Return, over rho, what free depths add to the symmetric policy, and how sharp its peak is."""
    solution = solve(discount)
    found = free_backup(solution, RHO)
    depth, skew = curvature(solution, RHO)
    return pd.DataFrame(
        {
            "rho": RHO, "W": found.before, "residual": found.value - found.before,
            "gain": found.gain, "depth": found.depth, "skew": abs(found.skew),
            "sharpness": skew / depth,
        }
    )  # fmt: skip
