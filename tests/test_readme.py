"""README: its code runs, its commands work, its links lead somewhere, its layout is the tree's."""

import io
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from runpy import run_module
from typing import Any, NamedTuple

import pytest

from analysis import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

SMALL = {  # options that replace README's own, so that its commands end soon
    "paper": ["--replications", "60", "--periods", "12", "--workers", "1"],
    "sweep": ["--replications", "60", "--periods", "12", "--workers", "1", "--block", "30"],
    "monopolist-vs-competitive": ["--replications", "60", "--periods", "12"],
    "head-to-head": ["--replications", "60", "--periods", "12"],
    "breakdown": ["--replications", "60", "--periods", "12"],
    "learning-makers": ["--replications", "10", "--periods", "40", "--workers", "1"],
    "exact-vs-gaussian": ["--replications", "20", "--periods", "6", "--workers", "1"],
    "exact-optimum": ["--replications", "4", "--periods", "3", "--workers", "1"],
}
AT_MOST = ["--at-most", "120"]  # where blocks are added until a standard error is reached


class Step(NamedTuple):
    """A block of Python, or what stands behind `market-shock` on a line of another one."""

    language: str
    text: str


class Outcome(NamedTuple):
    failure: str
    out: str
    err: str


def fenced() -> list[tuple[str, str]]:
    """Return the language and the text of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def steps() -> list[Step]:
    """Return all that README tells to run, in its order."""
    found = [
        step
        for language, block in fenced()
        for step in ([Step("python", block)] if language == "python" else commands(block))
    ]
    return list(dict.fromkeys(found))


def commands(block: str) -> Iterator[Step]:
    lines = block.replace("\\\n", " ").splitlines()
    for part in (part for line in lines for part in line.split(" #")[0].split("&&")):
        if call := re.fullmatch(r"(?:uv run )?market-shock\b(.*)", part.strip()):
            yield Step("command", call[1].strip())


def shortened(command: str) -> list[str]:
    """Return a command's words, with few replications, and memory in place of the cloud."""
    words = shlex.split(re.sub(r"\b(s3|gs|abfs)://", "memory://", command))
    if words[:1] == ["run"]:
        words += SMALL[words[1]] + AT_MOST * ("--until-se" in words)
    return words


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[Step, Outcome]:
    """Return what came of every step, each taken in the folder that the earlier ones have left."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("readme"))
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(sys, "path", [*sys.path])
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        return {step: outcome(step, names, patch) for step in steps()}


def outcome(step: Step, names: dict[str, Any], patch: pytest.MonkeyPatch) -> Outcome:
    failure = ""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            if step.language == "python":
                if file := re.match(r"# (\w+\.py)\n", step.text):
                    Path(file[1]).write_text(step.text)
                exec(compile(step.text, "README.md", "exec"), names)
            else:
                call(step.text, patch)
        except Exception:
            failure = traceback.format_exc()
    return Outcome(failure, out.getvalue(), err.getvalue())


def call(command: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "argv", ["market-shock", *shortened(command)])
    patch.delitem(sys.modules, "scenarios.__main__", raising=False)
    with pytest.raises(SystemExit) as end:
        run_module("scenarios", run_name="__main__")
    assert not end.value.code, f"exit code {end.value.code}"
    if command.startswith("run "):
        load(folder_of(command))


def folder_of(command: str) -> str:
    """Return where a command's run is to be."""
    words = shortened(command)
    return words[words.index("--out") + 1] if "--out" in words else f"runs/{words[1]}"


def links() -> list[str]:
    written = re.findall(r"\]\(([^)\s]+)|(?:src|href)=\"([^\"]+)", README)
    written += re.findall(r"^\[[^\]]+\]:\s*(\S+)()", README, re.MULTILINE)
    found = (one or other for one, other in written)
    return sorted({one for one in found if not re.match(r"[a-z]+:|#", one)})


def layout() -> dict[str, str]:
    """Return what the layout says of each folder of the root."""
    (tree,) = (block for _, block in fenced() if block.startswith("abm/"))
    parts = re.split(r"^(\w+)/", tree, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_readme_has_python_commands_and_links() -> None:
    assert any(step.language == "python" for step in steps())
    first = {step.text.split()[0] for step in steps() if step.language == "command"}
    assert first == {"list", "run", "check", "report", "compare"}
    assert len(links()) >= 3


def test_no_command_of_readme_is_passed_over() -> None:
    written = "".join(block for language, block in fenced() if language != "python")
    called = re.findall(r"\bmarket-shock (?:list|run|check|report|compare)\b[^#&\n]*", written)
    commands = {step.text for step in steps() if step.language == "command"}
    assert {command.removeprefix("market-shock ").strip() for command in called} == commands


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.text.split("\n")[0])
def test_what_readme_tells_to_run_works_in_its_order(
    step: Step, outcomes: dict[Step, Outcome]
) -> None:
    failure, out, err = outcomes[step]
    assert not failure, f"{failure}\n{err}"
    assert not err
    assert out or step.language == "python"


@pytest.mark.parametrize(
    "line",
    ["pip install uv && uv run market-shock run paper", "pip install uv && uv run pytest"],
)
def test_readme_gives_the_two_lines_that_reproduce_and_test(line: str) -> None:
    assert line in README.splitlines()


@pytest.mark.parametrize("link", links())
def test_what_readme_links_to_exists(link: str) -> None:
    assert (ROOT / link.split("#")[0]).exists()


def test_the_page_of_the_wings_names_every_wing_and_no_other() -> None:
    page = (ROOT / "abm" / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE)
    wings = {path.parent.name for path in (ROOT / "abm").glob("*/__init__.py")}
    assert len(rows) == len(set(rows))
    assert set(rows) == wings


def test_no_module_lies_beside_the_wings() -> None:
    assert [path.name for path in (ROOT / "abm").glob("*.py")] == ["__init__.py"]


def test_the_layout_names_every_scenario() -> None:
    scenarios = {path.stem for path in (ROOT / "scenarios").glob("[!_]*.py")}
    assert scenarios <= set(re.findall(r"\w+", layout()["scenarios"]))


def test_every_file_that_the_layout_names_exists() -> None:
    named = re.findall(r"[\w/]+\.(?:py|md)", "".join(layout().values()))
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]
