"""The scenario `paper`: its files, its numbers, and verdicts that follow the log."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from abm.bellman import solve
from abm.experiment import Experiment
from abm.experiment.points import describe_points
from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.folder import RunFolder
from abm.runs.parquet import unpack_table
from abm.runs.schema import BLOCKS, MANIFEST_FILE, RUN_FILE
from analysis import Run, load
from analysis.claims import Claim, read_claims
from scenarios import paper
from scenarios.paper import Paper
from scenarios.paper.claims import add_realised, find_crossing, measure_claims
from scenarios.paper.estimate import SHOCK
from scenarios.paper.text import measure_text
from tests.files import ROOT, read_files, removed, truncated, with_a_bit_turned

SMALL: dict[str, Any] = {"replications": 200, "discount": 0.9, "seed": 0, "periods": 30}
TABLES = ["adapted", "computed", "distances", "learning", "makers", "market", "policies",
          "posteriors", "summary", "theory", "totals"]  # fmt: skip
FIGURES = [
    "fig-1-posteriors",
    "fig-3a-discounted-profit",
    "fig-3b-spread-by-rho",
    "fig-3c-profit",
    "fig-4a-spread",
    "fig-4b-no-trade",
    "one-market",
]
VIEWS = ["makers", "market"]  # of blocks, whose rows are not kept twice
OWN = [name for name in TABLES if name not in VIEWS]
FILES = [*(f"{name}.parquet" for name in OWN), *(f"{name}.png" for name in FIGURES)]
BLOCK_FILES = [f"{BLOCKS}/{number:04d}-00000.parquet" for number in range(len(paper.POINTS))]
EXHIBITS = ["Fig. 1", "Fig. 3a", "Fig. 3b", "Fig. 3c", "Fig. 4a", "Fig. 4b", "Th. 2.1",
            "s. 1.2", "s. 2.1", "s. 2.3", "s. 2.5", "Results", "Closing"]  # fmt: skip
NOT_SAMPLED = {"Fig. 3b", "Fig. 4a", "Th. 2.1", "s. 2.1", "s. 2.3", "s. 2.5", "Results"}

Change = Callable[[pd.DataFrame], pd.DataFrame]
Tamper = Callable[..., Run]


def study(out: Path, **changed: Any) -> None:
    """Run a small study, with other options or run options."""
    how = {name: changed.pop(name) for name in ("workers", "resume", "verify") if name in changed}
    Paper(**SMALL | changed).run(str(out), **how)


def different(folder: Path, other: Path) -> list[str]:
    """Return the files that are not the same in both."""
    here, there = read_files(folder), read_files(other)
    return sorted(name for name in here | there if here.get(name) != there.get(name))


def blocks_done(folder: Path) -> list[str]:
    lines = (folder / MANIFEST_FILE).read_text().splitlines()
    return [json.loads(line)["block"] for line in lines if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "paper"
    study(out)
    return out


@pytest.fixture(scope="module")
def claims(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "claims.csv")


@pytest.fixture(scope="module")
def judged(log: Run) -> list[Claim]:
    """Return the claims as the log decides them."""
    return measure_claims(log)


@pytest.fixture
def tampered(folder: Path, tmp_path: Path) -> Tamper:
    """Return a function that copies the log and changes some of its tables."""

    def tamper(**changes: Change) -> Run:
        copy = Path(shutil.copytree(folder, tmp_path / "-".join(changes), dirs_exist_ok=True))
        run = json.loads((copy / RUN_FILE).read_text())
        for table, change in changes.items():
            path = copy / f"{table}.parquet"
            change(load(folder).table(table)).to_parquet(path, index=False)
            run["views"].pop(table, None)
            stamp = {"sha256": 64 * "0", "tables": []}
            run["files"][path.name] = stamp | {"size": path.stat().st_size}
        (copy / RUN_FILE).write_text(json.dumps(run))
        return load(copy)

    return tamper


def pick(judged: list[Claim], exhibit: str, words: str = "") -> list[str]:
    picked = [one for one in judged if one.exhibit == exhibit and words in one.says]
    assert picked
    return [one.holds for one in picked]


def verdicts(log: Run, exhibit: str, words: str = "") -> list[str]:
    return pick(measure_claims(log), exhibit, words)


def with_makers_swapped(first: str, second: str, column: str = "maker") -> Change:
    names = {first: second, second: first}

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        swapped = frame[column].astype(str).map(lambda name: names.get(name, name))
        return frame.assign(**{column: swapped.astype("category")})

    return change


def with_totals_of(profit: Callable[[pd.DataFrame], "pd.Series[float]"]) -> Change:
    def change(totals: pd.DataFrame) -> pd.DataFrame:
        hers = (totals["maker"] == "optimal") & (totals["process"] == "fixed")
        noise = 1e-6 * np.arange(len(totals)) / len(totals)  # what is all alike decides nothing
        return totals.assign(
            discounted_profit=totals["discounted_profit"].where(~hers, profit(totals) + noise)
        )

    return change


def test_a_study_leaves_its_tables_figures_claims_and_blocks(folder: Path) -> None:
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {*FILES, *BLOCK_FILES, "claims.csv", RUN_FILE, MANIFEST_FILE}
    assert [path.name for path in folder.parent.iterdir()] == ["paper"]


def test_the_description_knows_every_file(folder: Path, log: Run) -> None:
    known = {name: (folder / name).stat().st_size for name in [*FILES, *BLOCK_FILES, "claims.csv"]}
    assert {name: about["size"] for name, about in log.files.items()} == known
    assert log.scenario == "paper"
    assert log.parameters == SMALL
    assert log.points == describe_points(paper.POINTS)
    assert log.tables == TABLES


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_pictures(folder: Path, name: str) -> None:
    content = (folder / f"{name}.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 10_000


def test_every_exhibit_is_judged_in_order(claims: pd.DataFrame) -> None:
    assert claims["exhibit"].unique().tolist() == EXHIBITS
    assert claims["says"].is_unique
    assert np.isfinite(claims[["measured", "se"]].to_numpy()).all()


def test_verdicts_follow_from_what_was_measured(claims: pd.DataFrame) -> None:
    sampled = claims["count"] > 0
    assert set(claims["exhibit"][~sampled]) == NOT_SAMPLED
    assert (sampled.sum(), len(claims)) == (23, 35)
    half = (stats.t.ppf(1 - 0.025 / 23, claims["count"] - 1) * claims["se"]).fillna(claims["se"])
    low, high = claims["measured"] - half, claims["measured"] + half
    yes = (claims["low"] < low) & (high < claims["high"])
    no = (high <= claims["low"]) | (claims["high"] <= low)
    assert claims["holds"].tolist() == np.select([yes, no], ["yes", "no"], "undecided").tolist()
    assert {"yes", "no"} <= set(claims["holds"])


def test_the_claims_written_are_those_of_the_log(log: Run, judged: list[Claim]) -> None:
    written = read_claims(log)
    assert [claim.says for claim in written] == [claim.says for claim in judged]
    assert [claim.measured for claim in written] == [claim.measured for claim in judged]


def test_measurements_are_means_of_the_log(claims: pd.DataFrame, log: Run) -> None:
    first = log.table("makers", period=0).set_index("replication")
    profit = first[first["maker"] == "optimal"]["profit"]
    row = claims[claims["says"].str.contains("loses in the first period")]
    assert row["measured"].item() == pytest.approx(profit.mean(), rel=1e-12)
    assert row["se"].item() == pytest.approx(profit.std() / np.sqrt(200), rel=1e-12)
    quiet = log.table("market", period=0).assign(quiet=lambda rows: rows["side"] == 0)
    rates = quiet.groupby("exchange", observed=True)["quiet"].mean()
    row = claims[claims["exhibit"] == "Fig. 4b"]
    assert row["measured"].item() == pytest.approx(rates["optimal"] - rates["zero-profit"])


def test_theory_has_the_value_function(log: Run) -> None:
    theory = log.table("theory").set_index("prior_sd")["value"]
    assert theory[1.0] == pytest.approx(2.480194, abs=1e-6)
    assert theory[3.0] == pytest.approx(1.585057, abs=1e-6)
    assert theory.index.is_monotonic_increasing
    assert set(paper.SHOCKS) <= set(theory.index)


def test_policies_have_the_spreads_and_their_crossing(log: Run) -> None:
    spreads = log.table("policies").pivot(index="rho", columns="maker", values="spread").loc[3.0]
    expected = {"optimal": 9.083, "zero-profit": 17.267, "myopic": 19.130}
    assert spreads.to_dict() == pytest.approx(expected, abs=5e-4)
    assert find_crossing(log) == pytest.approx(1.544, abs=1e-3)


def test_makers_face_the_same_values_and_traders(log: Run) -> None:
    columns = ["replication", "period", "value", "valuation"]
    first, *others = (
        log.table("market", columns, exchange=name) for name in ("optimal", "myopic", "zero-profit")
    )
    assert len(first) == 200 * 30
    for other in others:
        pd.testing.assert_frame_equal(first, other)


def test_the_posterior_is_a_density_beside_a_density(log: Run) -> None:
    for _, curve in log.table("posteriors").groupby("period"):
        spacing = np.gradient(curve["value"])
        assert (curve["exact"] * spacing).sum() == pytest.approx(1.0, abs=1e-3)
        assert (curve["gaussian"] * spacing).sum() == pytest.approx(1.0, abs=1e-2)


@pytest.mark.parametrize(("apart", "verdict"), [(0.01, "yes"), (0.2, "no")])
def test_fig_1_is_judged_by_the_distances(tampered: Tamper, apart: float, verdict: str) -> None:
    def move(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(total_variation=apart + 1e-6 * np.arange(len(frame)))

    other = tampered(distances=move)
    assert verdicts(other, "Fig. 1") == [verdict] * 4


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "yes"), (1.2, "no"), (0.8, "no")])
def test_fig_3a_is_judged_by_the_gap_to_theory(
    log: Run, tampered: Tamper, factor: float, verdict: str
) -> None:
    theory = log.table("theory").set_index("prior_sd")["value"]
    found = add_realised(log)
    cut_off = found["realised"] - found["discounted_profit"]
    change = with_totals_of(lambda totals: factor * totals["prior_sd"].map(theory) - cut_off)
    other = tampered(totals=change)
    assert verdicts(other, "Fig. 3a", "with a value that stays") == [verdict] * 3


def test_what_the_periods_cut_off_are_worth_is_added_to_the_optimal_makers_profit(log: Run) -> None:
    found = add_realised(log)
    cut_off = found["realised"] - found["discounted_profit"]
    optimal = found["maker"] == "optimal"
    later = 0.9 ** log.parameters["periods"] * solve(0.9).value_function(found["belief_sd"])
    np.testing.assert_allclose(cut_off[optimal], later[optimal], rtol=1e-4)
    assert (cut_off[~optimal] == 0).all()


def test_fig_3a_sees_when_the_optimal_maker_falls_behind(
    judged: list[Claim], tampered: Tamper
) -> None:
    change = with_totals_of(lambda totals: totals["discounted_profit"] - 5.0)
    assert pick(judged, "Fig. 3a", "outperforms") == ["yes"]
    assert verdicts(tampered(totals=change), "Fig. 3a", "outperforms") == ["no"]


def test_fig_3b_sees_when_the_spreads_cross_elsewhere(
    log: Run, judged: list[Claim], tampered: Tamper
) -> None:
    other = tampered(policies=lambda frame: frame.assign(rho=2 * frame["rho"]))
    assert find_crossing(other) == pytest.approx(2 * find_crossing(log))
    assert pick(judged, "Fig. 3b", "past rho") == ["yes"]
    assert verdicts(other, "Fig. 3b", "past rho") == ["no"]


def test_spreads_that_never_cross_leave_fig_3b_open(tampered: Tamper) -> None:
    other = tampered(policies=with_makers_swapped("optimal", "zero-profit"))
    assert np.isnan(find_crossing(other))
    assert verdicts(other, "Fig. 3b", "past rho") == ["undecided"]


def test_fig_3b_sees_when_she_who_has_learnt_is_the_tighter_one(
    log: Run, judged: list[Claim], tampered: Tamper
) -> None:
    spreads = log.table("policies").pivot(index="rho", columns="maker", values="spread").loc[:0.49]
    least = (spreads["optimal"] - spreads["zero-profit"]).min()
    (claim,) = [one for one in judged if "has learnt" in one.says]
    assert claim.measured == pytest.approx(least)
    assert claim.holds == "yes"
    other = tampered(policies=with_makers_swapped("optimal", "zero-profit"))
    assert verdicts(other, "Fig. 3b", "has learnt") == ["no"]


@pytest.mark.parametrize("other", ["myopic", "zero-profit"])
@pytest.mark.parametrize(
    ("exhibit", "words"),
    [
        ("Fig. 3c", "earns more than the {}"),
        ("Fig. 4a", "spread starts below the {}"),
        ("Fig. 4a", "learns before the {}"),
    ],
)
def test_claims_about_makers_turn_round_when_the_makers_are_swapped(
    judged: list[Claim], tampered: Tamper, exhibit: str, words: str, other: str
) -> None:
    swapped = tampered(makers=with_makers_swapped("optimal", other))
    assert pick(judged, exhibit, words.format(other)) == ["yes"]
    assert verdicts(swapped, exhibit, words.format(other)) == ["no"]


def test_fig_3c_sees_when_the_optimal_maker_gains_at_first(tampered: Tamper) -> None:
    for more, verdict in ((-1.0, "yes"), (0.0, "undecided"), (3.0, "no")):
        other = tampered(
            makers=lambda frame, more=more: frame.assign(profit=frame["profit"] + more)
        )
        assert verdicts(other, "Fig. 3c", "loses in the first period") == [verdict]


def test_fig_4a_sees_whether_the_last_spreads_coincide(
    judged: list[Claim], tampered: Tamper
) -> None:
    def level(frame: pd.DataFrame) -> pd.DataFrame:
        last = frame["period"] == frame["period"].max()
        ask = 1.0 + 1e-6 * np.arange(len(frame)) / len(frame)
        return frame.assign(bid=frame["bid"].where(~last, -1.0), ask=frame["ask"].where(~last, ask))

    levelled = measure_claims(tampered(makers=level))
    assert pick(judged, "Fig. 4a", "coincide") == ["no"]
    assert pick(levelled, "Fig. 4a", "coincide") == ["yes"]
    assert pick(judged, "Fig. 4a", "above the zero-profit one") == ["yes"]
    assert pick(levelled, "Fig. 4a", "above the zero-profit one") == ["no"]


def test_fig_4b_turns_round_when_the_exchanges_are_swapped(
    judged: list[Claim], tampered: Tamper
) -> None:
    change = with_makers_swapped("optimal", "zero-profit", column="exchange")
    assert pick(judged, "Fig. 4b") == ["yes"]
    assert verdicts(tampered(market=change), "Fig. 4b") == ["no"]


def test_theorem_2_1_sees_one_rise(judged: list[Claim], tampered: Tamper) -> None:
    def raised(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.index[7], "belief_sd"] += 1.0
        return frame

    assert pick(judged, "Th. 2.1") == ["yes"]
    assert verdicts(tampered(makers=raised), "Th. 2.1") == ["no"]


def test_surplus_is_what_traders_gain_by_their_own_valuations(
    log: Run, judged: list[Claim]
) -> None:
    market = log.table("market")
    price = np.where(market["side"] > 0, market["ask"], market["bid"])
    gain = np.where(market["side"] == 0, 0.0, market["side"] * (market["valuation"] - price))
    sums = market.assign(gain=gain).groupby(["exchange", "replication"], observed=True)["gain"]
    gap = sums.sum()["optimal"] - sums.sum()["zero-profit"]
    (claim,) = [one for one in judged if one.says.startswith("at sigma = 3 the optim")
                and one.exhibit == "s. 1.2"]  # fmt: skip
    assert claim.measured == pytest.approx(gap.mean(), rel=1e-9)
    assert claim.se == pytest.approx(gap.std() / np.sqrt(200), rel=1e-9)


def test_the_social_outcome_turns_round_when_the_makers_are_swapped(
    log: Run, judged: list[Claim], tampered: Tamper
) -> None:
    assert pick(judged, "s. 1.2") == ["no", "yes", "yes"]
    shocks = [3.0, 4.0, 5.0]
    swapped = tampered(
        totals=lambda frame: with_makers_swapped("optimal", "zero-profit")(
            frame[(frame["process"] == "fixed") & frame["prior_sd"].isin(shocks)]
        )
    )
    assert [one.holds for one in measure_text(swapped, log.table("makers"))[:3]] == [
        "yes",
        "no",
        "no",
    ]


def test_claims_of_equations_are_judged_by_what_was_computed(
    judged: list[Claim], tampered: Tamper
) -> None:
    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(found=0.8 * frame["found"])

    def repair(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(found=frame["exact"])

    assert pick(judged, "s. 2.1") == ["yes", "yes"]
    assert pick(judged, "s. 2.3") == ["yes"]
    assert pick(judged, "s. 2.5") == ["yes", "no", "no"]
    assert verdicts(tampered(computed=repair), "s. 2.5") == ["yes"] * 3
    wrong = measure_claims(tampered(computed=spoil))
    assert pick(wrong, "s. 2.1") == ["no", "no"]
    assert pick(wrong, "s. 2.3") == ["no"]
    assert pick(wrong, "s. 2.5") == ["no"] * 3


def test_a_second_maximum_anywhere_refutes_the_single_one(tampered: Tamper) -> None:
    def double(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[
            (frame["quantity"] == "maxima of the return") & (frame["rho"] == 3.0), "found"
        ] = 2
        return frame

    assert verdicts(tampered(computed=double), "s. 2.3") == ["no"]


def test_what_30_periods_leave_is_not_negligible(judged: list[Claim]) -> None:
    (claim,) = [one for one in judged if one.exhibit == "Results"]
    assert claim.measured == pytest.approx(0.9**30 * 3.399424 / 1.585057, rel=1e-6)
    assert claim.holds == "no"


def test_the_narrow_quote_learns_from_the_same_traders(log: Run, judged: list[Claim]) -> None:
    """The Gaussian update of a quote -/+ 0.7, from the valuations in the market log alone."""
    market = log.table("market", exchange="optimal")
    valuations = market.pivot(index="period", columns="replication", values="valuation").to_numpy()
    mean, variance = np.zeros(200), np.full(200, 9.0)
    for valuation in valuations[:10]:
        s = np.sqrt(variance + 1)
        q, share = 0.7 / s, variance / s**2
        hazard = stats.norm.pdf(q) / stats.norm.sf(q)
        side = np.sign(valuation - mean) * (abs(valuation - mean) > 0.7)
        none = 1 - 2 * share * q * stats.norm.pdf(q) / (2 * stats.norm.cdf(q) - 1)
        variance = variance * np.where(side == 0, none, 1 - share * hazard * (hazard - q))
        mean = mean + side * share * s * hazard
    fixed = log.table("learning").sort_values("replication")
    assert fixed["period"].unique().tolist() == [10]
    np.testing.assert_allclose(fixed["belief_sd"], np.sqrt(variance), rtol=1e-9)
    hers = log.table("makers", maker="optimal", period=10)["belief_sd"].mean()
    (claim,) = [one for one in judged if "quicker" in one.says]
    assert claim.measured == pytest.approx(hers - np.sqrt(variance).mean(), rel=1e-9)
    assert claim.holds == "yes"


def test_a_narrow_quote_that_learns_more_slowly_refutes_the_quicker_way(tampered: Tamper) -> None:
    other = tampered(learning=lambda frame: frame.assign(belief_sd=frame["belief_sd"] + 1.0))
    assert verdicts(other, "Closing")[1:] == ["no"]


def test_what_she_earns_of_traders_who_learn_is_compared_with_what_w_promises(
    log: Run, judged: list[Claim], tampered: Tamper
) -> None:
    adapted = log.table("adapted")
    assert adapted["value"].unique() == pytest.approx(1.468646, abs=1e-6)
    claims = {claim.says: claim for claim in judged}
    (says,) = [says for says in claims if "adaptive traders" in says]
    gap = adapted["realised"].mean() / 1.468646 - 1
    assert claims[says].measured == pytest.approx(gap, abs=1e-6)
    assert abs(claims[says].measured) < 4 * claims[says].se
    other = tampered(adapted=lambda frame: frame.assign(realised=frame["realised"] * 3))
    assert verdicts(other, "Closing")[:1] == ["no"]


def test_claims_do_not_depend_on_the_order_of_replications(
    judged: list[Claim], tampered: Tamper
) -> None:
    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sample(frac=1, random_state=1)

    def regrouped(frame: pd.DataFrame) -> pd.DataFrame:
        return shuffled(frame).sort_values("period", kind="stable")

    other = tampered(makers=regrouped, market=shuffled, totals=shuffled, distances=shuffled,
                     learning=shuffled, adapted=shuffled)  # fmt: skip
    for there, here in zip(judged, measure_claims(other), strict=True):
        assert there.exhibit == here.exhibit
        assert there.measured == pytest.approx(here.measured, rel=1e-9, abs=1e-12)
        assert there.holds == here.holds


def test_a_study_repeated_replaces_itself_by_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "paper"
    shutil.copytree(folder, again)
    (again / "claims.csv").write_text("old")
    study(again)
    assert not different(again, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["paper"]


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"replications": 201}, "replications is 200 there, 201 here"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"discount": 0.95}, "discount is 0.9 there, 0.95 here"),
        ({"periods": 31}, "periods is 30 there, 31 here"),
    ],
)
def test_another_study_is_refused_before_anything_is_computed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], difference: str
) -> None:
    monkeypatch.delattr(Experiment, "run_blocks")
    monkeypatch.delattr(paper, "write_solution")
    with pytest.raises(FolderTakenError, match=difference):
        study(folder, **changed)


def test_without_a_future_the_optimal_maker_is_the_myopic_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = [point for point in paper.POINTS if point["prior_sd"] in (1.0, 3.0, 5.0)]
    monkeypatch.setattr(paper, "POINTS", judged)
    study(tmp_path / "paper", discount=0.0, replications=20, periods=3)
    run = load(tmp_path / "paper")
    makers = run.table("makers").set_index(["exchange", "replication", "period"])["ask"]
    np.testing.assert_allclose(makers.loc["optimal"], makers.loc["myopic"], rtol=1e-4)
    assert np.isnan(find_crossing(run))


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"replications": 0}, "replications is 0"),
        ({"replications": 1}, "replications is 1"),
        ({"periods": 0}, "periods is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"discount": 1.0}, "discount is 1.0"),
    ],
)
def test_options_out_of_range_are_refused_by_name(
    tmp_path: Path, setting: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{word}, but must be at least"):
        study(tmp_path / "paper", **setting)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("replications", "blocks"),
    [(2, [2]), (9_999, [9_999]), (10_000, [10_000]), (20_000, [10_000] * 2)],
)
def test_replications_are_split_into_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replications: int, blocks: list[int]
) -> None:
    sizes: list[int] = []

    def run_blocks(experiment: Experiment, folder: RunFolder, *_: Any) -> None:
        sizes.extend(task.size for task in experiment.make_schedule(folder).list_due())
        raise RuntimeError("enough")

    monkeypatch.setattr(Experiment, "run_blocks", run_blocks)
    with pytest.raises(RuntimeError, match="enough"):
        study(tmp_path / "paper", replications=replications)
    assert sizes == blocks * len(paper.POINTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("replications", [10_001, 15_000])
def test_blocks_must_be_whole(tmp_path: Path, replications: int) -> None:
    with pytest.raises(ValueError, match=rf"replications is {replications}, .* multiple of 10000"):
        study(tmp_path / "paper", replications=replications)
    assert list(tmp_path.iterdir()) == []


def test_a_point_in_blocks_totals_and_sums_up_all_and_records_the_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Paper, "block", 200)
    monkeypatch.setattr(Paper, "draw_figures", lambda *_: {})
    study(tmp_path / "paper", replications=400)
    run = load(tmp_path / "paper")
    totals, summary = run.table("totals"), run.table("summary")
    shocks = (totals["process"] == "fixed") & (totals["prior_sd"] == SHOCK)
    hers = totals[shocks & (totals["maker"] == "optimal")]
    assert len(blocks_done(tmp_path / "paper")) == 2 * len(paper.POINTS)
    assert len(totals) == 400 * len(paper.POINTS)
    assert hers["replication"].tolist() == list(range(400))
    assert hers["belief_sd"].nunique() > 2
    assert summary["count"].unique().tolist() == [400]
    means = summary[(summary["metric"] == "profit") & (summary["maker"] == "optimal")]
    discounted = (means["mean"] * 0.9 ** means["period"]).sum()
    assert discounted == pytest.approx(hers["discounted_profit"].mean(), rel=1e-9)
    for name in BLOCK_FILES:
        assert (tmp_path / "paper" / name).read_bytes() == (folder / name).read_bytes()
    for name in VIEWS:
        pd.testing.assert_frame_equal(run.table(name), load(folder).table(name), check_exact=True)


def test_only_the_real_world_at_the_shock_is_logged_in_full(log: Run) -> None:
    makers = sorted(point["makers"] for point in paper.IN_FULL)
    assert makers == ["myopic", "optimal", "zero-profit"]
    assert all((one["value"], one["prior_sd"]) == ("fixed", SHOCK) for one in paper.IN_FULL)
    assert sorted(set(log.table("makers")["exchange"])) == makers
    assert len(log.table("makers")) == len(log.table("market")) == 3 * 200 * 30
    assert len(log.table("totals")) == len(paper.POINTS) * 200
    recorded = [point for point, file in zip(paper.POINTS, BLOCK_FILES, strict=True)
                if "makers" in log.files[file]["tables"]]  # fmt: skip
    assert sorted(recorded, key=str) == sorted(paper.IN_FULL, key=str)


def test_the_tables_are_those_of_the_blocks(folder: Path, log: Run) -> None:
    places = ["process", "prior_sd", "maker"]
    kept = log.table("totals").groupby(places, observed=True)["discounted_profit"]
    means = {key: sample.to_numpy() for key, sample in kept}
    for point, file in zip(paper.POINTS, BLOCK_FILES, strict=True):
        block = unpack_table(folder / file, "totals").to_pandas()
        known = means.pop((point["value"], point["prior_sd"], point["makers"]))
        np.testing.assert_array_equal(block["discounted_profit"], known)
    assert not means


def test_a_claim_from_one_replication_stays_open(tampered: Tamper) -> None:
    def only(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["replication"] == 0]

    single = tampered(
        makers=only, market=only, totals=only, distances=only, learning=only, adapted=only
    )
    sampled = [one for one in measure_claims(single) if one.exhibit not in NOT_SAMPLED]
    assert {one.holds for one in sampled} == {"undecided"}


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a study fail that simulates, solves, or writes anything."""
    monkeypatch.delattr(Experiment, "run_blocks")
    monkeypatch.delattr(paper, "write_solution")
    monkeypatch.delattr(Paper, "write_logs")


