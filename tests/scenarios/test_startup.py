"""What is loaded by the command, by `analysis` and by `abm.bellman`, each in a new process."""

import shutil
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from scenarios._common.commands import find_scenarios
from tests.commands import run_python
from tests.files import ROOT

HEAVY = ["matplotlib", "mesa", "pandas", "scenarios.*"]  # the last stands for any scenario
LIGHT = [
    [], ["--help"], ["--version"], ["--hepl"], ["lsit"], ["run"], ["run", "--help"],
    ["run", "papre"], ["paper"], ["run", "--hepl"], ["report", "--help"], ["check", "--wave"],
]  # fmt: skip
LISTED, SHOWN = ["list"], ["run", "sweep", "--help"]
STATEMENTS = ["import analysis", "from analysis import Run, load", "from abm.bellman import solve"]
COMMANDS = """
import sys
from scenarios.__main__ import main
for words in {commands!r}:
    sys.argv = ["market-shock", *words]
    try:
        main()
    except SystemExit as end:
        print(end.code or 0, *sorted(sys.modules), file=sys.stderr)
"""


def run_code(code: str, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run_python(["-P", "-c", code], path, path)


@cache
def list_loaded() -> dict[str, set[str]]:
    """Return what is loaded once each command has run, one after the other in one process."""
    commands = [*LIGHT, LISTED, SHOWN]
    said = run_code(COMMANDS.format(commands=commands)).stderr.splitlines()
    loaded = [set(line.split()) for line in said if " typer " in line]
    return dict(zip(map(str, commands), loaded, strict=True))


def list_heavy(words: list[str]) -> list[str]:
    """Return which of HEAVY the command loads, or one before it."""
    modules = list_loaded()[str(words)]
    scenarios = {f"scenarios.{name.replace('-', '_')}" for name in find_scenarios()}
    assert {"scenarios.paper", "scenarios.sweep"} <= scenarios  # a folder and a file
    return [
        name for name in HEAVY if name in modules or (name == HEAVY[-1] and scenarios & modules)
    ]


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_help_and_slips_load_no_scenario_and_no_library_of_simulation(words: list[str]) -> None:
    assert list_heavy(words) == []


def test_the_list_loads_no_scenario_and_no_matplotlib() -> None:
    assert list_heavy(LISTED) == ["mesa", "pandas"]


def test_a_scenario_that_runs_is_loaded() -> None:
    assert list_heavy(SHOWN) == HEAVY


def test_reading_logs_and_the_bellman_equation_load_no_mesa_and_no_figures() -> None:
    """In one process, where each statement adds to what those before it have loaded."""
    show = "import sys\nprint(*sys.modules)"
    out = run_code("\n".join(f"{statement}\n{show}" for statement in STATEMENTS)).stdout
    for statement, line in zip(STATEMENTS, out.splitlines(), strict=True):
        assert statement.split()[1] in line.split()
        assert not {"mesa", "matplotlib", "seaborn"} & set(line.split()), statement


def test_experiments_do_without_scipys_distributions() -> None:
    code = "import abm.experiment, analysis, sys\nprint('scipy.stats' in sys.modules)"
    assert run_code(code).stdout.strip() == "False"


def test_the_version_is_read_when_it_is_asked_for() -> None:
    code = "import abm, sys\nprint('importlib.metadata' in sys.modules, abm.__version__, *dir(abm))"
    early, number, *names = run_code(code).stdout.split()
    assert (early, number) == ("False", version("market-shock"))
    assert "__version__" in names


def test_modules_of_analysis_are_found_as_its_attributes() -> None:
    code = "from analysis import figures, metrics\nprint(metrics.estimates, figures.posteriors)"
    assert run_code(code).returncode == 0


def test_a_scenario_that_cannot_be_parsed_leaves_the_others_usable(tmp_path: Path) -> None:
    for package in ("abm", "analysis", "scenarios"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    (tmp_path / "scenarios" / "half_done.py").write_text('"""A study."""\ndef run(:\n')
    (tmp_path / "scenarios" / "own").mkdir()
    (tmp_path / "scenarios" / "own" / "__init__.py").write_text(
        '"""A study in a folder.\n\nMore."""'
    )
    said = run_code(COMMANDS.format(commands=[LISTED, SHOWN]), tmp_path)
    listed = said.stdout.partition("Usage: ")[0].splitlines()
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in listed if line.split()[1:]}
    assert lines["half-done"].startswith("cannot be used: invalid syntax")
    assert lines["own"] == "A study in a folder."
    codes = [line.split()[0] for line in said.stderr.splitlines() if " typer " in line]
    assert codes == ["0", "0"]
