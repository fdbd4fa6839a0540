"""What Das and Magdon-Ismail (2008) claim, each measured on the log of the scenario `paper`."""

import numpy as np
import pandas as pd

from abm.runs.folds import LEARNT
from analysis import Run, metrics
from analysis.claims import Claim, judge_together
from scenarios.paper.estimate import SHOCK, compare, make_claim
from scenarios.paper.text import measure_text

CLOSE = 0.05  # how "closely matches" is read: within 5 % of theory, or 0.05 of total variation
RECORD = ["maker", "replication", "period", "bid", "ask", "belief_sd", "profit"]
MARKETS = ["maker", "replication"]
EARNS = "over all periods the optimal maker earns more than the {} one"
STARTS = "the optimal spread starts below the {} one"
LEARNS = f"the optimal maker learns before the {{}} one: periods until rho < {LEARNT}"
ABOVE = "in the end the optimal spread is above the {} one"


def measure_claims(log: Run) -> list[Claim]:
    """Return every claim, those of exhibits and then those of the text, judged together."""
    makers = log.table("makers", RECORD)
    claims = [
        *_measure_update(log),
        *_measure_values(log),
        *_measure_crossing(log),
        *_measure_profits(makers),
        *_measure_spreads(makers),
        _measure_liquidity(log),
        _count_rises(makers),
        *measure_text(log, makers),
    ]
    return judge_together(claims)


def find_crossing(log: Run) -> float:
    """Return the rho past which the optimal maker is tighter than the zero-profit one, or NaN."""
    spreads = log.table("policies").pivot(index="rho", columns="maker", values="spread")
    wider = (spreads["optimal"] - spreads["zero-profit"]).to_numpy()
    rho = spreads.index.to_numpy(dtype=float)
    last = np.flatnonzero(wider > 0)[-1]
    if last == len(rho) - 1:
        return np.nan
    return float(np.interp(0.0, wider[[last + 1, last]], rho[[last + 1, last]]))


def _measure_update(log: Run) -> list[Claim]:
    distances = metrics.estimates(log.table("distances"), "total_variation", ["period"])
    return [
        make_claim(
            "Fig. 1",
            f"after {period} signal{'' if period == 1 else 's'} the Gaussian update is close to "
            f"the exact posterior: total variation below {CLOSE}",
            distance,
            high=CLOSE,
        )
        for period, distance in distances.groupby("period")
    ]


def add_realised(log: Run) -> pd.DataFrame:
    """Return the totals with a column `realised`: discounted profit, for any number of periods.

    To the optimal maker's it adds discount^periods W(rho) for the periods cut off, rho her
    information disadvantage at the end (noise_sd is 1).
    """
    totals, theory = log.table("totals"), log.table("theory")
    later = np.interp(totals["belief_sd"], theory["prior_sd"], theory["value"])
    later *= log.parameters["discount"] ** log.parameters["periods"]
    cut_off = np.where(totals["maker"] == "optimal", later, 0.0)
    return totals.assign(realised=totals["discounted_profit"] + cut_off)


def _measure_values(log: Run) -> list[Claim]:
    totals = add_realised(log)
    says = f"at sigma = {SHOCK:g} the optimal maker outperforms the myopic one"
    real = totals[(totals["process"] == "fixed") & (totals["prior_sd"] == SHOCK)]
    return [
        *(_measure_gap(log, totals, "fixed", shock) for shock in (1.0, 3.0, 5.0)),
        *(_measure_gap(log, totals, "redrawn", shock) for shock in (3.0, 5.0)),
        compare("Fig. 3a", says, real, "discounted_profit", "myopic", low=0),
    ]


def _measure_gap(log: Run, totals: pd.DataFrame, process: str, shock: float) -> Claim:
    optimal = (totals["maker"] == "optimal") & (totals["process"] == process)
    at_shock = totals[optimal & (totals["prior_sd"] == shock)]
    estimate = metrics.estimates(at_shock, "realised", ["maker"])
    (value,) = log.table("theory", ["value"], prior_sd=shock)["value"]
    where = "with a value that stays" if process == "fixed" else "where her belief is true"
    says = (
        f"at sigma = {shock:g}, {where}, the optimal maker realises her value function: "
        f"relative gap within {CLOSE:.0%}"
    )
    relative = estimate.assign(mean=estimate["mean"] / value - 1, se=estimate["se"] / value)
    return make_claim("Fig. 3a", says, relative, low=-CLOSE, high=CLOSE)


