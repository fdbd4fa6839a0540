"""The command `market-shock`: what it lists, runs and tells, and errors of one line."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest
from fsspec.registry import known_implementations
from joblib.externals.loky import get_reusable_executor
from typer.testing import CliRunner

from abm.experiment import Experiment, Simulation
from abm.experiment.simulation import BlockTask
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES
from abm.runs.location import Location
from abm.runs.manifest import Manifest
from abm.runs.parquet import Tables
from abm.runs.schema import MANIFEST_FILE, REPORT_FILE, RUN_FILE
from abm.testing import RULES, TRADER_RULES
from analysis import load
from scenarios.__main__ import main
from scenarios._common.app import BEGIN, app
from scenarios._common.commands import find_scenarios, find_study, load_command
from scenarios.sweep import Sweep
from tests.commands import Call, read_error, run_python
from tests.files import ROOT, read_files

SCENARIOS = {
    name: import_module(f"scenarios.{name.replace('-', '_')}") for name in find_scenarios()
}
SMALL = ["run", "paper", "--replications", "60", "--periods", "12"]
GRID = ["run", "sweep", "--makers", "myopic,zero-profit", "--prior-sd", "1", "--periods", "5",
        "--replications", "60", "--block", "20"]  # fmt: skip
GRID_STUDY = Sweep(makers="myopic,zero-profit", prior_sd="1", periods=5, replications=60, block=20)
LONG = ["run", "sweep", "--makers", "optimal,myopic", "--prior-sd", "1", "--periods", "8",
        "--replications", "400", "--block", "20"]  # fmt: skip


@pytest.fixture
def failure(call: Call) -> Callable[..., str]:
    """Run the command; return the one line it says before it gives up."""
    return lambda *arguments: read_error(call(*arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a-folder-whose-name-is-rather-long-for-a-line") / "paper"


@pytest.fixture(scope="module")
def finished(folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what a small study did, as a process of its own."""
    return run_python(["-m", "scenarios", *SMALL, "--out", str(folder)], folder.parent, ROOT)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small sweep."""
    out = tmp_path_factory.mktemp("swept") / "sweep"
    Sweep(makers="myopic,zero-profit", prior_sd="1", periods=5, replications=60, block=20).run(
        str(out)
    )
    return out


def test_the_list_has_a_line_for_each_scenario_maker_and_trader(call: Call) -> None:
    code, out, _ = call("list")
    lines = out.splitlines()
    assert code == 0
    headings = ["scenarios:", "makers:", "traders:"]
    assert [line for line in lines if not line.startswith("  ")] == headings
    names = [line.split()[0] for line in lines]
    types = ["makers:", *MAKER_TYPES.load_own(), "traders:", *TRADER_TYPES.load_own()]
    assert names == ["scenarios:", *SCENARIOS, *types]
    assert {"zero-profit", "myopic", "optimal", "fixed-spread", "noisy", "sweep"} < set(names)
    assert all(len(line.split()) > 4 for line in lines if line.startswith("  "))


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_help_names_every_option_of_a_scenario(scenario: Any) -> None:
    name = scenario.__name__.rpartition(".")[2].replace("_", "-")
    result = CliRunner().invoke(app, ["run", name, "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    for option in [field.name for field in find_study(name).list_options()] + ["out", "resume"]:
        assert f"--{option.replace('_', '-')} " in result.stdout


def test_help_of_run_names_every_scenario_with_its_first_line() -> None:
    result = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for name, scenario in SCENARIOS.items():
        first = str(scenario.__doc__).partition("\n")[0]
        assert re.search(rf"{name} +{re.escape(first)} ", result.stdout)


def test_the_version_is_that_of_the_installed_package(call: Call) -> None:
    assert call("--version") == (0, f"market-shock {version('market-shock')}\n", "")


def test_the_paper_has_the_options_it_always_had() -> None:
    options = load_command("paper").params
    always = {"replications": 10_000, "discount": 0.9, "seed": 0, "periods": 100}
    assert {option.name: option.default for option in options} == always | {
        "out": "runs/paper", "workers": "1", "resume": False, "verify": False, "formats": "png"
    }  # fmt: skip


def test_a_study_ends_well_and_leaves_its_folder(
    finished: subprocess.CompletedProcess[str], folder: Path
) -> None:
    assert finished.returncode == 0, finished.stderr
    assert (folder / RUN_FILE).exists()
    assert [path.name for path in folder.parent.iterdir()] == ["paper"]


def test_the_paper_ends_in_ten_lines_on_what_holds_and_where_the_rest_is(
    finished: subprocess.CompletedProcess[str],
) -> None:
    head, *refuted, answer, where, few, last = finished.stdout.splitlines()
    assert few.startswith("60 markets are few: 95 % intervals of skewed metrics hold the mean in ")
    counts = re.fullmatch(
        r"Of 34 claims of the paper, (\d+) hold, (\d+) do not, and (\d+) are undecided:", head
    )
    assert counts
    assert sum(map(int, counts.groups())) == 34
    assert len(refuted) == min(int(counts[2]), 3) > 0
    assert re.match(r"  Fig\. \w+ +[-\d.]+ \(s\.e\. \S+\): ", refuted[0])
    assert answer.startswith("Does a monopolist give more liquidity than competition after a ")
    assert (
        "At first: yes. At 3 noise sds, optimal less zero-profit maker: spread -8.18 in" in answer
    )
    assert where.startswith("claims.csv has every claim")
    assert last.startswith("All files are in ")


def test_a_study_prints_nothing_else_when_no_terminal_is_there(
    finished: subprocess.CompletedProcess[str],
) -> None:
    assert finished.stderr == ""
    assert "\x1b" not in finished.stdout
    assert "\r" not in finished.stdout


def test_a_study_says_where_it_is_in_one_piece(
    finished: subprocess.CompletedProcess[str], folder: Path
) -> None:
    last = finished.stdout.splitlines()[-1]
    assert last == f"All files are in {folder}; market-shock report {folder} makes a page of them"


def test_a_finished_study_resumed_says_the_same_and_simulates_nothing(
    finished: subprocess.CompletedProcess[str],
    folder: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Simulation, "run")
    code, out, err = call(*SMALL, "--out", folder, "--resume")
    first, claims = out.split("\n", 1)
    assert (code, claims, err) == (0, finished.stdout, "")
    assert first == f"{folder} was finished: its 42 blocks and other files are whole"


def test_every_damaged_file_is_a_warning_of_one_line(
    swept: Path, tmp_path: Path, call: Call
) -> None:
    damaged = Path(shutil.copytree(swept, tmp_path / "a[bold]b"))
    unharmed = {path: path.read_bytes() for path in damaged.rglob("*.parquet")}
    (damaged / "blocks/0001-00002.parquet").write_bytes(b"PAR1")
    (damaged / "summary.parquet").unlink()
    code, out, err = call(*GRID, "--out", damaged, "--resume")
    assert code == 0
    assert call(*GRID, "--out", damaged, "--resume").out.endswith(out)
    lines = sorted(err.splitlines())
    assert len(lines) == 2
    assert re.fullmatch(
        rf"warning: {re.escape(str(tmp_path))}/\S+/blocks/0001-00002.parquet has 4 bytes, but the "
        r"run wrote \d+: its block is made again", lines[0]
    )  # fmt: skip
    assert lines[1] == f"warning: {damaged}/summary.parquet is missing: it is made again"
    assert {path: path.read_bytes() for path in damaged.rglob("*.parquet")} == unharmed


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--discount", "1", "discount is 1.0, but must be at least 0 and below 1"),
        ("--discount", "-0.5", "discount is -0.5, but must be at least 0 and below 1"),
        ("--discount", "nan", "discount is nan, but must be at least 0 and below 1"),
        ("--replications", "0", "replications is 0, but must be at least"),
        ("--replications", "15000", "give a multiple of 10000"),
        ("--periods", "0", "periods is 0, but must be at least 1"),
        ("--periods", "40000", "periods is 40000, but must be at least 1 and at most 32767"),
        ("--seed", "-1", "seed is -1, but must be at least 0"),
        ("--workers", "0", "workers is 0, but must be at least 1"),
        ("--workers", "-2", "workers is -2, but must be at least 1"),
        (
            "--workers",
            "many",
            "workers is 'many', but must be a number of processes or the address",
        ),
        ("--out", "nope://study", "nope://study is not a folder that can be reached"),
    ],
)
@pytest.mark.parametrize("scenario", ["paper", "sweep"])
def test_an_option_out_of_range_is_an_error_of_one_line(
    failure: Callable[..., str], scenario: str, option: str, value: str, says: str, tmp_path: Path
) -> None:
    assert says in failure("run", scenario, option, value)
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        (
            "--makers",
            "optimal,myopik",
            "maker is 'myopik', which is unknown: did you mean 'myopic'",
        ),
        (
            "--makers",
            "optimal+zeroprofit",
            "maker is 'zeroprofit', which is unknown: did you mean 'zero-profit'",
        ),
        ("--makers", "optimal,", "maker is '', which is unknown: known: exact-optimal, fix"),
        ("--makers", "optimal,optimal", "is there twice"),
        ("--prior-sd", "1,x", "is '1,x', but must be numbers or ranges: give as 3 or as 1,3,1..8"),
        ("--prior-sd", "1,,3", "is '1,,3', but must be numbers"),
        ("--prior-sd", "-1", "prior_sd is -1.0, but must be finite and above zero"),
        ("--noise-sd", "", "is '', but must be numbers"),
        ("--noise-sd", "1,nan", "noise_sd is nan, but must be finite and above zero"),
        ("--value", "fixt", "value is 'fixt', which is unknown: did you mean 'fixed'"),
        ("--transparency", "public,pubic", "transparency is 'pubic', which is unknown: did you"),
        ("--record", "ful", "record is 'ful', which is unknown: did you mean 'full'"),
        ("--block", "0", "block is 0, but must be at least 1"),
        ("--replications", "90", "replications is 90, but above 20 they come in blocks: give a"),
        ("--until-se", "-0.1", "error: until_se is -0.1, but must be finite and above zero"),
        ("--until-se", "0", "error: until_se is 0.0, but must be finite and above zero"),
        ("--until-se", "nan", "error: until_se is nan, but must be finite and above zero"),
    ],
)
def test_a_slip_in_a_grid_is_an_error_of_one_line(
    failure: Callable[..., str], option: str, value: str, says: str, tmp_path: Path
) -> None:
    assert says in failure(*GRID, option, value)
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--metric", "profits", "metric is 'profits', which is unknown: did you mean 'profit'"),
        (
            "--metric",
            "maker",
            "metric is 'maker', which is unknown: known: belief_error, belief_sd",
        ),
        ("--at-most", "0", "at_most is 0, but must be at least"),
        ("--at-most", "70", "at_most is 70, but above 20 they come in blocks: give a multiple"),
        ("--at-most", "40", "at_most is 40, but must be at least 60"),
    ],
)
def test_a_slip_in_the_standard_error_aimed_at_is_an_error_of_one_line(
    failure: Callable[..., str], option: str, value: str, says: str, tmp_path: Path
) -> None:
    assert says in failure(*GRID, "--until-se", "0.1", option, value)
    assert not list(tmp_path.rglob("*.parquet"))


def test_what_has_no_effect_without_a_standard_error_is_refused(
    failure: Callable[..., str],
) -> None:
    assert "--until-se" in failure(*GRID, "--metric", "profits")


@pytest.mark.usefixtures("finished")
def test_a_taken_folder_is_an_error_of_one_line(
    failure: Callable[..., str], folder: Path, swept: Path
) -> None:
    line = failure(*SMALL, "--seed", "5", "--out", folder)
    assert f"{folder} holds another run (seed is 0 there, 5 here)" in line
    line = failure(*GRID, "--prior-sd", "3", "--out", swept)
    assert f"{swept} holds another run (prior_sd is 1 there, 3 here" in line


@pytest.mark.parametrize("again", [SMALL, [*GRID, "--prior-sd", "1,2,3,4,5,6"]])
def test_the_difference_from_a_run_of_many_points_can_be_read(
    failure: Callable[..., str], swept: Path, again: list[str]
) -> None:
    line = failure(*again, "--out", swept)
    assert f"{swept} holds another run" in line
    assert "prior_sd is 1 there" in line
    assert len(line.replace(str(swept), "")) < 500


def test_a_file_in_the_way_is_an_error_of_one_line(
    failure: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "a[bold]b"
    file.write_text("precious")
    assert str(file) in failure(*SMALL, "--out", file)
    assert "cannot be written" in failure(*SMALL, "--out", file / "below")


@pytest.fixture
def checks(call: Call, my_makers: None) -> Call:  # noqa: ARG001, it writes a file
    """Run `market-shock check` in a folder with makers of one's own."""
    return partial(call, "check")


