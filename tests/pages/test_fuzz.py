"""Inputs of every kind: each gives a right answer, or an error with value, rule and fix.

A few hundred inputs in the suite; as many as MARKET_SHOCK_FUZZ says, of seeds of their own, with

    MARKET_SHOCK_FUZZ=20000 uv run pytest -n 0 tests/pages/test_fuzz.py

No warning is let through, no NaN into a log, and no other exception. Right is what mpmath says, or
the same problem in another unit.
"""

import os
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from abm import Exchange, GaussianBelief, GridBelief, NoisyTrader, Quote
from abm.bellman import solve
from abm.bellman.bounds import compute_revealed_bound
from abm.experiment import Experiment, Simulation, Target, grid
from abm.makers import MakerError
from abm.market.noise import noise_of
from abm.market.valuations import Interval
from abm.numerics.describe import show_value
from abm.one_period.depths import myopic_depth, zero_profit_depth
from abm.participants.registry import MAKER_TYPES
from tests.numerics.test_checks import NO_NUMBERS

INPUTS = int(os.environ.get("MARKET_SHOCK_FUZZ", "0"))
FEW = 280  # inputs in the suite
SAYS = re.compile(
    r"(is|has|have|holds|quoted|shown|draws|needs)\b.*:.*"
    r"(give|take|measure|start|call|decline|set|let|leave|known|subclass)",
    re.DOTALL,
)
MAKERS = MAKER_TYPES.list_names()
FAR = mp.mpf("1e40")  # sds: past it mpmath has no tail, and a normal no mass
LENGTHS = ["mid", "bid", "ask", "value"]


