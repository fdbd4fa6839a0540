"""The examples in docstrings run, and all that a page README.md names has one."""

import ast
import inspect
import re
from collections.abc import Iterator
from doctest import DocTest, DocTestFinder, DocTestRunner
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.files import ROOT

PACKAGES = ("abm", "analysis", "scenarios")
PAGES = ("", "abm", "abm/experiment", "analysis", "scenarios", "tests")
OTHERS = {"compare", "report", "totals"}  # on these pages two commands and a table


def name_module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {  # their sources
    name_module(file): file.read_text()
    for package in PACKAGES
    for file in sorted((ROOT / package).rglob("*.py"))
    if file.name != "__main__.py"
}


def is_example(line: str) -> bool:
    return line.lstrip().startswith(">>> ")


def list_doctests(module: ModuleType) -> Iterator[DocTest]:
    """Yield the examples of a module's text, and of what it defines, decorated or not."""
    yield from DocTestFinder(recurse=False).find(module)
    for name, member in vars(module).items():
        if is_documented(member) and member.__module__ == module.__name__:
            yield from DocTestFinder().find(member, name, module)


def is_documented(member: object) -> bool:
    return inspect.isclass(member) or inspect.isroutine(member)


@cache
def read_page(folder: str) -> str:
    return (ROOT / folder / "README.md").read_text()


@cache
def list_imports() -> dict[str, str]:
    """Return what the blocks of Python on all pages import of this project, by its name there."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for block in list_blocks()
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in PACKAGES
        for alias in node.names
    }


@cache
def list_blocks() -> list[ast.Module]:
    fence = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [ast.parse(block) for folder in PAGES for block in fence.findall(read_page(folder))]


@cache
def list_definitions() -> dict[str, str]:
    """Return where public classes and functions are defined, by their names."""
    return {
        node.name: f"{module}.{node.name}"
        for module, source in MODULES.items()
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }


def list_names() -> list[str]:
    """Return where all stands that pages name: in an import, as module.name, or by itself."""
    used = {
        f"{node.value.id}.{node.attr}"
        for block in list_blocks()
        for node in ast.walk(block)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if isinstance(resolve(list_imports().get(node.value.id, "")), ModuleType)
    }
    named = used | {name for folder in PAGES for name in find_names_in_prose(read_page(folder))}
    return sorted({*list_imports().values(), *filter(None, map(locate, named))})


def find_names_in_prose(page: str) -> Iterator[str]:
    """Yield what stands in backticks as `name`, `name(...)` or `module.name`, and all classes."""
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    codes = [code for code in re.findall(r"`([^`]+)`", prose) if not code.endswith(".py")]
    for code in codes:
        yield from re.findall(r"^[a-z_][\w.]*(?=\(|$)|\b[A-Z]\w*(?:\.\w+)*", code)


def locate(name: str) -> str:
    """Return the whole name of what a page names, or nothing if it is none of this project's."""
    first, *rest = name.split(".")
    if first in PACKAGES:
        return name
    known = list_definitions() | list_imports()
    return ".".join([known[first], *rest]) if first in known and first not in OTHERS else ""


def resolve(name: str) -> object:
    """Return what has this whole name, or raise."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        if module in MODULES:
            found: object = import_module(module)
            return reduce(take, parts[end:], found)
    return None


def take(owner: object, name: str) -> object:
    """Return a member; of a class also the type of a field."""
    if inspect.isclass(owner) and not hasattr(owner, name):
        return inspect.get_annotations(owner)[name]
    return getattr(owner, name)


NAMES = list_names()


@pytest.mark.parametrize(
    "name", [name for name, source in MODULES.items() if any(map(is_example, source.splitlines()))]
)
def test_examples_of_a_module_give_what_they_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner, report = DocTestRunner(verbose=False), list[str]()
    results = [runner.run(test, out=report.append) for test in list_doctests(import_module(name))]
    assert not report, "".join(report)
    written = sum(map(is_example, MODULES[name].splitlines()))
    assert sum(result.attempted for result in results) == written


def test_no_example_is_skipped() -> None:
    assert not [name for name, source in MODULES.items() if "doctest: +SKIP" in source]


def test_names_are_found_in_imports_as_attributes_and_in_prose() -> None:
    assert {
        "abm.Exchange",
        "analysis.metrics.paired_difference",
        "analysis.facets.by_parameter",
        "abm.Quote.uncross",
        "abm.participants.terms.Terms.prior",
        "abm.exchange.matching.allocate",
        "abm.bellman.solve",
    } <= {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_names_exists_and_has_an_example(name: str) -> None:
    member, owner = resolve(name), resolve(name.rpartition(".")[0])
    assert member is not None
    documented = owner if inspect.isclass(owner) else member
    if is_documented(documented):
        text = inspect.getdoc(documented) or ""
        assert "\nExamples\n--------\n" in text
        assert any(map(is_example, text.splitlines()))