@pytest.mark.parametrize("maker", ["zero-profit", "my_makers:Cautious"])
def test_a_maker_who_keeps_all_rules_is_told_so(checks: Call, maker: str) -> None:
    said = f"maker {maker} keeps all {len(RULES)} rules that were tried\n"
    assert checks(maker) == (0, said, "")


@pytest.mark.parametrize("trader", ["noisy", "uninformed(share=0.3)", "my_makers:Sure"])
def test_a_trader_that_keeps_all_rules_is_told_so(checks: Call, trader: str) -> None:
    said = f"trader {trader} keeps all {len(TRADER_RULES)} rules that were tried\n"
    assert checks(trader) == (0, said, "")


def test_the_rules_that_a_trader_breaks_are_reported(checks: Call) -> None:
    code, out, err = checks("my_makers:Lucky")
    assert (code, out) == (1, "")
    head, *lines = err.splitlines()
    assert head == f"error: trader 'lucky' breaks rules, of {len(TRADER_RULES)} that were tried:"
    assert lines[0].startswith("  - agrees-with-the-sides-taken: ")


def test_the_rules_that_a_maker_breaks_are_reported(checks: Call) -> None:
    code, out, err = checks("my_makers:Anchored")
    assert (code, out) == (1, "")
    head, *lines = err.splitlines()
    assert head == f"error: maker 'anchored' breaks rules, of {len(RULES)} that were tried:"
    broken = [line.split(":")[0] for line in lines if line.startswith("  - ")]
    assert broken == ["  - moves-with-the-mean", "  - scales-with-the-noise"]
    for rule in ("moves-with-the-mean", "scales-with-the-noise"):
        assert str(RULES[rule].__doc__) in err
    assert "prices 7 higher did not move her quotes by as much" in err
    assert "Traceback" not in err


