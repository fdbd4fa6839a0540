"""How far from the optimum: what the paper assumes of quotes and beliefs, put to the test.

What the monopolist could earn on exact beliefs is not known. Policies are measured by an identity:
for any policy and any function U of beliefs, with B U the policy's expected profit of a period plus
discount times the expected U after it,

    W(policy) = U(prior) + E[sum over t of discount^t (B U - U)(belief t)]

Beside the maker of each policy an assessor adds up the right side, U being the fitted value of
exact beliefs: as that is nearly right, the sum is small and so is its sampling error. On Gaussian
beliefs the sum has a heavy tail: rare histories mislead the maker, and cost her much. Where too few
markets hold such histories (`abm.numerics.intervals.is_skewed`), the interval is not to be trusted,
and a warning says so.

With B the best of all policies, B U - U is the residual of the optimality equation. No policy can
earn more than U(prior) plus the discounted sum of the largest residuals over all beliefs. Here the
largest is taken over the beliefs reached by `ExactOptimal`, by random quotes and by quotes chosen
to find large residuals. That is the maximum of a sample: an estimate from below of the bound, which
other beliefs may raise. The bound by revealing every valuation holds for every policy (proof in
`abm.bellman.bounds`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from abm.bellman import solve
from abm.bellman.asymmetric import curvature, free_backup
from abm.bellman.bounds import compute_revealed_bound
from abm.bellman.exact.value import WIDEST, load_fitted
from abm.experiment import Simulation, grid
from abm.experiment.points import Point
from abm.numerics.checks import require_in_range
from analysis import Run, metrics
from analysis.results import ESTIMATE_COLUMNS, format_estimates, with_point_parameters
from analysis.skewness import describe_skewed, skewness_of
from scenarios._common import options as option
from scenarios._common.options import parse_numbers
from scenarios._common.study import Study, Tables
from scenarios._common.terminal import say, show_table
from scenarios.exact_optimum.markets import POLICIES, add_assessor, keep_residuals

COMPARED = ["Gaussian belief", "Gaussian rule", "exact-optimal"]
EXAMINED = ["exact-optimal", "random quotes", "adversarial quotes"]
KEYS = ["prior_sd", "policy"]
GAINS = {"exact - belief": "Gaussian belief", "exact - rule": "Gaussian rule"}
SHOWN = (*COMPARED, *GAINS, "residual bound", "relaxation bound")
RHO = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 11.0, 13.0])  # where skews are tried


@dataclass(frozen=True, kw_only=True)
class ExactOptimum(Study):
    """Measure how far from the optimum the monopolist with Gaussian beliefs is."""

    prior_sd: option.Shocks = "1,3,5"
    replications: option.Replications = 4_000
    periods: option.Periods = 60

    def list_points(self) -> list[Point]:
        """Return each policy at each shock, up to the largest that was fitted."""
        load_fitted(self.discount)
        shocks = parse_numbers("prior_sd", self.prior_sd)
        for shock in shocks:
            require_in_range("prior_sd", shock, 0.0, WIDEST)
        return grid(policy=POLICIES, prior_sd=shocks)

    def make_simulation(self) -> Simulation:
        """Return a simulation with an assessor beside each maker."""
        return Simulation(self.discount, exchange_of=add_assessor, keep=keep_residuals)

    def make_tables(self, log: Run) -> Tables:
        residuals = with_point_parameters(log.blocks("residuals"), log, KEYS)
        return {
            "results": estimate_results(log, residuals, self.discount),
            "residuals": summarise_residuals(residuals),
            "symmetry": measure_symmetry(self.discount),
            "skewness": measure_worth_skewness(log),
        }

    def show(self, tables: Tables) -> None:
        beliefs = tables["residuals"].groupby("prior_sd")["count"].sum().max()
        say(
            f"Discounted profit of policies with a fixed value, with 95 % confidence intervals, "
            f"and two bounds on that of any policy: one from the largest residual found on "
            f"{beliefs} beliefs a shock, which others might raise, the other proven. Profit after "
            f"{self.periods} periods, {self.discount**self.periods:.2%} of the weight, is taken "
            f"from the fitted value function:"
        )
        show_table(format_estimates(tables["results"], SHOWN))
        if warning := describe_skewed(tables["skewness"]):
            say(warning)
        say(
            "Bid and ask free in the Gaussian world: the residual of W in that equation, the gain "
            "from a skew of the quotes, the best depth and skew, and the curvature in the skew "
            "relative to that in the depth:"
        )
        show_table(tables["symmetry"].round(8) + 0.0)


def estimate_results(log: Run, residuals: pd.DataFrame, discount: float) -> pd.DataFrame:
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
    sought = residuals[residuals["policy"].isin(EXAMINED)]
    sampled = [
        bound_by_residuals(shock, sought[sought["prior_sd"] == shock], discount) for shock in shocks
    ]
    size = {"prior_sd": shocks, "count": means["count"].max()}
    proven = compute_revealed_bound(discount, shocks)
    exact = {"mean": proven, "se": 0.0, "low": proven, "high": proven}
    bounds = [
        pd.DataFrame(size | {"metric": "residual bound", "mean": sampled}),
        pd.DataFrame(size | {"metric": "relaxation bound"} | exact),
    ]
    return pd.concat([means, *gains, *bounds])[["prior_sd", "metric", *ESTIMATE_COLUMNS]]


def measure_worth_skewness(log: Run) -> pd.DataFrame:
    """Return how skewed samples of worths and gains are: prior_sd, metric, skewness, count."""
    worth = with_point_parameters(log.blocks("worth"), log, KEYS)
    wide = worth.pivot(index=["prior_sd", "replication"], columns="policy", values="worth")
    gains = {name: wide["exact-optimal"] - wide[other] for name, other in GAINS.items()}
    markets = wide[COMPARED].assign(**gains).reset_index()
    return pd.concat(skewness_of(markets, metric, ["prior_sd"]) for metric in (*COMPARED, *GAINS))


def bound_by_residuals(shock: float, residuals: pd.DataFrame, discount: float) -> float:
    """Return U(prior) plus the discounted largest residuals, the last period's for ever."""
    highest = residuals.groupby("period")["highest"].max().to_numpy()
    later = np.maximum(highest[1:], 0.0) * discount ** np.arange(1, len(highest))
    rest = discount ** len(highest) / (1 - discount) * max(highest[-1], 0.0)
    nothing = np.zeros(())
    prior = load_fitted(discount)(np.asarray(shock), nothing, nothing)
    return float(prior + highest[0] + later.sum() + rest)


def summarise_residuals(residuals: pd.DataFrame) -> pd.DataFrame:
    """Return mean and sd of the residuals, and their extremes, by shock, policy and period."""
    rows = residuals[residuals["policy"].isin(EXAMINED)].assign(metric="residual")
    keys = [*KEYS, "period"]
    means = metrics.estimates(rows, "residual", keys)
    extremes = rows.groupby(keys).agg(lowest=("lowest", "min"), highest=("highest", "max"))
    return means.merge(extremes.reset_index(), on=keys)


def measure_symmetry(discount: float) -> pd.DataFrame:
    """Return, by rho, what a free bid and ask add to the symmetric policy, and its curvature."""
    solution = solve(discount)
    backup = free_backup(solution, RHO)
    depth, skew = curvature(solution, RHO)
    return pd.DataFrame(
        {
            "rho": RHO, "W": backup.before, "residual": backup.value - backup.before,
            "gain": backup.gain, "depth": backup.depth, "skew": abs(backup.skew),
            "sharpness": skew / depth,
        }
    )  # fmt: skip
