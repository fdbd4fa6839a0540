"""Exact beliefs at work: against mpmath and fine grids, in exchanges, and their calibration."""

from collections.abc import Callable
from functools import cache, partial
from inspect import signature
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext
from scipy import stats
from scipy.special import log_ndtr

from abm import Exchange, FixedSpread, GaussianBelief, GridBelief, NoisyTrader, Quote
from abm.beliefs.distance import total_variation
from abm.beliefs.points import PointBelief
from abm.makers import MakerError, MarketMaker
from abm.market.valuations import Interval, NoisyValuation
from abm.numerics.arrays import Array
from abm.one_period.profit import expected_profit
from abm.participants.registry import MAKER_TYPES

MP = MPContext()
MP.dps = 25
INF = np.inf
NOISE_SD = 0.8
HISTORY = [(1.0, INF), (-0.5, 2.5), (-INF, 3.0), (0.2, 1.4), (0.7, INF)]
LOGISTIC, LAPLACE, STUDENT = NOISE_SD * sqrt(3) / pi, NOISE_SD / sqrt(2), NOISE_SD / sqrt(3)
BELIEVERS = [
    name for name, kind in MAKER_TYPES.load_own().items() if "belief" in signature(kind).parameters
]
LAPLACE_OF_SD_1 = stats.laplace(scale=sqrt(0.5))

Cdf = Callable[[Any], Any]


def gaussian(x: Any) -> Any:
    return MP.erfc(-x / (MP.sqrt(2) * NOISE_SD)) / 2


def logistic(x: Any) -> Any:
    return 1 / (1 + MP.exp(-x / LOGISTIC))


def laplace(x: Any) -> Any:
    tail = MP.exp(-abs(x) / LAPLACE) / 2
    return tail if x < 0 else 1 - tail


def student(x: Any) -> Any:
    u = x / (STUDENT * MP.sqrt(3))
    return MP.mpf(1) / 2 + (u / (1 + u * u) + MP.atan(u)) / MP.pi


# How right a belief is, in its sds: measured 4e-16, 4e-16, 1e-16, 3e-6 (kinks) and 4e-13
NOISES: dict[str, tuple[Any, Cdf, float]] = {
    "Gaussian": (NOISE_SD, gaussian, 1e-14),
    "normal": (stats.norm(scale=NOISE_SD), gaussian, 1e-14),
    "logistic": (stats.logistic(scale=LOGISTIC), logistic, 1e-14),
    "Laplace": (stats.laplace(scale=LAPLACE), laplace, 1e-5),
    "Student": (stats.t(3, scale=STUDENT), student, 5e-12),
}


def after(history: list[tuple[float, float]], noise: Any, belief: GridBelief) -> GridBelief:
    for lower, upper in history:
        belief = belief.update(lower, upper, noise)
    return belief


@cache
def product_of_factors(cdf: Cdf) -> tuple[Callable[[float], float], float, float, float]:
    """The posterior's density, mean, sd and log evidence from the prior N(0.5, 3^2)."""

    @cache
    def density(value: Any) -> Any:
        product = MP.npdf(value, 0.5, 3)
        for lower, upper in HISTORY:
            below = 0 if lower == -INF else cdf(MP.mpf(lower) - value)
            product *= (1 if upper == INF else cdf(MP.mpf(upper) - value)) - below
        return product

    kinks = {end for ends in HISTORY for end in ends if np.isfinite(end)}
    pieces = sorted(kinks | {-28.0, -18.0, -12.0, -8.0, -4.0, 5.0, 9.0, 13.0, 19.0, 29.0})
    mass, first, second = (
        MP.quad(lambda v, power=power: v**power * density(v), pieces) for power in range(3)
    )
    mean = first / mass
    sd = MP.sqrt(second / mass - mean**2)
    log_evidence = float(MP.log(mass))
    return lambda v: float(density(MP.mpf(v)) / mass), float(mean), float(sd), log_evidence