def test_a_rule_may_be_waived_with_a_reason(checks: Call) -> None:
    waivers = ["--waive", "moves-with-the-mean=quotes x = 0, in dollars"]
    code, out, err = checks("my_makers:Anchored", *waivers)
    assert (code, out) == (1, "")
    assert f"breaks rules, of {len(RULES) - 1} that were tried:" in err
    assert "moves-with-the-mean" not in err
    assert "scales-with-the-noise" in err
    waivers += ["--waive", "scales-with-the-noise=quotes in dollars"]
    said = f"maker my_makers:Anchored keeps all {len(RULES) - 2} rules that were tried\n"
    assert checks("my_makers:Anchored", *waivers) == (0, said, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["optimum"], "name is 'optimum', which is unknown: did you mean 'optimal'?"),
        (["nowhere:She"], "maker 'nowhere:She' cannot be loaded, for nowhere does not import"),
        (["my_makers:Quote"], "must be a MarketMaker: give a subclass"),
        (["my_makers:Quote"], "; or a Trader"),
        (["uninformed"], "uninformed(...)"),
        (["myopic", "--waive", "moves-with-the-meen=why"], "did you mean 'moves-with-the-mean'?"),
        (["myopic", "--waive", "moves-with-the-mean"], "has the reason '', but needs a written"),
        (["myopic", "--waive", "moves-with-the-mean= "], "has the reason ' ', but needs a"),
    ],
    ids=str,
)
def test_a_check_that_cannot_be_made_is_an_error_of_one_line(
    checks: Call, arguments: list[str], says: str
) -> None:
    assert says in read_error(checks(*arguments))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--verison"], "--version"),
        (["run", "paper", "--replications", "many"], "--replications"),
        (["run", "sweep", "--until-se", "little"], "--until-se"),
        (["report", "here", "there"], "there"),
        (["compare", "here"], "second"),
        (["check"], "name"),
        (["check", "optimal", "--waived", "a=b"], "--waive"),
    ],
)
def test_a_slip_on_the_command_line_is_named_in_one_line(
    call: Call, arguments: list[str], named: str
) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert named in line.lower()  # some versions of Typer write arguments in capitals
    assert re.search(r"; see market-shock.* --help$", line)


