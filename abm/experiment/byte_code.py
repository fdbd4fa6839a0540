"""What byte code names: globals, attributes and imports, of a function and of those within it."""

import dis
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType
from typing import NamedTuple

LOADS = {"LOAD_GLOBAL", "LOAD_NAME"}
ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}


class Import(NamedTuple):
    """An import that a function does by itself, with the arguments of `__import__`."""

    name: str
    names: tuple[str, ...] | None
    level: int


def list_globals(code: CodeType) -> list[str]:
    """Return the names that code reads from its module, or from the builtins."""
    return sorted({line.argval for line in _walk_lines(code) if line.opname in LOADS})


def list_attributes(code: CodeType) -> dict[str, set[str]]:
    """Return the names of the attributes that code reads of what a global names, by its name."""
    read: dict[str, set[str]] = {}
    for line, following in pairwise(_walk_lines(code)):
        if line.opname in LOADS and following.opname in ATTRIBUTES:
            read.setdefault(line.argval, set()).add(following.argval)
    return read


def list_imports(code: CodeType) -> list[Import]:
    """Return the imports in code, in their order."""
    lines = list(_walk_lines(code))
    return [
        Import(line.argval, lines[at - 1].argval, lines[at - 2].argval)
        for at, line in enumerate(lines)
        if line.opname == "IMPORT_NAME"
    ]


def walk_code(code: CodeType) -> Iterator[CodeType]:
    """Yield code, and the code within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from walk_code(constant)


def _walk_lines(code: CodeType) -> Iterator[dis.Instruction]:
    for part in walk_code(code):
        yield from (line for line in dis.get_instructions(part) if line.opname != "EXTENDED_ARG")