@pytest.mark.parametrize("name", NOISES)
def test_posterior_is_the_product_of_prior_and_likelihoods(name: str) -> None:
    noise, cdf, tolerance = NOISES[name]
    _, mean, sd, log_evidence = product_of_factors(cdf)
    belief = after(HISTORY, noise, GridBelief(0.5, 3.0))
    assert belief.mean[0] == pytest.approx(mean, abs=tolerance * sd)
    assert belief.sd[0] == pytest.approx(sd, rel=tolerance)
    assert belief.log_evidence[0] == pytest.approx(log_evidence, abs=tolerance)


@pytest.mark.parametrize("name", NOISES)
def test_density_is_the_product_of_prior_and_likelihoods(name: str) -> None:
    noise, cdf, tolerance = NOISES[name]
    density, *_ = product_of_factors(cdf)
    value = np.array([-2.0, 0.5, 1.0, 1.7, 3.0, 5.0, 9.0])
    found = after(HISTORY, noise, GridBelief(0.5, 3.0)).density(value)
    assert found.shape == (1, 7)
    np.testing.assert_allclose(found[0], [density(one) for one in value], rtol=10 * tolerance)


def test_density_of_many_replications_is_that_of_each_at_its_own_values() -> None:
    mean = np.array([-3.0, 0.0, 10.0])
    belief = GridBelief(mean, [1.0, 2.0, 5.0]).update(mean - 1, mean + 3, 1.0)
    value = mean[:, np.newaxis] + np.linspace(-4, 4, 9)
    for row, (centre, sd) in enumerate([(-3.0, 1.0), (0.0, 2.0), (10.0, 5.0)]):
        alone = GridBelief(centre, sd).update(centre - 1, centre + 3, 1.0)
        np.testing.assert_allclose(
            belief.density(value)[row], alone.density(value[row])[0], rtol=1e-12
        )
        width = np.linspace(centre - 9 * sd, centre + 9 * sd, 2001)
        assert np.trapezoid(alone.density(width)[0], width) == pytest.approx(1, abs=1e-12)


def log_mass(lower: Array, upper: Array) -> Array:
    """The log of Phi(upper) - Phi(lower), from the tail where the difference keeps its digits."""
    flip = lower + upper > 0
    low, high = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    most = log_ndtr(high)
    with np.errstate(divide="ignore"):
        return most + np.log1p(-np.exp(log_ndtr(low) - most))


FINER = 15  # points per sd; a belief's own are from 1.7 to some 10


def worst_error(belief: GridBelief, prior_sd: float, shown: list[Interval]) -> float:
    """The largest error of mean and sd over all rows, in sds, and of the log evidence.

    The fine grid lies where the belief says. Prior and likelihoods being concave in logs, their
    product has one peak, and one that is nothing at both ends of the grid is nothing beyond.
    """
    steps = np.linspace(-30, 30, 60 * FINER + 1)
    value = belief.mean[:, np.newaxis] + belief.sd[:, np.newaxis] * steps
    log_density = stats.norm.logpdf(value, 0, prior_sd)
    for one in shown:
        ends = (np.broadcast_to(end, len(value))[:, np.newaxis] for end in (one.lower, one.upper))
        log_density += log_mass(*(end - value for end in ends))
    peak = log_density.max(axis=-1, keepdims=True)
    density = np.exp(log_density - peak)
    assert density[:, [0, -1]].max() < 1e-17
    total = density.sum(axis=-1)
    shift = (density * steps).sum(axis=-1) / total
    spread = np.sqrt((density * steps**2).sum(axis=-1) / total - shift**2)
    log_evidence = peak[:, 0] + np.log(total * belief.sd / FINER)
    lost = np.abs(belief.log_evidence - log_evidence) / np.maximum(1, np.abs(log_evidence))
    return float(max(np.abs(shift).max(), np.abs(spread - 1).max(), lost.max()))


def exact(name: str, **settings: Any) -> Any:
    kind: Any = MAKER_TYPES.find(name)
    needed = {"periods": 3} if name == "franchise" else {}
    return partial(kind, belief="exact", **needed, **settings)


