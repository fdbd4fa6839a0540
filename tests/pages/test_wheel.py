"""The wheel: what it holds, and that what it installs runs without this folder."""

import os
import re
import shutil
import subprocess
import sys
from email.message import Message
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.files import ROOT

UV = os.environ.get("UV") or shutil.which("uv") or ""
MOST = 600_000  # bytes; with its pictures it would be thrice as large
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UV, reason="uv, which builds and installs, is not here"),
]


def run(words: list[str], folder: Path) -> str:
    """Run a program in a folder, away from this project's environment; return what it prints."""
    environment = {
        name: value for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")
    }  # fmt: skip
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([UV, "build", "-q", "--wheel", "--python", sys.executable, "-o", str(folder)], ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a fresh environment where the wheel is installed."""
    folder = tmp_path_factory.mktemp("environment")
    run([UV, "venv", "-q", "--python", sys.executable, "venv"], folder)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run([UV, "pip", "install", "-q", "--python", str(programs / "python"), str(wheel)], folder)
    return programs


def read_metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        file = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(file).decode())


def test_the_wheel_holds_every_module_and_what_modules_read_and_no_picture(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    packages = ("abm", "analysis", "scenarios")
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
    }
    read = {"abm/bellman/exact/value.csv", "analysis/report.html.jinja"}
    typed = {"abm/py.typed", "analysis/py.typed"}
    assert modules | read | typed <= names
    assert not [name for name in names if name.endswith(".png")]
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(packages)


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= MOST


def test_the_wheel_says_whose_it_is_and_which_pythons_run_it(wheel: Path) -> None:
    metadata = read_metadata(wheel)
    assert metadata["Author"] == "The Market Shock authors"
    assert metadata["Version"] == version("market-shock")
    assert metadata["Requires-Python"] == ">=3.11"
    pythons = [
        line.rpartition(" ")[2]
        for line in metadata.get_all("Classifier", [])
        if line.startswith("Programming Language :: Python :: 3.")
    ]
    assert pythons == ["3.11", "3.12", "3.13"]


def test_the_wheels_description_shows_whole_by_itself(wheel: Path) -> None:
    metadata = read_metadata(wheel)
    text = str(metadata.get_payload())
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "# Market Shock\n" in text
    assert "market-shock run paper" in text
    targets = re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)", text)
    assert not [target for pair in targets for target in pair if "://" not in target]


def test_what_the_wheel_installs_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    command = str(installed / "market-shock")
    assert run([command, "--version"], tmp_path) == f"market-shock {version('market-shock')}\n"
    listed = run([command, "list"], tmp_path).split()
    assert {"paper", "sweep", "exact-optimal", "noisy"} <= set(listed)
    sweep = ["run", "sweep", "--makers", "zero-profit", "--prior-sd", "1", "--periods", "3",
             "--replications", "4", "--workers", "1", "--out", "out"]  # fmt: skip
    run([command, *sweep], tmp_path)
    assert (tmp_path / "out" / "run.json").exists()


def test_the_packages_are_found_where_the_wheel_was_installed(
    installed: Path, tmp_path: Path
) -> None:
    find = "from importlib.util import find_spec; import sys; print(find_spec(sys.argv[1]).origin)"
    for package in ("abm", "analysis", "scenarios"):
        origin = run([str(installed / "python"), "-c", find, package], tmp_path).rstrip()
        assert Path(origin).is_relative_to(installed.parent)
