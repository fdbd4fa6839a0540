"""One-period quotes under mixtures: first roots, best peaks, folds, and profit that is zero."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from abm import Exchange, GaussianBelief, Myopic, NoisyTrader, ZeroProfit
from abm.beliefs.grid import GridBelief
from abm.market.mixtures import Mixture
from abm.market.uninformed import CoinFlip, PublicValuation
from abm.market.valuations import NoisyValuation
from abm.one_period.quotes import myopic_quote, zero_profit_quote
from abm.traders import UninformedTrader


def mix(share: float, reach: float | None = None, mean: float = 0.0) -> Mixture:
    other: Any = CoinFlip() if reach is None else PublicValuation(np.full(1, mean), reach)
    return Mixture([NoisyValuation(1.0), other], [1.0 - share, share])


def full_spread(law: Any, sd: float) -> float:
    return float(zero_profit_quote(GaussianBelief([0.0], [sd]), law).spread[0])


def profit(ask: Any, share: float, reach: float, sd: float) -> Any:
    """Return what an ask earns, written out."""
    s = np.hypot(sd, 1.0)
    informed = ask * stats.norm.sf(ask / s) - sd**2 / s * stats.norm.pdf(ask / s)
    return (1 - share) * informed + share * ask * stats.norm.sf(ask / reach)


@pytest.mark.parametrize(
    ("share", "sd", "expected"),
    [(0.3, 1, 0.9110), (0.3, 3, 3.8867), (0.3, 5, 6.7095),
     (0.1, 1, 1.3537), (0.1, 3, 6.4446), (0.1, 5, 11.1692)],
)  # fmt: skip
def test_spreads_where_some_trade_at_any_price(share: float, sd: float, expected: float) -> None:
    assert full_spread(mix(share), sd) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("share", "sd", "expected"),
    [(0.3, 1, 0.9612), (0.3, 3, 6.1072), (0.3, 3.5, 9.65), (0.3, 3.75, 25.4), (0.5, 4, 6.18)],
)  # fmt: skip
def test_spreads_where_some_value_by_the_public_mean(
    share: float, sd: float, expected: float
) -> None:
    assert full_spread(mix(share, 3.0), sd) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.31, 0.5, 0.8])
@pytest.mark.parametrize("reach", [0.2, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("sd", [0.3, 1.0, 3.0, 4.0, 6.0])
def test_the_ask_is_the_first_root_of_many(share: float, reach: float, sd: float) -> None:
    fine = np.linspace(0.0, 60.0, 60_001)
    first = np.flatnonzero(profit(fine, share, reach, sd) >= 0)[0]
    root = brentq(profit, fine[first - 1], fine[first], (share, reach, sd)) if first else 0.0
    quote = zero_profit_quote(GaussianBelief([0.0], [sd]), mix(share, reach))
    assert quote.ask[0] == pytest.approx(root, rel=1e-7)
    assert quote.bid[0] == pytest.approx(-root, rel=1e-7)


@pytest.mark.parametrize(
    ("share", "fold", "below", "above"), [(0.31, 3.6963, 15.93, 21.45), (0.5, 4.3129, 9.91, 36.35)]
)
def test_the_spread_jumps_where_the_first_two_roots_vanish(
    share: float, fold: float, below: float, above: float
) -> None:
    law, low, high = mix(share, 3.0), fold - 0.01, fold + 0.01
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        low, high = (
            (low, middle) if full_spread(law, middle) > (below + above) / 2 else (middle, high)
        )
    assert low == pytest.approx(fold, abs=1e-4)
    assert full_spread(law, low) == pytest.approx(below, rel=0.006)
    assert full_spread(law, high) == pytest.approx(above, rel=0.006)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("reach", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("sd", [0.5, 3.0, 5.0])
def test_a_myopic_ask_is_the_best_of_all_peaks(share: float, reach: float, sd: float) -> None:
    fine = np.linspace(0.0, 100.0, 100_001)
    best = fine[profit(fine, share, reach, sd).argmax()]
    peak = minimize_scalar(
        lambda ask: -profit(ask, share, reach, sd), bounds=(best - 0.002, best + 0.002),
        method="bounded", options={"xatol": 1e-10},
    ).x  # fmt: skip
    ask = myopic_quote(GaussianBelief([0.0], [sd]), mix(share, reach)).ask[0]
    assert ask == pytest.approx(peak, abs=1e-4 * (1 + peak))
    assert profit(ask, share, reach, sd) >= profit(peak, share, reach, sd) * (1 - 1e-9)


def test_sides_differ_where_the_public_mean_is_not_the_makers() -> None:
    quote = zero_profit_quote(GaussianBelief([1.0], [2.0]), mix(0.4, 2.0, mean=0.0))
    mirrored = zero_profit_quote(GaussianBelief([-1.0], [2.0]), mix(0.4, 2.0, mean=0.0))
    assert quote.ask[0] - 1.0 > 1.01 * (1.0 - quote.bid[0])
    assert mirrored.bid[0] == pytest.approx(-quote.ask[0], rel=1e-9)


@pytest.mark.parametrize("name", ["half", "elastic"])
def test_an_exact_normal_belief_has_the_quotes_of_a_gaussian_one(name: str) -> None:
    law = mix(0.4) if name == "half" else mix(0.4, 2.0)
    exact, gaussian = GridBelief([0.5], [2.0]), GaussianBelief([0.5], [2.0])
    for find in (zero_profit_quote, *((myopic_quote,) if name == "elastic" else ())):
        one, other = find(exact, law), find(gaussian, law)
        np.testing.assert_allclose([one.bid, one.ask], [other.bid, other.ask], rtol=2e-5)


TYPES: dict[str, Any] = {
    "half": partial(UninformedTrader, share=0.5),
    "elastic": partial(UninformedTrader, share=0.3, reach=3.0),
    "sharper": partial(NoisyTrader, noise_sd=0.3, share=0.4),
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("side", [1, -1])
def test_a_zero_profit_maker_earns_nothing_on_either_side_where_her_belief_is_true(
    name: str, side: int
) -> None:
    market = Exchange(
        ZeroProfit, [NoisyTrader, TYPES[name]], prior_sd=2.0, value="redrawn", replications=20_000,
        rng=3,
    ).run(6)  # fmt: skip
    table = market.tape.market
    price = np.where(table["side"] > 0, table["ask"], table["bid"])
    gain = (table["side"] * (price - table["value"])).to_numpy()[table["side"] == side]
    assert abs(gain.mean()) < 4 * gain.std(ddof=1) / np.sqrt(len(gain))
    assert len(gain) > 5_000


@pytest.mark.parametrize("name", ["half", "elastic"])
def test_a_zero_profit_maker_on_exact_beliefs_earns_nothing_where_the_value_stays(
    name: str,
) -> None:
    maker: Any = partial(ZeroProfit, belief="exact")
    market = Exchange(maker, [NoisyTrader, TYPES[name]], prior_sd=2.0, replications=400, rng=5)
    gain = market.run(5).tape.makers.groupby("replication")["profit"].sum().to_numpy()
    assert abs(gain.mean()) < 4 * gain.std(ddof=1) / np.sqrt(len(gain))


@pytest.mark.parametrize("scale", [1e-3, 1e4])
@pytest.mark.parametrize("maker", [ZeroProfit, Myopic])
def test_prices_scale_with_all_lengths(maker: Any, scale: float) -> None:
    def bids(unit: float) -> Any:
        traders: list[Any] = [NoisyTrader, partial(UninformedTrader, share=0.3, reach=3.0 * unit)]
        market = Exchange(maker, traders, prior_mean=0.0, prior_sd=3.0 * unit, noise_sd=unit,
                          replications=50, rng=7)  # fmt: skip
        return market.run(5).tape.market["bid"].to_numpy() / unit

    np.testing.assert_allclose(bids(scale), bids(1.0), rtol=2e-6, atol=2e-6)