def belief_of(market: Exchange, index: int = 0) -> GridBelief:
    belief = market.makers[index].belief
    assert isinstance(belief, GridBelief)
    return belief


def last_shown(market: Exchange, index: int = 0) -> Interval:
    view = market.makers[index].last
    assert view is not None
    assert isinstance(view.likelihood, Interval)
    return view.likelihood


def every_row(market: Exchange) -> list[int]:
    """Check the windows, and return how many points each has."""
    windows = belief_of(market).windows
    rows = np.concatenate([window.rows for window in windows])
    np.testing.assert_array_equal(np.sort(rows), np.arange(len(belief_of(market).mean)))
    assert all(window.weight.shape == (len(window.rows), window.points) for window in windows)
    return [window.points for window in windows]


CHECKED = [0, 1, 2, 4, 9, 29, 99]


@pytest.mark.slow
@pytest.mark.parametrize("prior_sd", [1.0, 3.0, 5.0, 8.0])
def test_worst_of_150_markets_of_the_optimal_maker_matches_a_fine_grid(prior_sd: float) -> None:
    """Measured 5e-12 at most."""
    market = Exchange(exact("optimal"), prior_sd=prior_sd, replications=150, rng=11)
    shown = []
    for period in range(100):
        market.step()
        shown.append(last_shown(market))
        points = every_row(market)
        if period in CHECKED:
            assert worst_error(belief_of(market), prior_sd, shown) < 2e-11, period
    assert max(points) <= 38


@pytest.mark.parametrize("name", ["zero-profit", "myopic"])
@pytest.mark.parametrize("prior_sd", [1.0, 3.0])
def test_worst_of_50_markets_of_a_one_period_maker_matches_a_fine_grid(
    name: str, prior_sd: float
) -> None:
    market = Exchange(exact(name), prior_sd=prior_sd, replications=50, rng=12)
    shown = []
    for period in range(60):
        market.step()
        shown.append(last_shown(market))
        points = every_row(market)
        if period in [0, 2, 9, 59]:
            assert worst_error(belief_of(market), prior_sd, shown) < 2e-11, period
    assert max(points) <= 92


def test_replications_with_widely_different_beliefs_have_the_digits_of_each_alone() -> None:
    """The worst rows of one window would be the first to take others along."""
    mean, sd = np.array([-3.0, 0.0, 100.0, 0.0, 7.0]), np.array([0.05, 5.0, 40.0, 1.0, 15.0])
    rng = np.random.default_rng(5)
    value = rng.normal(mean, sd)
    among: PointBelief = GridBelief(mean, sd)
    alone: list[PointBelief] = [GridBelief(*one) for one in zip(mean, sd, strict=True)]
    sizes = set()
    for _ in range(40):
        quote = Quote.around(among.mean, 0.7 * np.hypot(among.sd, 1))
        shown = NoisyValuation(1.0).likelihood(quote, quote.side(value + rng.normal(size=5)))
        among = among.revise(shown)
        sizes.add(len(among.windows))
        for row in range(5):
            alone[row] = one = alone[row].revise(shown.at(np.array([row])))
            found = among.mean[row], among.sd[row], among.log_evidence[row]
            assert found == (one.mean[0], one.sd[0], one.log_evidence[0])
    assert max(sizes) > 2


@pytest.mark.parametrize("name", ["optimal", "zero-profit", "myopic"])
def test_first_markets_of_an_exchange_are_the_same_in_a_larger_one(name: str) -> None:
    few, many = (
        Exchange(exact(name), prior_sd=3.0, replications=size, rng=4).run(25) for size in (2, 30)
    )
    first = many.tape.makers.query("replication < 2")
    np.testing.assert_array_equal(few.tape.makers["belief_mean"], first["belief_mean"])
    np.testing.assert_array_equal(few.tape.makers["belief_sd"], first["belief_sd"])
    np.testing.assert_array_equal(few.tape.makers["ask"], first["ask"])