@pytest.mark.usefixtures("idle")
def test_a_finished_study_resumed_prints_what_it_found_and_does_nothing(
    folder: Path, claims: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    study(folder, resume=True, verify=True)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    said = capsys.readouterr().out
    verdicts = claims["holds"].value_counts()
    counts = [verdicts.get(verdict, 0) for verdict in ("yes", "no", "undecided")]
    says = "Of {} claims of the paper, {} hold, {} do not, and {} are undecided"
    assert says.format(len(claims), *counts) in said


SHORT = r"has \d+ bytes, but the run wrote \d+"
OTHER = "has other bytes than the run wrote"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "verify", "redone"),
    [
        ([(BLOCK_FILES[7], truncated, SHORT), (BLOCK_FILES[39], removed, "is missing")],
         False, [7, 39]),
        ([(BLOCK_FILES[0], with_a_bit_turned, OTHER), ("totals.parquet", truncated, SHORT)],
         True, [0]),
        ([("fig-4a-spread.png", with_a_bit_turned, OTHER)], True, []),
    ],
    ids=["short-block-and-none", "flipped-block-and-short-table", "flipped-figure"],
)  # fmt: skip
def test_a_damaged_file_is_told_and_made_again(
    folder: Path,
    tmp_path: Path,
    harm: list[tuple[str, Callable[[Path], None], str]],
    verify: bool,
    redone: list[int],
) -> None:
    damaged = Path(shutil.copytree(folder, tmp_path / "paper"))
    for name, damage, _ in harm:
        damage(damaged / name)
    with pytest.warns(DamageWarning) as warned:
        study(damaged, resume=True, verify=verify)
    told = [str(warning.message) for warning in warned]
    assert len(told) == len(harm)
    for name, _, says in harm:
        assert any(re.search(rf"{name} {says}: .* again$", line) for line in told), name
    assert not different(damaged, folder)
    names = [f"{number:04d}-00000" for number in redone]
    assert blocks_done(damaged) == [*blocks_done(folder), *names]
    assert [path.name for path in tmp_path.iterdir()] == ["paper"]


@pytest.mark.full
def test_a_study_killed_at_any_moment_ends_with_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    among = random.choice([BLOCK_FILES, FILES])
    moment, later = random.choice(among), random.uniform(0.0, 0.03)  # another one each time
    options = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", "run", "paper", *options, "--out", "paper"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None and not (tmp_path / ".paper.partial" / moment).exists():
        time.sleep(0.0005)
    time.sleep(later)
    process.kill()
    process.wait()
    if (tmp_path / "paper").exists():
        assert not different(tmp_path / "paper", folder), "it stood there before it was whole"
    noted = next((path.read_bytes() for path in tmp_path.glob(f"*/{MANIFEST_FILE}")), b"")
    study(tmp_path / "paper", resume=True)
    assert (tmp_path / "paper" / MANIFEST_FILE).read_bytes().startswith(noted)
    assert sorted(blocks_done(tmp_path / "paper")) == blocks_done(folder)
    assert not different(tmp_path / "paper", folder), f"killed {later:.4f} s after {moment}"
    assert [path.name for path in tmp_path.iterdir()] == ["paper"]
