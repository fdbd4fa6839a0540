"""The monopolist on exact beliefs: outcomes of quotes, the best quotes, and their backups."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from abm import Exchange, GaussianBelief, GridBelief, Optimal, Quote, Side
from abm.beliefs.base import Belief
from abm.beliefs.points import PointBelief
from abm.beliefs.window import Window, iterate_chunks
from abm.bellman import solve
from abm.bellman.exact.lookahead import backup, prospects
from abm.bellman.exact.quotes import best_prices, best_quote
from abm.bellman.exact.value import KNOTS, SHAPES, WIDEST, ExactValue, features, load_fitted
from abm.makers.exact_optimal import ExactOptimal
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.one_period.profit import expected_profit
from analysis import metrics
from scenarios.exact_optimum.policies import Assessor

DISCOUNT = 0.9
SIZE, SIGNALS = 36, 2
PLAIN = ExactValue(DISCOUNT, np.zeros((len(KNOTS) - 2, len(SHAPES))))  # U = W
UNIT = NoisyValuation(1.0)
DEEP = 7  # signals of a tree
Policy = Callable[[Window], tuple[Array, Array]]


class Signals(NamedTuple):
    """Priors and signals of SIZE markets, in noise sds."""

    prior_sd: Array
    ends: list[tuple[Array, Array]]

    def belief(self, scale: float = 1.0, shift: float = 0.0, rows: Any = slice(None)) -> GridBelief:
        """Return the posteriors of some, the market scaled and then shifted."""
        prior_sd = self.prior_sd[rows]
        belief = GridBelief(np.full(len(prior_sd), shift), abs(scale) * prior_sd)
        for ends in self.ends:
            low, high = np.sort([scale * end[rows] + shift for end in ends], axis=0)
            belief = belief.update(low, high, abs(scale))
        return belief


@cache
def draw_signals() -> Signals:
    """Return what made-up makers learn in SIGNALS periods; their quotes are often skewed."""
    rng = np.random.default_rng(5)
    prior_sd = np.exp(rng.uniform(np.log(0.3), np.log(11.0), SIZE))
    value, mean, sd, ends = prior_sd * rng.normal(size=SIZE), np.zeros(SIZE), prior_sd, []
    for _ in range(SIGNALS):
        mid = mean + 0.4 * sd * rng.normal(size=SIZE)
        half = np.hypot(sd, 1.0) * rng.uniform(0.4, 2.0, SIZE)
        quote = Quote(mid - half, mid + half)
        shown = UNIT.likelihood(quote, quote.side(value + rng.normal(size=SIZE)))
        ends.append((shown.lower, shown.upper))
        learnt = GaussianBelief(mean, sd).revise(shown)
        mean, sd = learnt.mean, learnt.sd
    return Signals(prior_sd, ends)


def gathered(belief: Belief, of: Callable[[Window], Array]) -> Array:
    """Return what windows say, in the order of replications."""
    whole = np.empty(len(belief.mean))
    for window in belief.windows:
        whole[window.rows] = of(window)
    return whole


def aware(mean: ArrayLike, sd: ArrayLike) -> GridBelief:
    """Return a prior whose steps are short enough for noise of sd 1: it learnt nothing."""
    return GridBelief(mean, sd).update(-np.inf, np.inf, 1.0)


def shape(belief: PointBelief) -> tuple[Array, Array, Array]:
    """Return sd, skewness and excess kurtosis, straight from the grids."""

    def central(window: Window, power: int) -> Array:
        return (window.weight * (window.value - window.mean[:, np.newaxis]) ** power).sum(axis=-1)

    second, third, fourth = (gathered(belief, partial(central, power=n)) for n in (2, 3, 4))
    return np.sqrt(second), third / second**1.5, fourth / second**2 - 3


def quoted(belief: PointBelief, scale: float = 1.0) -> Quote:
    """Return some quote of each, seldom around the mean."""
    below, above = np.random.default_rng(6).uniform(0.2, 1.8, (2, len(belief.mean)))
    reach = np.hypot(belief.sd, scale)
    return Quote(belief.mean - below * reach, belief.mean + above * reach)


def promised(belief: PointBelief, quote: Quote, law: NoisyValuation) -> tuple[Array, Array]:
    """Return expected profit, shape (R,), and the signals buy, none, sell, shape (3, 4, R)."""
    profit = np.empty(len(belief.mean))
    signals = np.empty((3, 4, len(profit)))
    for window in belief.windows:
        at = window.rows
        found = prospects(window, law, quote.bid[at, np.newaxis], quote.ask[at, np.newaxis])
        profit[at] = found.profit[:, 0, 0]
        signals[:, :, at] = [[part[:, 0, 0] for part in one] for one in found.signals]
    return profit, signals


@pytest.mark.parametrize("noise_sd", [1.0, 0.25])
def test_each_signals_probability_sd_and_shape_are_those_of_the_posterior(noise_sd: float) -> None:
    belief, law = draw_signals().belief(noise_sd, 7.0), NoisyValuation(noise_sd)
    quote = quoted(belief, noise_sd)
    _, signals = promised(belief, quote, law)
    for side, signal in zip((Side.BUY, Side.NONE, Side.SELL), signals, strict=True):
        shown = law.likelihood(quote, np.full(SIZE, side, np.int8))
        log_mass, after = belief.condition(shown)
        sd, skewness, kurtosis = shape(after)
        np.testing.assert_allclose(signal[0], np.exp(log_mass), rtol=1e-8, atol=1e-11)
        likely = signal[0] > 1e-5
        assert likely.sum() > 0.8 * SIZE
        expected = np.array([sd / noise_sd, skewness, kurtosis])[:, likely]
        np.testing.assert_allclose(signal[1:, likely], expected, rtol=1e-6, atol=1e-6)


def test_probabilities_of_the_three_signals_add_to_1() -> None:
    belief = draw_signals().belief()
    _, signals = promised(belief, quoted(belief), UNIT)
    np.testing.assert_allclose(signals[:, 0].sum(axis=0), 1.0, rtol=0, atol=1e-12)


def test_a_signals_moments_are_integrals_over_the_density() -> None:
    """By quadrature at 30 digits: prior sd 3, a buy at 1, none in (-1, 2); then a buy at 4."""
    belief = GridBelief(0.0, 3.0).update(1.0, np.inf, 1.0).update(-1.0, 2.0, 1.0)
    _, ((_, sd, skewness, kurtosis), *_) = promised(belief, Quote([-3.0], [4.0]), UNIT)
    with mp.workdps(30):

        def before(v: Any) -> Any:
            between = mp.ncdf(2 - v) - mp.ncdf(-1 - v)
            return mp.npdf(v, 0, 3) * mp.ncdf(v - 1) * between

        def moment(power: int, centre: Any = 0) -> Any:
            def integrand(v: Any) -> Any:
                return before(v) * mp.ncdf(v - 4) * (v - centre) ** power

            return mp.quad(integrand, [-10, -3, 0, 2, 5, 14])

        mass = moment(0)
        probability = mass / mp.quad(before, [-14, -3, 0, 2, 5, 14])
        mean = moment(1) / mass
        second, third, fourth = (moment(n, mean) / mass for n in (2, 3, 4))
        expected = [mp.sqrt(second), third / second**1.5, fourth / second**2 - 3]
    _, signals = promised(belief, Quote([-3.0], [4.0]), UNIT)
    assert signals[0, 0, 0] == pytest.approx(float(probability), rel=1e-9)
    found = [float(part[0]) for part in (sd, skewness, kurtosis)]
    np.testing.assert_allclose(found, np.array(expected, float), rtol=1e-6)


@pytest.mark.parametrize("noise_sd", [1.0, 2.5])
def test_expected_profit_is_that_of_the_one_period_market_in_noise_sds(noise_sd: float) -> None:
    belief, law = draw_signals().belief(noise_sd, -3.0), NoisyValuation(noise_sd)
    quote = quoted(belief, noise_sd)
    profit, _ = promised(belief, quote, law)
    expected = expected_profit(belief, quote, law) / noise_sd
    np.testing.assert_allclose(profit, expected, rtol=1e-9, atol=1e-10)
    assert (profit < 0).any()
    assert (profit > 0).any()


def test_every_ask_meets_every_bid_and_crossed_ones_are_worth_nothing() -> None:
    window = GridBelief([0.0, 1.0], 2.0).windows[0]
    bids, asks = np.array([[-1.0, 0.5], [0.0, 1.5]]), np.array([[-0.5, 1.0, 2.0], [1.0, 2.0, 3.0]])
    table = prospects(window, UNIT, bids, asks).backup(load_fitted(DISCOUNT))
    assert table.shape == (2, 3, 2)
    assert (np.isneginf(table) == (asks[:, :, np.newaxis] < bids[:, np.newaxis, :])).all()
    assert np.isneginf(table).sum() == 2
    for i in range(3):
        for j in range(2):
            alone = backup(load_fitted(DISCOUNT), window, UNIT, bids[:, j], asks[:, i])
            np.testing.assert_allclose(table[:, i, j], alone, rtol=1e-13)


def test_the_worth_of_a_quote_is_profit_and_discounted_value_of_what_it_leads_to() -> None:
    belief, value = draw_signals().belief(), load_fitted(DISCOUNT)
    quote = quoted(belief)
    expected = expected_profit(belief, quote, UNIT)
    for side in Side:
        shown = UNIT.likelihood(quote, np.full(SIZE, side, np.int8))
        log_mass, after = belief.condition(shown)
        expected += DISCOUNT * np.exp(log_mass) * value(*shape(after))
    found = np.empty(SIZE)
    for window in belief.windows:
        at = window.rows
        found[at] = backup(value, window, UNIT, quote.bid[at], quote.ask[at])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_the_value_of_a_normal_belief_is_that_of_the_gaussian_world_and_the_first_spline() -> None:
    value, solution = load_fitted(DISCOUNT), solve(DISCOUNT)
    zero = np.zeros(5)
    at_knots = value(KNOTS[1:-1], zero, zero) - solution.value_function(KNOTS[1:-1])
    np.testing.assert_allclose(at_knots, value.coefficients[:, 0], atol=1e-12)
    sd = np.geomspace(KNOTS[0], KNOTS[-1], 50)
    first = CubicSpline(np.log(KNOTS), [0.0, *value.coefficients[:, 0], 0.0], bc_type="clamped")
    expected = solution.value_function(sd) + first(np.log(sd))
    np.testing.assert_allclose(value(sd, 0 * sd, 0 * sd), expected, atol=1e-12)


def test_the_value_of_a_window_is_that_of_its_moments() -> None:
    belief, value = draw_signals().belief(0.5, 2.0), load_fitted(DISCOUNT)
    sd, skewness, kurtosis = shape(belief)
    found = gathered(belief, partial(value.of, noise_sd=0.5))
    np.testing.assert_allclose(found, value(sd / 0.5, skewness, kurtosis), rtol=0, atol=1e-9)
    assert abs(found - solve(DISCOUNT).value_function(sd / 0.5)).max() > 0.03


def test_the_value_is_even_in_skewness() -> None:
    unit = np.random.default_rng(1).uniform(size=(3, 99))
    sd, s, k = 0.2 + 40 * unit[0], 3.8 * unit[1] - 1.9, 6 * unit[2] - 1
    left, right = (load_fitted(DISCOUNT)(sd, by, k) for by in (-s, s))
    assert (left == right).all()
    assert abs(right - load_fitted(DISCOUNT)(sd, 0 * s, k)).max() > 0.1


@pytest.mark.parametrize("sd", [1e-3, 0.25, 32.0, 49.0, 300.0])
def test_at_the_ends_and_past_them_the_splines_vanish(sd: float) -> None:
    found = load_fitted(DISCOUNT)(np.array(sd), np.array(0.7), np.array(0.5))
    assert float(found) == pytest.approx(
        float(solve(DISCOUNT).value_function(min(sd, 50.0))), abs=1e-12
    )


@pytest.mark.parametrize("end", [KNOTS[0], KNOTS[-1]])
def test_at_the_ends_the_splines_have_no_slope(end: float) -> None:
    inside = np.log(end) + np.array([1e-4, 2e-4]) * (1 if end < 1 else -1)
    near, far = features(np.exp(inside), np.full(2, 0.7), np.full(2, 0.5))
    np.testing.assert_allclose(far, 4 * near, rtol=1e-3, atol=1e-12)
    assert abs(far).max() > 1e-9


def test_features_times_coefficients_are_what_corrects_the_gaussian_value() -> None:
    rng, value = np.random.default_rng(2), load_fitted(0.95)
    sd, s, k = np.exp(rng.uniform(-2, 4, (3, 7))), rng.normal(size=(3, 7)), rng.normal(size=(3, 7))
    found = features(sd, 2 * s, 3 * k)
    assert found.shape == (3, 7, 25)
    corrections = value(sd, 2 * s, 3 * k) - solve(0.95).value_function(np.minimum(sd, 50.0))
    np.testing.assert_allclose(found @ value.coefficients.ravel(), corrections, atol=1e-12)


def grid_worth(value: ExactValue, belief: PointBelief, below: Array, above: Array) -> Array:
    """Return the worth of every pair, prices (R, J) and (R, I) in sds of a valuation: (R, I, J)."""
    table = np.empty((len(belief.mean), above.shape[1], below.shape[1]))
    for window in belief.windows:
        at, mean = window.rows, window.mean[:, np.newaxis]
        reach = np.hypot(window.sd, 1.0)[:, np.newaxis]
        found = prospects(window, UNIT, mean - reach * below[at], mean + reach * above[at])
        table[at] = found.backup(value)
    return table


def in_reaches(belief: PointBelief, quote: Quote) -> tuple[Array, Array]:
    reach = np.hypot(belief.sd, 1.0)
    return (belief.mean - quote.bid) / reach, (quote.ask - belief.mean) / reach


@pytest.mark.parametrize("discount", [0.9, 0.95, 0.99])
def test_no_quote_is_better_than_the_best(discount: float) -> None:
    value, belief = load_fitted(discount), draw_signals().belief()
    quote = best_quote(value, belief, UNIT)
    below, above = (side[:, np.newaxis] for side in in_reaches(belief, quote))
    best = grid_worth(value, belief, below, above)[:, 0, 0]
    wide = np.tile(np.linspace(-0.3, 4.0, 44), (SIZE, 1))
    near = np.linspace(-0.15, 0.15, 31)
    rivals = [
        grid_worth(value, belief, wide, wide),
        grid_worth(value, belief, below + near, above + near),
    ]
    for table in rivals:
        assert (table.reshape(SIZE, -1).max(axis=1) <= best + 1e-6).all()
    assert (rivals[1].reshape(SIZE, -1).max(axis=1) > best - 1e-4).all()


def test_the_ask_is_farther_from_the_mean_where_the_longer_tail_is_above() -> None:
    belief = draw_signals().belief()
    below, above = in_reaches(belief, best_quote(load_fitted(DISCOUNT), belief, UNIT))
    skewed = abs(belief.skewness) > 0.15
    assert (np.sign(belief.skewness) * (above - below) > 0.015)[skewed].all()
    assert skewed.sum() > 5


@pytest.mark.parametrize("sd", [3.0, 5.0, 8.0, 11.0])
def test_the_first_quote_knows_how_short_the_noise_is(sd: float) -> None:
    """The grid of a prior that nobody has traded on may have steps of several noise sds."""
    at_once, told_nothing = (
        best_quote(load_fitted(DISCOUNT), prior(0.0, sd), UNIT) for prior in (GridBelief, aware)
    )
    np.testing.assert_allclose(at_once.ask, told_nothing.ask, rtol=0, atol=1e-8)
    np.testing.assert_allclose(at_once.bid, told_nothing.bid, rtol=0, atol=1e-8)


def test_a_mirror_image_gets_the_mirror_quote() -> None:
    one, other = (
        best_quote(load_fitted(DISCOUNT), draw_signals().belief(scale), UNIT)
        for scale in (1.0, -1.0)
    )
    np.testing.assert_allclose(other.bid, -one.ask, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.ask, -one.bid, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 50.0), (3.0, 0.0), (0.02, -4.0)])
def test_quotes_shift_and_scale_with_the_market(scale: float, shift: float) -> None:
    value = load_fitted(DISCOUNT)
    one = best_quote(value, draw_signals().belief(), UNIT)
    other = best_quote(value, draw_signals().belief(scale, shift), NoisyValuation(scale))
    np.testing.assert_allclose(other.bid, scale * one.bid + shift, rtol=0, atol=1e-8 * scale)
    np.testing.assert_allclose(other.ask, scale * one.ask + shift, rtol=0, atol=1e-8 * scale)


def test_a_quote_is_the_same_alone_as_among_others() -> None:
    value = load_fitted(DISCOUNT)
    together = best_quote(value, draw_signals().belief(), UNIT)
    for row in range(0, SIZE, 5):
        alone = best_quote(value, draw_signals().belief(rows=[row]), UNIT)
        assert alone.bid[0] == together.bid[row]
        assert alone.ask[0] == together.ask[row]


@pytest.mark.parametrize("sd", [12.01, 13.4, 20.0, 49.0])
def test_past_the_widest_fitted_belief_she_quotes_as_the_gaussian_rule_does(sd: float) -> None:
    assert sd > WIDEST
    belief = GridBelief(1.0, 2 * sd)
    quote = best_quote(load_fitted(DISCOUNT), belief, NoisyValuation(2.0))
    half_spread = 2 * solve(DISCOUNT).half_spread(sd)
    np.testing.assert_allclose(quote.bid, 1 - half_spread, rtol=1e-12)
    np.testing.assert_allclose(quote.ask, 1 + half_spread, rtol=1e-12)


def test_short_of_it_she_does_not() -> None:
    quote = best_quote(load_fitted(DISCOUNT), GridBelief(0.0, 11.9), UNIT)
    assert abs(quote.ask - solve(DISCOUNT).half_spread(11.9)) > 0.01


class Level(NamedTuple):
    """What may be known after so many signals: once each, with its probability and the quotes."""

    probability: Array
    window: Window
    bid: Array
    ask: Array


def greedy(window: Window) -> tuple[Array, Array]:
    """Return the quotes of exact-optimal."""
    return best_prices(load_fitted(DISCOUNT), window, UNIT)


def rule(window: Window) -> tuple[Array, Array]:
    """Return the quotes of the Gaussian world's optimum, on exact mean and sd."""
    half_spread = solve(DISCOUNT).half_spread(window.sd)
    return window.mean - half_spread, window.mean + half_spread


