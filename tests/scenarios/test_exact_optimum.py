"""The scenario `exact-optimum`: worths, residuals and bounds against assessors and exchanges."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from abm import Exchange, Quote
from abm.bellman import solve
from abm.bellman.asymmetric import curvature, free_backup
from abm.bellman.bounds import compute_revealed_bound
from abm.bellman.exact.lookahead import backup
from abm.bellman.exact.quotes import best_quote
from abm.bellman.exact.value import load_fitted
from abm.makers.exact_optimal import ExactOptimal
from abm.makers.optimal import Optimal
from abm.numerics.arrays import Array
from analysis import Run
from scenarios.exact_optimum import (
    COMPARED,
    EXAMINED,
    GAINS,
    ExactOptimum,
    bound_by_residuals,
    measure_symmetry,
)
from scenarios.exact_optimum.policies import LIKELY, Adversary, Assessor, Examiner, Wanderer
from tests.commands import Call, read_error
from tests.files import read_files

SHOCKS, SIZE, PERIODS, SEED, DISCOUNT = [1.0, 4.0], 14, 5, 3, 0.9
GIVEN: dict[str, Any] = {
    "prior_sd": "4,1", "replications": SIZE, "periods": PERIODS, "seed": SEED, "discount": DISCOUNT,
}  # fmt: skip
SMALL: dict[str, Any] = {
    "prior_sd": "2", "replications": 3, "periods": 2, "seed": 8, "discount": 0.95,
}  # fmt: skip
KINDS: dict[str, Any] = {
    "Gaussian belief": Optimal,
    "Gaussian rule": partial(Optimal, belief="exact"),
    "exact-optimal": ExactOptimal,
    "random quotes": Wanderer,
    "adversarial quotes": Adversary,
}
STUDY = ExactOptimum(**GIVEN)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the scenario's command."""
    return partial(call, "run", "exact-optimum", "--out", "run")


@pytest.fixture(scope="module")
def table(folder: Path) -> Any:
    """Return the run's results by shock and metric."""
    return pd.read_csv(folder / "results.csv").set_index(["prior_sd", "metric"])


@pytest.fixture(scope="module")
def residuals(folder: Path) -> Any:
    """Return the run's residuals by shock, policy and period."""
    return pd.read_csv(folder / "residuals.csv").set_index(["prior_sd", "policy", "period"])


def assessed(policy: str, shock: float, kind: type[Assessor]) -> Assessor:
    """Return who sat beside the maker of a policy, once all traders have come."""
    pair: Any = [partial(one, discount=DISCOUNT) for one in (KINDS[policy], kind)]
    market = Exchange(pair, prior_sd=shock, replications=SIZE, rng=SEED).run(PERIODS)
    assessor = market.makers[1]
    assert isinstance(assessor, Assessor)
    return assessor


def estimates(sample: Array) -> list[float]:
    """Return mean, standard error, count, low and high."""
    error = sample.std(ddof=1) / np.sqrt(len(sample))
    half = stats.t.ppf(0.975, len(sample) - 1) * error
    return [sample.mean(), error, len(sample), sample.mean() - half, sample.mean() + half]


def row_of(table: Any, *key: Any) -> Array:
    return np.asarray(table.loc[key, ["mean", "se", "count", "low", "high"]], float)


def test_a_run_leaves_blocks_and_tables(folder: Path, log: Run) -> None:
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"results.csv", "residuals.csv", "symmetry.csv", "summary.parquet"} < left
    assert log.scenario == "exact-optimum"
    assert {tuple(point.values()) for point in log.points} == {
        (policy, shock) for policy in KINDS for shock in SHOCKS
    }


def test_the_table_has_policies_gains_and_bounds_once_for_every_shock(table: Any) -> None:
    metrics = [*KINDS, *GAINS, "residual bound", "relaxation bound"]
    assert sorted(table.index) == sorted((shock, metric) for shock in SHOCKS for metric in metrics)