def fuzz(share: float, **arguments: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Return a decorator that tries a share of all inputs."""
    chosen = settings(
        max_examples=max(int(share * (INPUTS or FEW)), 10), deadline=None, database=None,
        derandomize=not INPUTS, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    return lambda test: chosen(given(**arguments)(test))


def ask(call: Callable[[], Any]) -> Any:
    """Return what a call answers, or None if it refuses with value, rule and fix."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return call()
        except (ValueError, TypeError, MakerError) as error:
            refusal = error
    assert SAYS.search(str(refusal)), f"{type(refusal)}: {refusal}"
    return None


def powers(low: float, high: float) -> st.SearchStrategy[float]:
    """Return numbers above zero, even in their logarithms."""
    return st.floats(low, high).map(lambda power: float(10.0**power))


ODD = st.sampled_from([*NO_NUMBERS, 10**400, np.inf, -np.inf, np.nan, 0, -1.0])
ENDS = [1e-101, 1e-100, 1e100, 1.1e100, 1e154, 5e-324, 1.7e308, 2.3e-308, 1e9, 1e-6, 1e4]
SDS = powers(-2, 2) | powers(-2, 2) | powers(-102, 102) | st.sampled_from(ENDS)
MEANS = st.just(0.0) | st.floats(-5, 5) | st.floats() | powers(-105, 120)
ANY = SDS | MEANS | ODD | st.just(5000).map(lambda power: 10**power)
WHOLE = st.integers(-2, 5) | st.integers() | ODD | st.just(2.0)


def match_moments(
    mean: float, sd: float, lower: float, upper: float, noise: Any
) -> tuple[Any, Any]:
    """Return mean and sd of V given that V + noise is in (lower, upper), by mpmath."""
    m, k = mp.mpf(mean), mp.mpf(sd)
    s = mp.sqrt(k * k + mp.mpf(float(noise)) ** 2)
    a, b = (mp.mpf(lower) - m) / s, (mp.mpf(upper) - m) / s
    if a == b:
        first, variance = a, mp.mpf(0)
    else:
        if a + b < 0:  # taken from the nearer tail
            first, variance = _truncate(-b, -a)
            first = -first
        else:
            first, variance = _truncate(a, b)
    share = k * k / (s * s)
    return m + share * s * first, k * mp.sqrt(1 - share * (1 - variance))


def _truncate(a: Any, b: Any) -> tuple[Any, Any]:
    """Return mean and variance of a standard normal on (a, b), b the end further from zero."""
    if a > FAR:
        return a, mp.mpf(0)

    def tail(x: Any) -> Any:
        return mp.erfc(x / mp.sqrt(2)) / 2 if x < FAR else mp.mpf(0)

    def times_density(x: Any, power: int) -> Any:
        return x**power * mp.npdf(x) if abs(x) < FAR else mp.mpf(0)

    mass = tail(a) - tail(b)
    first = (times_density(a, 0) - times_density(b, 0)) / mass
    return first, 1 + (times_density(a, 1) - times_density(b, 1)) / mass - first**2


@fuzz(0.25, mean=ANY, sd=ANY, lower=ANY, width=ANY, noise=ANY, sale=st.booleans())
def test_a_gaussian_update(
    mean: Any, sd: Any, lower: Any, width: Any, noise: Any, sale: bool
) -> None:
    belief = ask(lambda: GaussianBelief(mean, sd))
    if belief is None or belief.mean.size != 1:
        return
    upper = lower + width if isinstance(lower, float) and isinstance(width, float) else np.inf
    ends = (-np.inf, lower) if sale else (lower, upper)
    after = ask(lambda: belief.update(*ends, noise_sd=noise))
    if after is None or after.mean.size != 1:
        return
    digits = np.log10(1 + abs(np.nan_to_num(np.clip(ends, -1e200, 1e200) - mean)) / sd).max()
    narrow = max(0.0, -np.log10(max((ends[1] - ends[0]) / (sd + float(noise)), 1e-300)))
    with mp.workdps(int(60 + 5 * digits + 3 * min(narrow, 300))):
        right_mean, right_sd = match_moments(float(mean), float(sd), ends[0], ends[1], noise)
        move = float(abs(right_mean - mp.mpf(float(mean))))
        s, k = np.hypot(float(sd), float(noise)), float(right_sd)
        unit = np.spacing(np.abs((np.clip(ends, -1e200, 1e200) - float(mean)) / s).max())
        blurred = 4 * unit / max((ends[1] - ends[0]) / s, unit)  # as floats have the ends
        rounding = 4 * np.spacing(max(abs(float(mean)), move, abs(float(right_mean))))
        slack = 1e-11 * move + 1e-9 * k + 4 * unit * s + rounding
        assert abs(after.mean - float(right_mean)) <= slack
        assert abs(after.sd / k - 1) <= 1e-8 + blurred


@fuzz(0.15, mean=ANY, sd=ANY, lower=ANY, noise=ANY, value=ANY)
def test_an_exact_update_is_at_first_the_gaussian_one(
    mean: Any, sd: Any, lower: Any, noise: Any, value: Any
) -> None:
    both = [ask(partial(kind, mean, sd)) for kind in (GaussianBelief, GridBelief)]
    assert (both[0] is None) == (both[1] is None)
    if both[0] is None or both[0].mean.size != 1:
        return
    density = ask(lambda: both[1].density(value))
    assert density is None or not np.isnan(density).any() or np.isnan(value)
    exact = ask(lambda: both[1].update(lower, np.inf, noise_sd=noise))
    if exact is not None and exact.mean.size == 1:
        normal = both[0].update(lower, np.inf, noise_sd=noise)
        slack = 1e-6 * normal.sd + 8 * np.spacing(abs(normal.mean))
        assert abs(exact.mean - normal.mean) <= slack
        assert abs(exact.sd - normal.sd) <= 1e-6 * normal.sd + slack


@fuzz(0.1, bid=ANY, ask_price=ANY, valuation=st.floats(allow_nan=False, allow_infinity=False))
def test_a_quote(bid: Any, ask_price: Any, valuation: float) -> None:
    quote = ask(lambda: Quote(bid, ask_price))
    if quote is not None and quote.bid.size == quote.ask.size == 1 and quote.bid <= quote.ask:
        side = quote.side(np.array([valuation]))
        assert side == (valuation > float(ask_price)) - (valuation < float(bid))
    ask(lambda: Quote.around(bid, ask_price))


@fuzz(0.1, rho=ANY, discount=st.sampled_from([0.0, 0.5, 0.9]) | ODD, rho_max=ODD | st.just(50.0))
def test_depths_and_the_optimal_quote(rho: Any, discount: Any, rho_max: Any) -> None:
    for depth in (zero_profit_depth, myopic_depth):
        q = ask(partial(depth, rho))
        assert q is None or (np.isfinite(q) & (q >= 0)).all()
    profit, bound = None, ask(lambda: compute_revealed_bound(discount, rho))
    solution = ask(lambda: solve(discount, rho_max))
    if solution is not None:
        profit = ask(lambda: solution.value_function(rho))
        half = ask(lambda: solution.half_spread(rho))
        if half is not None and half.size == 1:
            reach = myopic_depth(rho) * np.hypot(1.0, rho)
            assert 0 <= half <= reach * (1 + 1e-6)
            assert 0 <= profit <= solution.value_function(0.0) + 1e-7
    if profit is not None and bound is not None and profit.size == 1:
        assert profit <= bound + 1e-6


KINDS = [stats.norm, stats.laplace, stats.logistic, partial(stats.t, 5.0), stats.uniform]


@fuzz(0.1, sd=ANY, kind=st.sampled_from([None, *KINDS]), end=ANY)
def test_a_noise(sd: Any, kind: Any, end: Any) -> None:
    if kind is not None and not isinstance(sd, float):
        return
    with np.errstate(all="ignore"):  # as SciPy makes a distribution
        noise = ask(lambda: noise_of(sd if kind is None else kind(scale=sd)))
    if noise is None or not isinstance(end, float) or np.isnan(end):
        return
    x = np.array([end])
    below, above = ask(lambda: noise.below(x)), ask(lambda: noise.above(x))
    assert abs(below + above - 1) < 1e-12
    if kind is None:
        right = mp.ncdf(mp.mpf(end) / mp.mpf(sd)) if abs(end / sd) < 1e9 else float(end > 0)
        assert abs(below - float(right)) < 1e-14
    ask(lambda: Interval(end, sd, noise))


NOISES = st.none() | st.sampled_from([stats.laplace(scale=0.7), stats.logistic(), "wide", 3])
TERMS = st.fixed_dictionaries(
    {},
    optional={
        "prior_mean": MEANS | ODD, "prior_sd": SDS | ODD, "noise_sd": SDS | ODD,
        "replications": st.integers(1, 4) | WHOLE.filter(lambda n: not isinstance(n, int) or n < 9),
        "block": WHOLE, "rng": WHOLE,
        "value": st.sampled_from(["fixed", "redrawn", "mars", None, 3]),
        "transparency": st.sampled_from(["public", "own", "secret", []]),
        "record": st.sampled_from(["full", "summary", "none"]),
    },
)  # fmt: skip


@st.composite
def makers(draw: Any) -> Any:
    """Return a maker, mostly one that there is, some with a parameter or a belief."""
    name = draw(st.sampled_from([*MAKERS, *MAKERS, "optimum", 3, None, [], 1j]))
    if name not in MAKERS or draw(st.booleans()):
        return name
    kind = MAKER_TYPES.find(name)
    taken = kind.__init__.__kwdefaults__ or {}
    given_ = {
        key: draw(st.sampled_from(["exact", "gaussian", None, 2.0, "both"]) if key == "belief" else
                  st.sampled_from([0.0, 0.9]) | ODD if key == "discount" else ANY)
        for key in taken if draw(st.booleans())
    }  # fmt: skip
    return partial(kind, **given_)


@fuzz(0.2, maker=makers(), noise=NOISES, terms=TERMS)
def test_a_market(maker: Any, noise: Any, terms: dict[str, Any]) -> None:
    traders = NoisyTrader if noise is None else partial(NoisyTrader, noise=noise)
    market = ask(lambda: Exchange(maker, traders, **terms))
    market = market and ask(lambda: market.run(3))
    if not market:
        return
    tape, tables = market.tape, []
    if tape.full:
        tables = [tape.market, tape.makers]
        assert not tape.makers[["bid", "ask", "inventory", "profit"]].isna().any().any()
    for table in tables:
        numbers = table.select_dtypes("number").drop(
            columns=["belief_mean", "belief_sd", "pricing_error", *LENGTHS], errors="ignore"
        )
        assert not numbers.isna().any().any(), show_value(terms)


@fuzz(
    0.1, discount=ANY, record=st.sampled_from(["summary", "full", "all", 3]), burn_in=WHOLE,
    sizes=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["replications", "periods", "seed", "block"], WHOLE)
    ),
    point=st.fixed_dictionaries({"makers": st.sampled_from(["fixed-spread", "opt", 3])},
                                optional={"prior_sd": SDS | ODD, "sigma": ODD}),
    se=ANY, metric=st.sampled_from(["profit", "proft", None, 3]), at_most=WHOLE,
)  # fmt: skip
def test_an_experiment(
    discount: Any, record: Any, burn_in: Any, sizes: Any, point: Any, se: Any, metric: Any,
    at_most: Any,
) -> None:  # fmt: skip
    simulation = ask(lambda: Simulation(discount, record, burn_in)) or Simulation()
    target = ask(lambda: Target(se, metric, at_most))
    small = {"replications": 2, "block": 2} | {
        name: size for name, size in sizes.items() if not (isinstance(size, int) and size > 100)
    }
    ask(lambda: Experiment([point], simulation, target=target, **small))
    ask(lambda: grid(prior_sd=[se], makers=["optimal"]))


@pytest.mark.parametrize("message", ["mean is nan", "cannot convert complex to float"])
def test_a_bare_error_would_be_caught(message: str) -> None:
    def fail() -> None:
        raise ValueError(message)

    with pytest.raises(AssertionError):
        ask(fail)