@cache
def tree(prior_sd: float, policy: Policy) -> list[list[Level]]:
    """Return all that a policy may lead to, by the number of signals, from 0 to DEEP.

    Quotes depend on signals alone, so that there are 3^t beliefs after t signals. Each row of the
    grids takes a way of its own, and the first of those that are still one stands for all.
    """
    rows = np.arange(3**DEEP)
    belief: PointBelief = aware(np.zeros(len(rows)), prior_sd)
    levels = []
    for t in range(DEEP + 1):
        level, bid, ask = [], np.empty(len(rows)), np.empty(len(rows))
        copies = 3 ** (DEEP - t)
        for every in iterate_chunks(belief.windows):
            one = every.at(every.rows % copies == 0)
            level.append(Level(np.exp(one.log_evidence), one, *policy(one)))
            bid[one.rows], ask[one.rows] = level[-1].bid, level[-1].ask
        levels.append(level)
        if t < DEEP:
            first = rows - rows % copies
            quote = Quote(bid[first], ask[first])
            side = (rows // (copies // 3) % 3 - 1).astype(np.int8)
            belief = belief.revise(UNIT.likelihood(quote, side))
    return levels


def mean_over(level: list[Level], of: Callable[[Level], Array]) -> float:
    """Return what is to be expected of something that depends on what is known."""
    return float(sum((one.probability * of(one)).sum() for one in level))


def assessed(prior_sd: float, policy: Policy, value: ExactValue) -> float:
    """Return U(prior) and the discounted gaps B U - U of periods 0 to DEEP."""

    def gap(one: Level) -> Array:
        return backup(value, one.window, UNIT, one.bid, one.ask) - value.of(one.window, 1.0)

    levels = tree(prior_sd, policy)
    gaps = [DISCOUNT**t * mean_over(level, gap) for t, level in enumerate(levels)]
    return mean_over(levels[0], lambda one: value.of(one.window, 1.0)) + sum(gaps)


def profit(one: Level) -> Array:
    """Return the expected profit of a period, by sums over the grid."""
    window, buys = one.window, ndtr(one.window.value - one.ask[:, np.newaxis])
    sells = ndtr(one.bid[:, np.newaxis] - window.value)
    gains = buys * (one.ask[:, np.newaxis] - window.value)
    gains += sells * (window.value - one.bid[:, np.newaxis])
    return (window.weight * gains).sum(axis=-1)


@pytest.mark.parametrize("policy", [greedy, rule])
@pytest.mark.parametrize("prior_sd", [3.0, 5.0])
def test_after_so_many_signals_something_is_known(prior_sd: float, policy: Policy) -> None:
    for level in tree(prior_sd, policy):
        assert mean_over(level, lambda one: np.ones(len(one.bid))) == pytest.approx(1.0, abs=1e-12)
    mean = mean_over(level, lambda one: one.window.mean**2 + one.window.sd**2)
    assert mean == pytest.approx(prior_sd**2, rel=1e-10)


@pytest.mark.parametrize("value", [PLAIN, load_fitted(DISCOUNT)], ids=["W", "fitted"])
@pytest.mark.parametrize("policy", [greedy, rule])
def test_gaps_add_up_to_profits_and_the_value_of_what_is_known_at_last(
    policy: Policy, value: ExactValue
) -> None:
    levels = tree(3.0, policy)
    profits = sum(DISCOUNT**t * mean_over(level, profit) for t, level in enumerate(levels[:-1]))
    at_last = DISCOUNT**DEEP * mean_over(levels[-1], lambda one: value.of(one.window, 1.0))
    last_gap = assessed(3.0, policy, value) - profits - at_last
    again = DISCOUNT**DEEP * mean_over(
        levels[-1],
        lambda one: backup(value, one.window, UNIT, one.bid, one.ask) - value.of(one.window, 1.0),
    )
    assert last_gap == pytest.approx(again, abs=1e-8)


@pytest.mark.parametrize(
    ("prior_sd", "policy", "expected", "apart"),
    [
        (3.0, greedy, 1.64171, 9e-5),
        (3.0, rule, 1.63927, 7e-5),
        (5.0, greedy, 1.22867, 1.1e-3),
        (5.0, rule, 1.22339, 1.1e-3),
    ],
)
def test_a_policy_is_worth_as_much_whatever_the_value_function(
    prior_sd: float, policy: Policy, expected: float, apart: float
) -> None:
    """But for what is left after DEEP + 1 signals, discounted; the fitted one leaves far less."""
    by_fitted, plainly = (assessed(prior_sd, policy, u) for u in (load_fitted(DISCOUNT), PLAIN))
    assert by_fitted == pytest.approx(expected, abs=3e-5)
    assert 0 < by_fitted - plainly < apart


@pytest.mark.parametrize(("prior_sd", "gain"), [(1.0, 3.5e-6), (3.0, 0.00244), (5.0, 0.00528)])
def test_whole_posteriors_earn_more_than_the_gaussian_rule(prior_sd: float, gain: float) -> None:
    for value in (load_fitted(DISCOUNT), PLAIN):
        best, ruled = (assessed(prior_sd, policy, value) for policy in (greedy, rule))
        assert best - ruled == pytest.approx(gain, rel=0.05)


def assess(
    maker: Any, prior_sd: float, replications: int, periods: int
) -> tuple[Exchange, Assessor]:
    """Return a market of one maker and an assessor, once so many traders have come."""
    beside = partial(Assessor, discount=DISCOUNT)
    market = Exchange([maker, beside], prior_sd=prior_sd, replications=replications, rng=4)
    assessor = market.run(periods).makers[1]
    assert isinstance(assessor, Assessor)
    return market, assessor


@pytest.mark.parametrize("prior_sd", [3.0, 5.0])
def test_in_simulations_she_beats_the_gaussian_rule(prior_sd: float) -> None:
    """Measured as by the scenario exact-optimum, in paired standard errors."""
    ruled: Any = partial(Optimal, belief="exact")
    best, other = (assess(one, prior_sd, 300, 25)[1].worth for one in (ExactOptimal, ruled))
    gain = best - other
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() > 4 * error
    expected = assessed(prior_sd, greedy, load_fitted(DISCOUNT))
    assert abs(best.mean() - expected) < 4 * best.std(ddof=1) / np.sqrt(len(best)) + 5e-5


@pytest.mark.parametrize("maker", [ExactOptimal, Optimal])
def test_what_a_policy_is_assessed_at_is_what_it_earns(maker: Any) -> None:
    market, assessor = assess(maker, 2.0, 2000, 15)
    profits = metrics.discounted_profit(market.tape.makers, DISCOUNT)
    hers = profits[profits["maker"] == maker.name].set_index("replication")["discounted_profit"]
    at_last = gathered(assessor.require_posterior(), partial(assessor.value.of, noise_sd=1.0))
    earned = hers.to_numpy() + DISCOUNT**15 * at_last
    error = (earned - assessor.worth).std(ddof=1) / np.sqrt(len(earned))
    assert abs((earned - assessor.worth).mean()) < 4 * error
    assert error < 0.04
    assert assessor.worth.std() < 0.1 * earned.std()


@pytest.mark.parametrize("prior_sd", [1.0, 5.0, 9.0])
def test_an_assessor_begins_with_the_value_of_the_prior_and_the_gap_of_the_first_quote(
    prior_sd: float,
) -> None:
    _, assessor = assess(ExactOptimal, prior_sd, 2, 1)
    belief, value = aware(0.0, prior_sd), load_fitted(DISCOUNT)
    quote = best_quote(value, belief, UNIT)
    window = belief.windows[0]
    ahead = backup(value, window, UNIT, quote.bid, quote.ask)
    np.testing.assert_allclose(assessor.worth, np.repeat(ahead, 2), rtol=0, atol=1e-8)
    gap = ahead - value.of(window, 1.0)
    np.testing.assert_allclose(assessor.residuals, np.broadcast_to(gap, (1, 2)), rtol=0, atol=1e-8)


def test_an_assessor_leaves_the_market_as_it_is() -> None:
    market, _ = assess(ExactOptimal, 3.0, 30, 6)
    alone = Exchange(ExactOptimal, prior_sd=3.0, replications=30, rng=4).run(6)
    hers = market.tape.makers.query("maker == 'exact-optimal'").reset_index(drop=True)
    for column in ("bid", "ask", "profit"):
        assert (hers[column] == alone.tape.makers[column]).all()


def test_the_maker_quotes_what_is_best_on_her_own_belief() -> None:
    market = Exchange("exact-optimal", prior_sd=3.0, noise_sd=0.5, replications=20, rng=2).run(3)
    (maker,) = market.makers
    assert isinstance(maker, ExactOptimal)
    best = best_quote(load_fitted(DISCOUNT), maker.require_posterior(), NoisyValuation(0.5))
    quote = maker.quote()
    assert (quote.bid == best.bid).all()
    assert (quote.ask == best.ask).all()


def test_the_maker_takes_a_discount() -> None:
    asks = [
        Exchange(partial(ExactOptimal, discount=d), prior_sd=3.0).makers[0].quote().ask
        for d in (0.9, 0.95, 0.99)
    ]
    assert asks[0] > asks[1] + 0.2 > asks[2] + 0.3


@pytest.mark.parametrize("belief", ["gaussian", GaussianBelief(0.0, 3.0)])
def test_a_belief_that_is_not_exact_is_refused(belief: Any) -> None:
    says = (
        r'but must be exact, for her quotes depend on the whole posterior: give "exact" or as Grid'
    )
    with pytest.raises(TypeError, match=says):
        Exchange(partial(ExactOptimal, belief=belief), prior_sd=3.0)


def test_a_discount_that_was_not_fitted_is_refused() -> None:
    says = (
        r"discount is 0.8, but the value of exact beliefs was fitted for 0.9, 0.95.*: "
        r"give that, or fit one by python -m abm.bellman.exact.fit 0.8"
    )
    for refuse in (lambda: load_fitted(0.8), lambda: Exchange(partial(ExactOptimal, discount=0.8))):
        with pytest.raises(ValueError, match=says):
            refuse()


def test_a_discount_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"discount is 1\.0, but must be at least 0 and below 1"):
        load_fitted(1.0)
