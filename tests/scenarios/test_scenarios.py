"""What every scenario promises, tried on each that is found: small, and with nothing of its own."""

import json
import shlex
import shutil
import warnings
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from joblib.externals.loky import get_reusable_executor

from abm.runs.errors import DamageWarning
from abm.runs.schema import REPORT_FILE, RUN_FILE
from analysis import load
from scenarios._common.commands import find_scenarios, find_study
from scenarios._common.study import Study
from tests.commands import Call
from tests.files import read_files
from tests.pictures import draw_coarsely

pytestmark = pytest.mark.slow

SCENARIOS = find_scenarios()
SIZE = {"replications": 6, "periods": 12, "seed": 3}
SMALLER: dict[str, dict[str, Any]] = {
    "exact-optimum": {"replications": 4, "periods": 3},  # takes long for each period
    "adaptive-traders": {"long_run": 40, "weight": "1", "need_sd": "1"},
    "uninformed": {"share": "0.3", "exact_markets": 2, "discount": 0.5},
    "jumps": {"jump_sd": "1", "probability": "0.05", "shock_markets": 2, "discount": 0.5},
    "reinforcement": {"seeds": 1, "iterations": 2, "ppo_steps": 20_000},
}
FULLY_DRAWN = {"sweep", "breakdown"}  # figures of others are drawn coarsely, or only drawn up
WRONG = {"replications": 0, "periods": 0, "seed": -1, "discount": 1.0}


def make_small(scenario: str) -> Study:
    """Return the study with few markets, and of each list that is an option its first two."""
    kind = find_study(scenario)
    lists: dict[str, Any] = {
        option.name: ",".join(option.default.split(",")[:2])
        for option in kind.list_options()
        if isinstance(option.default, str)
    }
    return kind(**lists | SIZE | SMALLER.get(scenario, {}))


