"""The pages README.md: their code runs, their commands work, their links lead somewhere."""

import io
import re
import shlex
import sys
import tomllib
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from runpy import run_module
from typing import Any, NamedTuple

import pytest
import yaml

from analysis import load
from scenarios._common.commands import find_scenarios
from tests.commands import keep_handler
from tests.files import ROOT
from tests.pictures import draw_nothing

FOLDERS = ("abm", "analysis", "scenarios", "tests")
PAGES = [
    "README.md",
    *(
        page.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for page in sorted((ROOT / folder).rglob("README.md"))
    ),
]
LINKED = [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"]
LANGUAGES = {"python", "sh", "text", "toml", "bibtex"}  # tests/README.md says what they mean

FEW = "--replications 10 --periods 12 --workers 1"
SMALL = {  # options that replace a page's own, so that its commands end soon
    "paper": "--replications 60 --periods 12 --workers 1",
    "sweep": f"{FEW} --block 5",
    "monopolist-vs-competitive": f"{FEW} --discount 0.5 --prior-sd 1",
    "head-to-head": f"{FEW} --prior-sd 1",
    "breakdown": f"{FEW} --prior-sd 1,5",
    "franchise": f"{FEW} --prior-sd 3 --lengths 5",
    "adaptive-traders": f"{FEW} --discount 0.5 --weight 1 --need-sd 1 --prior-sd 1,3 --long-run 40",
    "jumps": f"{FEW} --discount 0.5 --jump-sd 1 --probability 0.05 --prior-sd 1 --shock-markets 2",
    "uninformed": f"{FEW} --discount 0.5 --kind 3 --share 0.3 --prior-sd 1 --exact-markets 2",
    "learning-makers": f"{FEW} --learners 2",
    "reinforcement": f"{FEW} --marks expected --seeds 1 --iterations 2",
    "exact-vs-gaussian": f"{FEW} --prior-sd 1",
    "exact-optimum": "--replications 4 --periods 3 --workers 1 --prior-sd 1",
}


class Block(NamedTuple):
    language: str
    text: str
    output: str  # that the page shows for it; empty if none


class Step(NamedTuple):
    """A block of Python, or what stands behind `market-shock` on a line of a block of sh."""

    page: str
    language: str
    text: str
    output: str


class Outcome(NamedTuple):
    failure: str
    out: str
    err: str


def read(page: str) -> str:
    return (ROOT / page).read_text()


def list_blocks(page: str) -> list[Block]:
    """Return the fenced blocks, each with the block of text that directly follows it."""
    fence = r"^```(\w*)\n(.*?)^```$"
    output = r"(?:\n+```text\n(.*?)^```$)?"
    found = re.findall(fence + output, read(page), re.MULTILINE | re.DOTALL)
    return [Block(*parts) for parts in found]


def list_steps() -> list[Step]:
    """Return all that the pages tell to run, in their order."""
    steps = [
        step for page in PAGES for block in list_blocks(page) for step in split_block(page, block)
    ]
    return list(dict.fromkeys(steps))


def split_block(page: str, block: Block) -> list[Step]:
    if block.language == "python":
        return [Step(page, *block)]
    commands = list(find_commands(block.text)) if block.language == "sh" else []
    outputs = [""] * (len(commands) - 1) + [block.output]
    return [
        Step(page, "sh", command, output)
        for command, output in zip(commands, outputs, strict=bool(commands))
    ]


def find_commands(text: str) -> Iterator[str]:
    lines = text.replace("\\\n", " ").splitlines()
    for part in (part for line in lines for part in line.split(" #")[0].split("&&")):
        if call := re.fullmatch(r"(?:uv run )?market-shock\b(.*)", part.strip()):
            yield call[1].strip()


def shorten(command: str) -> list[str]:
    """Return a command's words, with few replications."""
    words = shlex.split(command)
    return words + SMALL[words[1]].split() if words[:1] == ["run"] else words


@pytest.fixture(scope="module")
def follow(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[Step, Outcome]]:
    """Return what came of a page's steps, each taken in the folder that earlier ones have left."""

    @cache
    def follow_page(page: str) -> dict[Step, Outcome]:
        names: dict[str, Any] = {"__name__": "__main__"}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path_factory.mktemp("page"))
            patch.delenv("COLUMNS", raising=False)  # tables in pages are whole
            patch.setattr(sys, "excepthook", sys.excepthook)
            patch.setattr(sys, "path", [*sys.path])
            patch.setattr(warnings, "showwarning", warnings.showwarning)
            patch.setattr("scenarios._common.study.encode_figure", draw_nothing)
            patch.setattr("analysis.report.encode_figure", lambda *_: b"<svg/>")
            steps = [step for step in list_steps() if step.page == page]
            return {step: take(step, names, patch) for step in steps}

    return follow_page


def take(step: Step, names: dict[str, Any], patch: pytest.MonkeyPatch) -> Outcome:
    failure = ""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            if step.language == "python":
                if file := re.match(r"# (\w+\.py)\n", step.text):
                    Path(file[1]).write_text(step.text)
                exec(compile(step.text, step.page, "exec"), names)
            else:
                call(step.text, patch)
        except Exception:
            failure = traceback.format_exc()
    return Outcome(failure, out.getvalue(), err.getvalue())


def call(command: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "argv", ["market-shock", *shorten(command)])
    patch.delitem(sys.modules, "scenarios.__main__", raising=False)
    with keep_handler(), pytest.raises(SystemExit) as end:
        run_module("scenarios", run_name="__main__")
    assert not end.value.code, f"exit code {end.value.code}"
    if command.startswith("run "):
        load(find_folder(command))