def test_the_command_alone_says_what_it_is_and_how_to_begin(call: Call) -> None:
    code, out, err = call()
    assert (code, err) == (0, "")
    assert out.startswith(f"Market Shock {version('market-shock')}: dealer markets after a shock")
    begin = re.findall(r"^  (market-shock .*?)  ", out, flags=re.MULTILINE)
    assert [line.split()[1:3] for line in begin] == [["list"], ["run", "paper"], ["run", "sweep"]]
    assert "market-shock --help" in out


def test_the_three_commands_to_begin_with_are_right() -> None:
    for line in BEGIN:
        _, name, *words = line.split()
        if name == "run":
            load_command(words[0]).make_context(words[0], words[1:])


def test_run_without_a_name_lists_the_scenarios(call: Call) -> None:
    code, out, err = call("run")
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert names == list(SCENARIOS)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run nosuch", "scenario is 'nosuch', which is unknown: known: adaptive-traders, "),
        ("run papre", "scenario is 'papre', which is unknown: did you mean 'paper'? known: "),
        ("paper", "command is 'paper', but that is a scenario: give market-shock run paper"),
        ("lsit", "command is 'lsit', which is unknown: did you mean 'list'? known: check, compare"),
        ("run paper --sigma 5", "paper does not take --sigma: sweep does, as in market-shock run "
         "sweep --prior-sd 5"),
        ("run paper --sigma", "as in market-shock run sweep --prior-sd 1,3,5\n"),
        ("run paper --sigma --n 5", "market-shock run sweep --prior-sd 1,3,5 --replications 5\n"),
        ("run paper --n", "did you mean --replications 10000?"),
        ("run sweep --until-es", "did you mean --until-se VALUE?"),
        ("run paper --sgima 5", "sweep does, as in market-shock run sweep --prior-sd 5"),
        ("run sweep --gama .5", "did you mean --discount .5?"),
        ("run paper --prior-sd=5", "as in market-shock run sweep --prior-sd 5"),
        ("run paper --rho 2 --maker x", "paper does not take --rho and --maker: sweep does, as in "
         "market-shock run sweep --prior-sd 2 --makers x"),
        ("run paper --prior-ds 5", "as in market-shock run sweep --prior-sd 5"),
        ("run learning-makers --makers x", "as in market-shock run sweep --makers x"),
        ("run paper --n 500", "paper does not take --n: did you mean --replications 500?"),
        ("run paper --seed 1 -n -5", "paper does not take -n: did you mean --replications -5?"),
        ("run paper --seeds 3", "did you mean --seed 3?"),
        ("run paper --resum", "paper does not take --resum: did you mean --resume?"),
        ("run sweep --shock 3", "sweep does not take --shock: did you mean --prior-sd 3?"),
        ("run sweep --maker optimal", "did you mean --makers optimal?"),
        ("run breakdown --prior-sds 1,3", "did you mean --prior-sd 1,3?"),
        ("run paper --wxyz 3", "paper does not take --wxyz: known: --discount, --format, --help, "),
    ],
)  # fmt: skip
def test_what_a_command_line_names_in_vain_leads_to_what_was_meant(
    call: Call, line: str, says: str
) -> None:
    code, out, err = call(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_tells_which_option_was_meant(call: Call, scenario: str) -> None:
    for field in find_study(scenario).list_options():
        option = f"--{field.name.replace('_', '-')}"
        assert f"did you mean {option} 1?" in call("run", scenario, f"{option}x", "1").err


def test_what_looks_like_an_option_but_is_the_value_of_one_is_let_through(
    failure: Callable[..., str],
) -> None:
    assert "seed is -1, but must be at least 0" in failure("run", "paper", "--seed", "-1")


def test_blocks_that_fail_are_counted_and_tried_again_on_resuming(
    swept: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = Simulation.run

    def fails(simulation: Simulation, task: BlockTask) -> Tables:
        if task.name in ("0000-00001", "0001-00002"):
            raise ZeroDivisionError("a maker's own fault")
        return simulate(simulation, task)

    with monkeypatch.context() as patch:
        patch.setattr(Simulation, "run", fails)
        code, out, err = call(*GRID, "--out", tmp_path / "sweep")
    assert (code, out) == (1, "")
    assert err.startswith("error: 2 of 6 blocks failed, 4 blocks are finished and kept: --resume")
    for part in ("0000-00001", "myopic", "seed 0", "ZeroDivisionError: a maker's own fault"):
        assert part in err
    assert not (tmp_path / "sweep").exists()
    assert (
        "holds this run, unfinished, with 4 finished blocks: continue"
        in call(*GRID, "--out", tmp_path / "sweep").err
    )
    assert call(*GRID, "--out", tmp_path / "sweep", "--resume").code == 0
    assert read_files(tmp_path / "sweep") == read_files(swept)


def test_an_error_of_several_lines_is_told_in_one(
    failure: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Simulation, "run", in_two_lines)
    line = failure(*GRID)
    assert "6 of 6 blocks failed, 0 blocks are finished" in line
    assert "ZeroDivisionError: a maker's own fault in two lines" in line


def in_two_lines(*_: Any) -> Tables:
    raise ZeroDivisionError("a maker's own fault\nin two lines")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes started here be stopped by Ctrl-C, even if this one runs in the background."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return every file of a long sweep but its manifest."""
    out = tmp_path_factory.mktemp("uninterrupted") / "sweep"
    Sweep(makers="optimal,myopic", prior_sd="1", periods=8, replications=400, block=20).run(
        str(out)
    )
    return read_files(out)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("workers", ["2"])
def test_ctrl_c_stops_in_one_line_whose_command_goes_on(
    tmp_path: Path,
    call: Call,
    workers: str,
    uninterrupted: dict[str, bytes],
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *LONG, "--out", "mine", "--workers", workers],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    manifest = tmp_path / ".mine.partial" / MANIFEST_FILE
    while process.poll() is None and not (manifest.exists() and manifest.stat().st_size > 1_000):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    said = re.fullmatch(
        r"stopped: (\d+) blocks are finished and kept; go on with market-shock (.*)\n", err
    )
    assert said, err
    assert not (tmp_path / "mine").exists()
    whole = len(list((tmp_path / ".mine.partial/blocks").glob("[!.]*")))
    assert 3 <= int(said[1]) <= whole <= int(said[1]) + 2 * int(workers)

    code, _, err = call(*shlex.split(said[2]))
    assert (code, err) == (0, "")
    assert read_files(tmp_path / "mine") == uninterrupted
    done = [json.loads(line)["block"] for line in manifest_lines(tmp_path / "mine")]
    assert sorted(set(done)) == sorted(done), "a finished block was simulated again"


def manifest_lines(folder: Path) -> list[str]:
    return [line for line in (folder / MANIFEST_FILE).read_text().splitlines() if line]


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "my sweep"),
        (["--prior-sd", "1, 3", "--until-se", "0.01", "--at-most", "80"], "sweep"),
        (["--workers", "2"], "sweep"),
    ],
    ids=["a-name-of-two-words", "numbers-with-spaces", "workers"],
)
def test_the_command_that_goes_on_has_every_option(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch, options: list[str], name: str
) -> None:
    monkeypatch.setattr(Experiment, "run_blocks", interrupt)
    code, _, err = call(*GRID, *options, "--out", tmp_path / name)
    program, *words = shlex.split(err.partition("go on with ")[2])
    assert (code, program) == (130, "market-shock")
    words.remove("--resume")
    assert words[:2] == ["run", "sweep"]
    values = dict(zip(words[2::2], words[3::2], strict=True))
    given = [*GRID[2:], "--out", str(tmp_path / name), *options]
    assert values.items() >= dict(zip(given[::2], given[1::2], strict=True)).items()


