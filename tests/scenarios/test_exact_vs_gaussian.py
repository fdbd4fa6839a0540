"""The scenario `exact-vs-gaussian`: profits, their differences and distances against exchanges."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy import stats
from scipy.integrate import trapezoid

from abm import Exchange, GaussianBelief, GridBelief, Optimal
from abm.bellman import solve
from abm.numerics.arrays import Array
from abm.participants.registry import MAKER_TYPES
from analysis import Run
from analysis.skewness import describe_skewed
from scenarios.exact_vs_gaussian import ExactVsGaussian, describe_gain
from scenarios.exact_vs_gaussian.accountant import Accountant
from scenarios.exact_vs_gaussian.onlooker import DISTANCE_METRICS, ROUNDING, Onlooker, add_onlooker
from tests.commands import Call, read_error
from tests.files import read_files
from tests.intervals import expect_interval

MAKERS, SHOCKS, SIZE, PERIODS, SEED = ["optimal", "zero-profit"], [1.0, 4.0], 60, 12, 3
DISCOUNT = 0.8
GIVEN: dict[str, Any] = {
    "makers": "optimal,zero-profit", "prior_sd": "1,4", "replications": SIZE, "periods": PERIODS,
    "seed": SEED, "discount": DISCOUNT,
}  # fmt: skip
SMALL: dict[str, Any] = {
    "makers": "myopic", "prior_sd": "2", "replications": 6, "periods": 3, "seed": 8,
}  # fmt: skip
FIGURES = ("profit", "distance")
STUDY = ExactVsGaussian(**GIVEN)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "exact-vs-gaussian", "--out", "run")


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    """Return the run's results by maker, shock and metric."""
    return pd.read_csv(folder / "results.csv").set_index(["maker", "prior_sd", "metric"])


def market(maker: str, shock: float, belief: str) -> Exchange:
    """Return the market of a maker with a belief, once all traders have come."""
    kind: Any = MAKER_TYPES.find(maker)
    more = {"discount": DISCOUNT} if maker == "optimal" else {}
    alone: Any = partial(kind, belief=belief, **more)
    return Exchange(alone, prior_sd=shock, replications=SIZE, rng=SEED).run(PERIODS)


def discounted(market: Exchange) -> Array:
    """Return the discounted profit of each replication."""
    makers = market.tape.makers
    profit = makers.pivot(index="period", columns="replication", values="profit").to_numpy()
    return np.asarray(DISCOUNT ** np.arange(PERIODS) @ profit)


def estimates(sample: Array) -> list[float]:
    """Return mean, standard error, count, low and high."""
    sample = sample.round(12)  # of what is 0 but for rounding, none is left
    error = sample.std(ddof=1) / np.sqrt(len(sample))
    return expect_interval(sample.mean(), error, len(sample)).to_numpy()[0].tolist()


def beliefs(market: Exchange, signals: int) -> tuple[GridBelief, GaussianBelief]:
    """Return what the public tape says after so many signals, exactly and kept normal."""
    prior = market.terms.prior
    exact, gaussian = GridBelief(prior.mean, prior.sd), prior
    tape = market.tape.market
    for period in range(signals):
        now = tape[tape["period"] == period]
        bid, ask, side = (now[name].to_numpy() for name in ("bid", "ask", "side"))
        low = np.where(side > 0, ask, np.where(side < 0, -np.inf, bid))
        high = np.where(side < 0, bid, np.where(side > 0, np.inf, ask))
        exact, gaussian = exact.update(low, high, 1.0), gaussian.update(low, high, 1.0)
    return exact, gaussian


def half_the_area_between(exact: GridBelief, gaussian: GaussianBelief) -> Array:
    """Return the total variation distance, by the densities on very many points."""
    standard = np.linspace(-12, 12, 8001)
    value = exact.mean[:, np.newaxis] + exact.sd[:, np.newaxis] * standard
    normal = stats.norm.pdf(value, gaussian.mean[:, np.newaxis], gaussian.sd[:, np.newaxis])
    return 0.5 * trapezoid(abs(exact.density(value) - normal), value, axis=-1)


def test_a_run_leaves_blocks_tables_and_pictures(folder: Path, log: Run) -> None:
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"results.csv", "distances.csv", "profit.png", "distance.png"} < left
    assert log.scenario == "exact-vs-gaussian"
    assert [tuple(point.values()) for point in log.points] == [
        (maker, shock, belief)
        for maker in MAKERS
        for shock in SHOCKS
        for belief in ("gaussian", "exact")
    ]
    for name in FIGURES:
        assert imread(folder / f"{name}.png").std() > 0.05


