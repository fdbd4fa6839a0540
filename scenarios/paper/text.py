"""What Das and Magdon-Ismail (2008) claim in words, without an exhibit, each measured on the log.

The claims follow the paper's sections. Those of its equations are read from the table `computed`
(`scenarios.paper.theory`): they are not sampled.
"""

from functools import partial

import pandas as pd

from abm import Exchange, FixedSpread
from abm.bellman import Problem, solve
from abm.experiment.simulation import BlockTask, Simulation
from abm.makers.optimal import Optimal
from abm.runs.folder import RunFolder
from abm.runs.schema import MAKER, PERIOD, REPLICATION, Column
from abm.traders import AdaptiveTrader
from analysis import Run, metrics
from analysis.claims import Claim
from scenarios.paper.estimate import SHOCK, compare, make_claim
from scenarios.paper.theory import ASKS, IMPATIENT, ITERATIONS, LEARNING, RHO

NARROW = 0.7  # a half-spread below every optimal one at discount 0.9 (0.752 where rho is 0)
SIGNALS = 10  # after which belief sds are compared
SAME = 0.001  # how "exactly" and "negligible" are read: within 0.1 %
ACCURATE = 0.01  # how "accurately" and "good approximation" are read: within 1 %
CLOSE = 0.05  # and of a spread: within 5 %
LEARNING_SDS = (
    REPLICATION,
    PERIOD,
    MAKER,
    Column("belief_sd", "float64", "price", "sd of her belief before the trade"),
)

ADAPTED = partial(AdaptiveTrader, weight=1.0, need_sd=1.0)  # Bayes' rule, needs of a noise sd
ADAPTED_PROFITS = (
    MAKER,
    REPLICATION,
    Column("realised", "float64", "price", "discounted profit, and W of what she believes then"),
    Column("value", "float64", "price", "W of what she believes at first"),
)


def write_learning(folder: RunFolder, seed: int, replications: int, periods: int) -> None:
    """Write the belief's sd of a maker with a narrow fixed quote, after SIGNALS signals."""
    maker = partial(FixedSpread, half_spread=NARROW)
    period = min(SIGNALS, periods - 1)
    market = Exchange(maker, prior_sd=SHOCK, replications=replications, rng=seed).run(period)
    (fixed,) = market.makers
    table = {"replication": market.replication, "belief_sd": fixed.require_belief().sd}
    frame = pd.DataFrame(table).assign(period=period, maker=FixedSpread.name)
    folder.write("learning", frame, LEARNING_SDS)


def write_adapted(
    folder: RunFolder, discount: float, seed: int, replications: int, periods: int
) -> None:
    """Write what the optimal maker earns of traders who learn too, and what W promises her."""
    point = {"makers": Optimal.name, "traders": ADAPTED, "prior_sd": SHOCK}
    task = BlockTask("", point, 0, replications, periods, seed)
    totals = Simulation(discount).run(task)["totals"].to_pandas()
    value = solve(Problem(discount, ADAPTED)).value_function
    later = discount**periods * value(totals["belief_sd"])
    totals = totals.assign(realised=totals["discounted_profit"] + later, value=float(value(SHOCK)))
    folder.write("adapted", totals, ADAPTED_PROFITS)


def measure_text(log: Run, makers: pd.DataFrame) -> list[Claim]:
    """Return the claims of the text, in the order of its sections; `makers` is the log's table."""
    return [
        *_measure_surplus(log),
        *_measure_myopic(log),
        _count_maxima(log),
        _measure_pass(log),
        *_measure_iterations(log),
        _measure_cut_off(log),
        _measure_adapted(log),
        _measure_quicker(log, makers),
    ]


def _measure_surplus(log: Run) -> list[Claim]:
    totals = log.table("totals")
    real = totals[totals["process"] == "fixed"]
    shocks = sorted(real["prior_sd"][real["maker"] == "zero-profit"].unique())
    says = (
        "at sigma = {:g} the optimal maker offers the better social outcome: traders gain more by "
        "their own valuations than with the zero-profit one"
    )
    return [
        compare("s. 1.2", says.format(shock), real[real["prior_sd"] == shock], "surplus",
                "zero-profit", low=0)
        for shock in shocks
    ]  # fmt: skip