@pytest.mark.parametrize(("place", "moment"), [(Location, "acquire"), (Experiment, "run_blocks")])
def test_ctrl_c_at_other_moments_is_a_line_as_well(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch, place: type, moment: str
) -> None:
    monkeypatch.setattr(place, moment, interrupt)
    code, out, err = call(*GRID, "--out", tmp_path / "sweep")
    assert (code, out) == (130, "")
    assert err.startswith("stopped: 0 blocks are finished")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_while_a_block_is_noted_is_a_line_as_well(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setattr(Manifest, "add", interrupt)
    code, out, err = call(*GRID, "--out", tmp_path / "sweep", "--workers", workers)
    get_reusable_executor().shutdown()
    assert (code, out) == (130, "")
    assert err.startswith("stopped: ")
    assert len(err.splitlines()) == 1


def test_a_report_is_written_into_the_runs_folder(swept: Path, tmp_path: Path, call: Call) -> None:
    run = Path(shutil.copytree(swept, tmp_path / "two words"))
    before = read_files(run)
    assert call("report", run) == (0, f"The report is {run}/{REPORT_FILE}\n", "")
    page = (run / REPORT_FILE).read_text()
    assert page.startswith("<!")
    assert load(run).command in page
    assert read_files(run) == before | {REPORT_FILE: page.encode()}
    assert call("report", run).code == 0
    assert (run / REPORT_FILE).read_text() == page


def test_a_report_does_not_stand_in_the_way_of_the_run(
    swept: Path, tmp_path: Path, call: Call
) -> None:
    run = Path(shutil.copytree(swept, tmp_path / "sweep"))
    assert call("report", run).code == 0
    assert call(*GRID, "--out", run, "--resume", "--verify")[::2] == (0, "")
    assert (run / REPORT_FILE).exists()
    assert call(*GRID, "--out", run)[::2] == (0, "")
    assert read_files(run) == read_files(swept)


def test_a_report_of_a_run_at_a_url_is_there(call: Call) -> None:
    url = "memory://reported/sweep"
    Sweep(makers="zero-profit", prior_sd="1", replications=20, periods=5).run(url)
    assert call("report", url) == (0, f"The report is {url}/{REPORT_FILE}\n", "")


def test_a_run_in_memory_would_be_gone_when_the_command_ends(failure: Callable[..., str]) -> None:
    said = failure(*GRID, "--out", "memory://kept/sweep")
    assert "out is 'memory://kept/sweep', but what is in memory is gone" in said


def test_runs_alike_are_told_to_agree(swept: Path, tmp_path: Path, call: Call) -> None:
    again = Path(shutil.copytree(swept, tmp_path / "again"))
    code, out, err = call("compare", swept, again)
    same, results, verdict = out.splitlines()
    assert (code, err) == (0, "")
    assert same == "The settings are the same."
    assert re.match(r"Of (\d+) results, compared replication by replication, \1 are ident", results)
    assert verdict == "The results do not differ significantly."


@pytest.mark.parametrize(
    ("options", "message", "how"),
    [
        (["--seed", "7"], r"\n *seed +0 +7\n", "as independent runs"),
        (["--discount", "0.1"], r"\n *discount +0.9 +0.1\n", "replication by replication"),
    ],
)
def test_runs_that_differ_are_told_apart_in_what_was_asked_and_in_results(
    swept: Path, tmp_path: Path, call: Call, options: list[str], message: str, how: str
) -> None:
    call(*GRID, *options, "--out", tmp_path / "other")
    code, out, err = call("compare", swept, tmp_path / "other")
    assert (code, err) == (0, "")
    assert out.startswith("The settings differ:\n")
    assert re.search(message, out)
    assert how in out
    verdict = "differ significantly" if "--discount" in options else "do not differ"
    assert verdict in out.splitlines()[-1]


@pytest.mark.parametrize("command", [["report"], ["compare", "swept"]])
def test_what_holds_no_finished_run_is_an_error_of_one_line(
    failure: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    swept: Path,
    tmp_path: Path,
    command: list[str],
) -> None:
    arguments = [swept if word == "swept" else word for word in command]
    says = f"holds no {RUN_FILE}, so no whole run: give the folder of a finished run"
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    for name in ("nothing", "file", "empty", tmp_path, "memory://nothing/there"):
        assert f"{name} {says}" in failure(*arguments, name)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / RUN_FILE).write_text("[1]")
    assert "foreign/run.json is not a run's description" in failure(*arguments, "foreign")
    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "summarise", interrupt)
        sweep_stopped(tmp_path / "unfinished")
    assert f".unfinished.partial {says}" in failure(*arguments, ".unfinished.partial")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".unfinished.partial", "empty", "file", "foreign"
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["nope://there", "lacking://bucket/there"])
@pytest.mark.parametrize("command", [["report"], ["compare", "swept"]])
def test_a_url_that_nothing_reads_is_an_error_of_one_line(
    failure: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    swept: Path,
    command: list[str],
    url: str,
) -> None:
    lacking = {"class": "no_such_package.Files", "err": "Install no_such_package"}
    monkeypatch.setitem(known_implementations, "lacking", lacking)
    arguments = [swept if word == "swept" else word for word in command]
    assert f"{url} is not a folder that can be reached" in failure(*arguments, url)
    assert f"{url} is not a folder that can be reached" in failure(*GRID, "--out", url)


