"""Whether a law's numbers agree: its likelihood with what traders do, its closed forms with it.

Counts of sides are compared with their expectation by Bernstein's inequality: a count of
independent trades with the variance v is further than a / 3 + sqrt(a^2 / 9 + 2 a v) from what is
expected with a probability of at most 2 exp(-a). Closed forms are compared with the trapezoid rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special

from abm.market.laws import Law
from abm.market.quotes import Quote, Side
from abm.numerics.arrays import Array, Flags, Sides
from abm.participants.admission import TraderChoice
from abm.testing.trader_bench import (
    FEW,
    MEAN,
    NOISE_SD,
    PERIODS,
    SIDES,
    TraderBench,
    TraderMarket,
    find_probability,
    list_sides,
)
from abm.testing.trail import BrokenRuleError

SHOCKS = (0.5, 3.0)
TRADES = 40_000  # in which sides are counted
FALSE_ALARM = 1e-7  # of one count, of which there are 176
BOUND = np.log(2 / FALSE_ALARM)
STEEPEST, FLATTEST = 1.5, 1e-3  # slopes of likelihoods, times their resolution
CONSTANT = 1e-9  # a change of a probability that is none
SPAN = 9.0  # sds on either side of a mean within which integrals are taken
FINE, FINEST = 50, 100_000  # points per sd, and points at most
PRECISION = 1e-4  # of moments, in sds of the belief
LEAST_MASS = 1e-6  # of a signal whose moments are compared


def agrees_with_the_sides_taken(trader: TraderChoice) -> None:
    """Traders take sides as often as the law says, at each value and quote."""
    for shock in SHOCKS:
        market = TraderBench(shock, TRADES).market(trader)
        for _ in iterate_ends(market):
            for level in market.levels:
                valuations = market.value_at(level)
                for quote in market.test_quotes:
                    require_counts(market.tried.law, quote, valuations, level)


def iterate_ends(market: TraderMarket) -> Iterator[int]:
    """Run the script, and yield its first period and its last."""
    return (period for period in market.iterate_periods() if period in (0, PERIODS - 1))


def require_counts(law: Law, quote: Quote, valuations: Array, level: float) -> None:
    """Raise if sides were taken more or less often than the law says, by more than chance."""
    sides = quote.side(valuations)
    for side in list_sides(quote):
        chance = find_probability(law, quote, side, np.array([level]))[:, 0]
        taken, expected = int((sides == side).sum()), chance.sum()
        variance = (chance * (1 - chance)).sum()
        if abs(taken - expected) > BOUND / 3 + np.sqrt(BOUND**2 / 9 + 2 * BOUND * variance):
            raise BrokenRuleError(
                f"at V = {level:.4g} and {quote!r} a trader {SIDES[side]} in {taken} of "
                f"{sides.size} markets, but by the law in {expected:.0f} +- "
                f"{np.sqrt(variance):.2g}: let likelihood give the probability of what valuation "
                f"does; who overrides one, overrides both"
            )


def has_the_resolution_it_says(trader: TraderChoice) -> None:
    """Likelihoods change over the length that the law, and they themselves, give as resolution."""
    for shock in SHOCKS:
        market = TraderBench(shock).market(trader)
        for _ in iterate_ends(market):
            law = market.tried.law
            for quote in market.test_quotes:
                for side in list_sides(quote):
                    shown = law.likelihood(quote, fill(side))
                    for resolution in (law.resolution, shown.resolution):
                        require_resolution(law, quote, side, resolution, shock)


def require_resolution(law: Law, quote: Quote, side: int, resolution: float, sd: float) -> None:
    """Raise if a likelihood is much steeper, or flatter, than its resolution says."""
    if not resolution > 0:
        raise BrokenRuleError(
            f"resolution is {resolution}, but must be a length above 0: give the noise's sd"
        )
    reach = SPAN * np.hypot(sd, NOISE_SD)
    step = max(min(resolution / 4, sd / FINE), 2 * reach / FINEST)
    chance = find_probability(law, quote, side, MEAN + np.arange(-reach, reach, step))
    change = np.ptp(chance, axis=-1).max()
    if change < CONSTANT:
        return
    steepest = np.abs(np.diff(chance)).max() / step
    says = (
        f"resolution is {resolution:.4g}, but P({SIDES[side]} | V) at {quote!r} rises by "
        f"{steepest:.4g} per unit of price"
    )
    if steepest * resolution > STEEPEST:
        raise BrokenRuleError(f"{says}: give at most {1 / steepest:.4g}")
    if change > 0.5 and steepest * resolution < FLATTEST:
        raise BrokenRuleError(
            f"{says}, and exact beliefs would take many points in vain: give about "
            f"{0.4 / steepest:.4g}"
        )


def has_the_moments_of_its_likelihood(trader: TraderChoice) -> None:
    """`weigh`, `tilt`, `trade` and `find_line` are what the likelihood gives on a normal belief.

    Unless the law says that it `takes_noise_as_gaussian`.
    """
    for shock in SHOCKS:
        market = TraderBench(shock).market(trader)
        for _ in iterate_ends(market):
            law = market.tried.law
            if law.takes_noise_as_gaussian:
                return
            for sd in (0.5 * shock, 2.0 * shock):
                mean = market.terms.prior.mean + np.linspace(-shock, shock, FEW)
                require_line(law, mean, sd)
                for quote in market.test_quotes:
                    require_moments(law, quote, mean, np.full(FEW, sd))


def require_line(law: Law, mean: Array, sd: float) -> None:
    """Raise if the likelihood is not that of the line which the law says valuations follow."""
    line = law.find_line(mean)
    if line is None:
        return
    price = mean + 0.3 * sd
    for offset in sd * np.linspace(-3, 3, 7):
        depth = line.centre + line.slope * offset - price
        expected = special.ndtr(depth / line.spread)
        chance = law.reveal_trade(Side.BUY, price).likelihood((mean + offset)[:, np.newaxis])[:, 0]
        require_near(law, "find_line", "P(buy | V)", expected, chance, 1.0)


def require_moments(law: Law, quote: Quote, mean: Array, sd: Array) -> None:
    """Raise if `weigh`, `tilt` or `trade` differ from integrals over the likelihood."""
    for side in list_sides(quote):
        mass, moved, left = integrate(law, quote, side, mean, sd)
        told = mass > LEAST_MASS
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = law.likelihood(quote, fill(side))
            log_mass, (tilted, narrowed) = shown.weigh(mean, sd), shown.tilt(mean, sd)
        require_near(law, "weigh", "P", np.exp(log_mass), mass, 1.0)
        require_near(law, "tilt", "mean", tilted, moved, sd, told)
        require_near(law, "tilt", "sd", narrowed, left, sd, told)
        if side:
            traded, gained = law.trade(mean, sd, Side(side), quote.price(fill(side)))
            require_near(law, "trade", "P(trade)", traded, mass, 1.0)
            expected = side * (moved - mean) * mass
            require_near(law, "trade", "E[side (V - mean); trade]", gained, expected, sd, told)


def fill(side: int) -> Sides:
    """Return a side in every replication."""
    return np.full(FEW, side, np.int8)


def integrate(
    law: Law, quote: Quote, side: int, mean: Array, sd: Array
) -> tuple[Array, Array, Array]:
    """Return P(side), and mean and sd of V ~ N(mean, sd^2) given the side, by quadrature."""
    points = int(np.clip(8 * SPAN * sd[0] / law.resolution, SPAN * FINE, FINEST))
    depth = np.linspace(-SPAN, SPAN, points)
    weight = np.exp(-0.5 * depth * depth)
    shown = law.likelihood(quote, fill(side))
    values = mean[:, np.newaxis] + sd[:, np.newaxis] * depth
    density = shown.likelihood(values) * weight / weight.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = density.sum(axis=-1)
        first = (density * depth).sum(axis=-1) / mass
        second = (density * (depth - first[:, np.newaxis]) ** 2).sum(axis=-1) / mass
    return mass, mean + sd * first, sd * np.sqrt(second)


def require_near(
    law: Law,
    method: str,
    name: str,
    given: Array,
    expected: Array,
    unit: Array | float,
    where: Flags | bool = True,
) -> None:
    """Raise if what a method gives is not what the likelihood does, to PRECISION of a unit."""
    given, expected = np.broadcast_arrays(given, expected)
    wrong = where & ~(np.abs(given - expected) <= PRECISION * unit)
    if wrong.any():
        raise BrokenRuleError(
            f"{method} of {type(law).__name__} gives {name} = {given[wrong][0]:.6g}, but the "
            f"likelihood gives {expected[wrong][0]:.6g}: mend it, or leave it to Law"
        )