def find_folder(command: str) -> str:
    """Return where a command's run is to be."""
    words = shorten(command)
    return words[words.index("--out") + 1] if "--out" in words else f"runs/{words[1]}"


def name_step(step: Step) -> str:
    return f"{step.page}: {step.text.splitlines()[0]}"


def strip_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def list_links() -> list[tuple[str, str]]:
    """Return pairs of a page and what it links to or shows, other than addresses."""
    pairs = []
    for page in LINKED:
        text = re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
        found = re.findall(r"\]\(([^)\s]+)|(?:src|href)=\"([^\"]+)", text)
        found += re.findall(r"^\[[^\]]+\]:\s*(\S+)()", text, re.MULTILINE)
        links = {link or other for link, other in found}
        pairs += [(page, link) for link in sorted(links) if not re.match(r"[a-z]+:", link)]
    return pairs


def find_target(page: str, link: str) -> Path:
    """Return the file or folder that a link leads to."""
    file = link.partition("#")[0]
    return (ROOT / page).parent / file if file else ROOT / page


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def list_pictures(page: str) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", read(page))


def test_pages_have_python_commands_and_output() -> None:
    steps = list_steps()
    assert {step.page for step in steps if step.language == "python"} == {
        "README.md",
        "abm/README.md",
        "abm/environments/README.md",
        "abm/experiment/README.md",
        "analysis/README.md",
        "scenarios/README.md",
    }
    first = {step.text.split()[0] for step in steps if step.language == "sh"}
    assert first == {"list", "run", "check", "report", "compare"}
    assert sum(bool(step.output) for step in steps) >= 3


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    fences = re.findall(r"^ *```(.*)$", read(page), re.MULTILINE)
    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


@pytest.mark.parametrize("page", PAGES)
def test_no_command_of_a_page_is_passed_over(page: str) -> None:
    written = "".join(block.text for block in list_blocks(page) if block.language != "python")
    called = re.findall(r"\bmarket-shock (?:list|run|check|report|compare)\b[^#&\n]*", written)
    taken = {step.text for step in list_steps() if step[:2] == (page, "sh")}
    assert {command.removeprefix("market-shock ").strip() for command in called} == taken


@pytest.mark.slow
@pytest.mark.parametrize("step", list_steps(), ids=name_step)
def test_what_a_page_tells_to_run_works_in_its_order(
    step: Step, follow: Callable[[str], dict[Step, Outcome]]
) -> None:
    failure, out, err = follow(step.page)[step]
    assert not failure, f"{step.page}: {failure}\n{err}"
    assert not err
    assert out or step.language == "python"
    if step.output:
        assert strip_lines(out) == strip_lines(step.output)


@pytest.mark.parametrize(
    "line",
    ["pip install uv && uv run market-shock run paper", "pip install uv && uv run pytest"],
)
def test_readme_gives_the_two_lines_that_reproduce_and_test(line: str) -> None:
    assert line in read("README.md").splitlines()


def test_readme_is_read_in_five_minutes() -> None:
    assert len(read("README.md").splitlines()) <= 200
    assert len(list_pictures("README.md")) == 1


@pytest.mark.parametrize("page", PAGES[1:])
def test_readme_leads_to_every_other_page(page: str) -> None:
    assert f"]({page})" in read("README.md")


@pytest.mark.parametrize(("page", "link"), list_links())
def test_what_a_page_links_to_exists(page: str, link: str) -> None:
    target = find_target(page, link)
    assert target.exists()
    if "#" in link:
        assert link.partition("#")[2] in list_anchors(target)


def test_every_picture_of_the_gallery_is_shown() -> None:
    shown = {find_target(page, link).resolve() for page in PAGES for link in list_pictures(page)}
    gallery = ROOT / "analysis" / "gallery"
    assert {path for path in shown if path.parent == gallery} == set(gallery.iterdir())


def test_the_page_of_the_wings_names_every_wing_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|", read("abm/README.md"), re.MULTILINE)
    wings = {path.parent.name for path in (ROOT / "abm").glob("*/__init__.py")}
    assert len(rows) == len(set(rows))
    assert set(rows) == wings


def test_no_module_lies_beside_the_wings() -> None:
    assert [path.name for path in (ROOT / "abm").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("page", ["README.md", "scenarios/README.md"])
def test_the_table_of_studies_names_every_scenario_and_no_other(page: str) -> None:
    table = re.search(r"^\| study \|.*\n\|[-|]+\n((?:\|.*\n)+)", read(page), re.MULTILINE)
    assert table
    rows = re.findall(r"^\| \[?`([\w-]+)`", table[1], re.MULTILINE)
    assert sorted(rows) == find_scenarios()


def test_every_file_that_a_page_names_by_its_path_exists() -> None:
    named = {
        (page, name)
        for page in PAGES
        for name in re.findall(r"`(_?[a-z]\w*/[\w/]+\.(?:py|c|md))`", read(page))
    }
    assert named
    assert not [
        (page, name)
        for page, name in named
        if not ((ROOT / name).exists() or (ROOT / page).parent.joinpath(name).exists())
        and name != "scenarios/learning.py"  # which the reader is to write
    ]


def test_the_citation_is_of_this_version_and_of_the_paper_that_readme_cites() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    project = tomllib.loads(read("pyproject.toml"))["project"]
    paper = citation["references"][0]
    readme = read("README.md")
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert f"version = {{{citation['version']}}}" in readme
    assert f"title     = {{{paper['title']}}}" in readme
    assert f"pages     = {{{paper['start']}--{paper['end']}}}" in readme