def no_nan(market: Exchange) -> None:
    for frame in (market.tape.market, market.tape.makers):
        assert not frame.isna().to_numpy().any()


@pytest.mark.parametrize("replications", [1, 3])
@pytest.mark.parametrize("name", BELIEVERS)
def test_every_registered_maker_takes_an_exact_belief(name: str, replications: int) -> None:
    market = Exchange(exact(name), prior_sd=2.0, replications=replications, rng=6).run(15)
    no_nan(market)
    every_row(market)
    maker = market.makers[0]
    assert len(belief_of(market).history) == 15
    assert (maker.require_belief().sd < 2).all()
    np.testing.assert_array_equal(maker.require_belief().mean, maker.require_belief().mean)


def test_all_makers_with_a_belief_are_tried() -> None:
    assert {"optimal", "myopic", "zero-profit", "q-learning", "undercutter"} <= set(BELIEVERS)


def test_optimal_maker_quotes_her_solution_around_the_exact_belief() -> None:
    market = Exchange(exact("optimal"), prior_sd=6.0, noise_sd=2.0, replications=40, rng=8).run(7)
    (maker,) = market.makers
    market.open()
    mean, sd = belief_of(market).mean, belief_of(market).sd
    half_spread = 2.0 * maker.solution.half_spread(sd / 2.0)
    np.testing.assert_array_equal(market.inside.bid, mean - half_spread)
    np.testing.assert_array_equal(market.inside.ask, mean + half_spread)
    assert np.ptp(sd) > 0.1


def test_two_makers_in_one_exchange_keep_a_belief_each() -> None:
    makers = [exact("optimal"), "optimal", exact("fixed-spread", half_spread=2.0)]
    market = Exchange(makers, prior_sd=3.0, replications=30, rng=9).run(30)
    no_nan(market)
    one, two, three = (maker.require_belief() for maker in market.makers)
    assert isinstance(two, GaussianBelief)
    np.testing.assert_array_equal(one.mean, three.mean)  # trades are public
    assert 0 < np.abs(one.mean - two.mean).max() < two.sd.max()


def test_own_trades_alone_leave_makers_with_different_exact_beliefs() -> None:
    makers = [exact("optimal"), exact("optimal", discount=0.5)]
    market = Exchange(makers, prior_sd=3.0, replications=30, transparency="own", rng=9).run(30)
    no_nan(market)
    assert np.abs(belief_of(market, 0).mean - belief_of(market, 1).mean).max() > 0.1


def calibration(value: Array, belief: Any) -> tuple[float, float]:
    """The mean square of (V - mean) / sd, and its standard error."""
    square = ((value - belief.mean) / belief.sd) ** 2
    return float(square.mean()), float(square.std() / sqrt(len(square)))


@cache
def learnt(noise: Any, size: int = 2_000) -> tuple[Exchange, PointBelief, PointBelief]:
    """Zero-profit makers with Gaussian beliefs, and what exact ones say of all they were shown.

    The first of these knows the noise; the second takes it for a Gaussian of its sd.
    """
    traders = partial(NoisyTrader, noise=noise)
    market = Exchange("zero-profit", traders, prior_sd=1.0, replications=size, rng=21)
    right: PointBelief = GridBelief(0.0, 1.0).broadcast(size)
    wrong = right
    for _ in range(25):
        market.step()
        shown = last_shown(market)
        right = right.revise(shown)
        wrong = wrong.revise(Interval(shown.lower, shown.upper, shown.noise.sd))
    return market, right, wrong


