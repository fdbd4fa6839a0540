"""The command `market-shock`: what it lists, what it prints, and errors of one line."""

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from typer.testing import CliRunner

from abm.makers import registered
from abm.schema import RUN_FILE
from analysis.claims import Claim
from scenarios.__main__ import app, main
from scenarios._terminal import show_claims

SMALL = ["run", "paper", "--replications", "60", "--periods", "12"]
COLUMNS = re.compile(r"exhibit +the paper says +measured +s\.e\. +holds")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a-folder-whose-name-is-rather-long-for-a-line") / "paper"


@pytest.fixture(scope="module")
def finished(folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what a small study did, as a process of its own, on lines of 80 columns."""
    return subprocess.run(
        [sys.executable, "-m", "scenarios", *SMALL, "--out", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder.parent,
        env=os.environ | {"COLUMNS": "80", "PYTHONPATH": str(Path(__file__).parents[1])},
    )


@pytest.fixture
def failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> "Failure":
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    return Failure(monkeypatch, capsys)


class Failure:
    """Runs the command, and returns the one line it says before it gives up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def of(self, *arguments: str) -> str:
        self._monkeypatch.setattr(sys, "argv", ["market-shock", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = self._capsys.readouterr()
        assert end.value.code == 1
        assert said.out == ""
        (line,) = said.err.splitlines()
        assert line.startswith("error: ")
        return line


def test_the_list_has_a_line_for_each_scenario_and_maker() -> None:
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == ["scenarios:", "makers:"]
    names = [line.split()[0] for line in lines]
    assert names == ["scenarios:", "paper", "makers:", *registered()]
    assert {"zero-profit", "myopic", "optimal", "fixed-spread"} < set(names)
    assert all(len(line.split()) > 4 for line in lines if line.startswith("  "))


def test_help_names_every_option_of_the_study() -> None:
    result = CliRunner().invoke(app, ["run", "paper", "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    for option in ("--replications", "--discount", "--seed", "--periods", "--out"):
        assert option in result.stdout


def test_a_study_ends_well_and_leaves_its_folder(
    finished: subprocess.CompletedProcess[str], folder: Path
) -> None:
    assert finished.returncode == 0, finished.stderr
    assert (folder / RUN_FILE).exists()
    assert [path.name for path in folder.parent.iterdir()] == ["paper"]


def test_a_study_prints_its_claims(finished: subprocess.CompletedProcess[str]) -> None:
    lines = finished.stdout.splitlines()
    assert COLUMNS.match(lines[0])
    exhibits = {match for line in lines if (match := line[:8].strip())}
    assert {"Fig. 1", "Fig. 3a", "Fig. 3b", "Fig. 3c", "Fig. 4a", "Fig. 4b", "Th. 2.1"} < exhibits
    assert {"yes", "no"} <= {line.split()[-1] for line in lines}


def test_a_study_prints_nothing_else_when_no_terminal_is_there(
    finished: subprocess.CompletedProcess[str],
) -> None:
    assert finished.stderr == ""
    assert "\x1b" not in finished.stdout
    assert "\r" not in finished.stdout
    assert all(len(line) <= 80 for line in finished.stdout.splitlines()[:-1])


def test_a_study_says_where_it_is_in_one_piece(
    finished: subprocess.CompletedProcess[str], folder: Path
) -> None:
    assert str(folder) in finished.stdout


@pytest.mark.parametrize("name", ["a[bold]b", "a[/]b", "two words"])
def test_the_folders_name_is_printed_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    show_claims([Claim("Fig. 0", "so it is", 1.0, 0.1, low=0.0)], Path(name))
    assert name in capsys.readouterr().out


def test_the_words_of_a_claim_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    show_claims([Claim("Fig. 0", "within [low] and [/] high", 1.0, 0.1)], Path("here"))
    assert "within [low] and [/] high" in capsys.readouterr().out


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
    ],
)
def test_an_option_out_of_range_is_an_error_of_one_line(
    failure: Failure, option: str, value: str, says: str, tmp_path: Path
) -> None:
    assert says in failure.of(*SMALL, option, value)
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.usefixtures("finished")
def test_a_taken_folder_is_an_error_of_one_line(failure: Failure, folder: Path) -> None:
    line = failure.of(*SMALL, "--seed", "5", "--out", str(folder))
    assert f"{folder} holds another run (seed is 0 there, 5 here)" in line


def test_a_file_in_the_way_is_an_error_of_one_line(failure: Failure, tmp_path: Path) -> None:
    file = tmp_path / "a[bold]b"
    file.write_text("precious")
    assert str(file) in failure.of(*SMALL, "--out", str(file))
    assert "cannot be written" in failure.of(*SMALL, "--out", str(file / "below"))


@pytest.mark.parametrize(
    "arguments", [["run", "papre"], ["show"], ["run", "paper", "--replications", "many"]]
)
def test_a_slip_on_the_command_line_is_named(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "120"})
    assert result.exit_code == 2
    assert (arguments[1:] or arguments)[0] in result.output
    assert "Traceback" not in result.output


def test_an_installed_command_is_this_one() -> None:
    (command,) = entry_points(group="console_scripts", name="market-shock")
    assert command.load() is main