def test_the_table_has_every_metric_once_for_every_maker_and_shock(table: Any) -> None:
    metrics = [
        "W",
        "gaussian",
        "exact",
        "difference",
        "expected gaussian",
        "expected exact",
        "gain",
    ]
    metrics += DISTANCE_METRICS
    assert sorted(table.index) == sorted(
        (maker, shock, metric) for maker in MAKERS for shock in SHOCKS for metric in metrics
    )


@pytest.mark.parametrize("shock", SHOCKS)
@pytest.mark.parametrize("maker", MAKERS)
def test_profits_and_their_paired_difference_are_those_of_the_markets(
    table: Any, maker: str, shock: float
) -> None:
    kept, exact = (discounted(market(maker, shock, belief)) for belief in ("gaussian", "exact"))
    assert abs(exact - kept).max() > 1e-3
    for metric, sample in (("gaussian", kept), ("exact", exact), ("difference", exact - kept)):
        row = table.loc[(maker, shock, metric), ["mean", "se", "count", "low", "high"]]
        np.testing.assert_allclose(row.to_numpy(float), estimates(sample), rtol=1e-7, atol=1e-10)


def test_theory_is_the_value_function_whoever_quotes(table: Any) -> None:
    for maker in MAKERS:
        for shock in SHOCKS:
            row = table.loc[(maker, shock, "W")]
            expected = float(solve(DISCOUNT).value_function(shock))
            assert row["mean"] == row["low"] == row["high"] == pytest.approx(expected, abs=1e-7)
            assert row["se"] == 0


@pytest.mark.parametrize("signals", [1, 3, 10])
def test_distances_are_between_the_beliefs_that_the_tape_leads_to(
    folder: Path, signals: int
) -> None:
    found: Any = pd.read_csv(folder / "distances.csv")
    found = found.set_index(["maker", "prior_sd", "period", "metric"]).sort_index()
    exact, gaussian = beliefs(market("optimal", 4.0, "gaussian"), signals)
    expected = {
        "total_variation": half_the_area_between(exact, gaussian),
        "mean_gap": abs(gaussian.mean - exact.mean) / exact.sd,
        "sd_gap": abs(gaussian.sd / exact.sd - 1),
        "skewness": abs(exact.skewness),
    }
    assert expected["total_variation"].mean() > 0.01
    for metric, sample in expected.items():
        row = found.loc[("optimal", 4.0, signals, metric)]
        np.testing.assert_allclose(
            row[["mean", "se", "count", "low", "high"]].to_numpy(float), estimates(sample),
            rtol=1e-3 if metric == "total_variation" else 1e-6, atol=1e-9,
        )  # fmt: skip


def test_distances_are_noted_after_some_signals_and_the_table_has_those_after_ten(
    folder: Path, table: Any
) -> None:
    found = pd.read_csv(folder / "distances.csv")
    assert sorted(found["period"].unique()) == [1, 2, 3, 5, 7, 10]
    after_ten = found[found["period"] == 10].set_index(["maker", "prior_sd", "metric"])
    assert len(after_ten) == len(MAKERS) * len(SHOCKS) * len(DISTANCE_METRICS)
    for key, row in after_ten.iterrows():
        assert table.loc[key, "mean"] == pytest.approx(row["mean"], rel=1e-12)


def test_a_belief_told_one_symmetric_thing_has_the_right_moments_and_is_not_normal(
    folder: Path,
) -> None:
    """Moment matching is exact in mean and sd after the first signal."""
    found = pd.read_csv(folder / "distances.csv").query("period == 1")
    means = found.groupby("metric")["mean"].max()
    assert means["mean_gap"] < 1e-8
    assert means["sd_gap"] < 1e-8
    assert means["total_variation"] > 0.01


def test_an_onlooker_changes_nothing() -> None:
    """She quotes beside the maker whose belief is kept normal."""
    alone = market("optimal", 4.0, "gaussian")
    hers: Any = partial(Optimal, discount=DISCOUNT)
    onlooker: Any = partial(Onlooker, discount=DISCOUNT)
    watched = Exchange([hers, onlooker], prior_sd=4.0, replications=SIZE, rng=SEED).run(PERIODS)
    makers = watched.tape.makers
    seen = makers[makers["maker"] == "optimal"].reset_index(drop=True)
    for column in ("bid", "ask", "profit", "belief_sd"):
        assert (seen[column] == alone.tape.makers[column]).all()
    assert not makers[makers["maker"] == "onlooker"]["filled"].any()


