"""Other modules named abm, analysis or scenarios: what the command says, and what Python says."""

import re
import shutil
from pathlib import Path

import pytest

from tests.commands import CONSOLE, run_python
from tests.files import ROOT

PAGE = (ROOT / "analysis" / "README.md").read_text()
MODULE = ["-m", "scenarios"]
SEPARATE = "install market-shock in an environment of its own"


def write(folder: Path, file: str, text: str = "print('mine was run')\n") -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder where market-shock is installed, and where others may be installed too."""
    for package in ("abm", "analysis", "scenarios"):
        ignored = shutil.ignore_patterns("__pycache__", "gallery")
        shutil.copytree(ROOT / package, tmp_path / "venv" / "lib" / package, ignore=ignored)
    return tmp_path / "venv" / "lib"


@pytest.mark.parametrize(
    ("file", "name"),
    [("analysis.py", "analysis"), ("analysis/__init__.py", "analysis"), ("abm.py", "abm"),
     ("abm/__init__.py", "abm")],
)  # fmt: skip
@pytest.mark.parametrize("words", [["--help"], ["list"], ["compare", "one", "other"]], ids=" ".join)
def test_a_module_of_the_user_before_ours_is_named_and_not_run(
    file: str, name: str, words: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path, file)
    done = run_python([*MODULE, *words], tmp_path, ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {name} is {path}, not market-shock's: "
        f"rename {file.split('/')[0]}, or run from another folder\n"
    )


@pytest.mark.parametrize("file", ["analysis.py", "abm.py", "abm/__init__.py", "scenarios.py"])
def test_the_command_runs_beside_a_module_of_such_a_name(file: str, tmp_path: Path) -> None:
    write(tmp_path, file)
    done = run_python([*CONSOLE, "--version"], tmp_path, ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"market-shock [\d.]+\n", done.stdout)


def test_folders_without_modules_are_in_nobodys_way(tmp_path: Path) -> None:
    for name in ("abm", "analysis", "scenarios"):
        write(tmp_path, f"{name}/notes.txt")
    assert run_python([*MODULE, "--version"], tmp_path, ROOT).returncode == 0


def test_a_package_before_ours_on_the_path_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "lib/abm/__init__.py")
    (tmp_path / "empty").mkdir()
    done = run_python([*CONSOLE, "list"], tmp_path / "empty", tmp_path / "lib", ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: abm is {path}, not market-shock's: "
        f"take {tmp_path / 'lib'} off PYTHONPATH, or {SEPARATE}\n"
    )


@pytest.mark.parametrize("name", ["abm", "analysis", "scenarios"])
def test_a_package_installed_over_ours_is_named(name: str, copy: Path, tmp_path: Path) -> None:
    write(copy, f"{name}/__init__.py", '"""Another package."""\n')
    done = run_python([*CONSOLE, "--version"], tmp_path, copy)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {name} in {copy} is no longer market-shock's, for another package of that name "
        f"was installed there: {SEPARATE}\n"
    )


@pytest.mark.parametrize(
    ("words", "file", "path"),
    [(MODULE, "analysis.py", ""), (CONSOLE, "lib/abm/__init__.py", "lib"),
     (CONSOLE, "venv/lib/abm/__init__.py", "venv/lib")],
)  # fmt: skip
def test_the_command_says_what_the_page_shows(
    words: list[str], file: str, path: str, copy: Path, tmp_path: Path
) -> None:
    write(tmp_path, file)
    done = run_python([*words, "list"], tmp_path, tmp_path / path, copy)
    said = done.stderr.removeprefix("error: ").rstrip().replace(str(tmp_path), "/home/me")
    assert f"`{said}`" in PAGE


@pytest.mark.parametrize("name", ["abm", "analysis"])
def test_ours_without_its_first_file_is_named(name: str, copy: Path) -> None:
    (copy / name / "__init__.py").unlink()  # as when the other package is uninstalled
    alone = f"import sys; sys.path = [path for path in sys.path if path != {str(ROOT)!r}]"
    done = run_python(["-P", "-c", f"{alone}; {CONSOLE[-1]}", "list"], copy.parent, copy)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{name} in {copy} is no longer market-shock's" in done.stderr


SCRIPTS = {  # what Python says: the user's module, the script, and what the script does
    "cannot import name 'load' from 'analysis'":
        ("analysis.py", "mine.py", "from analysis import load"),
    "module 'analysis' has no attribute 'load'":
        ("analysis.py", "mine.py", "import analysis; analysis.load"),
    "cannot import name 'load' from partially initialized module 'analysis'":
        ("analysis.py", "analysis.py", "from analysis import load"),
    "No module named 'abm.makers'; 'abm' is not a package":
        ("abm.py", "mine.py", "from abm.makers import MarketMaker"),
    "cannot import name 'Exchange' from 'abm'":
        ("abm/__init__.py", "mine.py", "from abm import Exchange"),
    "No module named 'abm.makers'":
        ("abm/__init__.py", "mine.py", "from abm.makers import MarketMaker"),
    "module 'abm' of market-shock has no attribute 'Model'":
        ("notes.py", "mine.py", "import abm; abm.Model"),
    "No module named 'scenarios._common'":
        ("scenarios/__init__.py", "mine.py", "from scenarios._common.study import Study"),
}  # fmt: skip


@pytest.mark.parametrize("message", SCRIPTS)
def test_python_says_what_the_page_shows(message: str, tmp_path: Path) -> None:
    file, script, code = SCRIPTS[message]
    write(tmp_path, file)
    write(tmp_path, script, code)
    done = run_python([script], tmp_path, ROOT)
    assert done.returncode == 1
    assert message in done.stderr
    assert f"`{message}`" in PAGE


def test_python_says_that_another_scenarios_has_no_command(tmp_path: Path) -> None:
    write(tmp_path, "scenarios/__init__.py")
    done = run_python([*MODULE, "list"], tmp_path, ROOT)
    assert "No module named scenarios.__main__" in done.stderr
    assert "`No module named scenarios.__main__`" in PAGE


def test_a_name_misspelt_is_still_met_by_the_nearest(tmp_path: Path) -> None:
    done = run_python(["-c", "import abm; abm.Exchnage"], tmp_path, ROOT)
    assert "Did you mean: 'Exchange'?" in done.stderr