def test_beliefs_are_calibrated_where_the_noise_is_gaussian() -> None:
    market, right, wrong = learnt(stats.norm(), 4_000)
    np.testing.assert_allclose(right.mean, wrong.mean, rtol=0, atol=1e-11)
    for belief in (right, market.makers[0].belief):
        found, error = calibration(market.value, belief)
        assert found == pytest.approx(1, abs=3 * error)
        assert error < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "size"),
    [
        pytest.param(LAPLACE_OF_SD_1, 4_000, id="Laplace"),
    ],
)
def test_only_an_exact_belief_that_knows_the_noise_is_calibrated(noise: Any, size: int) -> None:
    """Gaussian beliefs are too timid here: their errors are about half of what they expect."""
    market, right, wrong = learnt(noise, size)
    found, error = calibration(market.value, right)
    assert found == pytest.approx(1, abs=3 * error)
    assert error < 0.1
    for belief in (wrong, market.makers[0].belief):
        found, error = calibration(market.value, belief)
        assert found < 0.65
        assert found < 1 - 8 * error


def test_knowing_the_noise_brings_the_mean_nearer_to_the_value() -> None:
    market, right, wrong = learnt(LAPLACE_OF_SD_1, 4_000)
    gain = (market.value - wrong.mean) ** 2 - (market.value - right.mean) ** 2
    assert gain.mean() > 5 * gain.std() / sqrt(len(gain))


def test_evidence_favours_the_noise_that_traders_have() -> None:
    """A belief with the wrong noise finds what was shown less probable."""
    _, right, wrong = learnt(LAPLACE_OF_SD_1, 4_000)
    ratio = right.log_evidence - wrong.log_evidence
    assert ratio.mean() > 10 * ratio.std() / sqrt(len(ratio))


def test_exact_zero_profit_maker_earns_nothing_in_the_real_world() -> None:
    """And one with a Gaussian belief earns something, about 0.04 at sigma = 3."""
    exactly, nearly = (
        Exchange(maker, prior_sd=3.0, replications=6_000, rng=31).run(30)
        for maker in (exact("zero-profit"), "zero-profit")
    )
    earned, gained = (one.tape.discounted_profit(0.9)[0] for one in (exactly, nearly))
    difference = gained - earned
    assert abs(earned.mean()) < 3 * earned.std() / sqrt(6_000)
    assert difference.mean() > 3 * difference.std() / sqrt(6_000)


@pytest.mark.parametrize(
    ("history", "noise"),
    [
        ([(1.0, 1.0)], 1.0),
        ([(1e9, INF)], 1.0),
        ([(40.0, INF), (-INF, -40.0)], 1.0),
        ([(3_000.0, INF)], stats.laplace()),
        ([(3.0, INF), (-INF, 0.9)], stats.uniform(-1, 2)),
    ],
    ids=["no width", "too far", "contradiction", "too far for Laplace", "contradiction in bounds"],
)
def test_signal_of_probability_zero_is_refused_not_nan(
    history: list[tuple[float, float]], noise: Any
) -> None:
    message = "probability 0 under the belief .replication 0.*start from a wider prior, or show an"
    with pytest.raises(ValueError, match=message):
        after(history, noise, GridBelief(0.0, 5.0))


@pytest.mark.parametrize("noise", [1.0, stats.laplace(), stats.t(3)], ids=["N", "Laplace", "t"])
def test_signals_that_all_but_contradict_each_other_have_a_posterior(noise: Any) -> None:
    belief = after([(12.0, INF), (-INF, -12.0)], noise, GridBelief(0.0, 5.0))
    assert belief.mean[0] == pytest.approx(0, abs=1e-5)
    assert belief.sd[0] > 0.1
    assert np.isfinite(belief.log_evidence[0])


def test_belief_too_sure_to_be_true_ends_the_run_with_the_reason() -> None:
    belief = GridBelief(1_000.0, 1.0)
    maker = partial(FixedSpread, half_spread=200.0, belief=belief)
    with pytest.raises(MakerError, match="learnt") as caught:
        Exchange(maker, prior_sd=3.0).run(1)
    assert "probability 0 under the belief" in str(caught.value.__cause__)


@pytest.mark.parametrize("half_spread", [1e-12, 50.0, 1e3, 1e100])
def test_no_half_spread_leaves_a_nan_in_the_log(half_spread: float) -> None:
    maker = exact("fixed-spread", half_spread=half_spread)
    no_nan(Exchange(maker, prior_sd=3.0, replications=20, rng=1).run(20))