def leads(**of_shocks: tuple[float, float]) -> pd.DataFrame:
    """Return made-up differences: mean and standard error by shock, over 1000 markets."""
    rows = [(float(shock[1:]), *both, 1000) for shock, both in of_shocks.items()]
    return pd.DataFrame(rows, columns=["prior_sd", "mean", "se", "count"])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (leads(s1=(0.1, 0.01)), "1: 0.100 ± 0.020 (5 % of W)"),
        (leads(s1=(0.0, 0.0511)), "1: 0.00 ± 0.10 (0 % of W)"),
        (
            leads(s1=(0.1, 0.01), s2=(-0.1, 0.01)),  # by Bonferroni, 2.245 standard errors
            "1: 0.100 ± 0.022 (5 % of W); 2: -0.100 ± 0.022 (-10 % of W)",
        ),
        (leads(s2=(0.1, np.nan)), "2: 0.1 (no interval) (10 % of W)"),
    ],
)
def test_a_gain_is_told_with_its_size_and_an_interval_sure_of_all_shocks_together(
    rows: pd.DataFrame, says: str
) -> None:
    theory = pd.Series({1.0: 2.0, 2.0: 1.0})
    assert describe_gain("optimal", rows, theory) == f"optimal, by shock: {says}"


def account(
    maker: str, shock: float, belief: str, discount: float, size: int, periods: int
) -> tuple[Exchange, Array]:
    """Return a market with an accountant who has seen so many periods, and what she expected."""
    given = add_onlooker({"makers": maker, "prior_sd": shock, "belief": belief}, discount)
    watched = Exchange(**given, replications=size, rng=SEED, record="full").run(periods)
    accountant = watched.makers[1]
    assert isinstance(accountant, Accountant)
    return watched, accountant.expected