@pytest.mark.parametrize("shock", SHOCKS)
def test_worths_and_gains_are_what_assessors_beside_the_makers_find(
    table: Any, shock: float
) -> None:
    worths = {policy: assessed(policy, shock, Assessor).worth for policy in KINDS}
    for policy, sample in worths.items():
        np.testing.assert_allclose(row_of(table, shock, policy), estimates(sample), rtol=1e-9)
    for gain, other in GAINS.items():
        sample = worths["exact-optimal"] - worths[other]
        np.testing.assert_allclose(row_of(table, shock, gain), estimates(sample), rtol=1e-6)


def test_the_skewness_of_worths_and_gains_is_that_of_their_samples(folder: Path) -> None:
    found: Any = pd.read_csv(folder / "skewness.csv").set_index(["prior_sd", "metric"])
    assert len(found) == len(SHOCKS) * (len(COMPARED) + len(GAINS))
    worths = {policy: assessed(policy, 4.0, Assessor).worth for policy in COMPARED}
    gains = {name: worths["exact-optimal"] - worths[other] for name, other in GAINS.items()}
    for metric, sample in (worths | gains).items():
        row = found.loc[(4.0, metric)]
        assert row["skewness"] == pytest.approx(stats.skew(sample, bias=False), rel=1e-6)
        assert row["count"] == SIZE


def test_a_worth_is_u_of_the_prior_and_discounted_gaps() -> None:
    for policy in COMPARED:
        assessor = assessed(policy, 4.0, Assessor)
        nothing = np.zeros(())
        prior = float(load_fitted(DISCOUNT)(np.asarray(4.0), nothing, nothing))
        gaps = sum(DISCOUNT**t * gap for t, gap in enumerate(assessor.residuals))
        np.testing.assert_allclose(assessor.worth, prior + gaps, rtol=0, atol=1e-9)
        assert len(assessor.residuals) == PERIODS


def test_an_examiner_notes_gaps_of_the_best_quotes_and_adds_up_those_of_the_posted() -> None:
    for policy in ("exact-optimal", "random quotes"):
        plain, examiner = (assessed(policy, 4.0, kind) for kind in (Assessor, Examiner))
        np.testing.assert_allclose(examiner.worth, plain.worth, rtol=0, atol=1e-12)
        best, posted = np.array(examiner.residuals), np.array(plain.residuals)
        if policy == "exact-optimal":
            np.testing.assert_allclose(best, posted, rtol=0, atol=1e-12)
        else:
            assert (best >= posted - 1e-7).all()
            assert (best > posted + 1e-4).any()


@pytest.mark.parametrize("policy", EXAMINED)
def test_residuals_are_those_of_the_best_quotes_on_the_ways(residuals: Any, policy: str) -> None:
    for shock in SHOCKS:
        examiner = assessed(policy, shock, Examiner)
        for period, sample in enumerate(examiner.residuals):
            row = residuals.loc[(shock, policy, period)]
            assert row["count"] == SIZE
            np.testing.assert_allclose(
                row[["mean", "se", "lowest", "highest"]].to_numpy(float),
                [*estimates(sample)[:2], sample.min(), sample.max()], rtol=1e-9, atol=1e-15,
            )  # fmt: skip
    assert len(residuals.xs(policy, level="policy")) == len(SHOCKS) * PERIODS


def test_only_policies_that_are_examined_have_residuals_there(residuals: Any) -> None:
    assert set(residuals.index.get_level_values("policy")) == set(EXAMINED)


def test_a_residual_is_the_gap_of_the_best_quote_at_a_belief(residuals: Any) -> None:
    """Of the prior, at which the best quotes are the first of every policy's way."""
    pair: Any = [partial(Assessor, discount=DISCOUNT)]
    (maker,) = Exchange(pair, prior_sd=1.0, replications=1).makers
    assert isinstance(maker, Assessor)
    value, window = load_fitted(DISCOUNT), maker.require_posterior().windows[0]
    quote = best_quote(value, maker.require_posterior(), maker.law)
    ahead = backup(value, window, maker.law, quote.bid, quote.ask)
    expected = float((ahead - value.of(window, 1.0))[0])
    for policy in EXAMINED:
        row = residuals.loc[(1.0, policy, 0)]
        assert row["lowest"] == pytest.approx(expected, abs=1e-9)
        assert row["highest"] == pytest.approx(expected, abs=1e-9)