def _measure_crossing(log: Run) -> list[Claim]:
    says = "the optimal spread is the tightest past rho of about 1.5: within 0.1"
    return [
        Claim("Fig. 3b", says, find_crossing(log), 0.0, low=1.4, high=1.6),
        _measure_learnt_spread(log),
    ]


def _measure_learnt_spread(log: Run) -> Claim:
    spreads = log.table("policies").pivot(index="rho", columns="maker", values="spread")
    learnt = spreads[spreads.index < LEARNT]
    says = (
        "once she has learnt, the optimal spread is above the zero-profit one for the same "
        f"belief: least difference at rho < {LEARNT}"
    )
    least = float((learnt["optimal"] - learnt["zero-profit"]).min())
    return Claim("Fig. 3b", says, least, 0.0, low=0)


def _measure_profits(makers: pd.DataFrame) -> list[Claim]:
    first = makers[(makers["maker"] == "optimal") & (makers["period"] == 0)]
    loss = metrics.estimates(first, "profit", ["maker"])
    whole = makers.groupby(MARKETS, observed=True)["profit"].sum().reset_index()
    return [
        make_claim("Fig. 3c", "the optimal maker loses in the first period", loss, high=0),
        *(
            compare("Fig. 3c", EARNS.format(other), whole, "profit", other, low=0)
            for other in ("myopic", "zero-profit")
        ),
    ]


def _measure_spreads(makers: pd.DataFrame) -> list[Claim]:
    first, last = (_find_spreads(makers, period) for period in (0, makers["period"].max()))
    learnt = _count_periods_to_learn(makers)
    coincide = f"in the end the optimal and the myopic spread coincide: within {CLOSE}"
    others = ("zero-profit", "myopic")
    return [
        *(_compare_first(first, it) for it in others),
        *(compare("Fig. 4a", LEARNS.format(it), learnt, "periods", it, high=0) for it in others),
        compare("Fig. 4a", coincide, last, "spread", "myopic", low=-CLOSE, high=CLOSE),
        compare("Fig. 4a", ABOVE.format("zero-profit"), last, "spread", "zero-profit", low=0),
    ]


def _compare_first(first: pd.DataFrame, other: str) -> Claim:
    """Return the claim on first spreads; they are not sampled, for no trader has come yet."""
    spreads = first.groupby("maker", observed=True)["spread"].max()
    gap = float(spreads["optimal"] - spreads[other])
    return Claim("Fig. 4a", STARTS.format(other), gap, 0.0, high=0)


def _find_spreads(makers: pd.DataFrame, period: int) -> pd.DataFrame:
    rows = makers[makers["period"] == period]
    return rows.assign(spread=metrics.spread(rows))


def _count_periods_to_learn(makers: pd.DataFrame) -> pd.DataFrame:
    """Return how many periods each maker starts with rho at LEARNT or above (noise_sd is 1)."""
    periods = (makers["belief_sd"] >= LEARNT).astype(float)
    learning = makers[MARKETS].assign(periods=periods)
    return learning.groupby(MARKETS, observed=True)["periods"].sum().reset_index()


def _measure_liquidity(log: Run) -> Claim:
    market = log.table("market", ["exchange", "replication", "side"], period=0)
    market["no_trade"] = metrics.no_trade(market)
    says = "at first a trade is likelier with the optimal than with the zero-profit maker"
    market = market.rename(columns={"exchange": "maker"})
    return compare("Fig. 4b", says, market, "no_trade", "zero-profit", high=0)


def _count_rises(makers: pd.DataFrame) -> Claim:
    before = makers.groupby(MARKETS, observed=True)["belief_sd"].shift()
    rises = int((makers["belief_sd"] > before).sum())
    return Claim(
        "Th. 2.1", "the belief's sd never rises: rises counted in the logs", rises, 0.0, high=0.5
    )