class Apart(MarketMaker):
    """Quotes so far from the prior mean, for ever."""

    name = "apart"

    def __init__(self, model: Any, *, bid: float, ask: float) -> None:
        super().__init__(model, belief="exact")
        self.prices = Quote(bid, ask)

    def quote(self) -> Quote:
        return self.prices


@pytest.mark.parametrize("name", ["optimal", "zero-profit", "undercutter", "inventory-averse"])
@pytest.mark.parametrize(
    ("bid", "ask"), [(150.0, 151.0), (-151.0, -150.0), (-150.0, 150.0), (-1.0, 60.0)]
)
def test_rival_far_from_the_belief_leaves_no_nan_in_the_log(
    name: str, bid: float, ask: float
) -> None:
    makers = [exact(name), partial(Apart, bid=bid, ask=ask)]
    market = Exchange(makers, prior_sd=3.0, replications=5, rng=1).run(10)
    no_nan(market)
    assert (belief_of(market).sd <= 3 + 1e-12).all()


def test_quote_that_nobody_takes_earns_nothing_under_an_exact_belief() -> None:
    far = Quote(-100.0, 100.0)
    assert expected_profit(GridBelief(0.0, 1.0), far, NoisyValuation(1.0))[0] == 0


def by_force(exactly: PointBelief, nearly: GaussianBelief) -> Array:
    """Half the integral of the difference by the midpoint rule, row by row."""
    apart = []
    for row in range(len(exactly.mean)):
        edges = exactly.mean[row] + exactly.sd[row] * np.linspace(-15, 15, 20_001)
        value = 0.5 * (edges[1:] + edges[:-1])
        density = exactly.density(value)[row]
        normal = stats.norm.pdf(value, nearly.mean[row], nearly.sd[row])
        apart.append(0.5 * np.abs(density - normal).sum() * (edges[1] - edges[0]))
    return np.array(apart)


def test_total_variation_is_half_the_integral_of_the_difference() -> None:
    exactly: PointBelief = GridBelief([0.0] * 3, 3.0)
    nearly = GaussianBelief([0.0] * 3, 3.0)
    seen = [(2.0, INF), (-1.0, 6.0), (4.0, INF), (-INF, 5.0), (3.0, 3.4)]
    for lower, upper in seen:
        shift = np.array([0.0, 1.0, -2.5])
        shown = Interval(lower + shift, upper + shift, 1.0)
        exactly, nearly = exactly.revise(shown), nearly.revise(shown)
        found = total_variation(exactly, nearly)
        assert found.shape == (3,)
        np.testing.assert_allclose(found, by_force(exactly, nearly), rtol=0, atol=3e-5)
    assert found.min() > 0.005


@pytest.mark.parametrize(
    ("mean", "sd"), [(0.0, 3.0), (4.0, 3.0), (0.0, 1.5), (0.0, 20.0), (15.0, 1.0), (90.0, 2.0)]
)
def test_total_variation_from_another_gaussian_is_the_textbooks(mean: float, sd: float) -> None:
    """Against quadrature on the two densities, be they close, narrower, wider or disjoint."""
    exactly, nearly = GridBelief(0.0, 3.0), GaussianBelief([mean], [sd])
    value = np.linspace(-120, 120, 2_000_001)
    difference = np.abs(stats.norm.pdf(value, 0, 3) - stats.norm.pdf(value, mean, sd))
    expected = 0.5 * difference.sum() * (value[1] - value[0])
    assert total_variation(exactly, nearly)[0] == pytest.approx(expected, abs=3e-5)


def test_total_variation_of_the_prior_from_itself_is_nought() -> None:
    prior = GaussianBelief([0.0, 7.0], [3.0, 0.1])
    assert total_variation(GridBelief(prior.mean, prior.sd), prior).max() < 1e-9