def test_the_residual_bound_is_u_and_the_discounted_sum_of_the_largest_residuals(
    table: Any, residuals: Any
) -> None:
    for shock in SHOCKS:
        largest = residuals.loc[shock]["highest"].groupby("period").max()
        expected = float(load_fitted(DISCOUNT)(np.asarray(shock), np.zeros(()), np.zeros(())))
        expected += largest[0] + sum(DISCOUNT**t * max(largest[t], 0.0) for t in range(1, PERIODS))
        expected += DISCOUNT**PERIODS / (1 - DISCOUNT) * max(largest[PERIODS - 1], 0.0)
        assert table.loc[(shock, "residual bound"), "mean"] == pytest.approx(expected, rel=1e-9)


def test_a_made_up_residual_bound_is_what_a_pencil_gives() -> None:
    made_up = pd.DataFrame(
        {"period": [0, 0, 1, 1, 2, 2], "highest": [-0.3, -0.5, 0.1, 0.4, -0.2, -0.1]}
    )
    prior = float(load_fitted(0.9)(np.asarray(2.0), np.zeros(()), np.zeros(())))
    assert bound_by_residuals(2.0, made_up, 0.9) == pytest.approx(
        prior - 0.3 + 0.9 * 0.4, abs=1e-12
    )
    rising = made_up.assign(highest=[-0.3, -0.5, 0.1, 0.4, 0.2, 0.1])
    more = 0.9 * 0.4 + 0.81 * 0.2 + 0.729 / 0.1 * 0.2
    assert bound_by_residuals(2.0, rising, 0.9) == pytest.approx(prior - 0.3 + more, abs=1e-12)


def test_bounds_are_in_order(table: Any) -> None:
    mean = table["mean"].unstack("metric")
    for policy in KINDS:
        assert (mean[policy] < mean["residual bound"]).all()
    assert (mean["residual bound"] < mean["relaxation bound"]).all()
    np.testing.assert_allclose(
        mean["relaxation bound"], compute_revealed_bound(DISCOUNT, SHOCKS), rtol=1e-12
    )
    assert (mean["adversarial quotes"] < mean["exact-optimal"]).all()


def test_symmetry_is_that_of_both_depths_free(folder: Path) -> None:
    found = pd.read_csv(folder / "symmetry.csv")
    pd.testing.assert_frame_equal(found, measure_symmetry(DISCOUNT), rtol=1e-9)
    solution, rho = solve(DISCOUNT), found["rho"].to_numpy()
    best = free_backup(solution, rho)
    depth, skew = curvature(solution, rho)
    np.testing.assert_allclose(found["W"], solution.value_function(rho), atol=1e-12)
    np.testing.assert_allclose(found["residual"], best.value - best.before, atol=1e-15)
    np.testing.assert_allclose(found["gain"], best.gain, atol=1e-15)
    np.testing.assert_allclose(found["depth"], best.depth, rtol=1e-9)
    np.testing.assert_allclose(found["sharpness"], skew / depth, rtol=1e-6)
    assert abs(found["gain"]).max() < 1e-12
    assert (found["skew"] < 1e-5).all()
    np.testing.assert_allclose(
        found["depth"] * np.hypot(1, rho), solution.half_spread(rho), rtol=1e-4
    )


def quotes_of(policy: str, shock: float) -> tuple[Quote, Quote]:
    """Return a policy's first quote, and the best."""
    maker = Exchange(KINDS[policy], prior_sd=shock, replications=4000, rng=1).makers[0]
    assert isinstance(maker, ExactOptimal)
    return maker.quote(), ExactOptimal.quote(maker)


