"""What byte code names, of a function and of those within it: globals and imports."""

import dis
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

LOADS = {"LOAD_GLOBAL", "LOAD_NAME"}
ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}


class Import(NamedTuple):
    """An import that a function does by itself, with the arguments of `__import__`."""

    name: str
    names: tuple[str, ...] | None
    level: int


class Names(NamedTuple):
    """What code names.

    Parameters
    ----------
    read : dict of str to set of str
        What is read of the module, or of the builtins, with the attributes that are read of it.
    imports : list of Import
    mentioned : set of str
        All names but those of local variables: of what is read, of attributes and of imports.
    """

    read: dict[str, set[str]]
    imports: list[Import]
    mentioned: set[str]


def read_names(code: CodeType) -> Names:
    r"""Return what code names.

    Examples
    --------
    >>> names = read_names(compile("import os\nos.sep", "", "exec"))
    >>> names.read, names.imports, sorted(names.mentioned)
    ({'os': {'sep'}}, [Import(name='os', names=None, level=0)], ['os', 'sep'])
    """
    read: dict[str, set[str]] = {}
    imports = []
    lines = list(_walk_lines(code))
    for at, line in enumerate(lines):
        if line.opname in LOADS:
            read.setdefault(line.argval, set())
        elif line.opname in ATTRIBUTES and lines[at - 1].opname in LOADS:
            read[lines[at - 1].argval].add(line.argval)
        elif line.opname == "IMPORT_NAME":
            imports.append(Import(line.argval, lines[at - 1].argval, lines[at - 2].argval))
    return Names(read, imports, set().union(*(one.co_names for one in _walk_code(code))))


def _walk_code(code: CodeType) -> Iterator[CodeType]:
    """Yield code, and the code within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk_code(constant)


def _walk_lines(code: CodeType) -> Iterator[dis.Instruction]:
    """Yield the instructions of code, and of the code within it."""
    for one in _walk_code(code):
        yield from (line for line in dis.get_instructions(one) if line.opname != "EXTENDED_ARG")