@pytest.mark.parametrize("belief", ["gaussian", "exact"])
def test_expected_profit_is_that_of_the_quotes_under_the_exact_belief(belief: str) -> None:
    """By the joint density of value and noise, integrated on many points."""
    watched, found = account("optimal", 4.0, belief, DISCOUNT, 20, 5)
    tape, expected = watched.tape.market, np.zeros(20)
    for period in range(5):
        now = tape[tape["period"] == period]
        bid, ask = (now[name].to_numpy()[:, np.newaxis] for name in ("bid", "ask"))
        exact, _ = beliefs(watched, period)
        value = np.broadcast_to(np.linspace(-40, 40, 16_001), (20, 16_001))
        profit = (ask - value) * stats.norm.sf(ask - value)
        profit += (value - bid) * stats.norm.cdf(bid - value)
        density = exact.broadcast(20).density(value)
        expected += DISCOUNT**period * trapezoid(profit * density, value, axis=-1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.fixture(scope="module")
def accounts() -> dict[tuple[str, float, str], tuple[Array, Array]]:
    """Return expected and realised discounted profits by maker, shock and belief."""
    known = {}
    for maker, shock in GAINS:
        for belief in ("gaussian", "exact"):
            watched, expected = account(maker, shock, belief, 0.9, 600, 60)
            makers = watched.tape.makers[watched.tape.makers["maker"] == maker]
            profit = makers.pivot(index="period", columns="replication", values="profit")
            known[maker, shock, belief] = expected, 0.9 ** np.arange(60) @ profit.to_numpy()
    return known


GAINS = {  # of other markets, 100 periods: the gain from exact beliefs and its standard error
    ("optimal", 1.0): (0.00012, 0.00001),
    ("optimal", 2.0): (0.00428, 0.00012),
    ("optimal", 3.0): (0.0195, 0.0004),
    ("myopic", 2.0): (0.0187, 0.0004),
}


@pytest.mark.parametrize(("maker", "shock"), GAINS)
def test_expected_profit_has_the_mean_of_realised_profit_and_a_far_smaller_error(
    accounts: Any, maker: str, shock: float
) -> None:
    (kept, kept_real), (exact, exact_real) = (
        accounts[maker, shock, belief] for belief in ("gaussian", "exact")
    )
    for expected, realised in (
        (kept, kept_real), (exact, exact_real), (exact - kept, exact_real - kept_real),
    ):  # fmt: skip
        mean, error, *_ = estimates(realised - expected)
        assert abs(mean) < 4 * error
        assert estimates(expected)[1] < 0.3 * estimates(realised)[1]


@pytest.mark.parametrize(("maker", "shock"), GAINS)
def test_gains_are_those_found_in_other_markets(accounts: Any, maker: str, shock: float) -> None:
    gain, gain_error = GAINS[maker, shock]
    exact, kept = (accounts[maker, shock, belief][0] for belief in ("exact", "gaussian"))
    mean, error, *_ = estimates(exact - kept)
    assert abs(mean - gain) < 4 * np.hypot(error, gain_error)
    assert error < 0.0025


def test_gains_in_the_table_are_what_accountants_beside_the_makers_find(table: Any) -> None:
    for shock in SHOCKS:
        both = (
            account("zero-profit", shock, belief, DISCOUNT, SIZE, PERIODS)[1]
            for belief in ("exact", "gaussian")
        )
        exact, kept = (np.where(np.abs(one) < ROUNDING, 0.0, one) for one in both)
        for metric, sample in (
            ("expected gaussian", kept), ("expected exact", exact), ("gain", exact - kept),
        ):  # fmt: skip
            row = table.loc[("zero-profit", shock, metric), ["mean", "se", "count", "low", "high"]]
            np.testing.assert_allclose(row.to_numpy(float), estimates(sample), atol=1e-9)


def test_markets_without_a_trade_are_counted(folder: Path) -> None:
    found = pd.read_csv(folder / "frozen.csv")
    assert len(found) == len(MAKERS) * len(SHOCKS) * 2
    for row in found.itertuples():
        tape = market(str(row.maker), float(str(row.prior_sd)), str(row.belief)).tape.market
        sides = tape.pivot(index="period", columns="replication", values="side").to_numpy()
        never = (sides == 0).all(axis=0)
        assert row.mean == pytest.approx(never.mean(), abs=1e-12)


def test_skewed_samples_of_gains_are_named(folder: Path) -> None:
    found = pd.read_csv(folder / "skewness.csv").query("maker == 'optimal'").set_index("prior_sd")
    exact, kept = (
        account("optimal", 1.0, belief, DISCOUNT, SIZE, PERIODS)[1]
        for belief in ("exact", "gaussian")
    )
    assert found["skewness"][1.0] == pytest.approx(stats.skew(exact - kept, bias=False), rel=1e-6)
    assert found["count"][1.0] == SIZE
    assert 25 * found["skewness"][1.0] ** 2 > SIZE
    says = f": optimal, gain at prior_sd 1 (skewness {found['skewness'][1.0]:.3g}), 4 (skewness "
    assert says in describe_skewed(found.reset_index())
    assert describe_skewed(found.reset_index().assign(count=1_000_000)) == ""


def test_what_is_printed_has_a_verdict_for_each_maker(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_files(folder)
    ExactVsGaussian(**GIVEN).run(str(folder), resume=True)
    said = capsys.readouterr().out
    for maker in MAKERS:
        assert f"\n{maker}, by shock: 1: " in said
        assert f"\n{maker}'s markets on gaussian beliefs at shocks of 1" in said
        assert f"\n{maker}'s markets on exact beliefs at shocks of 1 to 4: most trade\n" in said
    assert "was finished" in said
    assert read_files(folder) == before


def test_before_ten_signals_the_table_has_the_last_distances(small: Path) -> None:
    table = pd.read_csv(small / "results.csv").set_index("metric")
    distances = pd.read_csv(small / "distances.csv")
    last = distances[distances["period"] == 3].set_index("metric")
    assert len(last) == len(DISTANCE_METRICS)
    for metric in DISTANCE_METRICS:
        assert table["mean"][metric] == last["mean"][metric]


@pytest.mark.usefixtures("no_pictures")
def test_makers_stay_in_the_order_given(tmp_path: Path) -> None:
    ExactVsGaussian(**SMALL | {"makers": "zero-profit,myopic"}).run(str(tmp_path / "a"))
    table = pd.read_csv(tmp_path / "a" / "results.csv")
    theory = table[table["metric"] == "W"]
    assert theory["maker"].tolist() == ["zero-profit", "myopic"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--makers", "zero"], "maker is 'zero', which is unknown: known: "),
        (["--makers", "myopic,myopic"], "is there twice, but results are told apart by it"),
        (["--prior-sd", "1;5"], "prior_sd is '1;5', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "two"], "prior_sd is 'two', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "1,-2"], "prior_sd is -2.0, but must be finite and above zero: give"),
        (["--discount", "1"], "discount is 1.0, but must be at least 0 and below 1: "),
        (["--periods", "40000"], "periods is 40000, but must be at least 1 and at most 32767"),
        (["--replications", "15000"], "above 10000 they come in blocks: give a multiple of 10000"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_line(
    call: Call, tmp_path: Path, options: list[str], says: str
) -> None:
    assert says in read_error(call(*options))
    assert list(tmp_path.iterdir()) == []