def sweep_stopped(out: Path) -> None:
    with pytest.raises(RuntimeError, match="6 blocks are finished and kept"):
        Sweep(makers="myopic,zero-profit", prior_sd="1", periods=5, replications=60, block=20).run(
            str(out)
        )


def test_a_run_whose_tables_were_cut_off_has_no_report(
    swept: Path, tmp_path: Path, failure: Callable[..., str]
) -> None:
    cut = Path(shutil.copytree(swept, tmp_path / "cut"))
    (cut / "blocks/0000-00001.parquet").write_bytes(b"PAR1")
    for command in (["report", cut], ["compare", cut, swept], ["compare", swept, cut]):
        line = failure(*command)
        assert f"{cut}/blocks/0000-00001.parquet has 4 bytes, but the run wrote" in line
        assert "repeat the run" in line


def test_runs_with_no_point_in_common_cannot_be_compared(
    swept: Path, tmp_path: Path, call: Call, failure: Callable[..., str]
) -> None:
    call(*GRID, "--prior-sd", "3", "--out", tmp_path / "other")
    assert "have no point and maker in common" in failure("compare", swept, tmp_path / "other")


def test_an_installed_command_is_this_one() -> None:
    (command,) = entry_points(group="console_scripts", name="market-shock")
    assert command.load() is main