def _measure_myopic(log: Run) -> list[Claim]:
    discount = min(IMPATIENT)
    where = f"at discount {discount:g}, for rho up to {LEARNING[-1]:g}"
    value = _find_errors(log, "value of the myopic maker", discount=discount)
    spread = _find_errors(log, "myopic half-spread", discount=discount)
    return [
        Claim("s. 2.1", f"{where}, the myopic maker earns nearly what the optimal one does: less "
              f"by at most {ACCURATE:.0%}", float(-value.min()), 0.0, high=ACCURATE),
        Claim("s. 2.1", f"{where}, the myopic spread is nearly the optimal one: within {CLOSE:.0%}",
              float(spread.abs().max()), 0.0, high=CLOSE),
    ]  # fmt: skip


def _count_maxima(log: Run) -> Claim:
    says = (
        f"the return of one period has a single maximum in the ask: most maxima for rho up to "
        f"{RHO[-1]:g} in steps of {RHO[1]:g}, asks {ASKS[0]:g} to {ASKS[-1]:g} valuation sds above "
        f"the mean in steps of {ASKS[1] - ASKS[0]:.2g}"
    )
    maxima = log.table("computed", quantity="maxima of the return")["found"]
    most = float(maxima.max()) if (maxima >= 1).all() else 0.0
    return Claim("s. 2.3", says, most, 0.0, low=0.5, high=1.5)


def _measure_pass(log: Run) -> Claim:
    says = (
        f"one ascending pass, linear between nodes {RHO[1]:g} apart, gives the value function: "
        f"largest relative error for rho up to {RHO[-1]:g} below {SAME:.1%}"
    )
    error = _find_errors(log, "value by the single pass")
    return Claim("s. 2.5", says, float(error.abs().max()), 0.0, high=SAME)


def _measure_iterations(log: Run) -> list[Claim]:
    says = (
        "{} fixed point iterations from 0 give the {} at rho = {:g} accurately: relative error "
        "within {:.0%}"
    )
    return [
        Claim("s. 2.5", says.format(ITERATIONS, quantity, SHOCK, ACCURATE),
              float(_find_errors(log, quantity, rho=SHOCK).item()), 0.0, 0, -ACCURATE, ACCURATE)
        for quantity in ("zero-profit depth", "myopic depth")
    ]  # fmt: skip


def _find_errors(log: Run, quantity: str, **where: float) -> "pd.Series[float]":
    """Return by how much what is found the paper's way is off, relative to what is exact."""
    table = log.table("computed", None, quantity=quantity, **where)
    return table["found"] / table["exact"] - 1


def _measure_cut_off(log: Run) -> Claim:
    """Return a claim on the most that the periods cut off can add: W is largest at rho = 0."""
    periods, discount = log.parameters["periods"], log.parameters["discount"]
    value = log.table("theory").set_index("prior_sd")["value"]
    says = (
        f"after {periods} periods discounted profits are negligible: below {SAME:.1%} of the value "
        f"function at sigma = {SHOCK:g}"
    )
    later = discount**periods * value[0.0] / value[SHOCK]
    return Claim("Results", says, float(later), 0.0, high=SAME)


def _measure_quicker(log: Run, makers: pd.DataFrame) -> Claim:
    fixed = log.table("learning")
    (period,) = fixed["period"].unique()
    columns = ["maker", "replication", "belief_sd"]
    optimal = makers[(makers["maker"] == "optimal") & (makers["period"] == period)]
    both = pd.concat([fixed[columns], optimal[columns]]).astype({"maker": str})
    says = (
        f"there are quicker ways to learn: after {period} signals the belief's sd is larger with "
        f"the optimal maker than with a fixed half-spread of {NARROW:g}"
    )
    return compare("Closing", says, both, "belief_sd", FixedSpread.name, low=0)


def _measure_adapted(log: Run) -> Claim:
    adapted = log.table("adapted")
    relative = adapted.assign(gap=adapted["realised"] / adapted["value"] - 1)
    says = (
        f"there is a solution for a monopolist and adaptive traders: at sigma = {SHOCK:g}, before "
        f"traders who apply Bayes' rule, with needs of one noise sd, she realises her value "
        f"function: relative gap within {CLOSE:.0%}"
    )
    gap = metrics.estimates(relative, "gap", ["maker"])
    return make_claim("Closing", says, gap, low=-CLOSE, high=CLOSE)
