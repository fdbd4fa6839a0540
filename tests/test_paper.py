"""The scenario `paper`: its files, its numbers, and verdicts that follow the log."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm.bellman import solve
from abm.run_folder import FolderTakenError, RunFolder
from abm.schema import RUN_FILE
from analysis import Run, load
from scenarios import paper
from scenarios._paper_claims import SHOCK, crossing, paper_claims, realised
from scenarios.paper import Point, Setting

SMALL = Setting(replications=200, discount=0.9, seed=0, periods=30)
TABLES = ["distances", "makers", "market", "policies", "posteriors", "summary", "theory", "totals"]
FIGURES = [
    "fig-1-posteriors",
    "fig-3a-discounted-profit",
    "fig-3b-spread-by-rho",
    "fig-3c-profit",
    "fig-4a-spread",
    "fig-4b-no-trade",
    "one-market",
]
EXHIBITS = ["Fig. 1", "Fig. 3a", "Fig. 3b", "Fig. 3c", "Fig. 4a", "Fig. 4b", "Th. 2.1"]

Change = Callable[[pd.DataFrame], pd.DataFrame]
Tamper = Callable[..., Run]


def study(out: Path, **changed: Any) -> None:
    paper.run(**SMALL._replace(**changed)._asdict(), out=out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "paper"
    study(out)
    return out


@pytest.fixture(scope="module")
def log(folder: Path) -> Run:
    return load(folder)


@pytest.fixture(scope="module")
def claims(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "claims.csv")


@pytest.fixture
def tampered(folder: Path, tmp_path: Path) -> Tamper:
    """Return a function that copies the log and changes some of its tables."""

    def tamper(**changes: Change) -> Run:
        copy = Path(shutil.copytree(folder, tmp_path / "-".join(changes), dirs_exist_ok=True))
        run = json.loads((copy / RUN_FILE).read_text())
        for table, change in changes.items():
            path = copy / f"{table}.parquet"
            change(pd.read_parquet(path)).to_parquet(path, index=False)
            run["files"][path.name] = path.stat().st_size
        (copy / RUN_FILE).write_text(json.dumps(run))
        return load(copy)

    return tamper


def verdicts(log: Run, exhibit: str, words: str = "") -> list[str]:
    judged = [one for one in paper_claims(log) if one.exhibit == exhibit and words in one.says]
    assert judged
    return [one.holds for one in judged]


def with_makers_swapped(first: str, second: str, column: str = "maker") -> Change:
    names = {first: second, second: first}

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        swapped = frame[column].astype(str).map(lambda name: names.get(name, name))
        return frame.assign(**{column: swapped.astype("category")})

    return change


def with_totals_of(profit: Callable[[pd.DataFrame], "pd.Series[float]"]) -> Change:
    def change(totals: pd.DataFrame) -> pd.DataFrame:
        hers = (totals["maker"] == "optimal") & (totals["world"] == "real")
        return totals.assign(
            discounted_profit=totals["discounted_profit"].where(~hers, profit(totals))
        )

    return change


def test_a_study_leaves_its_tables_figures_and_claims(folder: Path) -> None:
    expected = {f"{name}.parquet" for name in TABLES} | {f"{name}.png" for name in FIGURES}
    assert {path.name for path in folder.iterdir()} == {*expected, RUN_FILE, "claims.csv"}


def test_the_description_knows_every_file(folder: Path, log: Run) -> None:
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.name != RUN_FILE}
    assert log.files == sizes
    assert log.parameters == SMALL._asdict()
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
    low, high = claims["measured"] - 1.96 * claims["se"], claims["measured"] + 1.96 * claims["se"]
    yes = (claims["low"] < low) & (high < claims["high"])
    no = (high <= claims["low"]) | (claims["high"] <= low)
    assert claims["holds"].tolist() == np.select([yes, no], ["yes", "no"], "undecided").tolist()
    assert {"yes", "no"} <= set(claims["holds"])


def test_the_claims_written_are_those_of_the_log(claims: pd.DataFrame, log: Run) -> None:
    judged = paper_claims(log)
    assert claims["says"].tolist() == [claim.says for claim in judged]
    assert claims["measured"].tolist() == [claim.measured for claim in judged]


def test_measurements_are_means_of_the_log(claims: pd.DataFrame, log: Run) -> None:
    first = log.makers[log.makers["period"] == 0].set_index("replication")
    profit = first[first["maker"] == "optimal"]["profit"]
    row = claims[claims["says"].str.contains("loses in the first period")]
    assert row["measured"].item() == pytest.approx(profit.mean(), rel=1e-12)
    assert row["se"].item() == pytest.approx(profit.std() / np.sqrt(200), rel=1e-12)
    quiet = log.market[log.market["period"] == 0].assign(quiet=lambda rows: rows["side"] == 0)
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
    assert crossing(log) == pytest.approx(1.544, abs=1e-3)


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
    other = tampered(distances=lambda frame: frame.assign(total_variation=apart))
    assert verdicts(other, "Fig. 1") == [verdict] * 4


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "yes"), (1.2, "no"), (0.8, "no")])
def test_fig_3a_is_judged_by_the_gap_to_theory(
    log: Run, tampered: Tamper, factor: float, verdict: str
) -> None:
    theory = log.table("theory").set_index("prior_sd")["value"]
    found = realised(log)
    cut_off = found["realised"] - found["discounted_profit"]
    change = with_totals_of(lambda totals: factor * totals["prior_sd"].map(theory) - cut_off)
    other = tampered(totals=change)
    assert verdicts(other, "Fig. 3a", "with a value that stays") == [verdict] * 3


def test_what_the_periods_cut_off_are_worth_is_added_to_the_optimal_makers_profit(log: Run) -> None:
    found = realised(log)
    cut_off = found["realised"] - found["discounted_profit"]
    optimal = found["maker"] == "optimal"
    later = 0.9 ** log.parameters["periods"] * solve(0.9).value_function(found["belief_sd"])
    np.testing.assert_allclose(cut_off[optimal], later[optimal], rtol=1e-4)
    assert (cut_off[~optimal] == 0).all()


def test_fig_3a_sees_when_the_optimal_maker_falls_behind(log: Run, tampered: Tamper) -> None:
    change = with_totals_of(lambda totals: totals["discounted_profit"] - 5.0)
    assert verdicts(log, "Fig. 3a", "outperforms") == ["yes"]
    assert verdicts(tampered(totals=change), "Fig. 3a", "outperforms") == ["no"]


def test_fig_3b_sees_when_the_spreads_cross_elsewhere(log: Run, tampered: Tamper) -> None:
    other = tampered(policies=lambda frame: frame.assign(rho=2 * frame["rho"]))
    assert crossing(other) == pytest.approx(2 * crossing(log))
    assert verdicts(log, "Fig. 3b") == ["yes"]
    assert verdicts(other, "Fig. 3b") == ["no"]


def test_spreads_that_never_cross_leave_fig_3b_open(tampered: Tamper) -> None:
    other = tampered(policies=with_makers_swapped("optimal", "zero-profit"))
    assert np.isnan(crossing(other))
    assert verdicts(other, "Fig. 3b") == ["undecided"]


@pytest.mark.parametrize("other", ["myopic", "zero-profit"])
@pytest.mark.parametrize(
    ("exhibit", "words"),
    [
        ("Fig. 3c", "earns more than the {}"),
        ("Fig. 4a", "spread starts below the {}"),
        ("Fig. 4a", "settles before the {}"),
    ],
)
def test_claims_about_makers_turn_round_when_the_makers_are_swapped(
    log: Run, tampered: Tamper, exhibit: str, words: str, other: str
) -> None:
    swapped = tampered(makers=with_makers_swapped("optimal", other))
    assert verdicts(log, exhibit, words.format(other)) == ["yes"]
    assert verdicts(swapped, exhibit, words.format(other)) == ["no"]


def test_fig_3c_sees_when_the_optimal_maker_gains_at_first(log: Run, tampered: Tamper) -> None:
    other = tampered(makers=lambda frame: frame.assign(profit=frame["profit"] + 3.0))
    assert verdicts(log, "Fig. 3c", "loses in the first period") == ["yes"]
    assert verdicts(other, "Fig. 3c", "loses in the first period") == ["no"]


def test_fig_4a_sees_whether_the_last_spreads_coincide(log: Run, tampered: Tamper) -> None:
    def level(frame: pd.DataFrame) -> pd.DataFrame:
        last = frame["period"] == frame["period"].max()
        return frame.assign(bid=frame["bid"].where(~last, -1.0), ask=frame["ask"].where(~last, 1.0))

    assert verdicts(log, "Fig. 4a", "coincide") == ["no"]
    assert verdicts(tampered(makers=level), "Fig. 4a", "coincide") == ["yes"]
    assert verdicts(log, "Fig. 4a", "above the zero-profit one") == ["yes"]
    assert verdicts(tampered(makers=level), "Fig. 4a", "above the zero-profit one") == ["no"]


def test_fig_4b_turns_round_when_the_exchanges_are_swapped(log: Run, tampered: Tamper) -> None:
    change = with_makers_swapped("optimal", "zero-profit", column="exchange")
    assert verdicts(log, "Fig. 4b") == ["yes"]
    assert verdicts(tampered(market=change), "Fig. 4b") == ["no"]


def test_theorem_2_1_sees_one_rise(log: Run, tampered: Tamper) -> None:
    def raised(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.index[7], "belief_sd"] += 1.0
        return frame

    assert verdicts(log, "Th. 2.1") == ["yes"]
    assert verdicts(tampered(makers=raised), "Th. 2.1") == ["no"]


def test_claims_do_not_depend_on_the_order_of_replications(log: Run, tampered: Tamper) -> None:
    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sample(frac=1, random_state=1)

    def regrouped(frame: pd.DataFrame) -> pd.DataFrame:
        return shuffled(frame).sort_values("period", kind="stable")

    other = tampered(makers=regrouped, market=shuffled, totals=shuffled, distances=shuffled)
    for there, here in zip(paper_claims(log), paper_claims(other), strict=True):
        assert there.exhibit == here.exhibit
        assert there.measured == pytest.approx(here.measured, rel=1e-9, abs=1e-12)
        assert there.holds == here.holds


def test_a_study_repeated_replaces_itself_by_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "paper"
    shutil.copytree(folder, again)
    (again / "claims.csv").write_text("old")
    study(again)
    for name in [*(f"{table}.parquet" for table in TABLES), "claims.csv"]:
        assert (again / name).read_bytes() == (folder / name).read_bytes()
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
    monkeypatch.delattr(paper, "write_theory")
    with pytest.raises(FolderTakenError, match=difference):
        study(folder, **changed)


def test_without_a_future_the_optimal_maker_is_the_myopic_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = [point for point in paper.POINTS if point.prior_sd in (1.0, 3.0, 5.0)]
    monkeypatch.setattr(paper, "POINTS", judged)
    study(tmp_path / "paper", discount=0.0, replications=20, periods=3)
    run = load(tmp_path / "paper")
    makers = run.makers.set_index(["exchange", "replication", "period"])["ask"]
    np.testing.assert_allclose(makers.loc["optimal"], makers.loc["myopic"], rtol=1e-4)
    assert np.isnan(crossing(run))


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
def test_replications_are_split_into_blocks(replications: int, blocks: list[int]) -> None:
    assert SMALL._replace(replications=replications).blocks() == blocks


@pytest.mark.parametrize("replications", [10_001, 15_000])
def test_blocks_must_be_whole(replications: int) -> None:
    with pytest.raises(ValueError, match=rf"replications is {replications}, .* multiple of 10000"):
        SMALL._replace(replications=replications).blocks()


def test_a_point_in_blocks_totals_and_sums_up_all_and_records_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "BLOCK", 50)
    point, steps = Point("optimal", "real", SHOCK), list[str]()
    with RunFolder(tmp_path / "run", "blocks", {}) as folder:
        paper.write_point(folder, point, SMALL._replace(replications=150, periods=4), steps.append)
    run = load(tmp_path / "run")
    totals, summary = run.table("totals"), run.table("summary")
    assert len(steps) == 3
    assert totals["replication"].tolist() == list(range(150))
    assert totals["belief_sd"].nunique() > 2
    assert set(run.market["replication"]) == set(run.makers["replication"]) == set(range(50))
    assert summary["count"].unique().tolist() == [150]
    last = summary[(summary["metric"] == "profit") & summary["maker"].notna()]
    discounted = (last["mean"] * 0.9 ** last["period"]).sum()
    assert discounted == pytest.approx(totals["discounted_profit"].mean(), rel=1e-9)


def test_only_the_real_world_at_the_shock_is_logged_in_full(log: Run) -> None:
    in_full = [point for point in paper.POINTS if point.in_full]
    assert sorted(point.maker for point in in_full) == ["myopic", "optimal", "zero-profit"]
    assert set(log.makers["exchange"]) == {point.maker for point in in_full}
    assert len(log.makers) == len(log.market) == 3 * 200 * 30
    assert len(log.table("totals")) == len(paper.POINTS) * 200


def test_a_claim_from_one_replication_stays_open(tampered: Tamper) -> None:
    def only(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["replication"] == 0]

    single = tampered(makers=only, market=only, totals=only, distances=only)
    sampled = [one for one in paper_claims(single) if one.exhibit not in ("Fig. 3b", "Th. 2.1")]
    assert {one.holds for one in sampled} == {"undecided"}
