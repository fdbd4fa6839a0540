"""README: its code runs, its commands work, its links lead somewhere, its layout is the tree's."""

import re
import shlex
import sys
from pathlib import Path
from runpy import run_module

import pytest

from scenarios import paper

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SMALL = ["--replications", "60", "--periods", "12", "--out", "tmp"]
MODULES = [path for path in (ROOT / "abm").rglob("*.py") if path.name != "__init__.py"]


def fenced(language: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return what stands behind `market-shock` on every line of a fenced block that calls it."""
    steps = [
        step.split(" #")[0].strip()
        for block in fenced()
        for line in block.splitlines()
        for step in line.split("&&")
    ]
    calls = (re.fullmatch(r"(?:uv run )?market-shock\b(.*)", step) for step in steps)
    return list(dict.fromkeys(call[1].strip() for call in calls if call))


def links() -> list[str]:
    written = re.findall(r"\]\(([^)\s]+)|(?:src|href)=\"([^\"]+)", README)
    written += re.findall(r"^\[[^\]]+\]:\s*(\S+)()", README, re.MULTILINE)
    found = (one or other for one, other in written)
    return sorted({one for one in found if not re.match(r"[a-z]+:|#", one)})


def layout() -> str:
    (tree,) = (block for block in fenced() if block.startswith("abm/"))
    return tree


def test_readme_has_python_commands_and_links() -> None:
    assert fenced("python")
    assert any(command.startswith("run paper") for command in commands())
    assert len(links()) >= 3


def test_the_python_of_readme_runs_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "".join(fenced("python"))
    if "runs/paper" in source:
        paper.run(replications=60, periods=12)
    namespace = {"__name__": "__main__"}
    for number, block in enumerate(fenced("python"), start=1):
        exec(compile(block, f"README.md, python block {number}", "exec"), namespace)


@pytest.mark.parametrize("command", commands())
def test_a_command_of_readme_works(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = shlex.split(command)
    more = SMALL if arguments[:1] == ["run"] else []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["market-shock", *arguments, *more])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.delitem(sys.modules, "scenarios.__main__", raising=False)
    with pytest.raises(SystemExit) as end:
        run_module("scenarios", run_name="__main__")
    said = capsys.readouterr()
    assert not end.value.code, said.err
    assert said.out
    assert (tmp_path / "tmp").exists() == bool(more)


@pytest.mark.parametrize(
    "line",
    ["pip install uv && uv run market-shock run paper", "pip install uv && uv run pytest"],
)
def test_readme_gives_the_two_lines_that_reproduce_and_test(line: str) -> None:
    assert line in README.splitlines()


@pytest.mark.parametrize("link", links())
def test_what_readme_links_to_exists(link: str) -> None:
    assert (ROOT / link.split("#")[0]).exists()


def test_the_layout_names_every_module_of_abm() -> None:
    tree = layout()
    missing = []
    for module in MODULES:
        folder = module.parent.name
        (where,) = re.findall(rf"^ +{folder}/.*", tree, re.MULTILINE) if folder != "abm" else [tree]
        name = module.stem if folder != "abm" else module.name
        if not re.search(rf"(?<![\w/]){re.escape(name)}(?!\w)", where):
            missing.append(str(module.relative_to(ROOT)))
    assert not missing


def test_every_file_that_the_layout_names_exists() -> None:
    named = re.findall(r"[\w/]+\.py", layout())
    assert named
    places = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/**/*.py")}
    assert not [name for name in named if not {name, f"abm/{name}"} & places]