def test_random_quotes_scatter_around_the_best() -> None:
    quote, best = quotes_of("random quotes", 2.0)
    assert (quote.spread > 0).all()
    below, above = (np.log((quote.ask - quote.bid) / best.spread), quote.mid / best.spread)
    assert abs(np.mean(above)) < 4 * above.std() / np.sqrt(4000)
    assert 0.2 < below.std() < 0.4
    assert above.std() == pytest.approx(0.5 * np.hypot(0.28, 0.5 * np.sqrt(2) * 0.45), rel=0.1)


def test_an_adversary_quotes_what_leads_to_larger_residuals() -> None:
    makers: Any = [partial(KINDS[name], discount=DISCOUNT) for name in ("adversarial quotes",)]
    (adversary,) = Exchange(makers, prior_sd=3.0, replications=40, rng=1).run(2).makers
    assert isinstance(adversary, Adversary)
    best = ExactOptimal.quote(adversary)
    chosen = adversary.find_residual_after(adversary.quote())
    assert (chosen >= adversary.find_residual_after(best) - 1e-12).all()
    assert chosen.mean() > 1.2 * adversary.find_residual_after(best).mean()


def test_what_an_adversary_seeks_is_the_largest_residual_that_may_follow() -> None:
    makers: Any = [partial(Adversary, discount=DISCOUNT)]
    (maker,) = Exchange(makers, prior_sd=1.5, replications=5, rng=2).run(1).makers
    assert isinstance(maker, Adversary)
    law, value, quote = maker.law, load_fitted(DISCOUNT), ExactOptimal.quote(maker)
    largest = np.full(5, -np.inf)
    for side in (-1, 0, 1):
        shown = law.likelihood(quote, np.full(5, side, np.int8))
        log_mass, after = maker.require_posterior().condition(shown)
        following = best_quote(value, after, law)
        for window in after.windows:
            at = window.rows
            gap = backup(value, window, law, following.bid[at], following.ask[at])
            gap -= value.of(window, 1.0)
            likely = log_mass[at] > np.log(LIKELY)
            largest[at] = np.where(likely, np.maximum(largest[at], gap), largest[at])
    np.testing.assert_allclose(maker.find_residual_after(quote), largest, rtol=1e-4, atol=1e-8)


def test_what_is_printed_says_on_how_many_beliefs_it_rests(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_files(folder)
    ExactOptimum(**GIVEN).run(str(folder), resume=True)
    said = capsys.readouterr().out
    assert f"found on {len(EXAMINED) * PERIODS * SIZE} beliefs a shock" in said
    assert "was finished" in said
    assert "relaxation bound" in said
    assert "too skewed for so few markets" in said
    assert read_files(folder) == before


def test_one_market_has_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ExactOptimum(**SMALL | {"replications": 1}).run(str(tmp_path / "a"))
    assert "±" not in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "a" / "results.csv").set_index("metric")
    assert table.loc[list(KINDS), "low"].isna().all()
    assert table["mean"].notna().all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--discount", "0.8"], "discount is 0.8, but the value of exact beliefs was fitted for"),
        (["--discount", "1"], "discount is 1.0, but must be at least 0 and below 1: "),
        (["--prior-sd", "1;5"], "prior_sd is '1;5', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "two"], "prior_sd is 'two', but must be numbers: give as 1 or as 1,3,5"),
        (["--prior-sd", "0"], "prior_sd is 0.0, but must be above 0 and at most 12: give"),
        (["--prior-sd", "1,1.0"], "is there twice, but results are told apart by it"),
        (["--periods", "0"], "periods is 0, but must be at least 1 and at most 32767"),
        (["--replications", "15000"], "above 10000 they come in blocks: give a multiple of 10000"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_one_line(
    call: Call, tmp_path: Path, options: list[str], says: str
) -> None:
    assert says in read_error(call(*options))
    assert list(tmp_path.iterdir()) == []