@pytest.fixture(scope="module", params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make_pictures_small(patch: pytest.MonkeyPatch, scenario: str) -> None:
    """Let a study leave small pictures, unless it is of FULLY_DRAWN."""
    if scenario not in FULLY_DRAWN:
        patch.setattr("scenarios._common.study.encode_figure", draw_coarsely)


@pytest.fixture(scope="module")
def folder(scenario: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small run."""
    out = tmp_path_factory.mktemp(scenario) / "run"
    with pytest.MonkeyPatch.context() as patch:
        make_pictures_small(patch, scenario)
        make_small(scenario).run(str(out))
    return out


@pytest.fixture
def drawn_alike(scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures be as those of `folder`."""
    make_pictures_small(monkeypatch, scenario)


def test_a_run_leaves_its_tables_and_figures(scenario: str, folder: Path) -> None:
    study, log = make_small(scenario), load(folder)
    assert (log.scenario, log.parameters) == (scenario, study.parameters)
    tables = study.make_tables(log)
    assert tables
    for name, table in tables.items():
        assert len(table), name
        assert (folder / f"{name}.csv").read_text() == table.to_csv(index=False)
    figures = {path.stem for path in folder.glob("*.png")}
    assert figures == set(study.draw_figures(log, tables))


@pytest.mark.usefixtures("drawn_alike")
def test_deleted_files_are_made_again_on_resume(
    scenario: str, folder: Path, tmp_path: Path
) -> None:
    whole = read_files(folder)
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    lost = [path for path in damaged.iterdir() if path.suffix in {".csv", ".png", ".parquet"}]
    for path in lost:
        path.unlink()
    with pytest.warns(DamageWarning, match="is missing: it is made again") as caught:
        make_small(scenario).run(str(damaged), resume=True)
    assert len(caught) == len(lost)
    assert read_files(damaged) == whole


def test_a_finished_run_resumed_says_so_and_changes_nothing(
    scenario: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_files(folder)
    make_small(scenario).run(str(folder), resume=True)
    said = capsys.readouterr().out
    assert f"{folder} was finished" in said
    assert f"market-shock report {folder} makes a page" in " ".join(said.split())
    assert read_files(folder) == before


@pytest.fixture(scope="module", autouse=True)
def stop_workers() -> Any:
    """End the processes that tests share."""
    yield
    get_reusable_executor().shutdown()


@pytest.mark.usefixtures("drawn_alike")
def test_the_command_that_a_run_names_repeats_it_with_two_workers_too(
    folder: Path, tmp_path: Path, call: Call
) -> None:
    words = shlex.split(json.loads((folder / RUN_FILE).read_text())["command"])
    assert words[0] == "market-shock"
    code, _, error = call(*words[1:], "--workers", "2", "--out", str(tmp_path / "again"))
    assert (code, error) == (0, "")
    assert read_files(tmp_path / "again") == read_files(folder)


@pytest.mark.parametrize("option", WRONG)
def test_a_number_out_of_range_is_a_clear_error(
    scenario: str, option: str, tmp_path: Path, call: Call
) -> None:
    value = str(WRONG[option])
    code, out, error = call("run", scenario, f"--{option}", value, "--out", str(tmp_path / "a"))
    assert (code, out) == (1, "")
    (line,) = error.splitlines()
    assert line.startswith(f"error: {option} is {value}, but must be")
    assert not (tmp_path / "a").exists()


def test_an_empty_list_is_a_clear_error(scenario: str, tmp_path: Path, call: Call) -> None:
    options = find_study(scenario).list_options()
    for option in (option.name for option in options if isinstance(option.default, str)):
        dashed = option.replace("_", "-")
        code, out, error = call("run", scenario, f"--{dashed}", "", "--out", str(tmp_path / "a"))
        assert (code, out) == (1, ""), option
        assert len(error.splitlines()) == 1, option
        assert error.startswith("error: "), option
        assert "is ''" in error, option
    assert not (tmp_path / "a").exists()


@pytest.mark.usefixtures("my_makers")
def test_two_makers_with_one_name_are_refused(scenario: str, tmp_path: Path, call: Call) -> None:
    if "makers" not in {option.name for option in find_study(scenario).list_options()}:
        pytest.skip("its makers are no option")
    code, out, error = call("run", scenario, "--makers", "optimal,my_makers:Optimal",
                            "--replications", "6", "--periods", "3", "--out", "run")  # fmt: skip
    assert (code, out) == (1, "")
    (line,) = error.splitlines()
    assert line.startswith("error: maker")
    assert "my_makers:Optimal" in line
    assert "the name 'optimal'" in line or "has that name" in line
    assert not (tmp_path / "run").exists()


def test_a_report_makes_a_page_of_a_run(
    scenario: str, folder: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scenario not in FULLY_DRAWN:
        monkeypatch.setattr("analysis.report.encode_figure", lambda *_: b"<svg/>")
    copy = shutil.copytree(folder, tmp_path / "copy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = call("report", str(copy))
    assert said == (0, f"The report is {copy}/{REPORT_FILE}\n", "")
    page = (copy / REPORT_FILE).read_text()
    assert read_files(copy) == read_files(folder) | {REPORT_FILE: page.encode()}
    assert page.startswith("<!")
    assert load(copy).command in page
    assert f"<title>{scenario}: Market Shock</title>" in page
    for path in folder.glob("*.png"):
        assert path.stem in page


def test_a_report_shows_figures_that_are_svg_and_a_finished_run_keeps_its_kind(
    tmp_path: Path, call: Call
) -> None:
    words = ["run", "breakdown", "--prior-sd", "1,3", "--replications", "6", "--periods", "3",
             "--makers", "optimal", "--out", str(tmp_path / "run")]  # fmt: skip
    assert call(*words, "--format", "svg,pdf").code == 0
    assert call("report", str(tmp_path / "run")).code == 0
    page = (tmp_path / "run" / REPORT_FILE).read_text()
    for name in ("frozen", "spread"):
        picture = b64encode((tmp_path / "run" / f"{name}.svg").read_bytes()).decode()
        assert picture in page
    again = call(*words, "--resume")
    assert again.code == 0
    assert "Its figures are pdf, svg and are not drawn again" in again.out
    assert not list((tmp_path / "run").glob("*.png"))


def test_a_study_without_figures_takes_no_format(call: Call) -> None:
    said = call("run", "sweep", "--format", "pdf")
    assert said.code == 2
    assert "sweep does not take --format" in said.err
