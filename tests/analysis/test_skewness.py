"""Skewness of totals against SciPy's, and what is said where samples are too skewed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from abm.experiment import Experiment, grid
from analysis import Run, load
from analysis.metrics import FRACTIONS
from analysis.results import HEADLINES, records
from analysis.skewness import describe_skewed, measure_skewness
from scenarios._common import samples
from scenarios._common.samples import describe_samples

LABELS = ["makers", "prior_sd", "maker"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    points = grid(makers=["optimal", "myopic"], prior_sd=[1.0, 7.0])
    out = tmp_path_factory.mktemp("skewness") / "run"
    Experiment(points, replications=90, block=30, periods=12).run(out)
    return load(out)


def test_skewness_over_blocks_is_that_of_all_markets(run: Run) -> None:
    found = measure_skewness(run).set_index([*LABELS, "metric"])["skewness"]
    wanted = [name for name in HEADLINES if name not in FRACTIONS]
    rows = records(run, ["prior_sd"]).groupby(LABELS, observed=True)
    assert len(found) == rows.ngroups * len(wanted)
    for names, markets in rows:
        keys: Any = names
        for metric in wanted:
            sample = markets[metric].to_numpy()
            alike = np.ptp(sample) <= 1e-9 * np.abs(sample).max()
            right = np.nan if alike else stats.skew(sample, bias=False)
            assert found[(*keys, metric)] == pytest.approx(right, rel=1e-6, nan_ok=True)


def test_what_never_varies_is_not_skewed(run: Run) -> None:
    frozen = measure_skewness(run).query("makers == 'myopic' and prior_sd == 7")
    assert frozen.query("metric == 'profit'")["skewness"].isna().all()
    assert "profit" not in describe_skewed(frozen)


def test_few_markets_are_told_and_else_skewed_samples_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = describe_samples(run, {}, 5_000)
    assert said.startswith("90 markets are few: ")  # however many were asked for
    monkeypatch.setattr(samples, "FEW", 90)
    skewness = measure_skewness(run)
    assert describe_samples(run, {}, 1) == describe_skewed(skewness) != ""
    spreads = skewness.query("metric == 'spread'")
    assert describe_samples(run, {"found": spreads}, 1) == describe_skewed(spreads)


def test_a_warning_names_three_groups_and_counts_the_others() -> None:
    rows = [(maker, shock, "profit") for maker in "abcde" for shock in (1.0, 3.0)]
    table = pd.DataFrame(rows, columns=["maker", "prior_sd", "metric"])
    said = describe_skewed(table.assign(skewness=-5.0, count=100))
    assert said.endswith(
        "1977): a, profit at prior_sd 1 (skewness -5), 3 (skewness -5); b, profit at prior_sd 1 "
        "(skewness -5), 3 (skewness -5); c, profit at prior_sd 1 (skewness -5), 3 (skewness -5); "
        "and 2 more"
    )
    assert describe_skewed(table.assign(skewness=-5.0, count=626)) == ""


def test_points_need_no_shock_to_be_named() -> None:
    table = pd.DataFrame({"maker": ["optimal"], "metric": ["profit"], "skewness": 9.0, "count": 50})
    assert describe_skewed(table).endswith(": optimal, profit (skewness 9)")
